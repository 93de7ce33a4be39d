"""The time, as services take it: in UTC and whole milliseconds, which is what the databases keep.

A decision that is announced before it was saved, and again after it was loaded, so says the same time.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Now, in UTC."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def loop_time() -> float:
    """Monotonic seconds of the running event loop; virtual ones in the simulation."""
    return asyncio.get_running_loop().time()
