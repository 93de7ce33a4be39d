"""Orders to place: each placing is tried once at a time, whichever runs and sweeps have ordered it."""

import asyncio
from datetime import UTC, datetime

import pytest

from common.domain.names import Lane
from common.facts import DocumentVerified, PackageAccepted
from common.service.incoming import Incoming
from router.execute.placing import SWEEP_LEASE
from router.placing import OTHER_RUN_LASTS, MessageType, PlaceOrder, Placing, PlacingState

from .conftest import SENDER, A, World

AT = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)


def accepted(fact: DocumentVerified) -> PackageAccepted:
    """The fact before a verdict, about the same package."""
    return PackageAccepted.model_validate(fact.model_dump(exclude={"fact"}) | {"event_id": f"{fact.package_id}/intake"})


async def try_at_once(world: World, *orders: Incoming) -> None:
    """Each order is taken by a process of its own, all at the same time."""
    await asyncio.gather(*(world.restarted().placer.take(order) for order in orders))


def orders(world: World) -> list[Incoming]:
    """Those that no router has taken yet, which are taken now."""
    waiting_orders, world.sender.orders[:] = list(world.sender.orders), []
    return waiting_orders


async def waiting(world: World) -> None:
    """A document for A waits for room in the inbox."""
    world.sender.full.add(A)
    await world.take(await world.verified(world.letter(to=(A,))))
    assert world.sender.attempts == 2, "the receipt, and the document"


async def test_two_facts_at_once_give_one_receipt(world: World) -> None:
    verified = await world.verified(world.letter(to=(A,)))
    await asyncio.gather(world.router.acknowledge(accepted(verified)), world.restarted().route(verified))
    await try_at_once(world, *orders(world))
    await world.sweep(hours=1)
    assert len(world.sender.inbox(SENDER, "receipt")) == 1


@pytest.mark.parametrize("comes_again", [True, False])
async def test_a_receipt_comes_though_the_run_that_opened_it_ended_before_it_ordered_it(
    world: World, comes_again: bool
) -> None:
    verified = await world.verified(world.letter(to=(A,)))
    await world.router.acknowledge(accepted(verified))
    orders(world)
    if comes_again:
        await world.take(accepted(verified))
        await world.sweep(seconds=OTHER_RUN_LASTS.total_seconds() - 1)
        assert world.sender.inbox(SENDER) == [], "left to the run that opened it"
        await world.sweep(seconds=2)
    else:
        await world.sweep(minutes=11)
    assert len(world.sender.inbox(SENDER, "receipt")) == 1


async def test_two_runs_of_one_decision_at_once_deliver_once(world: World) -> None:
    verified = await world.verified(world.letter(to=(A,)))
    await asyncio.gather(world.router.route(verified), world.restarted().route(verified))
    await try_at_once(world, *orders(world))
    assert len(world.sender.inbox(A, "document")) == 1


async def test_a_second_run_orders_nothing_whose_order_is_on_its_way(world: World) -> None:
    verified = await world.verified(world.letter(to=(A,)))
    await world.router.route(verified)
    placed_orders = orders(world)
    await world.restarted().route(verified)
    assert orders(world) == []
    await try_at_once(world, *placed_orders)
    await world.sweep(hours=1)
    assert len(world.sender.inbox(A, "document")) == 1


async def test_orders_of_one_placing_are_taken_one_after_the_other_in_one_process(world: World) -> None:
    await world.router.route(await world.verified(world.letter(to=(A,))))
    router, placed_orders = world.restarted(), orders(world)
    await asyncio.gather(*(router.placer.take(order) for order in [*placed_orders, *placed_orders]))
    assert len(world.sender.inbox(A, "document")) == 1


async def test_two_sweeps_that_overlap_lead_to_one_attempt(world: World) -> None:
    await waiting(world)
    world.clock.move(seconds=6)
    await world.router.placer.sweep()
    world.clock.move(seconds=SWEEP_LEASE.total_seconds() + 1)
    await world.restarted().placer.sweep()
    sweep_orders = orders(world)
    assert len(sweep_orders) == 2
    await try_at_once(world, *sweep_orders)
    assert world.sender.attempts == 3


async def test_a_fact_that_comes_again_and_the_sweep_lead_to_one_message(world: World) -> None:
    world.sender.full.add(A)
    verified = await world.verified(world.letter(to=(A,)))
    await world.take(verified)
    world.sender.full.clear()
    world.clock.move(seconds=6)
    await world.router.placer.sweep()
    await world.restarted().route(verified)
    await try_at_once(world, *orders(world))
    assert len(world.sender.inbox(A, "document")) == 1


async def test_an_order_that_arrives_after_a_later_one_was_tried_does_nothing(world: World) -> None:
    await waiting(world)
    world.clock.move(seconds=6)
    await world.router.placer.sweep()
    [slow] = orders(world)
    await world.sweep(seconds=SWEEP_LEASE.total_seconds() + 1)
    assert world.sender.attempts == 3
    await world.router.placer.take(slow)
    assert world.sender.attempts == 3
    world.sender.full.clear()
    await world.sweep(minutes=1)
    await world.router.placer.take(slow)
    assert len(world.sender.inbox(A, "document")) == 1


DUE, WAITING, PLACED = PlacingState.DUE, PlacingState.WAITING, PlacingState.PLACED


@pytest.mark.parametrize(
    ("order", "state", "attempts", "is_redelivered", "is_overtaken"),
    [
        ({"attempt": 0}, DUE, 0, False, False),
        ({"attempt": 0}, DUE, 0, True, False),
        ({"attempt": 0}, WAITING, 1, False, True),
        ({"attempt": 0}, WAITING, 1, True, True),
        ({"attempt": 1, "is_waiting": True}, WAITING, 1, False, False),
        ({"attempt": 1, "is_waiting": True}, DUE, 1, False, True),
        ({"attempt": 1, "is_waiting": True}, DUE, 1, True, False),
        ({"attempt": 1, "is_waiting": True}, WAITING, 2, False, True),
        ({"attempt": 1}, DUE, 1, False, False),
        ({"attempt": 0}, PLACED, 1, False, False),
        ({"attempt": 0, "again": True}, DUE, 1, False, False),
        ({}, DUE, 1, False, False),
    ],
)
def test_an_order_is_overtaken_by_an_attempt_that_another_led_to(
    order: dict[str, object], state: PlacingState, attempts: int, is_redelivered: bool, is_overtaken: bool
) -> None:
    placing = Placing(
        id="p",
        receiver=A,
        lane=Lane.NORMAL,
        type=MessageType.DOCUMENT,
        headers={},
        opened_at=AT,
        next_attempt_at=AT,
        state=state,
        attempts=attempts,
    )
    place_order = PlaceOrder.model_validate({"placing_id": "p"} | order)
    assert place_order.is_overtaken(placing, is_redelivered=is_redelivered) is is_overtaken
