"""Which units receive: cases of the pure decision."""

from dataclasses import replace
from datetime import date

import pytest

from common.domain.envelope import Business, Envelope, Organization, ReceiverChange, Replacement
from common.domain.ids import document_key
from common.domain.names import PackageKind, StatusCode
from common.domain.outcome import Refused, Undecided
from common.domain.reason import Reason
from common.domain.security import SecurityKind
from router.actions import (
    Action,
    Deliver,
    DeliverCurrentVersion,
    Enclosure,
    ForwardPackage,
    OfferVersion,
    RecordStatus,
    RefuseReceiver,
    Remember,
    Supersede,
    Withdraw,
)
from router.delivery_state import EventKind
from router.route import DocumentState, Known, Plan, plan, units_named
from router.settings import RouterSettings

from .conftest import CLOSED, MERGED, SENDER, UNKNOWN, A, B, C, RememberedObjects, World, directory, memory_store

DAY = date(2026, 11, 22)


@pytest.fixture
def pure() -> World:
    """Only its letters are used."""
    return World(memory_store(), RememberedObjects(), RouterSettings())


def known(pure: World, name: str, *receivers: str, state: DocumentState = DocumentState.DELIVERED) -> dict[str, Known]:
    """One document of SENDER, delivered to some."""
    document = Known(
        key=pure.key(name), sender=SENDER, document_id=pure.id(name), state=state, receivers=frozenset(receivers)
    )
    return {document.key: document}


def turned(code: str, reason: Reason, detail: str) -> RefuseReceiver:
    return RefuseReceiver(receiver=code, reason=reason, detail=detail)


NOT_HERE = turned(UNKNOWN, Reason.E_TO_UNKNOWN, f"đơn vị nhận {UNKNOWN}")
CLOSED_DOWN = turned(CLOSED, Reason.E_TO_CLOSED, f"đơn vị nhận {CLOSED}, đơn vị kế thừa {SENDER}")


def stranger(code: str) -> RefuseReceiver:
    return turned(code, Reason.E_STATUS_FORBIDDEN, f"đơn vị {code} không phải là nơi nhận của văn bản")


def orders(outcome: object) -> tuple[Action, ...]:
    assert isinstance(outcome, Plan)
    return outcome.orders


def test_a_new_document_goes_to_open_units_and_the_others_are_turned(pure: World) -> None:
    letter = pure.letter(to=(A, UNKNOWN, B, CLOSED, A))
    outcome = plan(letter, pure.key("doc"), {}, directory(), DAY)
    assert orders(outcome) == (Deliver(receiver=A), NOT_HERE, Deliver(receiver=B), CLOSED_DOWN)
    assert isinstance(outcome, Plan)
    assert (outcome.subject, outcome.document_id) == (pure.key("doc"), pure.id("doc"))


def test_a_unit_is_open_up_to_its_last_day(pure: World) -> None:
    letter = pure.letter(to=(CLOSED,))
    assert orders(plan(letter, "", {}, directory(), date(2026, 3, 31))) == (Deliver(receiver=CLOSED),)
    assert orders(plan(letter, "", {}, directory(), date(2026, 4, 1))) == (CLOSED_DOWN,)


CANARY = ("CANARY.1", "CANARY.2")


@pytest.mark.parametrize(
    ("sender", "receiver", "is_delivered"),
    [
        (*CANARY, True),
        (*CANARY[::-1], True),
        (CANARY[0], A, False),
        (SENDER, CANARY[1], False),
        (SENDER, A, True),
    ],
)
@pytest.mark.parametrize("kind", [PackageKind.NEW, PackageKind.REPLACE])
def test_the_canary_reaches_the_canary_and_nobody_else_reaches_it(
    pure: World, sender: str, receiver: str, is_delivered: bool, kind: PackageKind
) -> None:
    letter = replace(pure.letter(to=(receiver,)), sender=Organization(code=sender), business=Business(kind=kind))
    refused = turned(receiver, Reason.E_TO_UNKNOWN, f"đơn vị nhận {receiver}")
    expected = Deliver(receiver=receiver) if is_delivered else refused
    assert orders(plan(letter, "", {}, directory(*CANARY), DAY)) == (expected,)


def test_a_unit_that_an_update_adds_is_not_the_canary(pure: World) -> None:
    business = Business(
        kind=PackageKind.UPDATE, target=pure.id("doc"), receiver_changes=(ReceiverChange(unit=CANARY[1], added=True),)
    )
    update = pure.letter(to=(A,), business=business, files=0)
    outcome = orders(plan(update, pure.key("doc"), known(pure, "doc", A), directory(*CANARY), DAY))
    assert turned(CANARY[1], Reason.E_TO_UNKNOWN, f"đơn vị nhận {CANARY[1]}") in outcome
    assert units_named(update, directory(*CANARY), DAY) == {A, CANARY[1]}


