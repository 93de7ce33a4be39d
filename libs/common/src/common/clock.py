"""The clocks of services. Times are in UTC and whole milliseconds, the precision of the databases.

So a decision has the same time when it is announced before it was saved, and again after it was loaded.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Now, in UTC and whole milliseconds."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def loop_time() -> float:
    """The monotonic clock of the running event loop, in seconds; in the simulation it is virtual."""
    return asyncio.get_running_loop().time()
