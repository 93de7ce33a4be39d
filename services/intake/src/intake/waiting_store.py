"""Collection ``waiting``: packages that wait for the documents they are about."""

from collections.abc import Sequence
from datetime import datetime

from common.database import (
    Collection,
    Database,
    Document,
    compare_and_set,
    database_trouble,
    find_by_id,
    insert_once,
)
from common.domain.canary import CANARY_UNITS
from common.domain.names import PackageKind
from common.indexes import WAITING
from intake.waiting import LEASE, WOKEN, WaitingPackage, in_turn, share

OF_HOLDER = ("awaited", "needs_all", "holder", "detail", "since", "deadline", "next_look_at")
"""Fields that say for what a package waits."""


class WaitingPackages:
    """The collection of the running service. Everything raises ``Outage`` when the database is away."""

    def __init__(self, database: Database) -> None:
        self._waiting: Collection = database.collection(WAITING)

    async def find(self, package_id: str) -> WaitingPackage | None:
        """The row of a package, while it waits."""
        row = await find_by_id(self._waiting, package_id)
        return WaitingPackage.model_validate(row) if row else None

    async def save(self, waiting: WaitingPackage) -> WaitingPackage:
        """Keep a row; returns the one that was there first."""
        row: Document = {"_id": waiting.package_id, **waiting.model_dump(exclude_none=True)}
        row["awaited"] = list(waiting.awaited)
        return WaitingPackage.model_validate(await insert_once(self._waiting, row))

    async def await_holder(self, waiting: WaitingPackage) -> None:
        """A package that waited for documents waits for the end of the one that holds its DocumentId. What was found
        first stays, and with it the deadline."""
        row = waiting.model_dump(include=set(OF_HOLDER)) | {"awaited": list(waiting.awaited)}
        expected: Document = {"_id": waiting.package_id, "holder": {"$in": ["", None]}}
        await compare_and_set(self._waiting, expected, {"$set": row})

    async def mark_announced(self, package_id: str) -> None:
        """The sender is told that the package waits."""
        await compare_and_set(self._waiting, {"_id": package_id}, {"$set": {"announced": True}})

    async def count(self, sender: str) -> int:
        """How many packages of a unit wait."""
        with database_trouble():
            return await self._waiting.count_documents({"sender": sender})

    async def by_kind(self) -> dict[PackageKind, int]:
        """How many packages wait, by kind; the canary's are in no statistic."""
        others = {"$match": {"sender": {"$nin": sorted(CANARY_UNITS)}}}
        by_kind = {"$group": {"_id": "$kind", "count": {"$sum": 1}}}
        with database_trouble():
            rows = await self._waiting.aggregate([others, by_kind]).to_list(None)
        return {PackageKind(row["_id"]): int(row["count"]) for row in rows}

    async def wake(self, document_key: str) -> None:
        """A document has come, or is given up: whatever waits for it is due."""
        selection: Document = {"awaited": document_key}
        with database_trouble():
            rows = await self._waiting.find(selection, {"_id": 1}).to_list(None)
        for row in rows:
            await self.look_again(row["_id"])

    async def look_again(self, package_id: str) -> None:
        """A package is due, by the clock of whoever looks."""
        await compare_and_set(self._waiting, {"_id": package_id}, {"$set": {"next_look_at": WOKEN}})

    async def take_due(self, now: datetime, limit: int, passed_over: Sequence[str] = ()) -> list[WaitingPackage]:
        """Packages that are due, one of each unit in turn, without those of some units; each is taken by one process at
        a time."""
        due: Document = {"next_look_at": {"$lte": now}, "sender": {"$nin": list(passed_over)}}
        by_sender = [{"$match": due}, {"$group": {"_id": "$sender", "count": {"$sum": 1}}}]
        with database_trouble():
            senders = [str(row["_id"]) for row in await self._waiting.aggregate(by_sender).to_list(None)]
        rows = [await self._oldest(due | {"sender": sender}, share(limit, len(senders))) for sender in senders]
        taken = []
        for row in in_turn(rows)[:limit]:
            expected = {"_id": row["_id"], "next_look_at": row["next_look_at"]}
            if await compare_and_set(self._waiting, expected, {"$set": {"next_look_at": now + LEASE}}):
                taken.append(WaitingPackage.model_validate(row))
        return taken

    async def _oldest(self, due: Document, limit: int) -> list[Document]:
        with database_trouble():
            return await self._waiting.find(due).sort("next_look_at", 1).limit(limit).to_list(None)

    async def postpone(self, waiting: WaitingPackage, taken_at: datetime, at: datetime) -> None:
        """A package that was taken waits on, unless its document has come meanwhile."""
        expected = {"_id": waiting.package_id, "next_look_at": taken_at + LEASE}
        await compare_and_set(self._waiting, expected, {"$set": {"next_look_at": at}})

    async def remove(self, package_id: str) -> None:
        """The package is decided."""
        with database_trouble():
            await self._waiting.delete_one({"_id": package_id})
