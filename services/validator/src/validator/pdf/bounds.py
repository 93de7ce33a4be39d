"""Bounds on what a cross-reference table or an object stream announces, checked before it is read.

Numbers cost nothing to write: a stream of no bytes may say that it lists two thousand million objects, and a predictor
of one column makes a row of each byte. And what a table lists must lie inside its own /Size if a later one follows:
beyond it, one reader sees an object and another does not (ISO 32000-1 §7.5.5), until a larger /Size decides.
"""

from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.misc import PdfDecodeLimitError, PdfReadError
from pyhanko.pdf_utils.xref import XRefSection

from validator.pdf.once import check_index
from validator.policy import PdfLimits

SHORTEST_ROW = 18
"""Bytes of a table's row, whatever its line end."""
PNG_PREDICTORS = range(10, 16)
"""They predict a row at a time (ISO 32000-1 table 10)."""


class LookupBudget:
    """How many more references may be followed.

    Thirty objects that name the next one twice make a thousand million ways through a file.
    """

    __slots__ = ("_left",)

    def __init__(self, lookups: int) -> None:
        self._left = lookups

    def spend(self) -> None:
        """Follow one more reference. Raises ``PdfDecodeLimitError`` when the budget is used up."""
        self._left -= 1
        if self._left < 0:
            raise PdfDecodeLimitError("too many ways through the file")


class XrefBudget:
    """How many more cross-reference entries may be read."""

    def __init__(self, entries: int, limits: PdfLimits) -> None:
        """``entries``: of all tables of the file together."""
        self._left = entries
        self._limits = limits

    def check_stream(self, stream: Any) -> None:
        """Spend the entries of a cross-reference stream that is not decoded yet. Raises pyHanko's errors."""
        widths, widest = numbers(stream, "/W"), self._limits.max_xref_column_bytes
        if len(widths) != 3 or not all(0 <= width <= widest for width in widths) or not sum(widths):
            raise PdfReadError("widths of a cross-reference stream")
        index = numbers(stream, "/Index") if "/Index" in stream else [0, *numbers(stream, "/Size")]
        if len(index) % 2 or min(index, default=0) < 0:
            raise PdfReadError("index of a cross-reference stream")
        check_index(index)
        self._spend(sum(index[1::2]))
        if _predicted_row(stream) not in (None, sum(widths)):
            raise PdfReadError("rows of a cross-reference stream")

    def check_table(self, document: bytes, start: int) -> None:
        """Spend the entries of a table that begins at ``start``: its rows end at the word ``trailer`` at the latest."""
        end = document.find(b"trailer", start)
        self._spend(((end if end >= 0 else len(document)) - start) // SHORTEST_ROW)

    def _spend(self, entries: int) -> None:
        self._left -= entries
        if self._left < 0:
            raise PdfDecodeLimitError("too many entries of cross-reference tables")


def check_fits(section: XRefSection) -> None:
    """Raises ``PdfReadError`` if the section lists an object beyond its own /Size."""
    parts = [section] if section.xref_data.hybrid is None else [section, section.xref_data.hybrid]
    size = max(part.meta_info.size for part in parts)
    for part in parts:
        data = part.xref_data
        if max(data.standard_xrefs, default=0) >= size or max(data.xrefs_in_objstm, default=0) >= size:
            raise PdfReadError("an object beyond the size of its table")


def check_predictor(stream: Any, limits: PdfLimits) -> None:
    """Raises ``PdfDecodeLimitError`` for a predictor with too short a row."""
    row = _predicted_row(stream)
    if row is not None and row < limits.min_row_bytes:
        raise PdfDecodeLimitError("rows of an object stream")


def _predicted_row(stream: Any) -> int | None:
    """Bytes of a predictor's row; None = no predictor."""
    parameters = stream["/DecodeParms"] if "/DecodeParms" in stream else None  # noqa: SIM401 - ``get`` does not follow
    for each in parameters if isinstance(parameters, generic.ArrayObject) else [parameters]:
        value = each.get_object() if each is not None else None
        if isinstance(value, generic.DictionaryObject) and "/Predictor" in value:
            if value["/Predictor"] not in PNG_PREDICTORS:
                continue
            columns = value["/Columns"] if "/Columns" in value else 1  # noqa: SIM401
            return int(columns)
    return None


def numbers(stream: Any, key: str) -> list[int]:
    """An entry that is a whole number, or an array of them. Raises ``PdfReadError`` for anything else."""
    entry = stream[key]
    values = list(entry) if isinstance(entry, generic.ArrayObject) else [entry]
    if not all(isinstance(value, generic.NumberObject) for value in values):
        raise PdfReadError(f"{key} of a cross-reference stream")
    return [int(value) for value in values]