def removed_later(unit: str) -> tuple[Action, ...]:
    """An update removes a unit that does not have the document."""
    return Remember(receiver=unit, kind=EventKind.RECALL, enclosure=Enclosure.NOTICE), stranger(unit)


UPDATES: list[tuple[str, tuple[str, ...], tuple[str, ...], tuple[str, ...], int, tuple[Action, ...]]] = [
    ("content to its receivers", (A, B), (), (), 1, (OfferVersion(receiver=A), OfferVersion(receiver=B))),
    ("content to a new one", (A, C), (), (), 1, (OfferVersion(receiver=A), Deliver(receiver=C))),
    ("content, one added", (A,), (C,), (), 1, (OfferVersion(receiver=A), Deliver(receiver=C))),
    (
        "content, one removed though it is addressed",
        (A, B),
        (),
        (B,),
        1,
        (OfferVersion(receiver=A), Withdraw(receiver=B, enclosure=Enclosure.NOTICE)),
    ),
    (
        "receivers only",
        (A, B),
        (C,),
        (B,),
        0,
        (ForwardPackage(receiver=A), DeliverCurrentVersion(receiver=C), Withdraw(receiver=B)),
    ),
    ("receivers only, to a stranger", (C,), (), (), 0, (stranger(C),)),
    ("removing a stranger", (A,), (), (C,), 1, (OfferVersion(receiver=A), *removed_later(C))),
    ("adding and removing the same", (A,), (C,), (C,), 1, (OfferVersion(receiver=A), *removed_later(C))),
    ("adding nobody that exists", (A,), (UNKNOWN,), (), 1, (OfferVersion(receiver=A), NOT_HERE)),
]


@pytest.mark.parametrize(
    ("to", "added", "removed", "files", "expected"), [u[1:] for u in UPDATES], ids=[u[0] for u in UPDATES]
)
def test_an_update(
    pure: World,
    to: tuple[str, ...],
    added: tuple[str, ...],
    removed: tuple[str, ...],
    files: int,
    expected: tuple[Action, ...],
) -> None:
    update = pure.update("doc", to, added, removed, files=files)
    outcome = plan(update, pure.key("update"), known(pure, "doc", A, B), directory(), DAY)
    assert orders(outcome) == expected
    assert isinstance(outcome, Plan)
    assert (outcome.subject, outcome.document_id) == (pure.key("doc"), pure.id("doc"))


def test_a_recall_reaches_those_that_have_the_document(pure: World) -> None:
    recall = pure.recall("doc", to=(A, C, CLOSED))
    outcome = plan(recall, pure.key("doc"), known(pure, "doc", A, B, CLOSED), directory(), DAY)
    nothing = Withdraw(receiver=CLOSED, enclosure=Enclosure.NOTHING)
    later = Remember(receiver=C, kind=EventKind.RECALL, enclosure=Enclosure.PACKAGE)
    assert orders(outcome) == (Withdraw(receiver=A), later, stranger(C), nothing, CLOSED_DOWN)


def test_a_recall_without_target_takes_back_the_document_whose_id_it_bears(pure: World) -> None:
    recall = pure.letter("doc", to=(A,), business=Business(kind=PackageKind.RECALL), files=0)
    outcome = plan(recall, pure.key("doc"), known(pure, "doc", A), directory(), DAY)
    assert orders(outcome) == (Withdraw(receiver=A),)


def test_a_replacement_supersedes_for_the_units_named(pure: World) -> None:
    letter = pure.replacement("doc", units=(B, C))
    outcome = plan(letter, pure.key("replacement"), known(pure, "doc", A, B), directory(), DAY)
    assert orders(outcome) == (
        Deliver(receiver=A),
        Deliver(receiver=B),
        Supersede(receiver=B, replaced=pure.key("doc")),
        Remember(receiver=C, kind=EventKind.REPLACE, document=pure.key("doc")),
    )


def test_a_replacement_that_names_no_unit_supersedes_for_all(pure: World) -> None:
    letter = pure.replacement("doc", units=())
    outcome = plan(letter, pure.key("replacement"), known(pure, "doc", A, C), directory(), DAY)
    assert orders(outcome)[2:] == (
        *(Supersede(receiver=unit, replaced=pure.key("doc")) for unit in sorted((A, C))),
        Remember(receiver="", kind=EventKind.REPLACE, document=pure.key("doc")),
    )


def test_a_replacement_of_a_refused_document_is_a_document(pure: World) -> None:
    letter = pure.replacement("doc")
    refused = known(pure, "doc", state=DocumentState.REFUSED)
    assert orders(plan(letter, "", refused, directory(), DAY)) == (Deliver(receiver=A), Deliver(receiver=B))


