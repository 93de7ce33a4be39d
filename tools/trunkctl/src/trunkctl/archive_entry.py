"""Does a record say what the ledger's entry says that it was made of? A decision, without any store.

``archive_check.py`` compares a record with its objects. Whoever has the keys of the archive can put other objects,
another ``record.json`` and another row, which agree with each other. The entry is in the log, and cannot follow.
"""

import json
from datetime import datetime
from typing import Any

from archive.kept import EVIDENCE, EnclosedPart, KeptObject
from archive.record import Record
from common.ledger import stamp
from trunkctl.archive_missing import KEPT_FACTS

SAME = (
    *("document_id", "kind", "label", "lane", "package_id", "policy_version", "reason", "sender"),
    *("submitted_at", "unsigned_annexes"),
)
"""Fields of the fact that the record repeats; what the fact does not say is not compared."""
CARRIED = ("package", "envelope", "report")
"""Fields of the fact that name bytes, and roles of what the record keeps of them."""
MUST_HOLD = {"document.verified": CARRIED, "notice.accepted": ("package", "envelope")}
"""Without which nothing is proved, by verdict."""


def difference(record: Record, body: str) -> str:
    """What the record says otherwise than the body of its entry, such as ``label``; empty = nothing."""
    try:
        entry_body = json.loads(body)
        return _field(record, entry_body) or _bytes(record, entry_body)
    except (ValueError, TypeError, AttributeError, LookupError):
        return "entry"


def _field(record: Record, entry_body: dict[str, Any]) -> str:
    if entry_body["fact"] != record.verdict or record.verdict not in KEPT_FACTS:
        return "verdict"
    said = record.model_dump() | {"package_id": record.record_id, "submitted_at": stamp(record.submitted_at)}
    if "submitted_at" in entry_body:
        entry_body = entry_body | {"submitted_at": stamp(datetime.fromisoformat(entry_body["submitted_at"]))}
    return next((name for name in SAME if name in entry_body and entry_body[name] != said[name]), "")


def _bytes(record: Record, entry_body: dict[str, Any]) -> str:
    held: list[KeptObject | EnclosedPart] = [*record.objects, *record.enclosed]
    named = {(role, entry_body[role]["sha256"]) for role in CARRIED if role in entry_body}
    named |= {(EVIDENCE, sha256) for sha256 in entry_body.get("evidence", ())}
    other = (each.role for each in held if each.role in (*CARRIED, EVIDENCE) and (each.role, each.sha256) not in named)
    missing = (role for role in MUST_HOLD.get(record.verdict, ()) if role not in {each.role for each in held})
    return next(other, "") or next(missing, "")
