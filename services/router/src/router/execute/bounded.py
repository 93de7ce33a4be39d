"""Runs many awaitables with bounded concurrency."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from common.failure import Outage

T = TypeVar("T")


async def gather_bounded(works: Iterable[Callable[[], Awaitable[T]]], at_once: int) -> list[T]:
    """Run all works, at most ``at_once`` at a time, and return their results in order.

    A failure stops no other work; the first failure is raised when all have ended. After an ``Outage``, works that have
    not begun are not run.
    """
    gate = asyncio.Semaphore(at_once)
    failures: list[Exception] = []

    async def one(work: Callable[[], Awaitable[T]]) -> T | None:
        async with gate:
            if any(isinstance(failure, Outage) for failure in failures):
                return None
            try:
                return await work()
            except Exception as failure:
                failures.append(failure)
                return None

    results = await asyncio.gather(*map(one, works))
    if failures:
        raise failures[0]
    return [result for result in results if result is not None]
