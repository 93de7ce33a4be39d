"""Batches: which entries come next in the log, and in which order. The archive's collection ``batches``.

A batch is saved before anything of it is written, under the place in the log at which it begins. Of two sealers that
propose a batch for the same place one succeeds, and the other continues with the saved one. All that follows (tiles,
root, signature) is computed from the saved batch, so that whoever writes it, however often, writes the same bytes.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict
from pymongo.errors import DuplicateKeyError

from common.database import Database, compare_and_set, database_trouble
from common.ledger import Entry, entry_of

PAGE = 1_000


class Batch(BaseModel):
    """Neighbouring entries of the log."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    start: int
    """Size of the log before."""
    size: int
    """Size of the log with it."""
    entries: tuple[str, ...]
    """Keys of the entries in their order; none in a batch that was adopted from the store."""
    opened_at: datetime
    root: str = ""
    """Root of the log with it, in hex digits; empty: not all of the batch is known to be in the store."""


class Unsealed(NamedTuple):
    """What the log does not hold yet."""

    key: str
    recorded_at: datetime


class Batches:
    """All batches, and the entries that are in none."""

    def __init__(self, database: Database) -> None:
        self._batches = database.collection("batches")
        self._entries = database.collection("ledger")

    async def newest(self) -> Batch | None:
        """The last one."""
        return await self.nth_newest(0)

    async def nth_newest(self, number: int) -> Batch | None:
        """The last one (0), the one before (1), and so on."""
        with database_trouble():
            rows = await self._batches.find({}).sort("_id", -1).skip(number).limit(1).to_list(1)
        return Batch.model_validate(rows[0]) if rows else None

    async def next_from(self, start: int) -> Batch | None:
        """The batch that begins there, or the first one behind."""
        with database_trouble():
            rows = await self._batches.find({"_id": {"$gte": _key(start)}}).sort("_id", 1).limit(1).to_list(1)
        return Batch.model_validate(rows[0]) if rows else None

    async def before(self, start: int) -> Batch | None:
        """The batch that ends where another one begins."""
        with database_trouble():
            rows = await self._batches.find({"_id": {"$lt": _key(start)}}).sort("_id", -1).limit(1).to_list(1)
        return Batch.model_validate(rows[0]) if rows else None

    async def first_missing(self, is_there: Callable[[Batch], Awaitable[bool]]) -> int | None:
        """Where the first batch begins behind the last one that is there; None = the newest is.

        Goes back in doubling steps, then between the last two: where many are missing it does not ask for each.
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
        """The oldest entries that no batch holds, as far as the batches are closed."""
        with database_trouble():
            found = self._entries.find({"is_sealed": False}, {"recorded_at": 1}).sort("recorded_at", 1).limit(limit)
            return [Unsealed(row["_id"], row["recorded_at"]) async for row in found]

    async def open(self, batch: Batch) -> bool:
        """Save a batch; False = another one begins at the same place."""
        with database_trouble():
            try:
                await self._batches.insert_one({"_id": _key(batch.start), **batch.model_dump()})
            except DuplicateKeyError:
                return False
            return True

    async def entries(self, batch: Batch) -> dict[str, Entry]:
        """The entries of a batch, by key, as far as the database has them."""
        with database_trouble():
            found = self._entries.find({"_id": {"$in": [*batch.entries]}})
            return {row["_id"]: entry_of(row) async for row in found}

    async def unsealed_pages(self) -> AsyncIterator[list[Entry]]:
        """All entries that are not sealed and may be, each page by a query of its own."""
        after = ""
        while True:
            which = {"_id": {"$gt": after}, "is_sealed": False}
            with database_trouble():
                rows = await self._entries.find(which).sort("_id", 1).limit(PAGE).to_list(PAGE)
            if not rows:
                return
            yield [entry_of(row) for row in rows]
            after = rows[-1]["_id"]

    async def seal(self, keys: Sequence[str], start: int) -> None:
        """Note that the log holds these entries, in the batch that begins there. Again does nothing."""
        sealed = {"$set": {"is_sealed": True, "batch": start}}
        with database_trouble():
            await self._entries.update_many({"_id": {"$in": [*keys]}, "is_sealed": False}, sealed)

    async def close(self, batch: Batch, root: str) -> None:
        """Note that the store holds a batch. Again does nothing."""
        await self.seal(batch.entries, batch.start)
        await compare_and_set(self._batches, {"_id": _key(batch.start)}, {"$set": {"root": root}})


def _key(start: int) -> str:
    """Sixteen digits, so that keys sort like numbers."""
    return f"{start:016d}"
