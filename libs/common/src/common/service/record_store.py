"""Stores message records: collection ``message_records`` in the database of each service."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from common.database import (
    Collection,
    Database,
    Document,
    compare_and_set,
    database_errors_as_outages,
    find_by_id,
    insert_once,
)
from common.indexes import MESSAGE_RECORDS
from common.service.records import HELD, UNDER_WAY, MessageRecord, RecordState


class Records(Protocol):
    """The message records of one service. All methods raise ``Outage`` while the database is unavailable."""

    async def find(self, record_id: str) -> MessageRecord | None:
        """The record of a message; None = there is none."""

    async def save(self, record: MessageRecord) -> bool:
        """Insert a record of revision 0, or replace the saved one of the same revision. False = another process has
        changed it."""

    async def forget(self, record_id: str) -> None:
        """Remove the record of a message that was handled after all. The record of a parked message stays."""

    async def held(self) -> dict[tuple[str, str, bool], int]:
        """How many messages wait for an operator, by kind of queue (``facts``, …), reason, and whether they are
        quarantined."""

    async def remove_expired(self, now: datetime) -> int:
        """Remove the records of settled messages that have expired. Returns how many."""


async def change(
    records: Records, begin: MessageRecord, transition: Callable[[MessageRecord], MessageRecord]
) -> MessageRecord:
    """Apply a transition to the saved record, or to ``begin`` if there is none. Returns the saved result.

    ``transition`` may be called several times: again after another process has changed the record. Raises ``Outage``.
    """
    while True:
        saved = await records.find(begin.record_id) or begin
        after = transition(saved)
        if after == saved and saved.revision:
            return saved
        if await records.save(after):
            return after.model_copy(update={"revision": after.revision + 1})


class MongoRecords:
    """``Records`` in MongoDB."""

    def __init__(self, database: Database) -> None:
        self._records: Collection = database.collection(MESSAGE_RECORDS)

    async def find(self, record_id: str) -> MessageRecord | None:
        """The record of a message; None = there is none."""
        row = await find_by_id(self._records, record_id)
        return MessageRecord.model_validate(row) if row else None

    async def save(self, record: MessageRecord) -> bool:
        """Insert or compare-and-set by revision."""
        row: Document = record.model_dump() | {"_id": record.record_id, "revision": record.revision + 1}
        if record.revision == 0:
            return await insert_once(self._records, row) is row
        identifier = row.pop("_id")
        return await compare_and_set(self._records, {"_id": identifier, "revision": record.revision}, {"$set": row})

    async def forget(self, record_id: str) -> None:
        """Remove the record of a message, unless it is parked."""
        states = [state.value for state in UNDER_WAY]
        with database_errors_as_outages():
            await self._records.delete_one({"_id": record_id, "state": {"$in": states}})

    async def held(self) -> dict[tuple[str, str, bool], int]:
        """How many messages wait for an operator, by kind of queue, reason, and whether they are quarantined."""
        counts: dict[tuple[str, str, bool], int] = {}
        group = {"_id": {"queue": "$queue", "reason": "$reason", "state": "$state"}, "count": {"$sum": 1}}
        states = {"state": {"$in": [state.value for state in HELD]}}
        with database_errors_as_outages():
            rows = await self._records.aggregate([{"$match": states}, {"$group": group}]).to_list(None)
        for row in rows:
            kind = str(row["_id"]["queue"]).partition(".")[0]
            key = (kind, str(row["_id"]["reason"]), row["_id"]["state"] == RecordState.QUARANTINED)
            counts[key] = counts.get(key, 0) + int(row["count"])
        return counts

    async def queues(self) -> set[str]:
        """Queues with messages that have a record in any state. Raises ``Outage``."""
        with database_errors_as_outages():
            rows = await self._records.aggregate([{"$group": {"_id": "$queue", "count": {"$sum": 1}}}]).to_list(None)
        return {str(row["_id"]) for row in rows}

    async def remove_expired(self, now: datetime) -> int:
        """Remove expired records."""
        with database_errors_as_outages():
            result = await self._records.delete_many({"expires_at": {"$lt": now}})
        return result.deleted_count
