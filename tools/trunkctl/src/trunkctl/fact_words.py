"""What a fact of the ledger says, in words: a table of its fields. Pure."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from trunkctl.words import local_time, words

Phrase = Callable[[Any], str]

QUIET = frozenset(
    {
        *("fact", "event_id", "occurred_at", "subject", "package_id", "sender", "document_id", "kind", "lane"),
        *("package", "envelope", "report", "submitted_at", "place", "subject_text", "retain_until", "record_id"),
        *("receiver", "unit", "claims_document_id", "target_packages"),
    }
)
"""Fields of facts that every line has in a column of its own, or that say nothing to people."""


def _as_it_is(value: Any) -> str:
    return words(value)


def _after(name: str) -> Phrase:
    """The value behind a name; nothing where there is none."""
    return lambda value: f"{name} {shown}" if (shown := words(value)) else ""


def _if(*, yes: str = "", no: str = "") -> Phrase:
    return lambda value: yes if value else no


def _counted(what: str, *, from_count: int = 1) -> Phrase:
    return lambda count: f"{count} {what}" if count >= from_count else ""


def _evidence(files: Mapping[str, int]) -> str:
    return _counted("revocation lists and CA certificates used")(len(files))


def _until(time: str) -> str:
    return f"until {local_time(datetime.fromisoformat(time))}"


PHRASES: dict[str, Phrase] = {
    "accepted": _if(yes="was accepted", no="was refused"),
    "label": _after("label"),
    "reason": _after("reason"),
    "code": _after("status"),
    "state": _after("state"),
    "changed": _if(no="the state stays as it was"),
    "told": _after("forwarded to"),
    "description": _as_it_is,
    "detail": _as_it_is,
    "deadline": _until,
    "unsigned_annexes": _counted("unsigned annexes"),
    "evidence": _evidence,
    "policy_version": _after("policy"),
    "target_package": _after("about package"),
    "successor": _after("replaced by document"),
    "channel": _after("by"),
    "about_event": _after("about event"),
    "receivers": _counted("receivers", from_count=0),
    "action": _after("action"),
    "actor": _after("by"),
    "purpose": _after("because:"),
    "outcome": _after("outcome"),
    "service": _after("service"),
    "target": _after("asks"),
    "queue": _after("queue"),
    "user": _after("published by"),
    "origin": _after("from"),
    "count": _counted("times", from_count=2),
    "is_quarantined": _if(yes="quarantined"),
    "holds_package": _if(yes="holds a package"),
    "message_event_id": _after("message"),
}
"""How each other field is told; ``tests/trunkctl/test_paper_trail.py`` holds this against the classes of facts."""


def fact_words(fact: Mapping[str, Any]) -> str:
    """The fields of a fact as the ledger has it, in their order. A field of a newer release stands with its name."""
    phrases = (_phrase(name)(value) for name, value in fact.items() if name not in QUIET)
    return "; ".join(filter(None, phrases))


def _phrase(name: str) -> Phrase:
    return PHRASES.get(name) or _after(name.replace("_", " "))
