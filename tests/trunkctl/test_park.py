"""Parked messages as an operator sees them: by cause and page by page, over all services, bodies only on demand."""

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pymongo
import pytest
from pydantic import SecretStr

from common.domain.reason import Reason
from common.service.records import About, MessageRecord, RecordState, StoredMessage
from trunkctl.park.decide import Decision, request_of
from trunkctl.park.held import HeldMessages, Selection
from trunkctl.settings import ControlSettings

AT = datetime(2026, 11, 22, tzinfo=UTC)
BODY = b"secret bytes"


def record(number: int, service: str, reason: Reason, state: RecordState = RecordState.PARKED) -> MessageRecord:
    return MessageRecord(
        record_id=f"{number:032x}",
        revision=3,
        state=state,
        queue=f"facts.{service}.normal",
        user_id="intake",
        reason=reason,
        first_failed_at=AT,
        last_failed_at=AT,
        parked_at=AT.replace(minute=number % 60),
        message=StoredMessage(size_bytes=len(BODY), sha256="0" * 64, body=BODY),
        about=About(package_id=f"p{number}", document_id=f"d{number % 7}"),
    )


@pytest.fixture(scope="module")
def messages(stack: SimpleNamespace) -> Iterator[HeldMessages]:
    """120 at the validator for one reason, 5 at the router for another, one in quarantine, one discarded."""
    prefix = f"park_test_{secrets.token_hex(3)}_"
    held = HeldMessages(ControlSettings(mongo_uri=SecretStr(stack.mongo_uri)), database_prefix=prefix)
    client: Any = pymongo.MongoClient(stack.mongo_uri)
    rows = {
        "validator": [record(n, "validator", Reason.E_OBJECT) for n in range(120)],
        "router": [
            *(record(n, "router", Reason.E_FACT) for n in range(5)),
            record(6, "router", Reason.E_FORGED, RecordState.QUARANTINED),
            record(7, "router", Reason.E_FACT, RecordState.DISCARDED),
        ],
    }
    for service, records in rows.items():
        documents = [each.model_dump(mode="python") | {"_id": each.record_id} for each in records]
        client[f"{prefix}{service}"]["message_records"].insert_many(documents)
    yield held
    for service in rows:
        client.drop_database(f"{prefix}{service}")


def test_by_cause_the_largest_first(messages: HeldMessages) -> None:
    groups = [(g.service, g.source, g.reason, g.state, g.count) for g in messages.groups(Selection())]
    assert groups == [
        ("validator", "facts", "E_OBJECT", "parked", 120),
        ("router", "facts", "E_FACT", "parked", 5),
        ("router", "facts", "E_FORGED", "quarantined", 1),
    ]
    assert messages.count() == 126
    assert messages.groups(Selection())[0].oldest == AT


def test_pages_follow_each_other_without_gap_or_repeat_and_without_bodies(messages: HeldMessages) -> None:
    seen, after = [], ""
    while page := messages.page(Selection(), after, size=50):
        seen += [f"{held.service}/{held.record.record_id}" for held in page]
        assert all(held.record.message and held.record.message.body is None for held in page)
        after = seen[-1]
    assert len(seen) == len(set(seen)) == 126
    assert sorted(seen) == seen
    assert [f"{held.service}/{held.record.record_id}" for held in messages.each(Selection())] == seen


@pytest.mark.parametrize(
    ("selection", "count"),
    [
        (Selection(service="router"), 6),
        (Selection(reason="E_FACT"), 5),
        (Selection(states=(RecordState.QUARANTINED,)), 1),
        (Selection(states=(RecordState.DISCARDED,)), 1),
        (Selection(identifiers=("p3",)), 2),
        (Selection(identifiers=("d3",)), 18),
        (Selection(identifiers=("p3", f"{6:032x}"), service="router"), 2),
        (Selection(identifiers=("no such",)), 0),
        (Selection(service="archive"), 0),
    ],
    ids=str,
)
def test_selections(messages: HeldMessages, selection: Selection, count: int) -> None:
    assert len(list(messages.each(selection))) == count


def test_a_body_is_there_on_demand(messages: HeldMessages) -> None:
    found = messages.find("validator", f"{5:032x}")
    assert found is not None
    assert found.message is not None
    assert found.message.body == BODY
    assert messages.find("validator", "no such") is None


def test_deciding_the_same_twice_is_one_request(messages: HeldMessages) -> None:
    (held,) = messages.each(Selection(identifiers=("p3",), service="router"))
    replay, discard = Decision("replay", "Lan", "x"), Decision("discard", "Lan", "x")
    first, second = request_of(held, replay, AT), request_of(held, replay, datetime.now(UTC))
    assert first.event_id == second.event_id != request_of(held, discard, AT).event_id
    assert (first.target, first.record_id, first.actor) == ("router", held.record.record_id, "Lan")
