"""The time, as services take it: in UTC and whole milliseconds, which is what the databases keep.

A decision that is announced before it was saved, and again after it was loaded, so says the same time.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The time."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def loop_time() -> float:
    """Seconds on the clock of the running event loop, which never goes back; in the simulation, virtual ones."""
    return asyncio.get_running_loop().time()
