"""Collection ``ledger``: each fact once, by one insert under its event id."""

from collections.abc import Callable
from datetime import datetime

from common.database import Database, database_errors_as_outages, find_by_id, insert_once
from common.facts import BaseFact
from common.ledger import Entry, chained_key, entry_of, new_entry, new_salt, row_of

LAST_SEQ = 99_999_999


class Ledger:
    """Appends facts. Their order and proof follow with the log (``sealer.py``)."""

    def __init__(self, database: Database, salt: Callable[[], bytes] = new_salt) -> None:
        self._entries = database.collection("ledger")
        self._chained = ChainedEntries(database)
        self._salt = salt

    async def append(self, fact: BaseFact, now: datetime) -> tuple[Entry, bool]:
        """The one entry of a fact, and whether this call made it. Raises ``Outage``."""
        if chained := await self._chained.find(fact):
            return chained, False
        row = row_of(new_entry(fact, now, self._salt()))
        saved = await insert_once(self._entries, row)
        return entry_of(saved), saved is row

    async def entries(self, subject: str) -> list[Entry]:
        """All entries of a subject, the oldest first. Raises ``Outage``."""
        with database_errors_as_outages():
            rows = self._entries.find({"_id": {"$gte": f"{subject}/", "$lt": f"{subject}0"}}).sort("recorded_at", 1)
            return [entry_of(row) async for row in rows]


class ChainedEntries:
    """The chained entries of an earlier release, found through its collection ``ledger_events``.

    A fact from before the upgrade may come again, and must not be entered a second time.
    """

    def __init__(self, database: Database) -> None:
        self._entries = database.collection("ledger")
        self._events = database.collection("ledger_events")
        self._has_any: bool | None = None

    async def find(self, fact: BaseFact) -> Entry | None:
        """The entry of a fact that an earlier release has made; None = there is none. Where no such release has ever
        run, the database is not asked. Raises ``Outage``."""
        if self._has_any is None:
            with database_errors_as_outages():
                self._has_any = await self._events.find_one({}) is not None
        if not self._has_any or not await find_by_id(self._events, f"{fact.subject}/{fact.event_id}"):
            return None
        keys = {"$gt": chained_key(fact.subject, 0), "$lte": chained_key(fact.subject, LAST_SEQ)}
        with database_errors_as_outages():
            row = await self._entries.find_one({"_id": keys, "event_id": fact.event_id})
        return entry_of(row) if row else None
