"""A unit is closed while messages for it are on their way: it gets them as long as it has an inbox."""

from datetime import date
from typing import Any
from unittest.mock import AsyncMock

import pytest

from common.domain.names import StatusCode
from common.domain.reason import Reason
from common.failure import Outage
from common.headers import REASON
from router.placing import Cause

from .conftest import SENDER, A, B, C, World, directory, unit

CLOSED_B = unit(B, valid_to=date(2026, 11, 21), successor=C)


async def in_transit(world: World) -> Any:
    """B's inbox took nothing, and B was closed."""
    world.sender.full.add(B)
    fact = await world.verified(world.letter(to=(A, B)))
    await world.take(fact)
    world.sender.full.clear()
    world.directory.current.units[B] = CLOSED_B
    return fact


async def test_it_gets_what_was_decided_before(world: World) -> None:
    await in_transit(world)
    await world.sweep(seconds=6)
    assert [sent.type for sent in world.sender.inbox(B)] == ["document"]
    assert len(world.sender.named("package.routed")) == 1
    assert world.sender.inbox(SENDER, "refusal") == []


async def test_without_an_inbox_the_sender_is_told_and_the_package_finishes(world: World) -> None:
    await in_transit(world)
    world.sender.missing.add(B)
    await world.sweep(seconds=6)
    await world.sweep(days=1)
    (refusal,) = world.sender.inbox(SENDER, "refusal")
    assert refusal.headers[REASON] == Reason.E_TO_CLOSED
    assert C in refusal.body.decode()
    (refused,) = world.sender.named("delivery.refused")
    assert (refused.receiver, refused.reason) == (B, Reason.E_TO_CLOSED)
    assert len(world.sender.named("package.routed")) == 1
    assert await world.store.placings.waiting() == {}


async def test_a_status_for_it_ends_without_a_word(world: World) -> None:
    await world.deliver(world.letter(to=(A,)))
    world.sender.missing.add(SENDER)
    await world.report(world.status(StatusCode.ARRIVED, by=A))
    world.directory.current.units[SENDER] = unit(SENDER, valid_to=date(2026, 11, 21))
    await world.sweep(seconds=6)
    assert await world.store.placings.waiting() == {}
    assert world.sender.named("delivery.refused") == []
    assert len(world.sender.named("package.routed")) == 1


async def test_an_open_unit_without_an_inbox_waits(world: World) -> None:
    world.sender.missing.add(B)
    await world.take(await world.verified(world.letter(to=(B,))))
    await world.sweep(days=1)
    assert await world.store.placings.waiting() == {Cause.MISSING: 1}


async def test_nobody_is_refused_by_an_old_directory(world: World) -> None:
    await in_transit(world)
    world.sender.missing.add(B)
    world.directory.newer = directory()
    with pytest.raises(Outage, match="changed"):
        await world.sweep(seconds=6)
    assert world.sender.inbox(SENDER, "refusal") == []
    world.sender.missing.clear()
    await world.sweep(hours=1)
    assert [sent.type for sent in world.sender.inbox(B)] == ["document"]


async def test_every_run_announces_the_same(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process ends after the placing was withdrawn and before anybody was told; the fact comes again, too."""
    fact = await in_transit(world)
    world.sender.missing.add(B)
    world.clock.move(seconds=6)
    await world.router.placer.sweep()
    (order,) = world.sender.orders
    with monkeypatch.context() as ending:
        ending.setattr(world.sender, "announce", AsyncMock(side_effect=Outage("broker", "away")))
        with pytest.raises(Outage):
            await world.router.placer.take(order)
    world.clock.move(seconds=60)
    await world.place()
    assert world.sender.named("package.routed") != []
    await world.take(fact)
    first, *more = world.sender.named("delivery.refused")
    assert more
    assert all(each == first for each in more)
    assert await world.store.placings.waiting() == {}
