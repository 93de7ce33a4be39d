"""(q2) The trailer names the same catalog and nothing new."""

from validator.diff.fast_path.change import Revision
from validator.diff.fast_path.plain_entries import Entries, has_reference
from validator.pdf.inconclusive import Unsure
from validator.pdf.values import Ref

TRAILER_KEYS = frozenset({"/Size", "/Root", "/Info", "/ID", "/Prev"})
STREAM_KEYS = frozenset({"/Type", "/W", "/Index", "/Length", "/Filter", "/DecodeParms"})


def check_trailer(change: Revision) -> None:
    """Sets ``change.root``."""
    history, new = change.history, change.history.trailer(change.new)
    allowed = TRAILER_KEYS if history.layout.sections[change.new].trailer is not None else TRAILER_KEYS | STREAM_KEYS
    if not new.keys() <= allowed or any(_leads_astray(history.trailer(each)) for each in range(change.new)):
        raise Unsure
    identity = new.get("/ID", [])
    if not isinstance(identity, list) or not all(isinstance(part, bytes) for part in identity):
        raise Unsure
    change.root = _same_reference(change, "/Root")


def _leads_astray(trailer: Entries) -> bool:
    """Whether an earlier trailer refers to objects from anywhere else than catalog and information."""
    return any(has_reference(value) for key, value in trailer.items() if key not in ("/Root", "/Info"))


def _same_reference(change: Revision, key: str) -> int:
    before, now = change.flat(key, change.old), change.flat(key, change.new)
    if not isinstance(now, Ref) or before != now or now.generation:
        raise Unsure
    return now.number
