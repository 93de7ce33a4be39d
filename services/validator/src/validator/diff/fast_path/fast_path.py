"""The quick check asked about a whole document: once a revision, whatever the number of signatures."""

from pyhanko.pdf_utils.reader import PdfFileReader

from validator.diff.fast_path.catalog import check_harmless
from validator.pdf.history import History
from validator.pdf.reader import Reader


class Settled:
    """What is surely harmless in one document; everything else is not sure."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._history: History | None = None
        self._known: dict[tuple[int, bool], bool] = {}
        try:
            self._history = History(reader)
        except Exception:
            self._history = None  # whatever it was, the full analysis meets it again and gives it its name

    def reads_alone(self, revision: int, end: int) -> bool:
        """Surely: what was signed reads the same from the signed bytes alone."""
        try:
            return self._history is not None and self._history.reads_alone(revision, end)
        except Exception:
            return False

    def harmless_since(self, revision: int, last_signed: int) -> bool:
        """Surely: all revisions after ``revision`` only signed, or added validation data."""
        later = range(revision + 1, self._reader.total_revisions)
        return all(self._is_harmless(each, each > last_signed) for each in later)

    def _is_harmless(self, revision: int, at_the_end: bool) -> bool:
        key = revision, at_the_end
        if key not in self._known:
            self._known[key] = self._ask(revision, at_the_end)
        return self._known[key]

    def _ask(self, revision: int, at_the_end: bool) -> bool:
        if self._history is None:
            return False
        try:
            check_harmless(self._history, revision, at_the_end=at_the_end)
        except Exception:
            return False
        return True


def settled(reader: PdfFileReader) -> Settled | None:
    """The quick check's knowledge of the document behind ``reader``; None = nothing is sure."""
    if not isinstance(reader, Reader):
        return None
    if reader.settled is None:
        reader.settled = Settled(reader)
    known: Settled = reader.settled
    return known
