"""Counting rows for gauges: it may take longer as collections grow, but never more than a small share of the time."""

import time
from collections.abc import Awaitable, Callable

LARGEST_SHARE = 0.01
"""Of the time, that one gauge's queries may take of the database."""


class Paced:
    """Work whose pauses grow with the time that it took when it last succeeded."""

    def __init__(
        self,
        work: Callable[[], Awaitable[object]],
        shortest_pause_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._work = work
        self._shortest = shortest_pause_seconds
        self._clock = clock
        self._took = 0.0

    async def run(self) -> None:
        """Do the work. An attempt that failed says nothing about how long it takes."""
        began = self._clock()
        await self._work()
        self._took = self._clock() - began

    def pause_seconds(self) -> float:
        """Until the next time."""
        return max(self._shortest, self._took / LARGEST_SHARE - self._took)
