"""Rows about what comes to its end: terms in collection ``packages``, and collection ``removals`` of what was removed.

A removal is one row under bucket and key. It is written before the first byte goes, and says afterwards when all of it
was gone; it is never removed. The row of the package stays, too, and answers the same bytes as before.
"""

from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict

from common.database import Collection, Database, Document, compare_and_set, database_trouble, find_by_id, insert_once
from common.domain.names import PackageId, Sha256, UnitCode
from common.facts import ObjectRef
from intake.ends import Ending, ended
from intake.open_packages import MOST_COUNTED, begin_round

ROUND = "removals"


class Ended(BaseModel):
    """A package that may be removed."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    package_id: PackageId
    sender: UnitCode
    package: ObjectRef
    ended_at: datetime


class Removed(BaseModel):
    """What was removed, or is being removed, and by what right."""

    model_config = ConfigDict(frozen=True, use_enum_values=True)

    bucket: str
    key: str
    package_id: PackageId | None = None
    """None: an upload."""
    sender: str
    """The unit; of an upload, the folder that it lay in."""
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
    """What the removal asks of intake's database. Everything raises ``Outage`` when it is away."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._packages: Collection = database.collection("packages")
        self._removals: Collection = database.collection("removals")
        self._rounds: Collection = database.collection("rounds")

    async def server_time(self) -> datetime:
        """By the clock of the database."""
        return await self._database.server_time()

    async def begin_round(self, now: datetime, length: timedelta) -> bool:
        """Whether this process does the next round: one does, however many there are."""
        return await begin_round(self._rounds, ROUND, now, length)

    async def due(self, ending: Ending, before: datetime, limit: int) -> list[Ended]:
        """Packages that may be removed, those whose term began first."""
        with database_trouble():
            rows = await self._packages.find(ended(ending, before)).sort("ended_at", 1).limit(limit).to_list(None)
        return [Ended.model_validate(row) for row in rows]

    async def begin(self, package: Ended, ending: Ending, before: datetime, at: datetime) -> bool:
        """From now on nothing brings the package back; False = something has, or it is removed already."""
        expected = ended(ending, before) | {"_id": package.package_id, "ended_at": package.ended_at}
        return await compare_and_set(self._packages, expected, {"$set": {"removing_at": at}})

    async def keep(self, package_id: PackageId) -> None:
        """The package is locked: it was not removed, and its row is as it was."""
        removing = {"_id": package_id, "is_removed": False}
        await compare_and_set(self._packages, removing, {"$unset": {"removing_at": ""}})

    async def note_begun(self, removed: Removed) -> None:
        """Before the first byte goes."""
        row: Document = {"_id": f"{removed.bucket}/{removed.key}", "removed_at": None, **removed.model_dump()}
        await insert_once(self._removals, row)

    async def note_done(self, removed: Removed, at: datetime) -> bool:
        """All of it is gone. False = somebody has noted that already."""
        noted = {"_id": f"{removed.bucket}/{removed.key}", "removed_at": None}
        is_first = await compare_and_set(self._removals, noted, {"$set": {"removed_at": at}})
        if removed.package_id:
            await compare_and_set(self._packages, {"_id": removed.package_id}, {"$set": {"is_removed": True}})
        return is_first

    async def left(self, ending: Ending, before: datetime) -> tuple[int, datetime | None]:
        """How many packages may be removed, at most ``MOST_COUNTED``, and when the first of their terms began."""
        count = 0
        oldest = await self.due(ending, before, 1)
        if oldest:
            with database_trouble():
                count = await self._packages.count_documents(ended(ending, before), limit=MOST_COUNTED)
        return count, oldest[0].ended_at if oldest else None

    async def note_uploads_left(self, count: int, oldest: datetime | None) -> None:
        """What a round has left in ``uploads`` although its term is over."""
        await compare_and_set(self._rounds, {"_id": ROUND}, {"$set": {"uploads": count, "oldest_upload": oldest}})

    async def uploads_left(self) -> tuple[int, datetime | None]:
        """What the newest round has noted."""
        row = await find_by_id(self._rounds, ROUND) or {}
        return int(row.get("uploads", 0)), row.get("oldest_upload")
