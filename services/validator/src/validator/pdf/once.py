"""Every index of a file lists a number once (ISO 32000-1 §7.5.4, §7.5.8).

Where a number stands twice, some readers take the first entry and others the last one. In a hybrid file, old readers
take the table, and new ones the stream beside it. Entries that say the same do no harm.
"""

import io
from collections.abc import Iterable

from pyhanko.pdf_utils.misc import PdfReadError
from pyhanko.pdf_utils.xref import XRefEntry, XRefSection, XRefSectionData, parse_xref_table


def check_table(stream: io.BytesIO, *, strict: bool) -> None:
    """A classic table whose rows begin where ``stream`` stands. Raises ``PdfReadError``."""
    check_entries(parse_xref_table(stream, strict=strict))


def check_entries(entries: Iterable[XRefEntry]) -> None:
    """The entries of one index. Raises ``PdfReadError`` for a number that stands there twice and means two things."""
    known: dict[int, XRefEntry] = {}
    for entry in entries:
        if entry.idnum and known.setdefault(entry.idnum, entry) != entry:
            raise PdfReadError(f"object {entry.idnum} twice in one table")


def check_index(index: list[int]) -> None:
    """/Index of a cross-reference stream: pairs of a first number and a count. Raises ``PdfReadError``."""
    behind = 0
    for first, count in zip(index[::2], index[1::2], strict=True):
        if first < behind:
            raise PdfReadError("index of a cross-reference stream")
        behind = first + count


def check_hybrids(sections: list[XRefSection]) -> None:
    """Both parts of each revision, oldest first, say the same of the numbers in use. Raises ``PdfReadError``.

    Tools that update a hybrid file name its stream again: a stream that an earlier revision had says nothing new.
    """
    seen = set[int]()
    for section in sections:
        hybrid = section.xref_data.hybrid
        if hybrid is not None and hybrid.meta_info.start_location not in seen:
            seen.add(hybrid.meta_info.start_location)
            _check_parts(section.xref_data, hybrid)


def _check_parts(table: XRefSectionData, hybrid: XRefSection) -> None:
    beside, listed = hybrid.xref_data, table.standard_xrefs.keys()
    own = hybrid.meta_info.stream_ref.idnum if hybrid.meta_info.stream_ref else 0
    for number in listed & (beside.standard_xrefs.keys() | beside.xrefs_in_objstm.keys()):
        if table.standard_xrefs[number] != beside.standard_xrefs.get(number):
            raise PdfReadError(f"object {number} twice in a hybrid file")
    if (listed & beside.freed.keys()) - {own}:
        raise PdfReadError("an object in use and free in a hybrid file")
