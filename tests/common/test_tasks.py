"""Background tasks: whatever ends one, it is begun again, and named meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from common import tasks
from common.metrics import REGISTRY
from common.tasks import Tasks


class Outside(BaseException):
    """No subclass of Exception: what no narrow ``except`` holds."""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "RESTART_SECONDS", 0.0)
    monkeypatch.setattr(tasks, "SETTLED_SECONDS", 0.01)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not holds():
            await asyncio.sleep(0)


def failing(times: int, end: Callable[[], Any]) -> tuple[list[None], Callable[[], Awaitable[None]], asyncio.Event]:
    """Work that ends so many times in this way, then runs for good."""
    runs: list[None] = []
    settled = asyncio.Event()

    async def work() -> None:
        runs.append(None)
        if len(runs) <= times:
            end()
            return
        settled.set()
        await asyncio.Event().wait()

    return runs, work, settled


def raises(error: BaseException) -> Callable[[], None]:
    def end() -> None:
        raise error

    return end


ENDS = [
    raises(RuntimeError("bug")),
    raises(RecursionError("deep")),
    raises(asyncio.CancelledError()),
    raises(StopAsyncIteration()),
    raises(Outside("outside")),
    raises(KeyError("x")),
    lambda: None,
]


@pytest.mark.parametrize("end", ENDS, ids=range(len(ENDS)))
async def test_what_ends_is_begun_again(end: Callable[[], None]) -> None:
    runs, work, settled = failing(3, end)
    supervisor = Tasks()
    supervisor.keep("work", work)  # type: ignore[arg-type]
    await asyncio.wait_for(settled.wait(), 10)
    assert len(runs) == 4
    await supervisor.stop()


async def test_an_ended_task_is_named_until_its_next_run_has_lasted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second run lasts too short a time, however slow the machine is; the third lasts long enough at once."""
    monkeypatch.setattr(tasks, "SETTLED_SECONDS", 3600.0)
    second, third = asyncio.Event(), asyncio.Event()
    runs: list[None] = []

    async def work() -> None:
        runs.append(None)
        if len(runs) == 1:
            raise ValueError("unreadable")
        await (second if len(runs) == 2 else third).wait()

    supervisor = Tasks()
    supervisor.keep("reading", work)
    await until(lambda: len(runs) == 2)
    with pytest.raises(RuntimeError, match="reading ended: ValueError: unreadable"):
        await supervisor.check()
    monkeypatch.setattr(tasks, "SETTLED_SECONDS", 0.0)
    second.set()
    await until(lambda: len(runs) == 3 and not supervisor._ended)
    await supervisor.check()
    await supervisor.stop()


async def test_a_failing_round_is_counted_and_ends_nothing() -> None:
    before = REGISTRY.get_sample_value("trunk_task_failures_total", {"task": "rounds"}) or 0
    rounds: list[None] = []

    async def work() -> None:
        rounds.append(None)
        raise ExceptionGroup("several", [ValueError("x"), OSError("y")])

    supervisor = Tasks()
    supervisor.every("rounds", work, lambda: 0.0)
    await until(lambda: len(rounds) >= 5)
    await supervisor.check()
    await supervisor.stop()
    assert (REGISTRY.get_sample_value("trunk_task_failures_total", {"task": "rounds"}) or 0) >= before + 4
    ended = len(rounds)
    await asyncio.sleep(0.02)
    assert len(rounds) == ended


async def test_stopping_does_not_wait_for_work_that_hangs() -> None:
    hanging = asyncio.Event()

    async def work() -> None:
        hanging.set()
        await asyncio.Event().wait()

    supervisor = Tasks()
    supervisor.every("hangs", work, lambda: 60.0)
    await asyncio.wait_for(hanging.wait(), 10)
    await asyncio.wait_for(supervisor.stop(), 10)


async def test_stopping_ends_work_that_swallows_a_cancellation(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a client library does that turns it into an error of its own, after which the work goes on."""
    monkeypatch.setattr(tasks, "CANCEL_AGAIN_SECONDS", 0.0)
    swallowed: list[None] = []
    begun = asyncio.Event()

    async def work() -> None:
        while True:
            begun.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if len(swallowed) == 3:
                    raise
                swallowed.append(None)

    supervisor = Tasks()
    supervisor.keep("swallows", work)
    await asyncio.wait_for(begun.wait(), 10)
    await asyncio.wait_for(supervisor.stop(), 10)
    assert len(swallowed) == 3


async def test_a_name_is_used_once() -> None:
    supervisor = Tasks()
    supervisor.every("one", asyncio.Event().wait, lambda: 1.0)
    with pytest.raises(ValueError, match="runs already"):
        supervisor.every("one", asyncio.Event().wait, lambda: 1.0)
    await supervisor.stop()


async def test_a_task_is_due_a_pause_after_its_last_successful_round() -> None:
    async def work() -> None:
        pass

    def due() -> float:
        return REGISTRY.get_sample_value("trunk_task_due_timestamp_seconds", {"task": "due"}) or 0.0

    running = Tasks()
    running.every("due", work, lambda: 1_000.0)
    from_its_start = due()
    assert from_its_start, "a task that never succeeds is due from its start"
    await until(lambda: due() >= from_its_start + 1_000.0)
    await running.stop()


async def test_a_failing_round_does_not_move_when_a_task_was_due() -> None:
    rounds = 0

    async def work() -> None:
        nonlocal rounds
        rounds += 1
        raise RuntimeError("bug")

    running = Tasks()
    running.every("never done", work, lambda: 0.0)
    due = REGISTRY.get_sample_value("trunk_task_due_timestamp_seconds", {"task": "never done"})
    await until(lambda: rounds > 3)
    assert REGISTRY.get_sample_value("trunk_task_due_timestamp_seconds", {"task": "never done"}) == due
    await running.stop()
