"""Rows about removal: the terms in collection ``packages``, and one row in ``removals`` for each removed object.

A removal's key is ``<bucket>/<object key>``. The row is written before anything is deleted, and gets ``removed_at``
when all of it is. It is never deleted, nor is the row of the package, from which the same bytes are still answered.
"""

from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict

from common.database import (
    Collection,
    Database,
    Document,
    compare_and_set,
    database_errors_as_outages,
    find_by_id,
    insert_once,
)
from common.domain.names import PackageId, Sha256, UnitCode
from common.facts import ObjectRef
from intake.ends import Ending, ended
from intake.open_packages import MOST_COUNTED, begin_round

ROUND = "removals"


class Ended(BaseModel):
    """A package whose term is over."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    package_id: PackageId
    sender: UnitCode
    package: ObjectRef
    ended_at: datetime


class Removed(BaseModel):
    """An object that was removed, or is being removed, and on what legal basis."""

    model_config = ConfigDict(frozen=True, use_enum_values=True)

    bucket: str
    key: str
    package_id: PackageId | None = None
    """None = the object is an upload."""
    sender: str
    """The unit that submitted the package; of an upload, the unit in whose folder it lay."""
    sha256: Sha256 | None = None
    size_bytes: int
    ending: Ending
    ended_at: datetime
    """When the term began."""
    days: int
    legal_basis: str
    terms: str
    """Version of the table of terms."""
    begun_at: datetime


class Removals:
    """The rows about removal. All methods raise ``Outage`` while the database is unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._packages: Collection = database.collection("packages")
        self._removals: Collection = database.collection("removals")
        self._rounds: Collection = database.collection("rounds")

    async def server_time(self) -> datetime:
        """The time by the clock of the database."""
        return await self._database.server_time()

    async def begin_round(self, now: datetime, length: timedelta) -> bool:
        """Begin the next round. False = it is not due, or another process has begun it."""
        return await begin_round(self._rounds, ROUND, now, length)

    async def due(self, ending: Ending, before: datetime, limit: int) -> list[Ended]:
        """At most ``limit`` packages whose term began at ``before`` or earlier, the earliest first."""
        with database_errors_as_outages():
            rows = await self._packages.find(ended(ending, before)).sort("ended_at", 1).limit(limit).to_list(None)
        return [Ended.model_validate(row) for row in rows]

    async def begin(self, package: Ended, ending: Ending, before: datetime, at: datetime) -> bool:
        """Mark a package as being removed: from now on its discard cannot be undone. False = the package is open again,
        or removed already."""
        expected = ended(ending, before) | {"_id": package.package_id, "ended_at": package.ended_at}
        return await compare_and_set(self._packages, expected, {"$set": {"removing_at": at}})

    async def keep(self, package_id: PackageId) -> None:
        """Undo ``begin`` for a package that is locked and was not removed."""
        removing = {"_id": package_id, "is_removed": False}
        await compare_and_set(self._packages, removing, {"$unset": {"removing_at": ""}})

    async def note_begun(self, removed: Removed) -> None:
        """Record a removal before anything is deleted."""
        row: Document = {"_id": f"{removed.bucket}/{removed.key}", "removed_at": None, **removed.model_dump()}
        await insert_once(self._removals, row)

    async def note_done(self, removed: Removed, at: datetime) -> bool:
        """Record that a removal is complete. False = that was recorded before."""
        noted = {"_id": f"{removed.bucket}/{removed.key}", "removed_at": None}
        is_first = await compare_and_set(self._removals, noted, {"$set": {"removed_at": at}})
        if removed.package_id:
            await compare_and_set(self._packages, {"_id": removed.package_id}, {"$set": {"is_removed": True}})
        return is_first

    async def left(self, ending: Ending, before: datetime) -> tuple[int, datetime | None]:
        """How many packages are due, counted up to ``MOST_COUNTED``, and when the earliest of their terms began."""
        count = 0
        oldest = await self.due(ending, before, 1)
        if oldest:
            with database_errors_as_outages():
                count = await self._packages.count_documents(ended(ending, before), limit=MOST_COUNTED)
        return count, oldest[0].ended_at if oldest else None

    async def note_uploads_left(self, count: int, oldest: datetime | None) -> None:
        """Record how many uploads are due that a round did not remove, and when the oldest of them was put."""
        await compare_and_set(self._rounds, {"_id": ROUND}, {"$set": {"uploads": count, "oldest_upload": oldest}})

    async def uploads_left(self) -> tuple[int, datetime | None]:
        """The count and the time that the last round recorded with ``note_uploads_left``."""
        row = await find_by_id(self._rounds, ROUND) or {}
        return int(row.get("uploads", 0)), row.get("oldest_upload")
