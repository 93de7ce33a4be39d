"""A cross-reference stream beside the table that counts: PDFBox writes one behind a hybrid file.

A reader that repairs files may find it and use it, so it must say what the table of its revision says.
"""

from collections.abc import Iterator
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.decode_limits import DecodePurpose

from validator.diff.change import Change
from validator.diff.change_not_allowed import ChangeNotAllowed
from validator.pdf.bounds import XrefBudget, numbers
from validator.pdf.schema import REPEATED_TABLE_KEYS, SAME_IN_REPEATED_TABLE
from validator.policy import Policy


def repeats_the_table(change: Change, number: int) -> bool:
    """Whether the object is a cross-reference stream that says the same as the table of its revision."""
    history = change.history
    reference = history.reference(number, change.new)
    found, stream = history.get(reference, change.new), history.stream(reference, change.new)
    if not isinstance(stream, generic.StreamObject) or not isinstance(found.value, dict):
        return False
    entries = found.value
    if entries.get("/Type") != "/XRef" or not entries.keys() <= REPEATED_TABLE_KEYS:
        return False
    trailer = history.whole_trailer(change.new)
    if any(entries.get(key) != trailer.get(key) for key in SAME_IN_REPEATED_TABLE):
        return False
    data = history.reader.xrefs.get_xref_data(change.new)
    listed = {each: offset for each, (generation, offset) in data.standard_xrefs.items() if not generation}
    rows = {*listed.items(), (0, 0)}
    is_same_chain = history.trailer(change.new).get("/Prev") == entries.get("/Prev")
    return is_same_chain and set(_rows(stream, change.policy)) <= rows


def _rows(stream: Any, policy: Policy) -> Iterator[tuple[int, int]]:
    """Numbers and offsets; offset 0 = not in use, -1 = not a plain object of generation 0."""
    XrefBudget(policy.max_xref_entries, policy.pdf).check_stream(stream)
    widths, index = numbers(stream, "/W"), numbers(stream, "/Index") if "/Index" in stream else None
    index = index or [0, *numbers(stream, "/Size")]
    data, width = stream.read_data(DecodePurpose.XREF_STREAM), sum(widths)
    if len(data) != width * sum(index[1::2]):
        raise ChangeNotAllowed("rows of a cross-reference stream")
    listed = (first + at for first, count in zip(index[::2], index[1::2], strict=True) for at in range(count))
    for place, number in enumerate(listed):
        row = data[place * width : (place + 1) * width]
        behind = widths[0] + widths[1]
        kind, offset, generation = map(int.from_bytes, (row[: widths[0]], row[widths[0] : behind], row[behind:]))
        yield number, 0 if kind == 0 else offset if (kind, generation) == (1, 0) else -1
