"""Facts that are published again after a loss: the router answers with what it saved, and reports the progress."""

from dataclasses import replace
from typing import Any

import pytest

from common.domain.names import PackageKind, StatusCode
from common.domain.reason import Reason
from common.facts import BaseFact, PackageAccepted, PackageRefused
from router.compose import Answer
from router.placing import OTHER_RUN_LASTS, PlacingState

from .conftest import SENDER, A, B, C, World

REPORTS = ("package.routed", "delivery.waiting")


def bodies(facts: list[BaseFact]) -> list[str]:
    return [fact.model_dump_json() for fact in facts]


def reports(world: World) -> list[str]:
    """What the router said about whole packages."""
    return [fact.fact for fact in world.sender.facts if fact.fact in REPORTS]


async def test_a_document_is_routed_once_every_receiver_has_it(world: World) -> None:
    world.sender.full.add(B)
    fact = await world.verified(world.letter(to=(A, B)))
    await world.take(fact)
    assert reports(world) == []
    world.sender.full.clear()
    await world.sweep(minutes=10)
    (routed,) = world.sender.named("package.routed")
    assert (routed.package_id, routed.receivers) == (fact.package_id, 2)  # type: ignore[attr-defined]


async def test_a_repeated_fact_is_answered_with_the_same_facts_and_nothing_is_placed_twice(world: World) -> None:
    fact = await world.verified(world.letter(to=(A, B)))
    await world.take(fact)
    inboxes, bodies_before = list(world.sender.sent), set(bodies(world.sender.facts))
    for _ in range(3):
        world.sender.facts.clear()
        world.clock.move(hours=1)
        await world.take(fact, by=world.restarted())
        assert set(bodies(world.sender.facts)) == bodies_before
    assert world.sender.sent == inboxes
    assert world.sender.attempts == len(inboxes)


async def test_of_what_is_placed_no_order_is_given_again(world: World) -> None:
    units = [A, B, C]
    world.sender.full.add(C)
    fact = await world.verified(world.letter(to=units))
    await world.take(fact)
    await world.router.route(fact)
    assert [order.body.count(b"placed/" + C.encode()) for order in world.sender.orders] == [1]


async def test_what_waits_for_room_is_reported_as_waiting(world: World) -> None:
    world.sender.full.add(B)
    fact = await world.verified(world.letter(to=(A, B)))
    await world.take(fact)
    for _ in range(2):
        await world.take(fact)
    assert reports(world) == ["delivery.waiting"] * 2
    assert len(set(bodies(world.sender.named("delivery.waiting")))) == 1
    world.sender.full.clear()
    await world.sweep(minutes=30)
    world.sender.facts.clear()
    await world.take(fact)
    assert set(reports(world)) == {"package.routed"}


@pytest.mark.parametrize("answer", [StatusCode.AGREED, StatusCode.DECLINED])
async def test_what_a_recall_holds_is_waiting_until_it_is_answered(world: World, answer: StatusCode) -> None:
    await world.deliver(world.letter())
    await world.report(world.recall("doc", to=(A,)))
    fact = await world.deliver_and_keep(world.update("doc"))
    world.sender.forget()
    await world.take(fact)
    assert reports(world) == ["delivery.waiting"]
    await world.report(world.status(answer))
    assert [each.package_id for each in world.sender.named("package.routed")].count(fact.package_id) == 1  # type: ignore[attr-defined]
    delivered = [sent for sent in world.sender.inbox(A) if sent.headers["x-package-id"] == fact.package_id]
    world.sender.facts.clear()
    await world.take(fact)
    assert set(reports(world)) == {"package.routed"}
    again = [sent for sent in world.sender.inbox(A) if sent.headers["x-package-id"] == fact.package_id]
    assert again == delivered, "what was withdrawn stays withdrawn"


async def test_a_lost_order_to_place_is_given_again(world: World) -> None:
    fact = await world.verified(world.letter(to=(A,)))
    await world.router.route(fact)
    world.sender.orders.clear()
    await world.take(fact)
    await world.sweep(seconds=OTHER_RUN_LASTS.total_seconds())
    assert len(world.sender.inbox(A, "document")) == 1
    assert "package.routed" in reports(world)


async def test_a_receipt_whose_fact_was_lost_is_given_with_the_verdict(world: World) -> None:
    valid = await world.verified(world.letter())
    accepted = PackageAccepted.model_validate(valid.model_dump(exclude={"fact"}) | {"event_id": "intake"})
    await world.take(valid)
    await world.take(accepted)
    await world.take(valid)
    assert len(world.sender.inbox(SENDER, "receipt")) == 1
    refused = await world.invalid(world.letter("other"), Reason.E_SIG_REVOKED)
    await world.take(refused)
    assert len(world.sender.inbox(SENDER, "receipt")) == 2


