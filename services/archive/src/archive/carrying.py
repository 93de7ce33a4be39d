"""Makes chained entries of earlier releases ready for the log, each unchanged and with its link.

An entry gets a salt and waits for the sealer like any other. Nothing else in it changes, so archives of both releases
may run meanwhile, and the work may be interrupted at any time. A salt is never changed.
"""

from datetime import timedelta

import structlog

from common.clock import Clock, utc_now
from common.database import Database, Document, compare_and_set, database_errors_as_outages
from common.ledger import new_salt

log = structlog.get_logger("trunk.log")

PAGE = 1_000
"""Entries read in one round."""
AGAIN_AFTER = timedelta(hours=1)
"""Pause between two passes through the ledger."""
PASSES = 2
"""After so many passes without a chained entry the work is done. An archive of an earlier release may still add entries
during the first."""


class Carrying:
    """Carries entries in one process. ``round`` is called by a timer."""

    def __init__(self, database: Database, now: Clock = utc_now) -> None:
        self._entries = database.collection("ledger")
        self._events = database.collection("ledger_events")
        self._now = now
        self._after = ""
        self._carried = 0
        """Entries carried in this pass through the ledger."""
        self._idle_passes = 0
        self._next_at = now()

    async def round(self) -> None:
        """Carry the next page. Does nothing if no earlier release has ever run, and once all entries are carried.
        Raises ``Outage``."""
        if self._idle_passes >= PASSES or self._now() < self._next_at:
            return
        following: Document = {"_id": {"$gt": self._after}}
        with database_errors_as_outages():
            if not self._after and await self._events.find_one({}) is None:
                self._idle_passes = PASSES
                return
            rows = self._entries.find(following, {"seq": 1, "is_sealed": 1}).sort("_id", 1).limit(PAGE)
            page = await rows.to_list(PAGE)
        for row in page:
            if "seq" in row and "is_sealed" not in row:
                salted = {"$set": {"salt": new_salt(), "is_sealed": False}}
                await compare_and_set(self._entries, {"_id": row["_id"], "is_sealed": {"$exists": False}}, salted)
                self._carried += 1
            self._after = row["_id"]
        if len(page) < PAGE:
            self._end_pass()

    def _end_pass(self) -> None:
        self._idle_passes = 0 if self._carried else self._idle_passes + 1
        log.info("looked through the ledger for entries of earlier releases", carried=self._carried)
        self._after, self._carried = "", 0
        self._next_at = self._now() + AGAIN_AFTER
