"""A document's timeline, told from what services wrote down."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from rich.console import Console

from common.domain.envelope import DocumentType, Envelope, Organization, Signer
from common.domain.outcome import Refused
from common.domain.reason import Reason
from common.facts import FACT_TYPES
from common.objects import content_ref
from intake.accept import Awaits, Contested
from intake.record import Arrival
from intake.waiting import WaitingPackage, waiting_for_holder, waiting_of
from trunkctl.fact_words import PHRASES, QUIET, fact_words
from trunkctl.paper_trail import trail
from trunkctl.shown import trail_tables
from trunkctl.words import local_time

AT = datetime(2026, 11, 29, 10, 0, tzinfo=UTC)
UNTIL = AT + timedelta(minutes=10)


def entry(fact: str, at: str, **more: object) -> dict[str, object]:
    common = {"fact": fact, "event_id": "e", "occurred_at": at, "sender": "A", "document_id": "D", "kind": "new"}
    return {"body": json.dumps(common | more)}


def test_moments_stand_in_the_order_in_which_they_happened() -> None:
    found = trail(
        "key",
        [
            entry("document.verified", "2026-11-22T10:00:02+00:00", label="ORIGINAL"),
            entry("package.accepted", "2026-11-22T10:00:01+00:00", package={"bucket": "content"}),
            entry("delivery.placed", "2026-11-22T17:00:03+07:00", receiver="B", subject_text="V/v"),
        ],
        [{"receiver": "B", "state": "SENT", "updated_at": datetime(2026, 11, 22, tzinfo=UTC)}],
    )
    assert (found.document_id, found.sender) == ("D", "A")
    assert [(m.fact, m.unit, m.what) for m in found.moments] == [
        ("package.accepted", "A", ""),
        ("document.verified", "A", "label ORIGINAL"),
        ("delivery.placed", "B", ""),
    ]
    assert [(s.receiver, s.state) for s in found.standings] == [("B", "SENT")]


def for_a_document(arrival: Arrival, message: Envelope) -> WaitingPackage:
    return waiting_of(arrival, message, Awaits(("key",), False, "no document 15/VP of A was accepted"), UNTIL)


def for_its_id(arrival: Arrival, message: Envelope) -> WaitingPackage:
    return waiting_for_holder(arrival, message, Contested("p" * 32, Refused(Reason.E_DUP, "gói tin")), AT, UNTIL)


WORDS = {
    for_a_document: "no document 15/VP of A was accepted; if none comes, E_REFDOC",
    for_its_id: f"package {'p' * 32} bears the same DocumentId and may still be refused; if it is not, E_DUP",
}


@pytest.mark.parametrize("made", WORDS)
def test_what_waits_is_told_in_words_with_its_time(made: Any) -> None:
    message = Envelope(
        sender=Organization(code="A"),
        receivers=(Organization(code="B"),),
        document_id="D",
        number="15",
        notation="VP",
        promulgation_date=date(2026, 11, 29),
        type=DocumentType(name="Công văn"),
        subject="V/v",
        signer=Signer(full_name="Nguyễn Văn A"),
    )
    arrival = Arrival(sender="A", package=content_ref("0" * 64, 1), lane=message.other.priority.lane, at=AT)
    row = made(arrival, message)
    found = trail("key", [], [], [{"_id": row.package_id, **row.model_dump(exclude_none=True)}])
    assert found.document_id == "D"
    console = Console(width=250, record=True)
    for table in trail_tables(found):
        console.print(table)
    shown = console.export_text()
    for part in (row.package_id, local_time(AT), local_time(UNTIL), WORDS[made]):
        assert part in shown


def test_each_field_of_a_fact_has_its_phrase_or_is_left_out() -> None:
    fields = {field for fact in FACT_TYPES for field in fact.model_fields}
    assert fields == QUIET | PHRASES.keys()
    assert not QUIET & PHRASES.keys()


TOLD: dict[str, dict[str, Any]] = {
    "reason E_DUP; gói tin": {"reason": "E_DUP", "detail": "gói tin"},
    "told anew": {"detail": "told anew", "receiver": "B", "policy_version": ""},
    "status 03; the state stays as it was": {"code": "03", "changed": False, "description": ""},
    "label ORIGINAL; 2 unsigned annexes": {"label": "ORIGINAL", "unsigned_annexes": 2, "evidence": {}},
    "3 revocation lists and CA certificates used": {"unsigned_annexes": 0, "evidence": {"a": 1, "b": 2, "c": 3}},
    "was refused; reason E_PDF_LIMIT": {"accepted": False, "reason": "E_PDF_LIMIT"},
    f"until {local_time(AT)}": {"deadline": "2026-11-29T17:00:00+07:00", "submitted_at": "2026-11-29T10:00:00Z"},
    "quarantined; holds a package": {"is_quarantined": True, "holds_package": True, "user": None},
    "a new field yes": {"a_new_field": True},
    "places one 1, two no": {"places": {"one": 1, "two": False, "three": None}},
}


@pytest.mark.parametrize("words", TOLD)
def test_what_a_fact_says_is_told_in_words(words: str) -> None:
    assert fact_words(TOLD[words]) == words
