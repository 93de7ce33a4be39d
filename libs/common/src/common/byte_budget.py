"""A bound on bytes held in memory at a time, in place of a bound on the number of things that hold them."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class ByteBudget:
    """Bounds the bytes held at a time. First come, first served, so that small requests never starve a large one.

    What is larger than the whole budget gets it when nobody else holds any of it.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()
        self.held_bytes = 0

    @asynccontextmanager
    async def hold(self, size_bytes: int) -> AsyncIterator[None]:
        """Hold so many bytes while the block runs; waits until they fit."""
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
