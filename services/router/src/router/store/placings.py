"""Collection ``placings``: every message for an inbox, and whether the inbox has it.

Rows are never deleted, so that inboxes can be rebuilt from them after the broker has lost its data.

Longer than 250 lines: it has one short method for each change of a row, declared and carried out.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from common import fair_rounds
from common.database import (
    Collection,
    Database,
    Document,
    compare_and_set,
    database_errors_as_outages,
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
KEYS_AT_ONCE = 500
"""Document keys in one command to the database."""
PROBES = 10
"""Placings of one unit in a round of the sweep, while its inbox takes nothing."""
Withdrawal = dict[str, Any] | None
"""The fact of a withdrawal as JSON; None = there is none to keep."""


def shares(units: Sequence[UnitCode], limit: int, refusing: frozenset[UnitCode]) -> dict[UnitCode, int]:
    """How many placings of each unit a round of ``limit`` placings takes, if placings of ``units`` are due: its fair
    share, or less while its inbox refuses them."""
    fair = fair_rounds.shares(units, limit)
    return {unit: min(most, PROBES) if unit in refusing else most for unit, most in fair.items()}


class Placings(Protocol):
    """The placings. All methods raise ``Outage`` while the database is unavailable."""

    async def open(self, placings: Sequence[Placing]) -> set[str]:
        """Save placings. Those that are saved already stay as they are; returns their ids."""

    async def find(self, placing_id: str) -> Placing | None:
        """A saved placing; None = there is none."""

    async def placed(self, placing_id: str, at: datetime) -> bool:
        """Note that the inbox has the message. False = the placing was not open: placed before, held or withdrawn."""

    async def set_renewal(self, placing_id: str, at: datetime | None) -> None:
        """Set when to issue the address in a placing again; None = never."""

    async def take_expiring(self, now: datetime, limit: int, lease: timedelta) -> list[Placing]:
        """At most ``limit`` placings whose address is to be issued again. Other processes leave them alone for the time
        of the lease."""

    async def answer(self, placing_id: str, request: OperatorRequested, at: datetime, outcome: str) -> RowRequest:
        """Save the outcome of an operator's request. Returns the one that was saved first."""

    async def failed(self, placing: Placing, failure: Failure, at: datetime) -> None:
        """Note that an attempt failed, and set the time of the next one."""

    async def note_uncertain(self, placing_id: str) -> None:
        """Note that the inbox may have the message, although no attempt is noted as successful."""

    async def begin_attempt(self, placing: Placing, next_attempt_at: datetime) -> bool:
        """Begin an attempt at a waiting placing. False = another process has, or it was withdrawn. During the attempt
        ``withdraw_untaken`` has no effect."""

    async def withdraw_untaken(self, placing_id: str, by: str, recall: str, withdrawal: Withdrawal = None) -> bool:
        """Withdraw a placing that its inbox has never taken. False = the inbox has, had, or may have the message, or an
        attempt is under way. Idempotent: True again for the same ``by``.

        A unit may have read a message that its inbox had before the broker lost its data, so that counts as taken. A
        returned message does not. ``by``: event id of the recall; ``recall``: id of the placing that notifies the unit
        of it, empty = none; ``withdrawal``: the fact to announce, kept unless one was kept before.
        """

    async def withdraw_unplaced(self, placing_id: str, by: str, withdrawal: Withdrawal = None) -> bool:
        """Withdraw a placing that is not noted as placed. False = it is placed, held, or withdrawn for another cause.
        Idempotent: True again for the same ``by``.

        ``by``: event id of what ended the delivery; ``withdrawal``: as for ``withdraw_untaken``.
        """

    async def returned(self, placing_id: str, at: datetime) -> bool:
        """Note that the unit's system returned the message, which was parked at ``at``. False = that was noted before,
        or the placing was withdrawn. The latest time is kept."""

    async def reopen(self, placing_id: str, next_attempt_at: datetime) -> bool:
        """Make a withdrawn or returned placing due again. False = it was neither."""

    async def release(self, placing_id: str, next_attempt_at: datetime) -> bool:
        """Make a held placing due. False = it was not held any more."""

    async def hasten(self, placing_id: str, at: datetime) -> None:
        """Let the sweep order a placing that is due at ``at``, unless it would before."""

    async def lease(self, placing: Placing, until: datetime) -> bool:
        """Take a placing whose next attempt is due, as ``take_due`` does. False = another process has."""

    async def withdraw_held(self, placing_id: str, withdrawal: Withdrawal) -> bool:
        """Withdraw a held placing. False = it was released before. Idempotent."""

    async def has_open(self, decision: str) -> bool:
        """Whether a placing of a decision is due, waiting or held."""

    async def take_due(
        self, now: datetime, limit: int, lease: timedelta, refusing: frozenset[UnitCode] = frozenset()
    ) -> list[Placing]:
        """At most ``limit`` placings whose next attempt is due, one of each unit in turn, the oldest of a unit first;
        of the units ``refusing`` at most ``PROBES`` each. If more units have any, ``limit`` of them are drawn at
        random. Other processes leave the placings alone for the time of the lease.
        """

    async def waiting(self) -> dict[Cause, int]:
        """How many placings wait, are held or were returned, by cause, without those of the canary."""

    async def place_again(self, receiver: UnitCode, after: datetime, until: datetime, at: datetime) -> int:
        """Make the messages due again that an inbox got after ``after`` and not after ``until``. ``at``: when they are
        due. Returns how many."""

    async def place_documents_again(
        self, receiver: UnitCode, documents: Sequence[str], until: datetime, at: datetime
    ) -> int:
        """The same for the deliveries of some documents (by key) that an inbox got not after ``until``."""


