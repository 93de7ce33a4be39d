"""May this package enter? The table of intake's decision."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from common.domain import ids
from common.domain.directory import Unit
from common.domain.envelope import (
    Business,
    DocumentType,
    Envelope,
    Organization,
    Replacement,
    ResponseFor,
    Signer,
    StatusReport,
)
from common.domain.names import PackageKind, StatusCode
from common.domain.outcome import Refused
from common.domain.reason import Reason
from common.domain.security import SecurityKind
from intake.accept import Admitted, Awaits, admit, settle_claim

TODAY = date(2026, 11, 22)
UNIT = Unit(code="000.00.14.H29", name="Sở Thử", valid_from=date(2025, 7, 1))
CLOSED = replace(UNIT, valid_to=date(2026, 3, 31))
OTHER = "000.00.12.H29"
OWN = ids.document_key(UNIT.code, "own")
EARLIER = ids.document_key(UNIT.code, "earlier")
FOREIGN = ids.document_key(OTHER, "theirs")


def document(kind: PackageKind = PackageKind.NEW, document_id: str = "own", **changes: Any) -> Envelope:
    business = changes.pop("business", {})
    return Envelope(
        sender=Organization(code=changes.pop("sender", UNIT.code)),
        receivers=(Organization(code=OTHER),),
        document_id=document_id,
        number="1",
        notation="TB",
        promulgation_date=changes.pop("issued", TODAY),
        type=DocumentType(name="Công văn"),
        subject="V/v thử",
        signer=Signer(full_name="Nguyễn Văn A"),
        business=Business(kind=kind, **business),
        **changes,
    )


def status(code: StatusCode, document_id: str, unit: str = OTHER) -> StatusReport:
    return StatusReport(
        sender=Organization(code=UNIT.code),
        response_for=ResponseFor(unit=unit, document_id=document_id),
        code=code,
        at=datetime(2026, 11, 22, 9, tzinfo=ZoneInfo("Asia/Ho_Chi_Minh")),
    )


def replaced(*old: str) -> dict[str, Any]:
    return {"replacements": tuple(Replacement(document_id=one, units=(OTHER,)) for one in old)}


COMPOSED, DECOMPOSED = "1/QĐ-Thủ Đức", "1/QĐ-Thu\u0309 Đu\u031b\u0301c\u200b"
ACCENTED = ids.document_key(OTHER, COMPOSED)
ADMITTED = [
    ("a new document", document(), [], OWN),
    ("issued tomorrow: clocks differ", document(issued=TODAY + timedelta(days=1)), [], OWN),
    ("a recall by its target", document(PackageKind.RECALL, business={"target": "earlier"}), [EARLIER], EARLIER),
    ("a recall by its own id", document(PackageKind.RECALL, "earlier"), [EARLIER], EARLIER),
    (
        "a recall by the answered document",
        document(PackageKind.RECALL, response_for=(ResponseFor(unit=UNIT.code, document_id="earlier"),)),
        [EARLIER],
        EARLIER,
    ),
    ("an update under a new id", document(PackageKind.UPDATE, business={"target": "earlier"}), [EARLIER], OWN),
    ("an update under the old id", document(PackageKind.UPDATE, "earlier"), [EARLIER], EARLIER),
    ("a replacement", document(PackageKind.REPLACE, business=replaced("earlier")), [EARLIER], OWN),
    ("a receiver's status", status(StatusCode.ARRIVED, "theirs"), [FOREIGN], FOREIGN),
    ("a status that echoes the id decomposed", status(StatusCode.ARRIVED, DECOMPOSED), [ACCENTED], ACCENTED),
    (
        "an update of its own id, decomposed",
        document(PackageKind.UPDATE, COMPOSED, business={"target": DECOMPOSED}),
        [ids.document_key(UNIT.code, COMPOSED)],
        ids.document_key(UNIT.code, COMPOSED),
    ),
    ("the sender asks back", status(StatusCode.TAKE_BACK, "earlier"), [EARLIER], EARLIER),
]


@pytest.mark.parametrize(("case", "message", "known", "subject"), ADMITTED, ids=[row[0] for row in ADMITTED])
def test_admitted(case: str, message: Any, known: list[str], subject: str) -> None:
    assert admit(message, UNIT, TODAY, known) == Admitted(subject)


REFUSED = [
    ("another unit's name", document(sender=OTHER), UNIT, [], Reason.E_FROM),
    ("a closed unit", document(), CLOSED, [], Reason.E_FROM),
    ("issued in two days", document(issued=TODAY + timedelta(days=2)), UNIT, [], Reason.E_DATE),
]


@pytest.mark.parametrize(("case", "message", "unit", "known", "reason"), REFUSED, ids=[row[0] for row in REFUSED])
def test_refused(case: str, message: Any, unit: Unit, known: list[str], reason: Reason) -> None:
    answer = admit(message, unit, TODAY, known)
    assert isinstance(answer, Refused)
    assert answer.reason is reason
    assert answer.detail


NEVER = ids.document_key(UNIT.code, "never")
AWAITED = [
    ("recall of nothing", document(PackageKind.RECALL), [], [OWN], False),
    (
        "recall of another unit's document",
        document(PackageKind.RECALL, response_for=(ResponseFor(unit=OTHER, document_id="theirs"),)),
        [FOREIGN],
        [OWN],
        False,
    ),
    (
        "recall with two candidates",
        document(PackageKind.RECALL, response_for=(ResponseFor(unit=UNIT.code, document_id="never"),)),
        [],
        [OWN, NEVER],
        False,
    ),
    ("update of nothing", document(PackageKind.UPDATE, business={"target": "never"}), [], [NEVER], False),
    (
        "one of two replaced is unknown",
        document(PackageKind.REPLACE, business=replaced("earlier", "never")),
        [EARLIER],
        [NEVER],
        True,
    ),
    (
        "a status about nothing",
        status(StatusCode.DONE, "never"),
        [],
        [ids.document_key(OTHER, "never")],
        False,
    ),
    (
        "asking back what others sent",
        status(StatusCode.TAKE_BACK, "theirs"),
        [FOREIGN],
        [ids.document_key(UNIT.code, "theirs")],
        False,
    ),
]


@pytest.mark.parametrize(("case", "message", "known", "awaited", "needs_all"), AWAITED, ids=[row[0] for row in AWAITED])
def test_what_may_still_come_is_awaited(
    case: str, message: Any, known: list[str], awaited: list[str], needs_all: bool
) -> None:
    answer = admit(message, UNIT, TODAY, known)
    assert isinstance(answer, Awaits)
    assert (list(answer.documents), answer.needs_all) == (awaited, needs_all)
    assert answer.detail


def test_a_document_id_belongs_to_one_package() -> None:
    assert settle_claim("p1", "p1") is None
    refused = settle_claim("p2", "p1")
    assert refused is not None
    assert refused.reason is Reason.E_DUP
    assert "p1" in refused.detail


STRANGER = f"{OTHER},2026/11/22,1/VP"
"""A DocumentId in the form that begins with the unit which issued it."""
UNITS = (UNIT.code, OTHER)
FOREIGN_STATUS = [
    ("a recall of another unit's document", document(PackageKind.RECALL, STRANGER), True),
    ("a recall that names it as target", document(PackageKind.RECALL, business={"target": STRANGER}), True),
    ("an update of it", document(PackageKind.UPDATE, business={"target": STRANGER}), True),
    ("an update under its id", document(PackageKind.UPDATE, STRANGER), True),
    ("a replacement of it", document(PackageKind.REPLACE, business=replaced(STRANGER)), True),
    ("asking back what it sent", status(StatusCode.TAKE_BACK, STRANGER), True),
    ("a recall of nothing of its own", document(PackageKind.RECALL, f"{UNIT.code},2026/11/22,1/VP"), False),
    ("a recall of an id without a unit", document(PackageKind.RECALL, "never"), False),
    ("a recall of a unit that does not exist", document(PackageKind.RECALL, "X.01,2026/11/22,1/VP"), False),
    ("a status about nothing", status(StatusCode.DONE, "never"), False),
]


@pytest.mark.parametrize(("case", "message", "is_attempt"), FOREIGN_STATUS, ids=[row[0] for row in FOREIGN_STATUS])
def test_an_act_upon_another_unit_s_document_is_a_security_event(case: str, message: Any, is_attempt: bool) -> None:
    """Whether or not that document exists: what a unit learns from the answer is the same."""
    for known in ([], [ids.document_key(OTHER, STRANGER)]):
        answer = admit(message, UNIT, TODAY, known, UNITS)
        if is_attempt:
            assert isinstance(answer, Refused)
            assert (answer.reason, answer.security) == (Reason.E_REFDOC, SecurityKind.FOREIGN_STATUS)
        else:
            assert isinstance(answer, Awaits)


@pytest.mark.parametrize(
    ("message", "unit", "security"),
    [
        (document(sender=OTHER), UNIT, SecurityKind.FROM_MISMATCH),
        (document(), CLOSED, SecurityKind.CLOSED_UNIT),
        (document(issued=TODAY + timedelta(days=2)), UNIT, None),
    ],
)
def test_other_refusals_that_are_security_events(message: Any, unit: Unit, security: SecurityKind | None) -> None:
    answer = admit(message, unit, TODAY, [], UNITS)
    assert isinstance(answer, Refused)
    assert answer.security is security
