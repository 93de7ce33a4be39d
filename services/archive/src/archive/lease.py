"""The lease that decides which archive process seals, without comparing the clocks of two machines.

The lease is a row of collection ``leases`` with a counter that the holder increments. Another process takes the row
over when it has seen the same holder and the same count for the length of a lease, by its own monotonic clock. So a
wrong clock neither extends the lease of a dead process nor ends that of a running one.

After a restore of the databases nothing is sealed until a person has confirmed where the log ends. Databases and store
may both be older than a checkpoint that somebody outside has; then the log would get a second history.
"""

from collections.abc import Callable
from datetime import timedelta

from pymongo.errors import DuplicateKeyError

from archive.log_store import LogConflict
from common.clock import loop_time
from common.database import Database, Document, compare_and_set, database_errors_as_outages, find_by_id
from common.indexes import BACKUPS

SEALER = "sealer"
RESTORED = "restored"
"""Id of the row in ``backups`` about the backup that was last restored, and of the row in ``leases`` that says which
one was confirmed."""


class Lease:
    """The lease as one process sees it. It only spares replicas duplicate work; the safety of the log does not depend
    on it."""

    def __init__(
        self, database: Database, holder: str, length: timedelta, clock: Callable[[], float] = loop_time
    ) -> None:
        """``holder``: a unique name of this process; ``clock``: monotonic, in seconds."""
        self._leases = database.collection("leases")
        self._backups = database.collection(BACKUPS)
        self._holder = holder
        self._length_seconds = length.total_seconds()
        self._clock = clock
        self._seen: Document = {}
        """The row as it was first read in its present state."""
        self._seen_since = 0.0

    async def take(self) -> bool:
        """Take or renew the lease. False = another process holds it. Raises ``Outage``."""
        row = await find_by_id(self._leases, SEALER)
        if row is None:
            return await self._make()
        if row["holder"] != self._holder and not self._has_lapsed(row):
            return False
        renewed: Document = {"holder": self._holder, "count": row.get("count", 0) + 1}
        return await compare_and_set(self._leases, row, {"$set": renewed})

    async def expect_confirmed(self, end: int, size: int, confirmed_size: int | None) -> None:
        """Raise ``LogConflict`` unless the log may go on. Raises ``Outage``.

        ``end``: size of the log in the store; ``size``: to which the batches of the database lead; ``confirmed_size``:
        set by a person, None = nobody has confirmed anything.

        After a restore of the databases a person must have confirmed where the log ends. If the store has no log, it
        ends where the restored batches lead to, and they are written again. A confirmed size of 0 does not permit that,
        because a log of which somebody has checkpoints may have been in the bucket. The confirmation is saved, so each
        restore is confirmed once.
        """
        restored = await find_by_id(self._backups, RESTORED)
        confirmed = await find_by_id(self._leases, RESTORED) if restored else None
        if restored is None or (confirmed and confirmed["backup"] == restored["name"]):
            return
        goes_on_from = end or size
        if confirmed_size != goes_on_from:
            there = f"the log has {end} entries" if end else "there is no log in the store"
            raise LogConflict("ahead", f"{there}, and the restored database leads to {size}")
        with database_errors_as_outages():
            confirmation = {"$set": {"backup": restored["name"], "size": goes_on_from}}
            await self._leases.update_one({"_id": RESTORED}, confirmation, upsert=True)

    async def _make(self) -> bool:
        with database_errors_as_outages():
            try:
                await self._leases.insert_one({"_id": SEALER, "holder": self._holder, "count": 1})
            except DuplicateKeyError:
                return False
            return True

    def _has_lapsed(self, row: Document) -> bool:
        """Whether this process has seen the row unchanged for the length of a lease."""
        if row != self._seen:
            self._seen, self._seen_since = row, self._clock()
        return self._clock() - self._seen_since >= self._length_seconds