@pytest.mark.parametrize("code", [code for code in StatusCode if code is not StatusCode.TAKE_BACK])
def test_a_receiver_reports_to_the_sender(pure: World, code: StatusCode) -> None:
    outcome = plan(pure.status(code), pure.key("doc"), known(pure, "doc", A), directory(), DAY)
    assert orders(outcome) == (RecordStatus(receiver=A, code=code, told=SENDER),)


def test_the_sender_asks_a_receiver(pure: World) -> None:
    outcome = plan(pure.take_back(of=A), pure.key("doc"), known(pure, "doc", A), directory(), DAY)
    assert orders(outcome) == (RecordStatus(receiver=A, code=StatusCode.TAKE_BACK, told=A),)


def test_who_has_no_delivery_has_no_say(pure: World) -> None:
    outcome = plan(pure.status(StatusCode.ACCEPTED, by=C), pure.key("doc"), known(pure, "doc", A), directory(), DAY)
    assert outcome == Refused(Reason.E_STATUS_FORBIDDEN, stranger(C).detail, SecurityKind.FOREIGN_STATUS)


def test_a_request_to_a_unit_that_does_not_have_the_document_is_remembered_and_answered(pure: World) -> None:
    outcome = plan(pure.take_back(of=C), pure.key("doc"), known(pure, "doc", A), directory(), DAY)
    later = Remember(receiver=C, kind=EventKind.TAKE_BACK, enclosure=Enclosure.PACKAGE)
    assert orders(outcome) == (later, stranger(C))


def test_nobody_but_its_sender_takes_a_document_back(pure: World) -> None:
    """13 of another unit is about a document of that unit, which nobody knows."""
    forged = pure.status(StatusCode.TAKE_BACK, by=B, to=A)
    assert isinstance(plan(forged, pure.key("doc"), known(pure, "doc", A, B), directory(), DAY), Undecided)


def every_follower(pure: World) -> list[tuple[Envelope | object, Reason]]:
    return [
        (pure.status(StatusCode.ARRIVED), Reason.E_STATUS_FORBIDDEN),
        (pure.take_back(), Reason.E_STATUS_FORBIDDEN),
        (pure.recall("doc"), Reason.E_REFDOC),
        (pure.update("doc"), Reason.E_REFDOC),
    ]


def test_what_follows_a_refused_document_is_refused(pure: World) -> None:
    for message, reason in every_follower(pure):
        outcome = plan(message, pure.key("doc"), known(pure, "doc", state=DocumentState.REFUSED), directory(), DAY)  # type: ignore[arg-type]
        assert isinstance(outcome, Refused)
        assert outcome.reason is reason


@pytest.mark.parametrize("state", [None, DocumentState.ROUTING])
def test_what_overtook_its_document_waits(pure: World, state: DocumentState | None) -> None:
    documents = known(pure, "doc", A, B, state=state) if state else {}
    for message in [*(message for message, _ in every_follower(pure)), pure.replacement("doc")]:
        outcome = plan(message, pure.key("doc"), documents, directory(), DAY)  # type: ignore[arg-type]
        assert isinstance(outcome, Undecided)
        assert outcome.reason is Reason.E_REFDOC


def test_which_deliveries_matter(pure: World) -> None:
    units = directory()
    assert units_named(pure.status(StatusCode.ARRIVED, by=A), units, DAY) == {A}
    assert units_named(pure.take_back(of=B), units, DAY) == {B}
    assert units_named(pure.update("doc", to=(A,), added=(B,), removed=(C,)), units, DAY) == {A, B, C}
    assert units_named(pure.recall("doc", to=(MERGED,)), units, DAY) == {MERGED, C}
    assert units_named(pure.replacement("doc"), units, DAY) is None


def test_two_replaced_documents_and_a_unit_named_twice(pure: World) -> None:
    old = (Replacement(document_id=pure.id("one"), units=(A, A)), Replacement(document_id=pure.id("two"), units=(A,)))
    letter = pure.letter("new", to=(A,), business=Business(kind=PackageKind.REPLACE, replacements=(*old, old[0])))
    outcome = plan(letter, "", known(pure, "one", A) | known(pure, "two", A, B), directory(), DAY)
    superseded = [Supersede(receiver=A, replaced=pure.key(name)) for name in ("one", "two")]
    assert orders(outcome) == (Deliver(receiver=A), *superseded)


def test_an_update_that_bears_the_id_of_its_document(pure: World) -> None:
    change = ReceiverChange(unit=B, added=False)
    update = pure.letter("doc", to=(A,), business=Business(kind=PackageKind.UPDATE, receiver_changes=(change,)))
    outcome = plan(update, document_key(SENDER, pure.id("doc")), known(pure, "doc", A, B), directory(), DAY)
    assert orders(outcome) == (OfferVersion(receiver=A), Withdraw(receiver=B, enclosure=Enclosure.NOTICE))
