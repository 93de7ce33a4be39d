"""Collection ``inboxes``: when the inbox of each unit was last empty, and the state of the mark (``inbox_reading``)."""

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from common.database import Collection, Database, Document, database_errors_as_outages, find_by_id
from common.domain.names import UnitCode
from router.inbox_reading import Mark
from router.store.queries import find_all

MARK = "*"
"""``_id`` of the mark's row; no unit has this code."""


class Inboxes(Protocol):
    """The saved observations of inboxes. All methods raise ``Outage`` while the database is unavailable."""

    async def note_empty(self, units: Iterable[UnitCode], at: datetime) -> None:
        """Note that the inboxes of these units were empty at a time."""

    async def emptied_at(self, units: Iterable[UnitCode]) -> dict[UnitCode, datetime]:
        """When the inbox of each of these units was last empty, without those that never were."""

    async def mark(self) -> Mark:
        """The saved state of the mark."""

    async def set_mark(self, mark: Mark) -> None:
        """Save the state of the mark."""


class MongoInboxes:
    """``Inboxes`` in MongoDB."""

    def __init__(self, database: Database) -> None:
        self._inboxes: Collection = database.collection("inboxes")

    async def note_empty(self, units: Iterable[UnitCode], at: datetime) -> None:
        """Note that the inboxes of these units were empty at a time."""
        for unit in units:
            await self._set(unit, {"$max": {"emptied_at": at}})

    async def emptied_at(self, units: Iterable[UnitCode]) -> dict[UnitCode, datetime]:
        """When the inbox of each of these units was last empty."""
        rows = await find_all(self._inboxes, {"_id": {"$in": sorted(units)}}, ("emptied_at",))
        return {row["_id"]: row["emptied_at"] for row in rows}

    async def mark(self) -> Mark:
        """The saved state of the mark."""
        return Mark.model_validate(await find_by_id(self._inboxes, MARK) or {})

    async def set_mark(self, mark: Mark) -> None:
        """Save the state of the mark."""
        await self._set(MARK, {"$set": mark.model_dump()})

    async def _set(self, key: str, change: Document) -> None:
        with database_errors_as_outages():
            await self._inboxes.update_one({"_id": key}, change, upsert=True)
