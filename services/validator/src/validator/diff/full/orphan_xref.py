"""A cross-reference stream beside the table that counts: PDFBox writes one behind a hybrid file.

A reader that repairs files may find it and use it, so it must say what the table of its revision says.
"""

from collections.abc import Iterator
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.decode_limits import DecodePurpose
from pyhanko.pdf_utils.reader import HistoricalResolver
from pyhanko.sign.diff_analysis import SuspiciousModification

from validator.pdf.bounds import XrefBudget, numbers
from validator.pdf.entries import raw_entry
from validator.pdf.pyhanko_internals import own_trailer
from validator.pdf.schema import REPEATED_TABLE_KEYS
from validator.policy import Policy


def repeats_the_table(view: HistoricalResolver, reference: generic.Reference, policy: Policy) -> bool:
    """Whether it is a cross-reference stream that says the same as the table of its revision."""
    stream = view(reference)
    if not isinstance(stream, generic.StreamObject) or raw_entry(stream, "/Type") != "/XRef":
        return False
    if not stream.keys() <= REPEATED_TABLE_KEYS:
        return False
    trailer = view.trailer_view
    same = all(raw_entry(stream, key) == raw_entry(trailer, key) for key in ("/Root", "/Info", "/Size"))
    revision = view.reader.xrefs.get_introducing_revision(reference)
    own, data = own_trailer(view.reader, revision), view.reader.xrefs.get_xref_data(revision)
    listed = {number: offset for number, (generation, offset) in data.standard_xrefs.items() if not generation}
    rows = {*listed.items(), (0, 0)}
    return same and set(_rows(stream, policy)) <= rows and raw_entry(own, "/Prev") == raw_entry(stream, "/Prev")


def _rows(stream: Any, policy: Policy) -> Iterator[tuple[int, int]]:
    """Numbers and offsets; offset 0 = not in use, -1 = not a plain object of generation 0."""
    XrefBudget(policy.max_xref_entries, policy.pdf).check_stream(stream)
    widths, index = numbers(stream, "/W"), numbers(stream, "/Index") if "/Index" in stream else None
    index = index or [0, *numbers(stream, "/Size")]
    data, width = stream.read_data(DecodePurpose.XREF_STREAM), sum(widths)
    if len(data) != width * sum(index[1::2]):
        raise SuspiciousModification("rows of a cross-reference stream")
    listed = (first + at for first, count in zip(index[::2], index[1::2], strict=True) for at in range(count))
    for place, number in enumerate(listed):
        row = data[place * width : (place + 1) * width]
        behind = widths[0] + widths[1]
        kind, offset, generation = map(int.from_bytes, (row[: widths[0]], row[widths[0] : behind], row[behind:]))
        yield number, 0 if kind == 0 else offset if (kind, generation) == (1, 0) else -1
