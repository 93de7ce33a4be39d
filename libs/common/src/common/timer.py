"""A work done again and again beside the messages; trouble with it is told, and never ends it."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import structlog

log = structlog.get_logger("trunk.timer")


class Timer:
    """Does ``work`` at once, then again after each pause; ``pause_seconds`` is asked before every one."""

    def __init__(self, name: str, work: Callable[[], Awaitable[object]], pause_seconds: Callable[[], float]) -> None:
        self._name = name
        self._work = work
        self._pause_seconds = pause_seconds
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin, in the background."""
        self._task = asyncio.create_task(self._keep_on())

    async def stop(self) -> None:
        """End, in the middle of the work if need be."""
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _keep_on(self) -> None:
        while True:
            try:
                await self._work()
            except Exception as trouble:  # whatever it is, the next round may do better
                log.warning("not done, tried again", work=self._name, detail=str(trouble) or type(trouble).__name__)
            await asyncio.sleep(self._pause_seconds())
