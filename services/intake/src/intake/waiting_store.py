"""Collection ``waiting``: packages that cannot be decided yet (``intake.waiting``)."""

from collections.abc import Sequence
from datetime import datetime

from common.database import (
    Collection,
    Database,
    Document,
    compare_and_set,
    database_errors_as_outages,
    find_by_id,
    insert_once,
)
from common.domain.canary import CANARY_UNITS
from common.domain.names import PackageKind
from common.fair_rounds import in_turn, shares
from common.indexes import WAITING
from intake.waiting import LEASE, WOKEN, WaitingPackage

OF_HOLDER = ("awaited", "needs_all", "holder", "detail", "since", "deadline", "next_look_at")
"""Fields of a row that change when a package begins to wait for another reason."""


class WaitingPackages:
    """The rows of waiting packages. All methods raise ``Outage`` while the database is unavailable."""

    def __init__(self, database: Database) -> None:
        self._waiting: Collection = database.collection(WAITING)

    async def find(self, package_id: str) -> WaitingPackage | None:
        """The row of a package; None = it does not wait."""
        row = await find_by_id(self._waiting, package_id)
        return WaitingPackage.model_validate(row) if row else None

    async def save(self, waiting: WaitingPackage) -> WaitingPackage:
        """Save a row. Returns the one that was saved first."""
        row: Document = {"_id": waiting.package_id, **waiting.model_dump(exclude_none=True)}
        row["awaited"] = list(waiting.awaited)
        return WaitingPackage.model_validate(await insert_once(self._waiting, row))

    async def await_holder(self, waiting: WaitingPackage) -> None:
        """Note that a package that waited for documents now waits for the end of the one that holds its DocumentId.

        Changes nothing if it waits for the end of another package already, so that the deadline stays.
        """
        row = waiting.model_dump(include=set(OF_HOLDER)) | {"awaited": list(waiting.awaited)}
        expected: Document = {"_id": waiting.package_id, "holder": {"$in": ["", None]}}
        await compare_and_set(self._waiting, expected, {"$set": row})

    async def mark_announced(self, package_id: str) -> None:
        """Note that ``package.waiting`` is published."""
        await compare_and_set(self._waiting, {"_id": package_id}, {"$set": {"announced": True}})

    async def count(self, sender: str) -> int:
        """How many packages of a unit wait."""
        with database_errors_as_outages():
            return await self._waiting.count_documents({"sender": sender})

    async def by_kind(self) -> dict[PackageKind, int]:
        """How many packages wait, by kind, without those of the canary."""
        others = {"$match": {"sender": {"$nin": sorted(CANARY_UNITS)}}}
        by_kind = {"$group": {"_id": "$kind", "count": {"$sum": 1}}}
        with database_errors_as_outages():
            rows = await self._waiting.aggregate([others, by_kind]).to_list(None)
        return {PackageKind(row["_id"]): int(row["count"]) for row in rows}

    async def wake(self, document_key: str) -> None:
        """Make every package due that waits for a document, because the document has come or was given up."""
        selection: Document = {"awaited": document_key}
        with database_errors_as_outages():
            rows = await self._waiting.find(selection, {"_id": 1}).to_list(None)
        for row in rows:
            await self.look_again(row["_id"])

    async def look_again(self, package_id: str) -> None:
        """Make one package due by any clock."""
        await compare_and_set(self._waiting, {"_id": package_id}, {"$set": {"next_look_at": WOKEN}})

    async def take_due(self, now: datetime, limit: int, passed_over: Sequence[str] = ()) -> list[WaitingPackage]:
        """At most ``limit`` packages that are due, one of each unit in turn, without those of the units
        ``passed_over``. Each is given to one process at a time."""
        due: Document = {"next_look_at": {"$lte": now}, "sender": {"$nin": list(passed_over)}}
        by_sender = [{"$match": due}, {"$group": {"_id": "$sender", "count": {"$sum": 1}}}]
        with database_errors_as_outages():
            senders = [str(row["_id"]) for row in await self._waiting.aggregate(by_sender).to_list(None)]
        most = shares(senders, limit)
        rows = [await self._oldest(due | {"sender": sender}, most[sender]) for sender in most]
        taken = []
        for row in in_turn(rows)[:limit]:
            expected = {"_id": row["_id"], "next_look_at": row["next_look_at"]}
            if await compare_and_set(self._waiting, expected, {"$set": {"next_look_at": now + LEASE}}):
                taken.append(WaitingPackage.model_validate(row))
        return taken

    async def _oldest(self, due: Document, limit: int) -> list[Document]:
        with database_errors_as_outages():
            return await self._waiting.find(due).sort("next_look_at", 1).limit(limit).to_list(None)

    async def postpone(self, waiting: WaitingPackage, taken_at: datetime, at: datetime) -> None:
        """Set when to look again at a package that was taken, unless it has been woken since."""
        expected = {"_id": waiting.package_id, "next_look_at": taken_at + LEASE}
        await compare_and_set(self._waiting, expected, {"$set": {"next_look_at": at}})

    async def remove(self, package_id: str) -> None:
        """Remove the row of a package that is decided."""
        with database_errors_as_outages():
            await self._waiting.delete_one({"_id": package_id})
