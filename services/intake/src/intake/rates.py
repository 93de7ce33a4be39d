"""How much of one unit is taken a minute: over it, what the unit submits waits in its own queue, and nobody else waits.

Counted for each lane by itself, so that a flood of normal packages holds up no urgent one, and in the database, so that
it is the same however many processes take submissions.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from pymongo import ReturnDocument

from common.clock import Clock, utc_now
from common.database import Collection, Database, Document, compare_and_set, database_trouble, insert_once
from common.domain.names import Lane, UnitCode
from common.headers import REFERENCE_TYPE
from common.metrics import record_rate_exceeded, set_units_over_rate
from common.service.incoming import Incoming
from common.topology import unit_of_submit_queue
from intake.rate_limits import RateLimits
from intake.submission import Reference

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Usage:
    """What was taken of one unit and lane in one minute."""

    minute: datetime
    """When it began."""
    packages: int
    bytes: int

    def is_over(self, limits: RateLimits) -> bool:
        """Whether no more is to be taken in this minute."""
        over_packages = 0 < limits.packages <= self.packages
        return over_packages or 0 < limits.bytes <= self.bytes

    def without(self, size_bytes: int) -> "Usage":
        """Before the last package."""
        return Usage(self.minute, self.packages - 1, self.bytes - size_bytes)


def minute_of(at: datetime) -> datetime:
    """The beginning of the minute."""
    return at.replace(second=0, microsecond=0)


def size_of(message: Incoming) -> int:
    """Bytes of the package that a submission brings; of an upload, as the unit says: another size is refused later."""
    if message.content_type != REFERENCE_TYPE:
        return len(message.body)
    try:
        return Reference.model_validate_json(message.body).size
    except ValueError:
        return len(message.body)


class Usages(Protocol):
    """Where usage is counted. Raises ``Outage`` when the database is away."""

    async def add(self, unit: UnitCode, lane: Lane, minute: datetime, size_bytes: int) -> Usage:
        """Count one package. Returns the usage with it, of this minute or of one that has begun elsewhere."""


class MongoUsages:
    """Collection ``unit_rates``: one row for each unit and lane."""

    def __init__(self, database: Database) -> None:
        self._rates: Collection = database.collection("unit_rates")
        self._newest: dict[str, datetime] = {}
        """The minute in which this process counted last, by row."""

    async def add(self, unit: UnitCode, lane: Lane, minute: datetime, size_bytes: int) -> Usage:
        """Count one package. What is tried first saves a request, and decides nothing."""
        key = f"{unit}/{lane}"
        fresh: Document = {"minute": minute, "packages": 1, "bytes": size_bytes}
        begun = {"_id": key, "minute": {"$lt": minute}}
        while True:
            is_new_here = key not in self._newest or self._newest[key] < minute
            if is_new_here and await compare_and_set(self._rates, begun, {"$set": fresh}):
                return self._noted(key, Usage(**fresh))
            with database_trouble():
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
    """Counts what is taken, and knows from whom nothing is taken for the rest of the minute."""

    def __init__(self, usages: Usages, limits: RateLimits, now: Clock = utc_now) -> None:
        self._usages = usages
        self._limits = limits
        self._now = now
        self._closed: dict[tuple[UnitCode, Lane], datetime] = {}

    def is_open(self, unit: UnitCode, lane: Lane) -> bool:
        """Whether the unit's submissions are taken now."""
        until = self._closed.get((unit, lane))
        return until is None or until <= self._now()

    async def count(self, message: Incoming) -> bool:
        """Count a submission that was taken. True = it was the last one for this minute."""
        unit, lane, size_bytes = unit_of_submit_queue(message.queue), message.lane, size_of(message)
        usage = await self._usages.add(unit, lane, minute_of(self._now()), size_bytes)
        if not usage.is_over(self._limits):
            return False
        self._closed[unit, lane] = usage.minute + MINUTE
        if not usage.without(size_bytes).is_over(self._limits):
            record_rate_exceeded(unit, lane)
        return True

    async def measure(self) -> None:
        """Record how many units wait, and forget those that do not any more."""
        now = self._now()
        self._closed = {key: until for key, until in self._closed.items() if until > now}
        for lane in Lane:
            set_units_over_rate(lane, sum(each is lane for _, each in self._closed))


def counted(
    handle: Callable[[Incoming], Awaitable[None]], rates: UnitRates, look_again: Callable[[], None]
) -> Callable[[Incoming], Awaitable[None]]:
    """The handler of submissions, after counting.

    ``look_again``: have consumers compare the queues that they take from with the wanted.
    """

    async def count_and_handle(message: Incoming) -> None:
        if await rates.count(message):
            look_again()
        await handle(message)

    return count_and_handle
