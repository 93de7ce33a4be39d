"""A closed unit's successor receives for it: cases of the pure decision."""

from collections import Counter
from collections.abc import Iterable
from datetime import date
from itertools import combinations, product

import pytest

from common.domain.directory import Directory
from common.domain.names import UnitCode
from common.domain.reason import Reason
from common.facts import DeliveryRefused
from router.actions import (
    Action,
    Deliver,
    DeliverCurrentVersion,
    ForwardPackage,
    OfferVersion,
    RefuseReceiver,
    Supersede,
    Withdraw,
)
from router.route import DocumentState, Known, Plan, plan
from router.settings import RouterSettings
from router.succession import succeeded, successor_of

from .conftest import CLOSED, MERGED, SENDER, A, B, C, RememberedObjects, World, directory, memory_store, unit

DAY = date(2026, 11, 22)
LAST_DAY = date(2026, 3, 31)
TOLD = succeeded(MERGED, C)


@pytest.fixture
def pure() -> World:
    """Only its letters are used."""
    return World(memory_store(), RememberedObjects(), RouterSettings())


def orders(pure: World, message: object, *receivers: UnitCode, **noted: Iterable[UnitCode]) -> tuple[Action, ...]:
    """What is decided about a message when these units have the document. ``noted``: by unit, those that were given it
    in its place."""
    known = Known(
        key=pure.key("doc"),
        sender=SENDER,
        document_id=pure.id("doc"),
        state=DocumentState.DELIVERED,
        receivers=frozenset(receivers),
        in_place_of={closed: frozenset(holders) for closed, holders in noted.items()},
    )
    outcome = plan(message, known.key, {known.key: known}, directory(), DAY)  # type: ignore[arg-type]
    assert isinstance(outcome, Plan)
    return outcome.orders


def test_the_successor_receives_and_the_sender_is_told(pure: World) -> None:
    assert orders(pure, pure.letter(to=(A, MERGED))) == (Deliver(receiver=A), Deliver(receiver=C), TOLD)


@pytest.mark.parametrize("to", [(C, MERGED), (MERGED, C)])
def test_a_successor_that_is_named_itself_receives_once(pure: World, to: tuple[UnitCode, ...]) -> None:
    assert sorted(orders(pure, pure.letter(to=to)), key=str) == sorted((Deliver(receiver=C), TOLD), key=str)


def test_the_sender_does_not_receive_its_own_document(pure: World) -> None:
    (refused,) = orders(pure, pure.letter(to=(CLOSED,)))
    assert isinstance(refused, RefuseReceiver)
    assert refused.reason is Reason.E_TO_CLOSED


def test_up_to_its_last_day_a_unit_receives_itself(pure: World) -> None:
    outcome = plan(pure.letter(to=(MERGED,)), "", {}, directory(), LAST_DAY)
    assert isinstance(outcome, Plan)
    assert outcome.orders == (Deliver(receiver=MERGED),)


def test_an_update_of_the_content_follows_the_document(pure: World) -> None:
    assert orders(pure, pure.update("doc", to=(MERGED,)), C) == (OfferVersion(receiver=C), TOLD)
    assert orders(pure, pure.update("doc", to=(MERGED,)), A) == (Deliver(receiver=C), TOLD)


def test_an_update_that_adds_a_closed_unit_adds_its_successor(pure: World) -> None:
    added = orders(pure, pure.update("doc", to=(A,), added=(MERGED,), files=0), A)
    assert added[1:] == (DeliverCurrentVersion(receiver=C), TOLD)


def test_a_recall_follows_the_document(pure: World) -> None:
    assert orders(pure, pure.recall("doc", to=(MERGED,)), C) == (Withdraw(receiver=C), TOLD)
    _, refused = orders(pure, pure.recall("doc", to=(MERGED,)), B)
    assert isinstance(refused, RefuseReceiver)
    assert refused.reason is Reason.E_STATUS_FORBIDDEN


def test_a_recall_follows_every_document_that_was_given_in_place_of_the_unit(pure: World) -> None:
    succession = succeeded(MERGED, C, A, B)
    withdrawn = (Withdraw(receiver=C), Withdraw(receiver=A), Withdraw(receiver=B), succession)
    assert orders(pure, pure.recall("doc", to=(MERGED,)), A, B, C, **{MERGED: (B, A)}) == withdrawn
    removed = orders(pure, pure.update("doc", to=(A,), removed=(MERGED,), files=0), A, B, C, **{MERGED: (A, B)})
    assert removed == (ForwardPackage(receiver=A), Withdraw(receiver=C), Withdraw(receiver=B), succession)


