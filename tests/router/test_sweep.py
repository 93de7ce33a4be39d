"""The sweep of placings: a unit whose inbox takes nothing delays no other unit, however much waits for it."""

from collections import Counter
from datetime import timedelta

import pytest

from router.execute.placing import SWEEP_LIMIT
from router.placing import delivery_placing_id
from router.store.placings import PROBES

from .conftest import A, B, C, World


async def waiting_for(world: World, receiver: str, count: int) -> None:
    """Placings that have been due for long, all older than any other."""
    fact = await world.verified(world.letter(f"to {receiver}", to=(receiver,)))
    await world.take(fact)
    placing = await world.store.placings.find(delivery_placing_id(fact.package_id, receiver))
    assert placing is not None
    at = world.clock() - timedelta(hours=1)
    copies = [placing.model_copy(update={"id": f"{placing.id}/{n}", "next_attempt_at": at}) for n in range(count)]
    await world.store.placings.open(copies)


@pytest.mark.parametrize("others", [1, 3 * SWEEP_LIMIT])
async def test_a_letter_does_not_wait_for_those_of_a_unit_that_does_not_read(world: World, others: int) -> None:
    world.sender.full.update((A, B))
    await waiting_for(world, A, others)
    await world.take(await world.verified(world.letter("for B", to=(B,))))
    world.sender.full.discard(B)
    world.sender.forget()
    await world.sweep(seconds=20)
    assert [sent.type for sent in world.sender.inbox(B)] == ["document"]


async def test_an_inbox_that_takes_nothing_is_tried_a_few_times_and_then_fully(world: World) -> None:
    world.sender.full.add(A)
    await waiting_for(world, A, 2 * SWEEP_LIMIT)
    before = world.sender.attempts
    await world.sweep(seconds=20)
    assert world.sender.attempts - before == PROBES
    world.sender.full.discard(A)
    await world.sweep(seconds=20)
    world.sender.forget()
    await world.sweep(seconds=20)
    assert len(world.sender.inbox(A)) == SWEEP_LIMIT


async def test_units_take_turns(world: World) -> None:
    world.sender.full.update((A, B, C))
    for receiver, count in ((A, SWEEP_LIMIT), (B, SWEEP_LIMIT), (C, 1)):
        await waiting_for(world, receiver, count)
    taken = await world.store.placings.take_due(world.clock() + timedelta(minutes=1), 9, timedelta(minutes=2))
    assert {placing.receiver for placing in taken[:3]} == {A, B, C}
    assert Counter(placing.receiver for placing in taken) == {A: 3, B: 3, C: 2}
