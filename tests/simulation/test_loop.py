"""The event loop on virtual time: order, time, threads, and processes that end as by SIGKILL."""

import asyncio
from contextvars import copy_context

import pytest

from tests.simulation.loop import CURRENT, Process, TimeStandsStill, VirtualLoop


@pytest.fixture
def loop() -> VirtualLoop:
    return VirtualLoop(lambda: 0.5)


def test_time_passes_only_by_waiting(loop: VirtualLoop) -> None:
    async def wait() -> list[float]:
        times = [loop.time()]
        await asyncio.sleep(3600)
        times.append(loop.time())
        for _ in range(1000):
            await asyncio.sleep(0)
        return [*times, loop.time()]

    assert loop.run_until_complete(wait()) == [0.0, 3600.0, 3600.0]


def test_what_is_due_first_runs_first_and_equals_keep_their_order(loop: VirtualLoop) -> None:
    ran: list[str] = []
    for delay, name in ((2.0, "c"), (1.0, "a"), (1.0, "b"), (0.0, "now")):
        loop.call_later(delay, ran.append, name)
    loop.call_later(1.5, ran.append, "cancelled").cancel()
    loop.run_until(lambda: False, 10.0)
    assert ran == ["now", "a", "b", "c"]
    assert loop.time() == 10.0


def test_what_asks_to_be_called_again_at_once_for_ever_is_an_error(loop: VirtualLoop) -> None:
    def look_again() -> None:
        loop.call_at(loop.time(), look_again)

    loop.call_later(1.0, look_again)
    with pytest.raises(TimeStandsStill, match=r"steps at 1\.0, .*look_again"):
        loop.run_until(lambda: False, 10.0)


def test_a_thread_is_one_step_that_takes_time(loop: VirtualLoop) -> None:
    async def work() -> tuple[int, float]:
        return await asyncio.to_thread(lambda: 42), loop.time()

    assert loop.run_until_complete(work()) == (42, 0.5)


def test_timeouts_and_cancellation_work_as_in_asyncio(loop: VirtualLoop) -> None:
    async def late() -> str:
        try:
            async with asyncio.timeout(2):
                await asyncio.sleep(5)
        except TimeoutError:
            return f"late at {loop.time()}"
        return "in time"

    assert loop.run_until_complete(late()) == "late at 2.0"


def test_nothing_of_a_dead_process_runs_any_more(loop: VirtualLoop) -> None:
    ran: list[str] = []

    async def work(name: str) -> None:
        try:
            while True:
                await asyncio.sleep(1)
                ran.append(f"{name} {loop.time():g}")
        finally:
            ran.append(f"{name} cleans up")

    processes = [Process("a"), Process("b")]
    tasks = []
    for process in processes:
        context = copy_context()
        context.run(CURRENT.set, process)
        tasks.append(loop.create_task(work(process.name), context=context))
    loop.call_later(1.5, setattr, processes[0], "is_alive", False)
    loop.run_until(lambda: False, 3.5)
    assert ran == ["a 1", "b 1", "b 2", "b 3"]
    tasks[1].cancel()
    loop.run_until(tasks[1].done)
    assert ran[-1] == "b cleans up"
    tasks[0].get_coro().throw  # noqa: B018 - kept until here, so that it is not collected earlier


def test_what_a_callback_raises_is_kept(loop: VirtualLoop) -> None:
    loop.call_soon(lambda: 1 / 0)
    loop.run_until(lambda: False, 1.0)
    assert [type(each["exception"]) for each in loop.errors] == [ZeroDivisionError]