async def test_a_receipt_whose_order_was_lost_is_ordered_with_the_verdict_and_not_saved_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    valid = await world.verified(world.letter())
    await world.router.acknowledge(
        PackageAccepted.model_validate(valid.model_dump(exclude={"fact"}) | {"event_id": "intake"})
    )
    world.sender.orders.clear()

    async def save(answer: Answer) -> Answer:
        raise AssertionError(f"{answer.id} is saved already")

    monkeypatch.setattr(world.store.answers, "save", save)
    await world.take(valid)
    await world.sweep(seconds=OTHER_RUN_LASTS.total_seconds())
    assert len(world.sender.inbox(SENDER, "receipt")) == 1


async def test_a_refusal_is_routed_when_its_sender_is_answered(world: World) -> None:
    fact = await world.invalid(world.letter(), Reason.E_SIG_REVOKED)
    for _ in range(2):
        await world.take(fact)
    assert [routed.receivers for routed in world.sender.named("package.routed")] == [0, 0]  # type: ignore[attr-defined]
    assert len(set(bodies(world.sender.named("package.routed")))) == 1
    assert len(world.sender.inbox(SENDER, "refusal")) == 1


async def test_what_intake_refused_is_routed_when_its_sender_is_answered(world: World) -> None:
    about = (await world.invalid(world.letter(), Reason.E_DATE)).model_dump(exclude={"fact"})
    fact = PackageRefused.model_validate(about)
    await world.take(fact)
    await world.take(fact)
    assert len(world.sender.inbox(SENDER, "refusal")) == 1
    assert [routed.receivers for routed in world.sender.named("package.routed")] == [0, 0]  # type: ignore[attr-defined]


@pytest.mark.parametrize("of_earlier_release", [False, True])
async def test_notices_and_their_repetitions(world: World, of_earlier_release: bool) -> None:
    await world.deliver(world.letter())
    fact = await world.report(world.status(StatusCode.ACCEPTED))
    if of_earlier_release:
        await forget_the_sender(world, fact)
    sent, routed_bodies = list(world.sender.sent), bodies(world.sender.named("package.routed"))
    world.sender.facts.clear()
    await world.take(fact)
    assert world.sender.sent == sent
    assert bodies(world.sender.named("package.routed")) == routed_bodies[-1:]


async def forget_the_sender(world: World, fact: Any) -> None:
    """Leave the decision as an earlier release saved it."""
    if isinstance(rows := getattr(world.store.decisions, "rows", None), dict):
        rows[fact.event_id] = replace(rows[fact.event_id], sender="", kind=None)
        return
    change = {"$unset": {"sender": "", "kind": ""}}
    await world.store.decisions._decisions.update_one({"_id": fact.event_id}, change)  # type: ignore[attr-defined]


async def test_a_withdrawn_placing_is_never_tried_by_a_repetition(world: World) -> None:
    await world.deliver(world.letter())
    await world.report(world.recall("doc", to=(A,)))
    fact = await world.deliver_and_keep(world.update("doc"))
    await world.report(world.status(StatusCode.AGREED))
    placing = await world.store.placings.find(f"{fact.package_id}:placed/{A}:1")
    assert placing is not None
    assert placing.state is PlacingState.WITHDRAWN
    await world.router.placer.order_again(placing)
    assert world.sender.orders == []


async def test_every_kind_of_package_counts_its_receivers(world: World) -> None:
    await world.deliver(world.letter(to=(A, B)))
    counts = {}
    for kind, message in {
        PackageKind.UPDATE: world.update("doc"),
        PackageKind.RECALL: world.recall("doc", to=(A,)),
    }.items():
        fact = await world.report(message) if kind is PackageKind.RECALL else await world.deliver_and_keep(message)
        settled = {
            each.receiver  # type: ignore[attr-defined]
            for name in ("delivery.placed", "delivery.refused", "document.recalled", "status.recorded")
            for each in world.sender.named(name)
            if each.package_id == fact.package_id  # type: ignore[attr-defined]
        }
        (routed,) = [each for each in world.sender.named("package.routed") if each.package_id == fact.package_id]  # type: ignore[attr-defined]
        assert routed.receivers == len(settled) > 0  # type: ignore[attr-defined]
        counts[kind] = routed.receivers  # type: ignore[attr-defined]
    assert counts[PackageKind.UPDATE] == 2


@pytest.mark.parametrize("units", [(), (A,), (A, C)], ids=["every unit", "one that has it", "also one that has it not"])
async def test_a_replacement_counts_the_receivers_of_the_new_document(world: World, units: tuple[str, ...]) -> None:
    """At a unit that may get the old document later it is only remembered: no fact tells of that."""
    await world.deliver(world.letter(to=(A, B)))
    fact = await world.deliver_and_keep(world.replacement("doc", units=units))
    (routed,) = [each for each in world.sender.named("package.routed") if each.package_id == fact.package_id]  # type: ignore[attr-defined]
    placed = [each for each in world.sender.named("delivery.placed") if each.package_id == fact.package_id]  # type: ignore[attr-defined]
    assert routed.receivers == len(placed) > 0  # type: ignore[attr-defined]
