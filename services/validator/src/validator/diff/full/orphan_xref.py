"""A cross-reference stream beside the table that counts: PDFBox writes one where the file it found was a hybrid one.

A reader that mends files may find it and read by it; so it must say what the table of its revision says.
"""

from collections.abc import Iterator
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.decode_limits import DecodePurpose
from pyhanko.pdf_utils.reader import HistoricalResolver
from pyhanko.sign.diff_analysis import SuspiciousModification

from validator.pdf.bounds import MAX_ENTRIES, Bounds, numbers
from validator.pdf.entries import raw
from validator.pdf.sections import own_trailer

KEYS = frozenset(
    {"/Type", "/Size", "/Index", "/W", "/Root", "/Info", "/ID", "/Prev"} | {"/Length", "/Filter", "/DecodeParms"}
)


def repeats_the_table(view: HistoricalResolver, reference: generic.Reference) -> bool:
    """A cross-reference stream that says nothing else than the table of its revision, and leads to the same objects."""
    found = view(reference)
    if not isinstance(found, generic.StreamObject) or raw(found, "/Type") != "/XRef" or not found.keys() <= KEYS:
        return False
    trailer = view.trailer_view
    same = all(raw(found, key) == raw(trailer, key) for key in ("/Root", "/Info", "/Size"))
    revision = view.reader.xrefs.get_introducing_revision(reference)
    own, data = own_trailer(view.reader, revision), view.reader.xrefs.get_xref_data(revision)
    listed = {number: offset for number, (generation, offset) in data.standard_xrefs.items() if not generation}
    return same and set(_rows(found)) <= {*listed.items(), (0, 0)} and raw(own, "/Prev") == raw(found, "/Prev")


def _rows(stream: Any) -> Iterator[tuple[int, int]]:
    """Numbers and offsets; what is in no use has offset 0. What is no plain object of generation 0 has none."""
    Bounds(MAX_ENTRIES).check_stream(stream)
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
