"""Supervises background tasks that must never end: one that ends is started again; ``check`` names it until then."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import structlog

from common.metrics import begin_counting_task, record_task_failure, set_task_due

log = structlog.get_logger("trunk.tasks")

RESTART_SECONDS = 1.0
CANCEL_AGAIN_SECONDS = 0.5
SETTLED_SECONDS = 5.0
"""A task that was started again counts as running after this time."""


class Tasks:
    """The background tasks of one process."""

    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._ended: dict[str, str] = {}

    def keep(self, name: str, work: Callable[[], Coroutine[Any, Any, object]]) -> None:
        """Run ``work`` from now on. However it ends, it is started again after a pause, until ``stop``. Raises
        ``ValueError`` if a task with this name runs already."""
        if name in self._tasks:
            raise ValueError(f"{name} runs already")
        begin_counting_task(name)
        self._tasks[name] = asyncio.create_task(self._supervise(name, work), name=name)

    def every(self, name: str, work: Callable[[], Awaitable[object]], pause_seconds: Callable[[], float]) -> None:
        """Do ``work`` at once, and again after each pause. ``pause_seconds``: called before each pause.

        A failed round is logged and counted, and followed by the next. A successful round records when the next is
        due.
        """

        async def rounds() -> None:
            while True:
                try:
                    await work()
                except Exception as error:
                    record_task_failure(name)
                    log.warning("round failed", task=name, detail=str(error) or type(error).__name__)
                    pause = pause_seconds()
                else:
                    pause = pause_seconds()
                    set_task_due(name, time.time() + pause)
                await asyncio.sleep(pause)

        set_task_due(name, time.time())
        self.keep(name, rounds)

    async def check(self) -> None:
        """Raises ``RuntimeError`` while a task has ended and not run again for ``SETTLED_SECONDS``."""
        if self._ended:
            raise RuntimeError("; ".join(f"{name} ended: {why}" for name, why in sorted(self._ended.items())))

    async def stop(self, *names: str) -> None:
        """Cancel these tasks, or all, and wait until they have ended."""
        chosen = [self._tasks.pop(name) for name in list(names or self._tasks) if name in self._tasks]
        for task in chosen:
            task.cancel()
        await asyncio.gather(*chosen, return_exceptions=True)

    async def _supervise(self, name: str, work: Callable[[], Coroutine[Any, Any, object]]) -> None:
        while True:
            running = asyncio.create_task(work(), name=name)
            try:
                await self._settle(name, running)
            finally:
                await _cancelled(running)
            self._note_end(name, running)
            await asyncio.sleep(RESTART_SECONDS)

    async def _settle(self, name: str, running: "asyncio.Task[object]") -> None:
        """Wait for the end of a run. Forget an earlier end once this run has lasted ``SETTLED_SECONDS``."""
        done, _ = await asyncio.wait({running}, timeout=SETTLED_SECONDS)
        if not done:
            self._ended.pop(name, None)
            await asyncio.wait({running})

    def _note_end(self, name: str, ended: "asyncio.Task[object]") -> None:
        """Log and count the end of a run. A cancellation that did not come from ``stop`` is an end like any other."""
        error = None if ended.cancelled() else ended.exception()
        why = "cancelled" if ended.cancelled() else f"{type(error).__name__}: {error}" if error else "returned"
        self._ended[name] = why
        record_task_failure(name)
        log.error("task ended", task=name, detail=why, exc_info=error)


async def _cancelled(running: "asyncio.Task[object]") -> None:
    """Cancel a task, and return when it has ended. A library may swallow a cancellation (aiormq does, in a call that it
    interrupts), so it is repeated until it works."""
    while not running.done():
        running.cancel()
        await asyncio.wait({running}, timeout=CANCEL_AGAIN_SECONDS)
