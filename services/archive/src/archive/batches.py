"""Collection ``batches``: which entries come next in the log, and in which order.

A batch is saved before anything of it is written, under the place in the log at which it begins. Of two sealers that
propose a batch for the same place one succeeds, and the other continues with the saved one. Tiles, root and signature
are computed from the saved batch. So every sealer writes the same bytes for it, at every attempt.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict
from pymongo.errors import DuplicateKeyError

from common.database import Database, compare_and_set, database_errors_as_outages
from common.ledger import Entry, entry_of

PAGE = 1_000


class Batch(BaseModel):
    """Consecutive entries of the log."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    start: int
    """Size of the log before the batch."""
    size: int
    """Size of the log after the batch."""
    entries: tuple[str, ...]
    """Keys of the entries in their order; empty for a batch that was adopted from the store."""
    opened_at: datetime
    root: str = ""
    """Root of the log after the batch, in hex digits; empty = the batch may not be in the store completely."""


class Unsealed(NamedTuple):
    """An entry that is not in the log yet."""

    key: str
    recorded_at: datetime


class Batches:
    """All batches, and the entries that are in none. All methods raise ``Outage`` while the database is unavailable."""

    def __init__(self, database: Database) -> None:
        self._batches = database.collection("batches")
        self._entries = database.collection("ledger")

    async def newest(self) -> Batch | None:
        """The newest batch; None = there is none."""
        return await self.nth_newest(0)

    async def nth_newest(self, number: int) -> Batch | None:
        """The newest batch (0), the one before it (1), and so on; None = there are fewer."""
        with database_errors_as_outages():
            rows = await self._batches.find({}).sort("_id", -1).skip(number).limit(1).to_list(1)
        return Batch.model_validate(rows[0]) if rows else None

    async def next_from(self, start: int) -> Batch | None:
        """The first batch that begins at ``start`` or later; None = there is none."""
        with database_errors_as_outages():
            rows = await self._batches.find({"_id": {"$gte": _key(start)}}).sort("_id", 1).limit(1).to_list(1)
        return Batch.model_validate(rows[0]) if rows else None

    async def before(self, start: int) -> Batch | None:
        """The last batch that begins before ``start``; None = there is none."""
        with database_errors_as_outages():
            rows = await self._batches.find({"_id": {"$lt": _key(start)}}).sort("_id", -1).limit(1).to_list(1)
        return Batch.model_validate(rows[0]) if rows else None

    async def first_missing(self, is_there: Callable[[Batch], Awaitable[bool]]) -> int | None:
        """Where the first batch begins after the last one for which ``is_there`` is true; None = it is true for the
        newest.

        Searches backwards in doubling steps, then by bisection, so that it does not ask about each missing batch.
        """
        missing, there, start = -1, 0, None
        while (batch := await self.nth_newest(there)) and not await is_there(batch):
            missing, there, start = there, 2 * there + 1, batch.start
        while there - missing > 1:
            between = (missing + there) // 2
            batch = await self.nth_newest(between)
            if batch is None or await is_there(batch):
                there = between
            else:
                missing, start = between, batch.start
        return start

    async def unsealed(self, limit: int) -> list[Unsealed]:
        """At most ``limit`` entries that are not noted as sealed, the oldest first. Entries of a batch that is not
        closed are among them."""
        with database_errors_as_outages():
            rows = self._entries.find({"is_sealed": False}, {"recorded_at": 1}).sort("recorded_at", 1).limit(limit)
            return [Unsealed(row["_id"], row["recorded_at"]) async for row in rows]

    async def open(self, batch: Batch) -> bool:
        """Save a batch. False = another one begins at the same place."""
        with database_errors_as_outages():
            try:
                await self._batches.insert_one({"_id": _key(batch.start), **batch.model_dump()})
            except DuplicateKeyError:
                return False
            return True

    async def entries(self, batch: Batch) -> dict[str, Entry]:
        """The entries of a batch by key, without those that the database does not have."""
        with database_errors_as_outages():
            rows = self._entries.find({"_id": {"$in": [*batch.entries]}})
            return {row["_id"]: entry_of(row) async for row in rows}

    async def unsealed_pages(self) -> AsyncIterator[list[Entry]]:
        """All entries that are not noted as sealed and may be sealed, in pages of one query each."""
        after = ""
        while True:
            which = {"_id": {"$gt": after}, "is_sealed": False}
            with database_errors_as_outages():
                rows = await self._entries.find(which).sort("_id", 1).limit(PAGE).to_list(PAGE)
            if not rows:
                return
            yield [entry_of(row) for row in rows]
            after = rows[-1]["_id"]

    async def seal(self, keys: Sequence[str], start: int) -> None:
        """Note that the log has these entries, in the batch that begins at ``start``. Idempotent."""
        sealed = {"$set": {"is_sealed": True, "batch": start}}
        with database_errors_as_outages():
            await self._entries.update_many({"_id": {"$in": [*keys]}, "is_sealed": False}, sealed)

    async def close(self, batch: Batch, root: str) -> None:
        """Note that the store has all of a batch. ``root``: of the log after it, in hex digits. Idempotent."""
        await self.seal(batch.entries, batch.start)
        await compare_and_set(self._batches, {"_id": _key(batch.start)}, {"$set": {"root": root}})


def _key(start: int) -> str:
    """Sixteen digits, so that keys sort like numbers."""
    return f"{start:016d}"
