"""Collection ``decisions``: the decision about each incoming fact, and whether it is carried out."""

from datetime import datetime
from typing import Protocol

from pydantic import TypeAdapter

from common.database import Collection, Database, compare_and_set, find_by_id, insert_once
from router.actions import Decision

DECISION = TypeAdapter(Decision)


class Decisions(Protocol):
    """The saved decisions. All methods raise ``Outage`` while the database is unavailable."""

    async def find(self, event_id: str) -> Decision | None:
        """The decision about the fact with an event id; None = there is none."""

    async def save(self, decision: Decision) -> Decision:
        """Save a decision. Returns the one that was saved first."""

    async def carried_out(self, event_id: str, at: datetime) -> bool:
        """Note that a decision is carried out. False = that was noted before."""


class MongoDecisions:
    """``Decisions`` in MongoDB."""

    def __init__(self, database: Database) -> None:
        self._decisions: Collection = database.collection("decisions")

    async def find(self, event_id: str) -> Decision | None:
        """The decision about the fact with an event id; None = there is none."""
        row = await find_by_id(self._decisions, event_id)
        return DECISION.validate_python(row) if row else None

    async def save(self, decision: Decision) -> Decision:
        """Save a decision. Returns the one that was saved first."""
        row = {"_id": decision.event_id, **DECISION.dump_python(decision, mode="json")}
        return DECISION.validate_python(await insert_once(self._decisions, row))

    async def carried_out(self, event_id: str, at: datetime) -> bool:
        """Note that a decision is carried out. False = that was noted before."""
        expected = {"_id": event_id, "carried_out_at": None}
        return await compare_and_set(self._decisions, expected, {"$set": {"carried_out_at": at}})
