"""The time that a handler waits for memory is no time of its work, and has a limit of its own. On virtual time."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from common.byte_budget import ByteBudget
from common.failure import Outage
from common.service.incoming import Incoming
from common.service.process import TURN_SECONDS, Processor
from common.service.records import MessageRecord
from common.service.settle import Disposition, Settlement
from common.work_limit import waiting, work_limit

from ..harness.memory import MemoryRecords, delivery
from ..simulation.loop import VirtualLoop

WORK, WAIT = 600.0, 900.0
LIMIT = 100


async def waits(seconds: float) -> None:
    with waiting():
        await asyncio.sleep(seconds)


async def works(seconds: float) -> None:
    await asyncio.sleep(seconds)


async def both(*steps: Awaitable[None]) -> None:
    await asyncio.gather(*steps)


def ended(work: Callable[[], Awaitable[None]]) -> tuple[str, float]:
    """How the work ends under the limits (``done``, or the exception), and when, in seconds."""
    loop = VirtualLoop()

    async def limited() -> str:
        try:
            async with work_limit(WORK, WAIT):
                await work()
        except (TimeoutError, Outage) as error:
            return type(error).__name__
        return "done"

    return loop.run_until_complete(limited()), loop.time()


async def several(*steps: tuple[Callable[[float], Awaitable[None]], float]) -> None:
    for step, seconds in steps:
        await step(seconds)


@pytest.mark.parametrize(
    ("steps", "how", "at"),
    [
        ([(works, 599)], "done", 599),
        ([(works, 601)], "TimeoutError", 600),
        ([(waits, 899), (works, 599)], "done", 1498),
        ([(works, 300), (waits, 800), (works, 299)], "done", 1399),
        ([(works, 300), (waits, 800), (works, 301)], "TimeoutError", 1400),
        ([(waits, 901)], "Outage", 900),
        ([(waits, 500), (works, 100), (waits, 500)], "Outage", 1000),
        ([(waits, 500), (works, 100), (waits, 300), (works, 499)], "done", 1399),
    ],
)
def test_work_and_waiting_have_limits_of_their_own(
    steps: list[tuple[Callable[[float], Awaitable[None]], float]], how: str, at: float
) -> None:
    assert ended(lambda: several(*steps)) == (how, pytest.approx(at, abs=0.1))


@pytest.mark.parametrize(
    ("tasks", "how"),
    [
        (lambda: both(waits(700), waits(800), works(100)), "done"),
        (lambda: both(waits(100), works(800)), "TimeoutError"),
        (lambda: both(waits(100), works(650)), "done"),
        (lambda: both(waits(950), works(100)), "Outage"),
    ],
)
def test_the_time_of_work_stands_still_while_any_part_of_it_waits(
    tasks: Callable[[], Awaitable[None]], how: str
) -> None:
    assert ended(tasks)[0] == how


def test_a_task_that_outlives_the_work_may_wait_on() -> None:
    loop, outcome = VirtualLoop(), list[str]()

    async def outlives() -> None:
        for _ in range(2):
            await waits(50)
        outcome.append("done")

    async def limited() -> None:
        async with work_limit(WORK, WAIT):
            running = asyncio.create_task(outlives())
            await works(1)
        await running

    loop.run_until_complete(limited())
    assert outcome == ["done"]


class Busy:
    """A service whose memory is occupied for some time when its messages arrive."""

    def __init__(self) -> None:
        self.loop, self.budget, self.records = VirtualLoop(), ByteBudget(LIMIT), MemoryRecords()
        self.handled = 0
        start = datetime(2026, 11, 22, tzinfo=UTC)

        async def noticed(_: MessageRecord) -> None:
            return

        self.processor = Processor(
            "validator",
            self.records,
            patience=timedelta(hours=72),
            handler_seconds=WORK,
            slots=8,
            on_security=noticed,
            now=lambda: start + timedelta(seconds=self.loop.time()),
        )

    def process(self, occupied_seconds: float, work_seconds: float) -> Settlement:
        async def occupy() -> None:
            async with self.budget.hold(LIMIT):
                await asyncio.sleep(occupied_seconds)

        async def handle(_: Incoming) -> None:
            async with self.budget.hold(10):
                await asyncio.sleep(work_seconds)
            self.handled += 1

        async def run() -> Settlement:
            occupying = asyncio.create_task(occupy())
            await asyncio.sleep(0)
            settlement = await self.processor.process(delivery("facts.validator.normal", b"x"), handle)
            await occupying
            return settlement

        return self.loop.run_until_complete(run())


def test_a_message_that_waits_for_memory_has_the_whole_time_for_its_work() -> None:
    busy = Busy()
    assert busy.process(WORK + 100, WORK - 1).disposition is Disposition.ACK
    assert (busy.handled, busy.records.rows) == (1, {})


def test_a_message_that_waits_too_long_for_memory_goes_back_and_nothing_counts() -> None:
    busy = Busy()
    settlement = busy.process(TURN_SECONDS + 100, 1)
    assert (settlement.disposition, settlement.outcome, settlement.pause) == (Disposition.RETURN, "retried", None)
    assert settlement.detail.startswith("memory")
    assert (busy.handled, busy.records.rows, busy.budget.held_bytes) == (0, {}, 0)