def test_an_update_for_a_closed_holder_leaves_it_the_document(pure: World) -> None:
    """Its successor gets the update, and the sender is told that, and nothing else about it."""
    actions = orders(pure, pure.update("doc", to=(MERGED,), removed=(CLOSED,)), MERGED, C, **{CLOSED: (MERGED,)})
    assert actions == (OfferVersion(receiver=C), TOLD, succeeded(CLOSED, MERGED))


def test_a_replacement_follows_the_document(pure: World) -> None:
    superseded = Supersede(receiver=C, replaced=pure.key("doc"))
    assert superseded in orders(pure, pure.replacement("doc", units=(MERGED,)), A, C)


CHAINS: list[tuple[str, dict[str, str | None], str | None]] = [
    ("its successor was closed as well", {"one": "two", "two": "open"}, "open"),
    ("nobody goes on", {"one": "two", "two": None}, None),
    ("they name each other", {"one": "two", "two": "one"}, None),
    ("it names itself", {"one": "one"}, None),
    ("its successor is not in the directory", {"one": "gone"}, None),
]


@pytest.mark.parametrize(("closed", "expected"), [chain[1:] for chain in CHAINS], ids=[chain[0] for chain in CHAINS])
def test_a_chain_of_successors(closed: dict[str, str | None], expected: str | None) -> None:
    units = [unit(code, valid_to=LAST_DAY, successor=successor) for code, successor in closed.items()]
    assert successor_of("one", Directory([*units, unit("open")]), DAY) == expected
    assert successor_of("open", Directory([unit("open", successor="one")]), DAY) is None


async def test_what_a_successor_reports_is_about_its_own_delivery(world: World) -> None:
    """Through the handlers, over both stores: the recall names the closed unit, the successor answers it."""
    await world.deliver_and_keep(world.letter(to=(MERGED,)))
    assert [sent.type for sent in world.sender.inbox(C)] == ["document"]
    (refused,) = world.sender.named("delivery.refused")
    assert isinstance(refused, DeliveryRefused)
    assert (refused.receiver, refused.reason) == (MERGED, Reason.E_TO_SUCCEEDED)
    world.sender.forget()
    await world.report(world.recall("doc", to=(MERGED,)))
    assert [sent.type for sent in world.sender.inbox(C)] == ["document"]
    assert (await world.position("doc", C)).state == "RECALL_PENDING"


KEEPS: list[tuple[str, tuple[str, ...], tuple[str, ...], tuple[str, ...], int, tuple[Action, ...]]] = [
    ("content to the successor", (C,), (), (MERGED,), 1, (OfferVersion(receiver=C), TOLD)),
    ("a notice to the successor", (C,), (), (MERGED,), 0, (ForwardPackage(receiver=C), TOLD)),
    ("the successor is added", (), (C,), (MERGED,), 0, (DeliverCurrentVersion(receiver=C), TOLD)),
    ("both are removed", (A,), (), (MERGED, C), 0, (ForwardPackage(receiver=A), Withdraw(receiver=C), TOLD)),
    ("the closed unit is added to its successor", (C,), (MERGED,), (), 0, (ForwardPackage(receiver=C), TOLD)),
]


@pytest.mark.parametrize(
    ("to", "added", "removed", "files", "expected"), [each[1:] for each in KEEPS], ids=[each[0] for each in KEEPS]
)
def test_an_update_of_a_closed_unit_and_its_successor(
    pure: World,
    to: tuple[str, ...],
    added: tuple[str, ...],
    removed: tuple[str, ...],
    files: int,
    expected: tuple[Action, ...],
) -> None:
    """A unit that the update is for keeps the document, though a closed unit whose successor it is was removed."""
    assert orders(pure, pure.update("doc", to, added, removed, files=files), A, C) == expected


