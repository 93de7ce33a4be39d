"""The sweep of placings: a unit whose inbox takes nothing delays no other unit, however much waits for it."""

from collections import Counter
from datetime import timedelta

import pytest

from router.execute.placing import SWEEP_LIMIT
from router.placing import delivery_placing_id
from router.store.placings import PROBES, shares

from .conftest import A, B, C, World

ROUNDS = 60
"""So many that a unit that is drawn by chance is certainly drawn once."""


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


async def test_no_unit_is_left_out_when_more_are_due_than_a_round_takes(world: World) -> None:
    """Whatever order the database answers in: everything stays due, so that it answers the same every time."""
    world.sender.full.update((A, B, C))
    for receiver in (A, B, C):
        await waiting_for(world, receiver, 1)
    served = Counter[str]()
    for _ in range(ROUNDS):
        taken = await world.store.placings.take_due(world.clock(), 2, timedelta(hours=-1))
        assert len({placing.receiver for placing in taken}) == 2
        served.update(placing.receiver for placing in taken)
    assert set(served) == {A, B, C}


def test_a_round_reads_no_more_units_than_it_takes_placings() -> None:
    units = [f"unit {n}" for n in range(3 * SWEEP_LIMIT)]
    assert list(shares(units, SWEEP_LIMIT, frozenset()).values()) == [1] * SWEEP_LIMIT
    assert shares(units[:3], 9, frozenset()) == dict.fromkeys(units[:3], 3)
    assert shares(units[:2], SWEEP_LIMIT, frozenset(units[:1])) == {units[0]: PROBES, units[1]: SWEEP_LIMIT // 2}
