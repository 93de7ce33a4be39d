"""The archive's collection ``ledger``: each fact once, by one insert under its event id."""

from collections.abc import Callable
from datetime import datetime

from common.database import Database, database_trouble, find_by_id, insert_once
from common.facts import BaseFact
from common.ledger import Entry, chained_key, entry_of, new_entry, new_salt, row_of

LAST_SEQ = 99_999_999


class Ledger:
    """Appends facts. Order and proof come later, with the log (``sealer.py``)."""

    def __init__(self, database: Database, salt: Callable[[], bytes] = new_salt) -> None:
        self._entries = database.collection("ledger")
        self._chained = ChainedEntries(database)
        self._salt = salt

    async def append(self, fact: BaseFact, now: datetime) -> tuple[Entry, bool]:
        """The one entry of this fact, and whether it was made now or by an earlier run. Raises ``Outage``."""
        if known := await self._chained.find(fact):
            return known, False
        row = row_of(new_entry(fact, now, self._salt()))
        saved = await insert_once(self._entries, row)
        return entry_of(saved), saved is row

    async def entries(self, subject: str) -> list[Entry]:
        """All entries of a document, oldest first."""
        with database_trouble():
            found = self._entries.find({"_id": {"$gte": f"{subject}/", "$lt": f"{subject}0"}}).sort("recorded_at", 1)
            return [entry_of(row) async for row in found]


class ChainedEntries:
    """Entries that an earlier release has chained, and its collection ``ledger_events`` of events that it has seen.

    A fact from before the upgrade may come again, and must not be entered a second time.
    """

    def __init__(self, database: Database) -> None:
        self._entries = database.collection("ledger")
        self._events = database.collection("ledger_events")
        self._has_any: bool | None = None

    async def find(self, fact: BaseFact) -> Entry | None:
        """The entry of this fact, if an earlier release has made it. Asks nothing where no such release has worked."""
        if self._has_any is None:
            with database_trouble():
                self._has_any = await self._events.find_one({}) is not None
        if not self._has_any or not await find_by_id(self._events, f"{fact.subject}/{fact.event_id}"):
            return None
        keys = {"$gt": chained_key(fact.subject, 0), "$lte": chained_key(fact.subject, LAST_SEQ)}
        with database_trouble():
            row = await self._entries.find_one({"_id": keys, "event_id": fact.event_id})
        return entry_of(row) if row else None
