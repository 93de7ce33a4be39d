"""The rate of each unit: what it submits beyond its limits in a minute waits in its own queue; other units do not wait.

Each lane is counted by itself, so that a flood of normal packages delays no urgent one. Usage is counted in the
database, so that the limits hold for all processes together.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from pymongo import ReturnDocument

from common.clock import Clock, utc_now
from common.database import Collection, Database, Document, compare_and_set, database_errors_as_outages, insert_once
from common.domain.names import Lane, UnitCode
from common.headers import REFERENCE_TYPE
from common.metrics import record_rate_exceeded, set_units_over_rate
from common.service.incoming import Incoming
from common.topology import unit_of_submit_queue
from intake.rate_limits import RateLimits
from intake.submission import Reference

MINUTE = timedelta(minutes=1)
LARGEST_BYTES = 1 << 40
"""An upload counts with at most this size, far more than a package may have, so that the sum of a minute fits into a
row of the database."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Packages and bytes of one unit and lane that were taken in one minute."""

    minute: datetime
    """When the minute began."""
    packages: int
    bytes: int

    def is_over(self, limits: RateLimits) -> bool:
        """Whether a limit is reached, so that nothing more is taken in this minute."""
        over_packages = 0 < limits.packages <= self.packages
        return over_packages or 0 < limits.bytes <= self.bytes

    def without(self, size_bytes: int) -> "Usage":
        """The usage before the last package, which has this size."""
        return Usage(self.minute, self.packages - 1, self.bytes - size_bytes)


def minute_of(at: datetime) -> datetime:
    """The beginning of the minute that contains a time."""
    return at.replace(second=0, microsecond=0)


def size_of(message: Incoming) -> int:
    """Size of a submitted package in bytes. For an upload it is the size that the unit names; a package of another size
    is refused later."""
    if message.content_type != REFERENCE_TYPE:
        return len(message.body)
    try:
        return min(Reference.model_validate_json(message.body).size, LARGEST_BYTES)
    except ValueError:
        return len(message.body)


class Usages(Protocol):
    """Counts usage. Raises ``Outage`` while the database is unavailable."""

    async def add(self, unit: UnitCode, lane: Lane, minute: datetime, size_bytes: int) -> Usage:
        """Count one package. Returns the usage including it, of ``minute`` or of a later minute that a process with
        another clock has begun."""


class MongoUsages:
    """Collection ``unit_rates``: one row for each unit and lane."""

    def __init__(self, database: Database) -> None:
        self._rates: Collection = database.collection("unit_rates")
        self._newest: dict[str, datetime] = {}
        """The minute in which this process counted last, by row."""

    async def add(self, unit: UnitCode, lane: Lane, minute: datetime, size_bytes: int) -> Usage:
        """As in ``Usages``. Which query is tried first only saves a request; the result does not depend on it."""
        key = f"{unit}/{lane}"
        fresh: Document = {"minute": minute, "packages": 1, "bytes": size_bytes}
        begun = {"_id": key, "minute": {"$lt": minute}}
        while True:
            is_new_here = key not in self._newest or self._newest[key] < minute
            if is_new_here and await compare_and_set(self._rates, begun, {"$set": fresh}):
                return self._noted(key, Usage(**fresh))
            with database_errors_as_outages():
                row: dict[str, Any] | None = await self._rates.find_one_and_update(
                    {"_id": key, "minute": {"$gte": minute}},
                    {"$inc": {"packages": 1, "bytes": size_bytes}},
                    return_document=ReturnDocument.AFTER,
                )
            if row is not None:
                return self._noted(key, Usage(row["minute"], row["packages"], row["bytes"]))
            row = {"_id": key, "unit": unit, "lane": lane.value, **fresh}
            if await insert_once(self._rates, row) is row:
                return self._noted(key, Usage(**fresh))
            self._newest.pop(key, None)

    def _noted(self, key: str, usage: Usage) -> Usage:
        self._newest[key] = usage.minute
        return usage


class UnitRates:
    """Counts submissions, and knows the units from which nothing is taken for the rest of the minute."""

    def __init__(self, usages: Usages, limits: RateLimits, now: Clock = utc_now) -> None:
        self._usages = usages
        self._limits = limits
        self._now = now
        self._closed: dict[tuple[UnitCode, Lane], datetime] = {}

    def is_open(self, unit: UnitCode, lane: Lane) -> bool:
        """Whether submissions of a unit and lane are taken now."""
        until = self._closed.get((unit, lane))
        return until is None or until <= self._now()

    async def count(self, message: Incoming) -> bool:
        """Count a submission that was taken. True = its unit has reached a limit, and nothing more is taken of it in
        this minute."""
        unit, lane, size_bytes = unit_of_submit_queue(message.queue), message.lane, size_of(message)
        usage = await self._usages.add(unit, lane, minute_of(self._now()), size_bytes)
        if not usage.is_over(self._limits):
            return False
        self._closed[unit, lane] = usage.minute + MINUTE
        if not usage.without(size_bytes).is_over(self._limits):
            record_rate_exceeded(unit, lane)
        return True

    async def measure(self) -> None:
        """Record how many units are over their rate, and forget those that no longer are."""
        now = self._now()
        self._closed = {key: until for key, until in self._closed.items() if until > now}
        for lane in Lane:
            set_units_over_rate(lane, sum(each is lane for _, each in self._closed))


def counted(
    handle: Callable[[Incoming], Awaitable[None]], rates: UnitRates, look_again: Callable[[], None]
) -> Callable[[Incoming], Awaitable[None]]:
    """A handler that counts each submission and then passes it to ``handle``.

    ``look_again``: makes the consumers compare the queues that they consume with those that they should.
    """

    async def count_and_handle(message: Incoming) -> None:
        if await rates.count(message):
            look_again()
        await handle(message)

    return count_and_handle
