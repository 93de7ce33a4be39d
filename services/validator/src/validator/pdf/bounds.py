"""What a cross-reference table or an object stream announces, looked at before it is read.

Numbers cost nothing to write: a stream of no bytes may say that it lists two thousand million objects, a predictor of
one column makes a row of each byte. And what a table lists must lie inside of its own /Size if a later one follows:
beyond it, one reader sees an object and another does not (ISO 32000-1 §7.5.5), until a larger /Size decides.
"""

from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.misc import PdfDecodeLimitError, PdfReadError
from pyhanko.pdf_utils.xref import XRefSection

MAX_ENTRIES = 600_000
"""Of all tables of a file together, each update's counted."""
MAX_STEPS = 250_000
"""In one view of a file; the full analysis takes about five an object."""
MAX_WIDTH = 8
"""Bytes of one column of a cross-reference stream."""
MIN_ROW = 18
"""Bytes of a table's row, whatever its line end."""
MIN_COLUMNS = 2
PREDICTORS = range(10, 16)
"""PNG: a row at a time."""


class Steps:
    """How often references are followed. Thirty objects that name the next one twice make a thousand million ways."""

    __slots__ = ("_taken",)

    def __init__(self) -> None:
        self._taken = 0

    def count(self) -> None:
        """One more."""
        self._taken += 1
        if self._taken > MAX_STEPS:
            raise PdfDecodeLimitError("too many ways through the file")


class Bounds:
    """How many entries may still be read."""

    def __init__(self, entries: int) -> None:
        """``entries``: of all tables together."""
        self._left = entries

    def check_stream(self, stream: Any) -> None:
        """A cross-reference stream, not decoded yet. Raises the library's errors."""
        widths = numbers(stream, "/W")
        if len(widths) != 3 or not all(0 <= width <= MAX_WIDTH for width in widths) or not sum(widths):
            raise PdfReadError("widths of a cross-reference stream")
        index = numbers(stream, "/Index") if "/Index" in stream else [0, *numbers(stream, "/Size")]
        if len(index) % 2 or min(index, default=0) < 0:
            raise PdfReadError("index of a cross-reference stream")
        self._take(sum(index[1::2]))
        if _columns(stream) not in (None, sum(widths)):
            raise PdfReadError("rows of a cross-reference stream")

    def check_table(self, document: bytes, start: int) -> None:
        """A table that begins at ``start``: its rows reach to the word ``trailer`` at most."""
        end = document.find(b"trailer", start)
        self._take(((end if end >= 0 else len(document)) - start) // MIN_ROW)

    def _take(self, entries: int) -> None:
        self._left -= entries
        if self._left < 0:
            raise PdfDecodeLimitError("too many entries of cross-reference tables")


def must_fit(section: XRefSection) -> None:
    """No object of the section lies beyond its size."""
    parts = [section] if section.xref_data.hybrid is None else [section, section.xref_data.hybrid]
    size = max(part.meta_info.size for part in parts)
    for part in parts:
        data = part.xref_data
        if max(data.standard_xrefs, default=0) >= size or max(data.xrefs_in_objstm, default=0) >= size:
            raise PdfReadError("an object beyond the size of its table")


def must_not_predict_bytes(stream: Any) -> None:
    """A predictor with a row for each byte or two serves nothing but to keep a reader busy."""
    columns = _columns(stream)
    if columns is not None and columns < MIN_COLUMNS:
        raise PdfDecodeLimitError("rows of an object stream")


def _columns(stream: Any) -> int | None:
    """Bytes of a row; None = no predictor."""
    found = stream["/DecodeParms"] if "/DecodeParms" in stream else None  # noqa: SIM401 - ``get`` does not follow
    for each in found if isinstance(found, generic.ArrayObject) else [found]:
        held = each.get_object() if each is not None else None
        if isinstance(held, generic.DictionaryObject) and "/Predictor" in held and held["/Predictor"] in PREDICTORS:
            columns = held["/Columns"] if "/Columns" in held else 1  # noqa: SIM401
            return int(columns)
    return None


def numbers(stream: Any, key: str) -> list[int]:
    """An entry that is a whole number, or an array of them."""
    found = stream[key]
    values = list(found) if isinstance(found, generic.ArrayObject) else [found]
    if not all(isinstance(value, generic.NumberObject) for value in values):
        raise PdfReadError(f"{key} of a cross-reference stream")
    return [int(value) for value in values]
