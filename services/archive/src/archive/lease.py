"""Which archive process seals, decided without comparing the clocks of two machines.

The lease is a row of the archive's collection ``leases``, in which the holder counts a number up. Another process takes
the row over once it has seen the same holder and the same number for as long as a lease lasts, by its own clock that
measures durations. So a clock that is wrong neither keeps a dead holder's lease alive nor takes a living one's away.

After a restore of the databases nobody seals until a person has said where the log ends. Databases and store may both
be older than a checkpoint that somebody outside has, and then the log would get a second history.
"""

from collections.abc import Callable
from datetime import timedelta

from pymongo.errors import DuplicateKeyError

from common.clock import loop_time
from common.database import Database, Document, compare_and_set, database_trouble, find_by_id
from common.indexes import BACKUPS

SEALER = "sealer"
RESTORED = "restored"
"""Row of ``backups`` about the backup that was restored last; of ``leases``, once somebody has confirmed it."""


class Lease:
    """One process's share. It spares replicas each other's work; that the log cannot fork does not depend on it."""

    def __init__(
        self, database: Database, holder: str, length: timedelta, clock: Callable[[], float] = loop_time
    ) -> None:
        """``holder``: a name of this process that no other one bears; ``clock``: seconds, never going back."""
        self._leases = database.collection("leases")
        self._backups = database.collection(BACKUPS)
        self._holder = holder
        self._length_seconds = length.total_seconds()
        self._clock = clock
        self._seen: Document = {}
        """The row as another process left it."""
        self._seen_since = 0.0

    async def take(self) -> bool:
        """Take or renew the lease; False = another process holds it. Raises ``Outage``."""
        row = await find_by_id(self._leases, SEALER)
        if row is None:
            return await self._make()
        if row["holder"] != self._holder and not self._has_lapsed(row):
            return False
        mine: Document = {"holder": self._holder, "count": row.get("count", 0) + 1}
        return await compare_and_set(self._leases, row, {"$set": mine})

    async def is_confirmed(self, size: int, said: int) -> bool:
        """Whether the log may go on behind so many entries. ``said``: by a person, after a restore of the databases.

        Once it was the right size, this restore is confirmed for good.
        """
        restored = await find_by_id(self._backups, RESTORED)
        confirmed = await find_by_id(self._leases, RESTORED) if restored else None
        if restored is None or (confirmed and confirmed["backup"] == restored["name"]):
            return True
        if said == size:
            with database_trouble():
                now = {"$set": {"backup": restored["name"], "size": size}}
                await self._leases.update_one({"_id": RESTORED}, now, upsert=True)
        return said == size

    async def _make(self) -> bool:
        with database_trouble():
            try:
                await self._leases.insert_one({"_id": SEALER, "holder": self._holder, "count": 1})
            except DuplicateKeyError:
                return False
            return True

    def _has_lapsed(self, row: Document) -> bool:
        """Whether its holder has not renewed it for as long as it lasts, while this process was looking."""
        if row != self._seen:
            self._seen, self._seen_since = row, self._clock()
        return self._clock() - self._seen_since >= self._length_seconds