def test_every_update_acts_once_on_a_delivery(pure: World) -> None:
    """``Plan`` refuses two actions on one delivery: all updates that address, add and remove some of three units."""
    units = (A, MERGED, C)
    some = [chosen for size in range(4) for chosen in combinations(units, size)]
    noted: list[dict[str, tuple[UnitCode, ...]]] = [{}, {MERGED: (A, C)}, {A: (MERGED, C)}]
    for to, added, removed, files, holders, in_place_of in product(some, some, some, (0, 1), some, noted):
        actions = orders(pure, pure.update("doc", to, added, removed, files=files), *holders, **in_place_of)
        refused = Counter(action.receiver for action in actions if isinstance(action, RefuseReceiver))
        assert not refused or max(refused.values()) == 1, (to, added, removed, files, holders, in_place_of)
        for action in actions:
            is_lost = (
                isinstance(action, Withdraw) and action.receiver in (*to, *added) and action.receiver not in removed
            )
            assert not is_lost, (to, added, removed, files, holders)


def test_two_actions_on_one_delivery_are_no_plan() -> None:
    with pytest.raises(ValueError, match="two actions"):
        Plan(subject="doc", document_id="doc", orders=(OfferVersion(receiver=C), Withdraw(receiver=C)))


async def test_the_kept_unit_gets_the_content_and_no_recall(world: World) -> None:
    await world.deliver_and_keep(world.letter(to=(MERGED, C)))
    world.sender.forget()
    await world.deliver_and_keep(world.update("doc", to=(C,), removed=(MERGED,)))
    assert [sent.type for sent in world.sender.inbox(C)] == ["document"]
    assert not world.sender.named("document.recalled")


@pytest.mark.parametrize("how", ["is open again", "has another successor", "its successor is closed too"])
@pytest.mark.parametrize("kind", ["recall", "update", "replacement"])
async def test_who_received_in_its_place_loses_the_document(world: World, how: str, kind: str) -> None:
    """The directory has changed since the letter was delivered to C in place of MERGED."""
    await world.deliver(world.letter(to=(MERGED, A)))
    later = {
        "is open again": {MERGED: unit(MERGED)},
        "has another successor": {MERGED: unit(MERGED, valid_to=LAST_DAY, successor=B)},
        "its successor is closed too": {C: unit(C, valid_to=LAST_DAY, successor=B)},
    }[how]
    world.directory.current = Directory((world.directory.current.units | later).values())
    match kind:
        case "recall":
            await world.report(world.recall("doc", to=(MERGED,)))
        case "update":
            await world.report(world.update("doc", to=(A,), removed=(MERGED,), files=0))
        case _:
            await world.deliver(world.replacement("doc", units=(MERGED,)))
    expected = "SUPERSEDED" if kind == "replacement" else "RECALL_PENDING"
    assert (await world.position("doc", C)).state == expected


@pytest.mark.parametrize("how", ["is open again", "is closed still"])
@pytest.mark.parametrize("kind", ["recall", "update", "replacement"])
async def test_all_who_received_in_its_place_lose_the_document(world: World, how: str, kind: str) -> None:
    """The letter went to C in place of MERGED, and when C was closed as well, an update of it went to B."""
    await world.deliver(world.letter(to=(MERGED, A)))
    units = world.directory.current.units | {C: unit(C, valid_to=LAST_DAY, successor=B)}
    world.directory.current = Directory(units.values())
    await world.deliver(world.update("doc", to=(MERGED,)))
    if how == "is open again":
        world.directory.current = Directory((units | {MERGED: unit(MERGED)}).values())
    match kind:
        case "recall":
            await world.report(world.recall("doc", to=(MERGED,)))
        case "update":
            await world.report(world.update("doc", to=(A,), removed=(MERGED,), files=0, name="removal"))
        case _:
            await world.deliver(world.replacement("doc", units=(MERGED,)))
    expected = "SUPERSEDED" if kind == "replacement" else "RECALL_PENDING"
    assert [(await world.position("doc", holder)).state for holder in (B, C)] == [expected, expected]
    assert (await world.position("doc", A)).state == "SENT"
    details = [fact.detail for fact in world.sender.named("delivery.refused") if fact.receiver == MERGED]
    assert kind == "replacement" or (len(details) == 1 and B in details[0] and C in details[0]), (
        "the sender is told once"
    )


async def test_a_recall_of_another_unit_leaves_it_alone(world: World) -> None:
    await world.deliver(world.letter(to=(MERGED, A)))
    await world.report(world.recall("doc", to=(A,)))
    assert (await world.position("doc", C)).state == "SENT"
