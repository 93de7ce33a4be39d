"""Work by timer: again and again, whatever becomes of one round."""

import asyncio

from common.timer import Timer


async def test_trouble_in_one_round_does_not_end_the_work() -> None:
    rounds, third = [0], asyncio.Event()

    async def work() -> None:
        rounds[0] += 1
        if rounds[0] == 3:
            third.set()
        raise RuntimeError("again")

    timer = Timer("test", work, lambda: 0.0)
    await timer.start()
    await asyncio.wait_for(third.wait(), 10)
    await timer.stop()
    done = rounds[0]
    await asyncio.sleep(0.02)
    assert rounds[0] == done


async def test_stopping_does_not_wait_for_work_that_hangs() -> None:
    hanging = asyncio.Event()

    async def work() -> None:
        hanging.set()
        await asyncio.Event().wait()

    timer = Timer("test", work, lambda: 60.0)
    await timer.start()
    await asyncio.wait_for(hanging.wait(), 10)
    await asyncio.wait_for(timer.stop(), 10)


async def test_what_never_started_may_be_stopped() -> None:
    await Timer("test", asyncio.Event().wait, lambda: 60.0).stop()
