"""The fast difference check of a whole document: each revision is asked once, whatever the number of signatures."""

from validator.diff.fast_path.catalog import check_harmless
from validator.pdf.history import history_of
from validator.pdf.reader import Reader


class FastPath:
    """What is certainly harmless in one document; everything else is not known."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._known: dict[tuple[int, bool], bool] = {}

    def harmless_since(self, revision: int, last_signed: int) -> bool:
        """Whether all revisions after ``revision`` certainly only signed, or added validation data."""
        later = range(revision + 1, self._reader.total_revisions)
        return all(self._is_harmless(each, each > last_signed) for each in later)

    @property
    def is_conclusive(self) -> bool:
        """Whether every revision that was asked about is harmless, so that the full analysis was not needed."""
        return bool(self._known) and all(self._known.values())

    def _is_harmless(self, revision: int, at_the_end: bool) -> bool:
        key = revision, at_the_end
        if key not in self._known:
            self._known[key] = self._check(revision, at_the_end)
        return self._known[key]

    def _check(self, revision: int, at_the_end: bool) -> bool:
        history = history_of(self._reader)
        if history is None:
            return False
        try:
            check_harmless(history, revision, at_the_end=at_the_end)
        except Exception:
            return False  # whatever it was: the full analysis meets it again and names it
        return True


def fast_path_of(reader: Reader) -> FastPath:
    """The fast path's knowledge of the document behind ``reader``, kept with it."""
    if "fast_path" not in reader.memo:
        reader.memo["fast_path"] = FastPath(reader)
    fast_path: FastPath = reader.memo["fast_path"]
    return fast_path
