"""Orders to place: each placing is tried once at a time, whichever runs and sweeps have ordered it."""

import asyncio
from datetime import UTC, datetime

import pytest

from common.facts import DocumentVerified, PackageAccepted
from common.service.incoming import Incoming
from router.placing import OTHER_RUN_LASTS

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
    given, world.sender.orders[:] = list(world.sender.orders), []
    return given


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
    given = orders(world)
    await world.restarted().route(verified)
    assert orders(world) == []
    await try_at_once(world, *given)
    await world.sweep(hours=1)
    assert len(world.sender.inbox(A, "document")) == 1


async def test_orders_of_one_placing_are_taken_one_after_the_other_in_one_process(world: World) -> None:
    await world.router.route(await world.verified(world.letter(to=(A,))))
    router, given = world.restarted(), orders(world)
    await asyncio.gather(*(router.placer.take(order) for order in [*given, *given]))
    assert len(world.sender.inbox(A, "document")) == 1
