"""(q2) The trailer names the same catalog and nothing new."""

from validator.diff.fast_path.change import RevisionChange
from validator.diff.fast_path.plain_entries import Entries, has_reference
from validator.pdf.inconclusive import Inconclusive
from validator.pdf.schema import UPDATE_TRAILER_KEYS, XREF_STREAM_KEYS
from validator.pdf.values import Ref


def check_trailer(change: RevisionChange) -> None:
    """Sets ``change.root``."""
    history, new = change.history, change.history.trailer(change.new)
    is_table = history.layout.sections[change.new].trailer is not None
    allowed = UPDATE_TRAILER_KEYS if is_table else UPDATE_TRAILER_KEYS | XREF_STREAM_KEYS
    if not new.keys() <= allowed or any(_refers_elsewhere(history.trailer(each)) for each in range(change.new)):
        raise Inconclusive
    identity = new.get("/ID", [])
    if not isinstance(identity, list) or not all(isinstance(part, bytes) for part in identity):
        raise Inconclusive
    change.root = _same_reference(change, "/Root")


def _refers_elsewhere(trailer: Entries) -> bool:
    """Whether an earlier trailer refers to objects from anywhere else than catalog and information."""
    return any(has_reference(value) for key, value in trailer.items() if key not in ("/Root", "/Info"))


def _same_reference(change: RevisionChange, key: str) -> int:
    before, now = change.flat(key, change.old), change.flat(key, change.new)
    if not isinstance(now, Ref) or before != now or now.generation:
        raise Inconclusive
    return now.number
