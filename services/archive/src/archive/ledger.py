"""Collection ``ledger``: each fact once, by one insert under its event id."""

from collections.abc import Callable
from datetime import datetime

from common.database import Database, compare_and_set, database_errors_as_outages, find_by_id, insert_once
from common.facts import BaseFact, SecurityNoticed
from common.ledger import Entry, chained_key, entry_of, new_entry, new_salt, row_of

LAST_SEQ = 99_999_999
REMEMBERED_COUNTS = 10_000
"""Keys of counted entries that a process remembers at most."""


class Ledger:
    """Appends facts. Their order and proof follow with the log (``sealer.py``)."""

    def __init__(self, database: Database, salt: Callable[[], bytes] = new_salt) -> None:
        self._entries = database.collection("ledger")
        self._chained = ChainedEntries(database)
        self._salt = salt
        self._counted_here = set[str]()

    async def append(self, fact: BaseFact, now: datetime) -> tuple[Entry, bool]:
        """The one entry of a fact, and whether this call made it. Raises ``Outage``.

        False only proves that the entry is there: the call may have made it, and have repeated an insert whose answer
        was lost.
        """
        if chained := await self._chained.find(fact):
            return chained, False
        row = row_of(new_entry(fact, now, self._salt()))
        if isinstance(fact, SecurityNoticed):
            row["is_counted"] = False
        saved = await insert_once(self._entries, row)
        return entry_of(saved), saved is row

    async def count_once(self, entry: Entry, count: Callable[[], None]) -> None:
        """Call ``count`` for the entry of a security event, unless its row says that this was done. Raises ``Outage``.

        The row is marked after the call, so no event is left out if its fact is delivered again until its handler
        returns. An event may be counted twice, never more often than once in each process: if a process ends, or loses
        the database, between the two, and another one takes the fact again; or if two processes take copies of it at
        the same time. Entries of earlier releases, whose rows say nothing, count as counted.
        """
        uncounted = {"_id": entry.key, "is_counted": False}
        with database_errors_as_outages():
            if await self._entries.find_one(uncounted, {"_id": 1}) is None:
                return
        if entry.key not in self._counted_here:
            if len(self._counted_here) >= REMEMBERED_COUNTS:
                self._counted_here.clear()
            self._counted_here.add(entry.key)
            count()
        await compare_and_set(self._entries, uncounted, {"$set": {"is_counted": True}})

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
