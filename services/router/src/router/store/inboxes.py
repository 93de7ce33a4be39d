"""Collection ``inboxes``: when each inbox was empty last, one row a unit; and the mark of the broker's data."""

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from common.database import Collection, Database, Document, database_trouble, find_by_id
from common.domain.names import UnitCode
from router.inbox_reading import Mark
from router.store.queries import find_all

MARK = "*"
"""``_id`` of the mark; no unit has this code."""


class Inboxes(Protocol):
    """What is asked. Everything raises ``Outage`` when the database is away."""

    async def note_empty(self, units: Iterable[UnitCode], at: datetime) -> None:
        """The inboxes of these units were empty at this time."""

    async def emptied_at(self, units: Iterable[UnitCode]) -> dict[UnitCode, datetime]:
        """When each of these inboxes was empty last; without those that never were."""

    async def mark(self) -> Mark:
        """What is remembered of the mark."""

    async def set_mark(self, mark: Mark) -> None:
        """Remember it so."""


class MongoInboxes:
    """The collection of the running service."""

    def __init__(self, database: Database) -> None:
        self._inboxes: Collection = database.collection("inboxes")

    async def note_empty(self, units: Iterable[UnitCode], at: datetime) -> None:
        """The inboxes of these units were empty at this time."""
        for unit in units:
            await self._set(unit, {"$max": {"emptied_at": at}})

    async def emptied_at(self, units: Iterable[UnitCode]) -> dict[UnitCode, datetime]:
        """When each of these inboxes was empty last."""
        rows = await find_all(self._inboxes, {"_id": {"$in": sorted(units)}}, ("emptied_at",))
        return {row["_id"]: row["emptied_at"] for row in rows}

    async def mark(self) -> Mark:
        """What is remembered of the mark."""
        return Mark.model_validate(await find_by_id(self._inboxes, MARK) or {})

    async def set_mark(self, mark: Mark) -> None:
        """Remember it so."""
        await self._set(MARK, {"$set": mark.model_dump()})

    async def _set(self, key: str, change: Document) -> None:
        with database_trouble():
            await self._inboxes.update_one({"_id": key}, change, upsert=True)
