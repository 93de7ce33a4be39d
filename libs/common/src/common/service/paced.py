"""Paces the counting of rows for gauges: as collections grow it takes longer, but never more than a small share of the
time."""

import time
from collections.abc import Awaitable, Callable

LARGEST_SHARE = 0.01
"""Share of the time that the queries of one gauge may take."""


class Paced:
    """Periodic work whose pauses grow with the time that it took when it last succeeded."""

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
        """Do the work, and measure how long it takes. A failed attempt is not measured. Raises what the work raises."""
        began = self._clock()
        await self._work()
        self._took = self._clock() - began

    def pause_seconds(self) -> float:
        """The pause until the next time."""
        return max(self._shortest, self._took / LARGEST_SHARE - self._took)
