"""Collection ``decisions``: what was decided about each incoming fact, and whether all of it was carried out."""

from datetime import datetime
from typing import Protocol

from pydantic import TypeAdapter

from common.database import Collection, Database, compare_and_set, find_by_id, insert_once
from router.actions import Decision

DECISION = TypeAdapter(Decision)


class Decisions(Protocol):
    """What the handlers ask. Everything raises ``Outage`` when the database is away."""

    async def find(self, event_id: str) -> Decision | None:
        """What was decided about an incoming fact earlier."""

    async def save(self, decision: Decision) -> Decision:
        """Keep a decision; returns the one that was there first."""

    async def carried_out(self, event_id: str, at: datetime) -> bool:
        """All of a decision was done; False = an earlier run had done it."""


class MongoDecisions:
    """The collection of the running service."""

    def __init__(self, database: Database) -> None:
        self._decisions: Collection = database.collection("decisions")

    async def find(self, event_id: str) -> Decision | None:
        """What was decided about an incoming fact earlier."""
        row = await find_by_id(self._decisions, event_id)
        return DECISION.validate_python(row) if row else None

    async def save(self, decision: Decision) -> Decision:
        """Keep a decision; returns the one that was there first."""
        row = {"_id": decision.event_id, **DECISION.dump_python(decision, mode="json")}
        return DECISION.validate_python(await insert_once(self._decisions, row))

    async def carried_out(self, event_id: str, at: datetime) -> bool:
        """All of a decision was done; False = an earlier run had done it."""
        expected = {"_id": event_id, "carried_out_at": None}
        return await compare_and_set(self._decisions, expected, {"$set": {"carried_out_at": at}})
