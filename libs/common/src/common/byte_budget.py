"""A bound on the bytes in memory at a time, instead of a bound on the number of things that occupy them."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from common.work_limit import waiting


class ByteBudget:
    """Bounds the bytes held at a time. Requests are granted in order, so that small ones never starve a large one.

    A request larger than the whole budget is granted when nothing else is held.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()
        self.held_bytes = 0

    @asynccontextmanager
    async def hold(self, size_bytes: int) -> AsyncIterator[None]:
        """Wait until so many bytes fit into the budget, and hold them while the block runs.

        A handler's limit on time does not run while it waits here; the sum of its waits has a limit of its own
        (``common.work_limit``).
        """
        share = min(size_bytes, self._limit)
        await self._take(share)
        try:
            yield
        finally:
            self.held_bytes -= share
            self._wake()

    async def _take(self, share: int) -> None:
        if not self._waiting and self.held_bytes + share <= self._limit:
            self.held_bytes += share
            return
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((share, granted))
        try:
            with waiting():
                await granted
        except asyncio.CancelledError:
            if granted.done() and not granted.cancelled():  # granted in the moment of the cancellation
                self.held_bytes -= share
            self._wake()
            raise

    def _wake(self) -> None:
        while self._waiting:
            share, granted = self._waiting[0]
            if not granted.done() and self.held_bytes + share > self._limit:
                return
            self._waiting.popleft()
            if not granted.done():
                self.held_bytes += share
                granted.set_result(None)
