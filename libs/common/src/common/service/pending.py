"""The publishes of one publisher that wait for their confirms, and how many are kept that nobody waits for."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

ABANDONED_BYTES = 32 * 1024 * 1024
"""Bodies of publishes that nobody waits for any more, in bytes, together."""
Key = tuple[str, str, str]
"""Exchange, routing key and event id."""


class Pending:
    """Tasks by key. A second caller for the same key joins the task of the first."""

    def __init__(self) -> None:
        self._tasks: dict[Key, asyncio.Task[None]] = {}
        self._begun_at: dict[Key, float] = {}
        """When each publish began (Unix time); the oldest first."""
        self._callers: Counter[Key] = Counter()
        """How many callers wait for each."""
        self._abandoned: dict[Key, int] = {}
        """Sizes of the bodies that nobody waits for, in the order in which they were left."""

    def __iter__(self) -> Iterator[Key]:
        return iter(self._tasks)

    def __len__(self) -> int:
        return len(self._tasks)

    @property
    def oldest_at(self) -> float:
        """When the oldest began (Unix time); 0 = there is none."""
        return next(iter(self._begun_at.values()), 0.0)

    def has_room(self, size: int) -> bool:
        """Whether nobody need wait for a further body of so many bytes, because there is room for it without giving up
        another."""
        return sum(self._abandoned.values()) + size <= ABANDONED_BYTES

    async def ended(self, key: Key, size: int, work: Callable[[], Coroutine[Any, Any, None]]) -> "asyncio.Task[None]":
        """Wait for the end of the task for a key, which runs ``work`` if there is none yet, and return the task.

        If the caller is cancelled, the task goes on, as long as the bodies that nobody waits for are small enough
        together. Beyond that the oldest are given up: their outcome is unknown, and publishing such a message again
        makes a copy. ``size``: of the body, in bytes.
        """
        task = self._tasks.get(key) or self._begin(key, work())
        self._abandoned.pop(key, None)
        self._callers[key] += 1
        try:
            await asyncio.wait({task})
        finally:
            self._callers[key] -= 1
            if not self._callers[key]:
                del self._callers[key]
                self._abandon(key, task, size)
        return task

    async def close(self, within_seconds: float) -> None:
        """Wait for all tasks, then cancel them."""
        tasks = list(self._tasks.values())
        if tasks:
            await asyncio.wait(tasks, timeout=within_seconds)
        for task in tasks:
            task.cancel()

    def _begin(self, key: Key, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = self._tasks[key] = asyncio.create_task(work)
        self._begun_at[key] = time.time()
        task.add_done_callback(lambda ended: self._end(key, ended))
        return task

    def _abandon(self, key: Key, task: "asyncio.Task[None]", size: int) -> None:
        if not task.done():
            self._abandoned[key] = size
        while sum(self._abandoned.values()) > ABANDONED_BYTES:
            oldest = next(iter(self._abandoned))
            given_up = self._tasks[oldest]
            self._forget(oldest, given_up)
            given_up.cancel()

    def _end(self, key: Key, ended: "asyncio.Task[None]") -> None:
        """Its exception is retrieved here, because its caller may have been cancelled."""
        self._forget(key, ended)
        if not ended.cancelled():
            ended.exception()

    def _forget(self, key: Key, task: "asyncio.Task[None]") -> None:
        if self._tasks.get(key) is task:
            del self._tasks[key]
            del self._begun_at[key]
            self._abandoned.pop(key, None)
