"""The publisher of a fact is checked against the fact before its fields are used."""

import json
from typing import Any

import pytest

from common.failure import Forged, Permanent
from common.service.facts_in import fact_of
from common.service.incoming import Incoming

SENT = {
    "fact": "notification.sent",
    "event_id": "e:1",
    "occurred_at": "2026-11-28T10:00:00+07:00",
    "subject": "0" * 32,
    "lane": "normal",
    "package_id": "0" * 32,
    "sender": "A.01",
    "document_id": "d",
    "kind": "new",
    "unit": "A.01",
    "channel": "email",
    "about_event": "x",
}


def message(body: bytes | None = None, **fields: Any) -> Incoming:
    usual = {"queue": "facts.archive.normal", "exchange": "trunk.facts", "user_id": "notifier"}
    key = {"routing_key": "notification.sent.normal", "body": body or json.dumps(SENT).encode()}
    return Incoming(**{**usual, **key, **fields})  # type: ignore[arg-type]


def test_its_maker_is_believed() -> None:
    assert fact_of(message()).fact == "notification.sent"


@pytest.mark.parametrize(
    "forged",
    [
        message(user_id=None),
        message(user_id="router"),
        message(user_id="A.01"),
        message(user_id="admin"),
        message(b"unreadable", user_id="admin"),
        message(b"unreadable", user_id="router"),
        message(b"unreadable", routing_key="document.verified.normal"),
        message(routing_key="notification.sent.urgent"),
        message(routing_key="a.later.fact.normal"),
        message(json.dumps(SENT | {"subject": "security"}).encode()),
    ],
    ids=str,
)
def test_anybody_else_is_not(forged: Incoming) -> None:
    with pytest.raises(Forged):
        fact_of(forged)


@pytest.mark.parametrize(
    "wrong",
    [
        message(b"unreadable"),
        message(b"unreadable", routing_key="a.later.fact.normal"),
        message(json.dumps(SENT | {"fact": "a.later.fact"}).encode(), routing_key="a.later.fact.normal"),
        message(json.dumps(SENT | {"about_event": "x" * 40_000}).encode()),
        message(json.dumps(SENT | {"subject": "security/99999998"}).encode()),
    ],
    ids=lambda m: m.routing_key,
)
def test_what_is_no_fact_is_parked_with_a_reason(wrong: Incoming) -> None:
    with pytest.raises(Permanent) as parked:
        fact_of(wrong)
    assert not isinstance(parked.value, Forged)
