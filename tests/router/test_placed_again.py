"""A recall of a document that the inbox may have had before the broker lost its data: only the unit answers it."""

from dataclasses import replace
from unittest.mock import AsyncMock

import pytest

from common.domain.names import StatusCode
from common.facts import DocumentVerified
from common.failure import Outage
from router.delivery_state import DeliveryState
from router.placing import Cause, Failure, Placing, PlacingState

from .conftest import SENDER, A, World
from .test_recalling import recalled, refuses, takes


async def placing_of(world: World, document: DocumentVerified, unit: str = A) -> Placing:
    """The row of a delivery."""
    placing = await world.store.placings.find(f"{document.package_id}:placed/{unit}:1")
    assert placing is not None
    return placing


async def lost_and_rebuilt(world: World, *units: str) -> None:
    """The broker lost its data, and what the units had is due again; their inboxes exist again later."""
    world.sender.missing.update(units)
    for unit in units:
        since, until = world.clock.now.replace(year=2000), world.clock.now.replace(year=2100)
        await world.store.placings.place_again(unit, since, until, world.clock())


@pytest.mark.parametrize("is_tried", [False, True], ids=["due", "waiting"])
@pytest.mark.parametrize("how", ["recall", "status", "update"])
async def test_the_unit_alone_answers_for_what_it_may_have_read(world: World, how: str, is_tried: bool) -> None:
    document = await world.deliver(world.letter(to=(A,)))
    await lost_and_rebuilt(world, A)
    if is_tried:
        await world.sweep(seconds=1)
        assert (await placing_of(world, document)).state is PlacingState.WAITING
    await recalled(world, how)
    assert world.sender.inbox(SENDER, "status") == []
    assert (await world.position("doc", A)).state is DeliveryState.RECALL_PENDING
    takes(world, A)
    await world.sweep(hours=5)
    assert len(world.sender.inbox(A)) == 2, "the document and its recall"


@pytest.mark.parametrize("answer", [StatusCode.AGREED, StatusCode.DECLINED])
async def test_what_a_unit_has_given_up_is_not_placed_again(world: World, answer: StatusCode) -> None:
    document = await world.deliver(world.letter(to=(A,)))
    await world.report(world.recall("doc", to=(A,)))
    await world.report(world.status(answer))
    world.sender.forget()
    await lost_and_rebuilt(world, A)
    takes(world, A)
    for _ in range(2):
        await world.sweep(hours=5)
        await world.take(document, by=world.restarted())
    packages = [sent.headers["x-package-id"] for sent in world.sender.inbox(A)]
    assert (document.package_id in packages) is (answer is StatusCode.DECLINED)
    assert not await world.store.placings.has_open(document.event_id)
    assert world.sender.named("delivery.refused") == [], "it was delivered before"


@pytest.mark.parametrize("when", ["before", "after"])
async def test_an_agreement_between_loss_and_placing_denies_nothing(world: World, when: str) -> None:
    document = await world.deliver(world.letter(to=(A,)))
    if when == "before":
        await world.report(world.recall("doc", to=(A,)))
    await lost_and_rebuilt(world, A)
    if when == "after":
        await world.report(world.recall("doc", to=(A,)))
    await world.report(world.status(StatusCode.AGREED))
    takes(world, A)
    await world.sweep(hours=5)
    assert world.sender.named("delivery.refused") == []
    assert document.package_id not in {sent.headers["x-package-id"] for sent in world.sender.inbox(A)}
    assert not await world.store.placings.has_open(document.event_id)


@pytest.mark.parametrize("cause", [Cause.FULL, Cause.MISSING])
async def test_an_attempt_without_an_answer_may_have_placed_it(
    world: World, monkeypatch: pytest.MonkeyPatch, cause: Cause
) -> None:
    monkeypatch.setattr("router.execute.silence.SILENCE_SECONDS", 0.01)
    world.sender.silent.add(A)
    document = await world.deliver(world.letter(to=(A,)))
    world.sender.silent.clear()
    refuses(world, A, cause)
    await world.sweep(hours=1)
    assert (await placing_of(world, document)).cause is cause
    await world.report(world.recall("doc", to=(A,)))
    assert (await world.position("doc", A)).state is DeliveryState.RECALL_PENDING


async def test_a_process_that_ended_during_its_attempt_may_have_placed_it(world: World) -> None:
    document = await world.verified(world.letter(to=(A,)))
    await world.router.handlers[type(document)](document)
    (order,) = [each for each in world.sender.orders if f"placed/{A}".encode() in each.body]
    world.sender.orders.clear()
    world.sender.full.add(A)
    await world.router.placer.take(replace(order, is_redelivered=True))
    await world.report(world.recall("doc", to=(A,)))
    assert (await world.position("doc", A)).state is DeliveryState.RECALL_PENDING


async def test_an_overtaken_order_that_comes_again_may_have_placed_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The inbox took the document, which could not be noted. Before the order came again, another found the inbox
    full."""
    document = await world.verified(world.letter(to=(A,)))
    await world.router.handlers[type(document)](document)
    (order,) = [each for each in world.sender.orders if f"placed/{A}".encode() in each.body]
    world.sender.orders.clear()
    with monkeypatch.context() as patches:
        patches.setattr(world.store.placings, "placed", AsyncMock(side_effect=Outage("database", "away")))
        with pytest.raises(Outage):
            await world.router.placer.take(order)
    assert len(world.sender.inbox(A)) == 1
    world.sender.full.add(A)
    await world.sweep(minutes=11)
    assert (await placing_of(world, document)).cause is Cause.FULL
    attempts = world.sender.attempts
    await world.restarted().placer.take(replace(order, is_redelivered=True))
    assert world.sender.attempts == attempts, "nothing is left to do for it"
    await world.report(world.recall("doc", to=(A,)))
    assert (await world.position("doc", A)).state is DeliveryState.RECALL_PENDING


async def test_a_publish_that_was_begun_again_after_a_loss_may_have_placed_it(world: World) -> None:
    """The connection was lost before the confirm, and the second attempt finds the inbox full: maybe of the first."""
    world.sender.full_after_a_loss.add(A)
    document = await world.deliver(world.letter(to=(A,)))
    assert (await placing_of(world, document)).cause is Cause.FULL
    await world.report(world.recall("doc", to=(A,)))
    assert (await world.position("doc", A)).state is DeliveryState.RECALL_PENDING


async def test_of_two_attempts_at_once_the_uncertain_one_counts(world: World) -> None:
    world.sender.full.add(A)
    saved = await placing_of(world, await world.deliver(world.letter(to=(A,))))
    same_time = saved.model_copy(update={"attempts": saved.attempts - 1})
    await world.store.placings.failed(same_time, Failure(Cause.SILENT, is_uncertain=True), world.clock())
    assert not await world.store.placings.withdraw_untaken(saved.id, "recall", "")
