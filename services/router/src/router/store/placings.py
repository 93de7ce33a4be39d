"""Collection ``placings``: every message for an inbox, and whether the inbox has it.

Rows are kept: from them, the inboxes of units can be rebuilt after the broker has lost its data.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from common.database import (
    Collection,
    Database,
    Document,
    compare_and_set,
    database_trouble,
    find_by_id,
    insert_missing,
)
from common.domain.canary import CANARY_UNITS
from common.domain.names import UnitCode
from common.facts import OperatorRequested
from common.service.row_requests import RowRequest, answer_once
from router.placing import NOT_TAKEN, Cause, Failure, Placing, PlacingState, pause_after

TRIED = (PlacingState.DUE.value, PlacingState.WAITING.value)
HELD = PlacingState.HELD.value
Withdrawal = dict[str, Any] | None
"""A fact about a withdrawal, ready to be sent; None where nothing is announced that could differ."""


class Placings(Protocol):
    """What the handlers ask. Everything raises ``Outage`` when the database is away."""

    async def open(self, placings: Sequence[Placing]) -> set[str]:
        """Save placings; those that are saved already stay as they are. Returns the ids of these."""

    async def find(self, placing_id: str) -> Placing | None:
        """A placing as saved."""

    async def placed(self, placing_id: str, at: datetime) -> bool:
        """The inbox has it; False = it had it before."""

    async def set_renewal(self, placing_id: str, at: datetime | None) -> None:
        """When the address in a placing is to be issued again; None = never."""

    async def take_expiring(self, now: datetime, limit: int, lease: timedelta) -> list[Placing]:
        """Placings whose address is to be issued again; others leave them alone for the time of the lease."""

    async def answer(self, placing_id: str, request: OperatorRequested, at: datetime, outcome: str) -> RowRequest:
        """Keep what became of an operator's request; returns it as it was kept first."""

    async def failed(self, placing: Placing, failure: Failure, at: datetime) -> None:
        """The inbox did not take it, or did not say so; it waits for its next attempt."""

    async def begin_attempt(self, placing: Placing, next_attempt_at: datetime) -> bool:
        """Try a waiting placing again; False = another process does, or it was withdrawn. Until the attempt has ended,
        nobody can withdraw it."""

    async def withdraw_untaken(self, placing_id: str, by: str, recall: str, withdrawal: Withdrawal = None) -> bool:
        """Never try a placing that its inbox has never taken; False = the inbox has or had it, or may have or get it.

        A unit may have read what its inbox had before the broker lost its data. What it gave back counts as not taken.
        ``by``: event id of the recall; ``recall``: the placing that tells the unit of it, if there is one;
        ``withdrawal``: the fact to be announced, kept unless one was kept before.
        """

    async def withdraw_unplaced(self, placing_id: str, by: str, withdrawal: Withdrawal = None) -> bool:
        """Never try a placing again that nobody has noted as placed; False = it is placed, held or withdrawn.

        ``by``: event id of what ended the delivery; ``withdrawal``: as above. May be repeated: what was withdrawn
        for it stays so, and is True.
        """

    async def returned(self, placing_id: str, at: datetime) -> bool:
        """The unit's system gave it back, and it was parked then; False = it was noted before, or the placing was
        withdrawn. The latest time is kept."""

    async def reopen(self, placing_id: str, next_attempt_at: datetime) -> bool:
        """A withdrawn or returned placing is to be tried after all."""

    async def release(self, placing_id: str, next_attempt_at: datetime) -> None:
        """A held placing is to be tried."""

    async def withdraw_held(self, placing_id: str, withdrawal: Withdrawal) -> bool:
        """A held placing is never to be tried; False = it was released. May be repeated."""

    async def has_open(self, decision: str) -> bool:
        """Whether some placing of a decision is neither placed nor withdrawn yet."""

    async def take_due(self, now: datetime, limit: int, lease: timedelta) -> list[Placing]:
        """Placings whose next attempt is due, oldest first; others leave them alone for the time of the lease."""

    async def waiting(self) -> dict[Cause, int]:
        """How many placings wait, or were given back, by cause; the canary's are in no statistic."""

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

    async def set_renewal(self, placing_id: str, at: datetime | None) -> None:
        """When the address in a placing is to be issued again."""
        await compare_and_set(self._placings, {"_id": placing_id}, {"$set": {"renew_at": at}})

    async def take_expiring(self, now: datetime, limit: int, lease: timedelta) -> list[Placing]:
        """Placings whose address is to be issued again; each is taken by one process at a time."""
        due: Document = {"renew_at": {"$lte": now}, "state": PlacingState.PLACED.value}
        return await self._take(due, "renew_at", limit, now + lease)

    async def answer(self, placing_id: str, request: OperatorRequested, at: datetime, outcome: str) -> RowRequest:
        """Keep what became of an operator's request."""
        return await answer_once(self._placings, placing_id, request, at, lambda _: (outcome, {}))

    async def failed(self, placing: Placing, failure: Failure, at: datetime) -> None:
        """The inbox did not take it; it waits for its next attempt. That the inbox may have it is noted in any case:
        another process may have tried it at the same time, and have been refused."""
        if failure.is_uncertain:
            await compare_and_set(self._placings, {"_id": placing.id}, {"$set": {"is_uncertain": True}})
        change = {
            "state": PlacingState.WAITING.value,
            "cause": failure.cause.value,
            "attempts": placing.attempts + 1,
            "next_attempt_at": at + pause_after(placing.attempts + 1),
        }
        await compare_and_set(self._placings, _open(placing.id) | {"attempts": placing.attempts}, {"$set": change})

    async def begin_attempt(self, placing: Placing, next_attempt_at: datetime) -> bool:
        """Try a waiting placing again."""
        expected = {"_id": placing.id, "state": PlacingState.WAITING.value, "attempts": placing.attempts}
        change = {"state": PlacingState.DUE.value, "next_attempt_at": next_attempt_at}
        return await compare_and_set(self._placings, expected, {"$set": change})

    async def withdraw_untaken(self, placing_id: str, by: str, recall: str, withdrawal: Withdrawal = None) -> bool:
        """Never try a placing that its inbox has never taken. May be repeated."""
        causes = [cause.value for cause in NOT_TAKEN]
        waits: Document = {"state": PlacingState.WAITING.value, "cause": {"$in": causes}}
        waits |= {"placed_at": None, "is_uncertain": {"$ne": True}}
        untaken: Document = {"_id": placing_id, "$or": [waits, {"state": PlacingState.RETURNED.value}]}
        return await self._withdraw_if(untaken, by, recall, withdrawal)

    async def withdraw_unplaced(self, placing_id: str, by: str, withdrawal: Withdrawal = None) -> bool:
        """Never try a placing again that nobody has noted as placed. May be repeated."""
        return await self._withdraw_if(_open(placing_id), by, "", withdrawal)

    async def _withdraw_if(self, expected: Document, by: str, recall: str, withdrawal: Withdrawal) -> bool:
        change = {"state": PlacingState.WITHDRAWN.value, "cause": None, "withdrawn_by": by, "recall": recall}
        first = change | {"withdrawal": withdrawal}
        if withdrawal and await compare_and_set(self._placings, expected | {"withdrawal": None}, {"$set": first}):
            return True
        if await compare_and_set(self._placings, expected, {"$set": change}):
            return True
        row = await find_by_id(self._placings, expected["_id"])
        return row is not None and row["state"] == PlacingState.WITHDRAWN and row.get("withdrawn_by") == by

    async def returned(self, placing_id: str, at: datetime) -> bool:
        """The unit's system gave it back, maybe before anybody noted that the inbox had it."""
        change = {"state": PlacingState.RETURNED.value, "cause": Cause.RETURNED.value, "returned_at": at}
        expected = {"_id": placing_id, "state": {"$in": [*TRIED, PlacingState.PLACED.value]}}
        if await compare_and_set(self._placings, expected, {"$set": change}):
            return True
        earlier = {"_id": placing_id, "state": PlacingState.RETURNED.value, "returned_at": {"$lt": at}}
        await compare_and_set(self._placings, earlier, {"$set": {"returned_at": at}})
        return False

    async def reopen(self, placing_id: str, next_attempt_at: datetime) -> bool:
        """A withdrawn or returned placing is to be tried after all."""
        change = {"state": PlacingState.DUE.value, "cause": None, "next_attempt_at": next_attempt_at}
        closed = [PlacingState.WITHDRAWN.value, PlacingState.RETURNED.value]
        expected = {"_id": placing_id, "state": {"$in": closed}}
        return await compare_and_set(self._placings, expected, {"$set": change})

    async def release(self, placing_id: str, next_attempt_at: datetime) -> None:
        """A held placing is to be tried."""
        change = {"state": PlacingState.DUE.value, "cause": None, "next_attempt_at": next_attempt_at}
        await compare_and_set(self._placings, {"_id": placing_id, "state": HELD}, {"$set": change})

    async def withdraw_held(self, placing_id: str, withdrawal: Withdrawal) -> bool:
        """A held placing is never to be tried. May be repeated."""
        return await self._withdraw_if({"_id": placing_id, "state": HELD}, "", "", withdrawal)

    async def has_open(self, decision: str) -> bool:
        """Whether some placing of a decision is neither placed nor withdrawn yet."""
        with database_trouble():
            row = await self._placings.find_one({"decision": decision, "state": {"$in": [*TRIED, HELD]}}, {"_id": 1})
        return row is not None

    async def take_due(self, now: datetime, limit: int, lease: timedelta) -> list[Placing]:
        """Placings whose next attempt is due; each is taken by one process at a time."""
        due: Document = {"state": {"$in": list(TRIED)}, "next_attempt_at": {"$lte": now}}
        return await self._take(due, "next_attempt_at", limit, now + lease)

    async def _take(self, due: Document, field: str, limit: int, until: datetime) -> list[Placing]:
        with database_trouble():
            rows = await self._placings.find(due).sort(field, 1).limit(limit).to_list(None)
        taken = []
        for row in rows:
            expected = {"_id": row["_id"], "state": row["state"], field: row[field]}
            if await compare_and_set(self._placings, expected, {"$set": {field: until}}):
                taken.append(Placing.model_validate(row))
        return taken

    async def waiting(self) -> dict[Cause, int]:
        """How many placings wait, by cause."""
        group = {"_id": "$cause", "count": {"$sum": 1}}
        selection: Document = {"state": {"$in": [PlacingState.WAITING.value, HELD, PlacingState.RETURNED.value]}}
        selection["receiver"] = {"$nin": sorted(CANARY_UNITS)}
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