class MongoPlacings:
    """``Placings`` in MongoDB."""

    def __init__(self, database: Database) -> None:
        self._placings: Collection = database.collection("placings")

    async def open(self, placings: Sequence[Placing]) -> set[str]:
        """Save placings. Those that are saved already stay as they are; returns their ids."""
        return await insert_missing(self._placings, [{"_id": each.id, **each.model_dump()} for each in placings])

    async def find(self, placing_id: str) -> Placing | None:
        """A saved placing; None = there is none."""
        row = await find_by_id(self._placings, placing_id)
        return Placing.model_validate(row) if row else None

    async def placed(self, placing_id: str, at: datetime) -> bool:
        """Note that the inbox has the message. False = the placing was not open: placed before, held or withdrawn."""
        change = {"state": PlacingState.PLACED.value, "placed_at": at, "cause": None}
        return await compare_and_set(self._placings, _open(placing_id), {"$set": change})

    async def set_renewal(self, placing_id: str, at: datetime | None) -> None:
        """Set when to issue the address in a placing again."""
        await compare_and_set(self._placings, {"_id": placing_id}, {"$set": {"renew_at": at}})

    async def take_expiring(self, now: datetime, limit: int, lease: timedelta) -> list[Placing]:
        """Placings whose address is to be issued again. Each is given to one process at a time."""
        due: Document = {"renew_at": {"$lte": now}, "state": PlacingState.PLACED.value}
        return await self._take(await self._oldest(due, "renew_at", limit), "renew_at", now + lease)

    async def answer(self, placing_id: str, request: OperatorRequested, at: datetime, outcome: str) -> RowRequest:
        """Save the outcome of an operator's request."""
        return await answer_once(self._placings, placing_id, request, at, lambda _: (outcome, {}))

    async def failed(self, placing: Placing, failure: Failure, at: datetime) -> None:
        """Note that an attempt failed. That the inbox may have the message is noted even if another process, which
        tried it at the same time, has noted its own failure first."""
        if failure.is_uncertain:
            await self.note_uncertain(placing.id)
        change = {
            "state": PlacingState.WAITING.value,
            "cause": failure.cause.value,
            "attempts": placing.attempts + 1,
            "next_attempt_at": at + pause_after(placing.attempts + 1),
        }
        await compare_and_set(self._placings, _open(placing.id) | {"attempts": placing.attempts}, {"$set": change})

    async def note_uncertain(self, placing_id: str) -> None:
        """Note that the inbox may have the message."""
        await compare_and_set(self._placings, {"_id": placing_id}, {"$set": {"is_uncertain": True}})

    async def begin_attempt(self, placing: Placing, next_attempt_at: datetime) -> bool:
        """Begin an attempt at a waiting placing."""
        expected = {"_id": placing.id, "state": PlacingState.WAITING.value, "attempts": placing.attempts}
        change = {"state": PlacingState.DUE.value, "next_attempt_at": next_attempt_at}
        return await compare_and_set(self._placings, expected, {"$set": change})

    async def withdraw_untaken(self, placing_id: str, by: str, recall: str, withdrawal: Withdrawal = None) -> bool:
        """Withdraw a placing that its inbox has never taken."""
        causes = [cause.value for cause in NOT_TAKEN]
        waits: Document = {"state": PlacingState.WAITING.value, "cause": {"$in": causes}}
        waits |= {"placed_at": None, "is_uncertain": {"$ne": True}}
        untaken: Document = {"_id": placing_id, "$or": [waits, {"state": PlacingState.RETURNED.value}]}
        return await self._withdraw_if(untaken, by, recall, withdrawal)

    async def withdraw_unplaced(self, placing_id: str, by: str, withdrawal: Withdrawal = None) -> bool:
        """Withdraw a placing that is not noted as placed."""
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
        """Note that the unit's system returned the message. It may not have been noted as placed yet."""
        change = {"state": PlacingState.RETURNED.value, "cause": Cause.RETURNED.value, "returned_at": at}
        expected = {"_id": placing_id, "state": {"$in": [*TRIED, PlacingState.PLACED.value]}}
        if await compare_and_set(self._placings, expected, {"$set": change}):
            return True
        earlier = {"_id": placing_id, "state": PlacingState.RETURNED.value, "returned_at": {"$lt": at}}
        await compare_and_set(self._placings, earlier, {"$set": {"returned_at": at}})
        return False

    async def reopen(self, placing_id: str, next_attempt_at: datetime) -> bool:
        """Make a withdrawn or returned placing due again."""
        change = {"state": PlacingState.DUE.value, "cause": None, "next_attempt_at": next_attempt_at}
        closed = [PlacingState.WITHDRAWN.value, PlacingState.RETURNED.value]
        expected = {"_id": placing_id, "state": {"$in": closed}}
        return await compare_and_set(self._placings, expected, {"$set": change})

    async def release(self, placing_id: str, next_attempt_at: datetime) -> bool:
        """Make a held placing due."""
        change = {"state": PlacingState.DUE.value, "cause": None, "next_attempt_at": next_attempt_at}
        return await compare_and_set(self._placings, {"_id": placing_id, "state": HELD}, {"$set": change})

    async def hasten(self, placing_id: str, at: datetime) -> None:
        """Let the sweep order a placing that is due at ``at``, unless it would before."""
        later = {"_id": placing_id, "state": PlacingState.DUE.value, "next_attempt_at": {"$gt": at}}
        await compare_and_set(self._placings, later, {"$set": {"next_attempt_at": at}})

    async def lease(self, placing: Placing, until: datetime) -> bool:
        """Take a placing whose next attempt is due."""
        unchanged = {"_id": placing.id, "state": placing.state.value, "next_attempt_at": placing.next_attempt_at}
        return await compare_and_set(self._placings, unchanged, {"$set": {"next_attempt_at": until}})

    async def withdraw_held(self, placing_id: str, withdrawal: Withdrawal) -> bool:
        """Withdraw a held placing."""
        return await self._withdraw_if({"_id": placing_id, "state": HELD}, "", "", withdrawal)

    async def has_open(self, decision: str) -> bool:
        """Whether a placing of a decision is due, waiting or held."""
        with database_errors_as_outages():
            row = await self._placings.find_one({"decision": decision, "state": {"$in": [*TRIED, HELD]}}, {"_id": 1})
        return row is not None

    async def take_due(
        self, now: datetime, limit: int, lease: timedelta, refusing: frozenset[UnitCode] = frozenset()
    ) -> list[Placing]:
        """Placings whose next attempt is due. Each is given to one process at a time."""
        due: Document = {"state": {"$in": list(TRIED)}, "next_attempt_at": {"$lte": now}}
        by_receiver = [{"$match": due}, {"$group": {"_id": "$receiver", "count": {"$sum": 1}}}]
        with database_errors_as_outages():
            receivers = [str(row["_id"]) for row in await self._placings.aggregate(by_receiver).to_list(None)]
        most = shares(receivers, limit, refusing)
        rows = [await self._oldest(due | {"receiver": unit}, "next_attempt_at", most[unit]) for unit in most]
        return await self._take(fair_rounds.in_turn(rows)[:limit], "next_attempt_at", now + lease)

    async def _oldest(self, due: Document, field: str, limit: int) -> list[Document]:
        with database_errors_as_outages():
            return await self._placings.find(due).sort(field, 1).limit(limit).to_list(None)

    async def _take(self, rows: Sequence[Document], field: str, until: datetime) -> list[Placing]:
        taken = []
        for row in rows:
            expected = {"_id": row["_id"], "state": row["state"], field: row[field]}
            if await compare_and_set(self._placings, expected, {"$set": {field: until}}):
                taken.append(Placing.model_validate(row))
        return taken

    async def waiting(self) -> dict[Cause, int]:
        """How many placings wait, are held or were returned, by cause."""
        group = {"_id": "$cause", "count": {"$sum": 1}}
        selection: Document = {"state": {"$in": [PlacingState.WAITING.value, HELD, PlacingState.RETURNED.value]}}
        selection["receiver"] = {"$nin": sorted(CANARY_UNITS)}
        with database_errors_as_outages():
            rows = await self._placings.aggregate([{"$match": selection}, {"$group": group}]).to_list(None)
        return {Cause(row["_id"]): int(row["count"]) for row in rows}

    async def place_again(self, receiver: UnitCode, after: datetime, until: datetime, at: datetime) -> int:
        """Make the messages due again that an inbox got between two times."""
        placed: Document = {"receiver": receiver, "state": PlacingState.PLACED.value}
        placed["placed_at"] = {"$gt": after, "$lte": until}
        return await self._make_due(placed, at)

    async def place_documents_again(
        self, receiver: UnitCode, documents: Sequence[str], until: datetime, at: datetime
    ) -> int:
        """Make the deliveries of some documents due again that an inbox got not after a time."""
        placed: Document = {"receiver": receiver, "state": PlacingState.PLACED.value, "placed_at": {"$lte": until}}
        parts = (documents[first : first + KEYS_AT_ONCE] for first in range(0, len(documents), KEYS_AT_ONCE))
        return sum([await self._make_due(placed | {"delivery": {"$in": list(part)}}, at) for part in parts])

    async def _make_due(self, placed: Document, at: datetime) -> int:
        change = {"$set": {"state": PlacingState.DUE.value, "next_attempt_at": at}}
        with database_errors_as_outages():
            return int((await self._placings.update_many(placed, change)).matched_count)


def _open(placing_id: str) -> Document:
    return {"_id": placing_id, "state": {"$in": list(TRIED)}}
