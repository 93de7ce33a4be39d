"""Collection ``placings``: every message for an inbox, and whether the inbox has it.

Rows are kept: from them, the inboxes of units can be rebuilt after the broker has lost its data.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from common.database import (
    Collection,
    Database,
    Document,
    compare_and_set,
    database_trouble,
    find_by_id,
    insert_missing,
)
from common.domain.names import UnitCode
from router.placing import Cause, Placing, PlacingState, pause_after

TRIED = (PlacingState.DUE.value, PlacingState.WAITING.value)
HELD = PlacingState.HELD.value


class Placings(Protocol):
    """What the handlers ask. Everything raises ``Outage`` when the database is away."""

    async def open(self, placings: Sequence[Placing]) -> set[str]:
        """Save placings; those that are saved already stay as they are. Returns the ids of these."""

    async def find(self, placing_id: str) -> Placing | None:
        """A placing as saved."""

    async def placed(self, placing_id: str, at: datetime) -> bool:
        """The inbox has it; False = it had it before."""

    async def failed(self, placing: Placing, cause: Cause, at: datetime) -> None:
        """The inbox did not take it; it waits for its next attempt."""

    async def release(self, placing_id: str, next_attempt_at: datetime) -> None:
        """A held placing is to be tried."""

    async def withdraw(self, placing_id: str) -> None:
        """A held placing is never to be tried."""

    async def has_open(self, decision: str) -> bool:
        """Whether some placing of a decision is neither placed nor withdrawn yet."""

    async def take_due(self, now: datetime, limit: int, lease: timedelta) -> list[Placing]:
        """Placings whose next attempt is due, oldest first; others leave them alone for the time of the lease."""

    async def waiting(self) -> dict[Cause, int]:
        """How many placings wait, by cause."""

    async def place_again(self, receiver: UnitCode, after: datetime, until: datetime, at: datetime) -> int:
        """Placings that an inbox got between two times are due again. Returns how many there were."""


class MongoPlacings:
    """The collection of the running service."""

    def __init__(self, database: Database) -> None:
        self._placings: Collection = database.collection("placings")

    async def open(self, placings: Sequence[Placing]) -> set[str]:
        """Save placings; those that are saved already stay as they are. Returns the ids of these."""
        return await insert_missing(self._placings, [{"_id": each.id, **each.model_dump()} for each in placings])

    async def find(self, placing_id: str) -> Placing | None:
        """A placing as saved."""
        row = await find_by_id(self._placings, placing_id)
        return Placing.model_validate(row) if row else None

    async def placed(self, placing_id: str, at: datetime) -> bool:
        """The inbox has it; False = it had it before."""
        change = {"state": PlacingState.PLACED.value, "placed_at": at, "cause": None}
        return await compare_and_set(self._placings, _open(placing_id), {"$set": change})

    async def failed(self, placing: Placing, cause: Cause, at: datetime) -> None:
        """The inbox did not take it; it waits for its next attempt."""
        change = {
            "state": PlacingState.WAITING.value,
            "cause": cause.value,
            "attempts": placing.attempts + 1,
            "next_attempt_at": at + pause_after(placing.attempts + 1),
        }
        await compare_and_set(self._placings, _open(placing.id), {"$set": change})

    async def release(self, placing_id: str, next_attempt_at: datetime) -> None:
        """A held placing is to be tried."""
        change = {"state": PlacingState.DUE.value, "cause": None, "next_attempt_at": next_attempt_at}
        await compare_and_set(self._placings, {"_id": placing_id, "state": HELD}, {"$set": change})

    async def withdraw(self, placing_id: str) -> None:
        """A held placing is never to be tried."""
        change = {"state": PlacingState.WITHDRAWN.value, "cause": None}
        await compare_and_set(self._placings, {"_id": placing_id, "state": HELD}, {"$set": change})

    async def has_open(self, decision: str) -> bool:
        """Whether some placing of a decision is neither placed nor withdrawn yet."""
        with database_trouble():
            row = await self._placings.find_one({"decision": decision, "state": {"$in": [*TRIED, HELD]}}, {"_id": 1})
        return row is not None

    async def take_due(self, now: datetime, limit: int, lease: timedelta) -> list[Placing]:
        """Placings whose next attempt is due; each is taken by one process at a time."""
        due: Document = {"state": {"$in": list(TRIED)}, "next_attempt_at": {"$lte": now}}
        with database_trouble():
            rows = await self._placings.find(due).sort("next_attempt_at", 1).limit(limit).to_list(None)
        taken = []
        for row in rows:
            expected = _open(row["_id"]) | {"next_attempt_at": row["next_attempt_at"]}
            if await compare_and_set(self._placings, expected, {"$set": {"next_attempt_at": now + lease}}):
                taken.append(Placing.model_validate(row))
        return taken

    async def waiting(self) -> dict[Cause, int]:
        """How many placings wait, by cause."""
        group = {"_id": "$cause", "count": {"$sum": 1}}
        selection: Document = {"state": {"$in": [PlacingState.WAITING.value, HELD]}}
        with database_trouble():
            rows = await self._placings.aggregate([{"$match": selection}, {"$group": group}]).to_list(None)
        return {Cause(row["_id"]): int(row["count"]) for row in rows}

    async def place_again(self, receiver: UnitCode, after: datetime, until: datetime, at: datetime) -> int:
        """Placings that an inbox got between two times are due again. Returns how many there were."""
        got = {"receiver": receiver, "state": PlacingState.PLACED.value, "placed_at": {"$gt": after, "$lte": until}}
        change = {"$set": {"state": PlacingState.DUE.value, "next_attempt_at": at}}
        with database_trouble():
            return int((await self._placings.update_many(got, change)).matched_count)


def _open(placing_id: str) -> Document:
    return {"_id": placing_id, "state": {"$in": list(TRIED)}}
