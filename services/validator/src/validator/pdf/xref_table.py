"""Classic cross-reference tables, read a subsection at a time (ISO 32000-1 §7.5.4)."""

import re

from pyhanko.pdf_utils.xref import XRefSectionData

from validator.patterns import compiled
from validator.pdf.inconclusive import Inconclusive
from validator.pdf.values import SPACE

SUBSECTION = re.compile(SPACE + rb"*+([0-9]{1,8}) ([0-9]{1,7})(?: ?\r?\n)")
ROWS = compiled(rb"(?:[0-9]{10} [0-9]{5} [nf](?: [\r\n]|\r\n))*+")
TRAILER = re.compile(SPACE + rb"*+trailer" + SPACE + rb"*+(?=<<)")
ROW = 20
"""Bytes of one row."""
IN_USE = ord("n")
MAX_GENERATION = 0xFFFF


def read_table(document: bytes, start: int) -> tuple[XRefSectionData, int, int]:
    """Entries, highest number, and the offset of the trailer's dictionary. Raises ``Inconclusive``.

    ``start``: behind the word ``xref``.
    """
    data, highest, at, listed = XRefSectionData(), 0, start, 0
    while subsection := SUBSECTION.match(document, at):
        first, count = int(subsection[1]), int(subsection[2])
        rows = document[subsection.end() : subsection.end() + ROW * count]
        if len(rows) != ROW * count or not ROWS.fullmatch(rows):
            raise Inconclusive
        if count:
            _add_rows(data, first, rows)
            listed += count - (first == 0)
            highest = max(highest, first + count - 1)
        at = subsection.end() + ROW * count
    trailer = TRAILER.match(document, at)
    if trailer is None or at == start:
        raise Inconclusive
    if listed != len(data.standard_xrefs.keys() | data.freed.keys()):
        raise Inconclusive  # a number twice
    return data, highest, trailer.end()


def _add_rows(data: XRefSectionData, first: int, rows: bytes) -> None:
    """One subsection, as ``XRefSectionData.process_entries`` would add it."""
    for number, at in enumerate(range(0, len(rows), ROW), first):
        if number == 0:
            continue
        generation = int(rows[at + 11 : at + 16])
        if generation > MAX_GENERATION:
            raise Inconclusive
        if rows[at + 17] == IN_USE:
            data.standard_xrefs[number] = (generation, int(rows[at : at + 10]))
            data.explicit_refs_in_revision.add((number, generation))
        else:
            data.freed[number] = generation
            data.explicit_refs_in_revision.add((number, generation - 1))
