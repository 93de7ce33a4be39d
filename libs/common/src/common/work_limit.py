"""A limit on the time that work takes, not counting the time in which it waits for its turn."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar

from common.failure import Outage


class _Limit:
    """The limit of the work in the present context, also of tasks that it has begun."""

    def __init__(self, timeout: asyncio.Timeout, wait_seconds: float) -> None:
        self._timeout = timeout
        self._wait_seconds = wait_seconds
        """Left for waiting."""
        self._work_seconds = 0.0
        """Left for work, while it waits."""
        self._began_waiting = 0.0
        self._waits = 0
        self.is_over = False
        self.waited_too_long = False

    def wait(self) -> None:
        """Note that something begins to wait. While anything waits, the time of the work stands still."""
        self._waits += 1
        when = self._timeout.when()
        if self._waits == 1 and when is not None and self._can_change():
            self._began_waiting = asyncio.get_running_loop().time()
            self._work_seconds = when - self._began_waiting
            self._timeout.reschedule(self._began_waiting + self._wait_seconds)

    def work(self) -> None:
        """Note that something no longer waits."""
        self._waits -= 1
        self.waited_too_long |= self._timeout.expired()
        if self._waits == 0 and self._can_change():
            now = asyncio.get_running_loop().time()
            self._wait_seconds -= now - self._began_waiting
            self._timeout.reschedule(now + self._work_seconds)

    def _can_change(self) -> bool:
        return not (self.is_over or self._timeout.expired())


_CURRENT: ContextVar[_Limit | None] = ContextVar("work_limit", default=None)


@asynccontextmanager
async def work_limit(work_seconds: float, wait_seconds: float) -> AsyncIterator[None]:
    """Raises ``TimeoutError`` if the work in the block takes longer than ``work_seconds``, not counting its blocks of
    ``waiting``; and ``Outage`` if these take longer than ``wait_seconds`` in total."""
    limit: _Limit | None = None
    try:
        async with asyncio.timeout(work_seconds) as timeout:
            limit = _Limit(timeout, wait_seconds)
            token = _CURRENT.set(limit)
            try:
                yield
            finally:
                limit.is_over = True
                _CURRENT.reset(token)
    except TimeoutError:
        if limit is not None and limit.waited_too_long:
            raise Outage("memory", f"its turn has not come for {wait_seconds:.0f} s") from None
        raise


@contextmanager
def waiting() -> Iterator[None]:
    """The time in the block does not count as work. Without effect outside of a ``work_limit``."""
    limit = _CURRENT.get()
    if limit is None:
        yield
        return
    limit.wait()
    try:
        yield
    finally:
        limit.work()
