"""The bytes held at a time are bounded, for requests of any size, and when a waiting one is cancelled."""

import asyncio
import random

import pytest

from common.byte_budget import ByteBudget

LIMIT = 100


async def test_what_is_held_stays_below_the_limit_and_everybody_is_served() -> None:
    budget, dice, most, served = ByteBudget(LIMIT), random.Random(5), 0, 0

    async def work(size: int) -> None:
        nonlocal most, served
        async with budget.hold(size):
            most = max(most, budget.held_bytes)
            for _ in range(dice.randrange(4)):
                await asyncio.sleep(0)
        served += 1

    await asyncio.gather(*(work(dice.randrange(1, 250)) for _ in range(500)))
    assert (most, served, budget.held_bytes) == (LIMIT, 500, 0)


async def test_a_large_one_is_not_overtaken_for_ever() -> None:
    budget, order = ByteBudget(LIMIT), []

    async def work(name: str, size: int) -> None:
        async with budget.hold(size):
            order.append(name)
            await asyncio.sleep(0)

    await asyncio.gather(work("first", 60), work("large", 90), *(work(f"small {n}", 10) for n in range(5)))
    assert order[:2] == ["first", "large"]


@pytest.mark.parametrize("seed", range(20))
async def test_who_gives_up_takes_nothing_along(seed: int) -> None:
    budget, dice = ByteBudget(LIMIT), random.Random(seed)

    async def work(size: int) -> None:
        async with budget.hold(size):
            await asyncio.sleep(0)

    tasks = [asyncio.create_task(work(dice.randrange(1, 150))) for _ in range(60)]
    for _ in range(30):
        await asyncio.sleep(0)
        dice.choice(tasks).cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert budget.held_bytes == 0
    async with asyncio.timeout(5):
        await work(LIMIT)
