"""Every index of the services' databases besides ``_id``. Data only; ``trunkctl migrate`` makes them.

Services also work without them, only slower: decisions rest on queries by ``_id``.
"""

from dataclasses import dataclass, field
from typing import Any

SCHEMA_VERSION = 8
"""Number of the changes of collections and indexes by releases so far; shown by the monitoring."""


MESSAGE_RECORDS = "message_records"
"""Every service's collection of messages that failed: waiting for another attempt, or held."""
WAITING = "waiting"
"""Intake's collection of packages that wait for a document."""
OPERATOR_REQUESTS = "operator_requests"
"""The collection of answers to operators' requests about a service's rows."""
NEWEST_DECISIONS = "newest_decisions"
"""The collection of which operator's decision about each parked message counts."""
BACKUPS = "backups"
"""The archive's collection of the newest complete backups; written by the backup jobs, not by the service."""
CHECKS = "checks"
"""The archive's collection of what ``trunkctl archive check`` found; written by the command, not by the service."""

TIDIES = "tidies"
"""The archive's collection of when ``trunkctl log tidy`` last found nothing wrong; written by the command."""


def database_name(service: str) -> str:
    """Name of a service's database."""
    return f"trunk_{service}"


@dataclass(frozen=True, slots=True)
class Index:
    """One index, ascending in all of its fields."""

    service: str
    """The service whose database it is in."""
    collection: str
    fields: tuple[str, ...]
    where: dict[str, Any] = field(default_factory=dict, hash=False)
    """Only documents with these values are in the index; empty = all."""

    @property
    def database(self) -> str:
        """Name of the database."""
        return database_name(self.service)

    @property
    def name(self) -> str:
        """The name, derived from fields and condition, so that no two indexes have the same name."""
        only = [f"if_{name}_{value}" for name, value in self.where.items()]
        return "_".join([*self.fields, *only])

    @property
    def place(self) -> str:
        """Database, collection and name, for people."""
        return f"{self.database}.{self.collection}.{self.name}"


def _waiting(stage: str) -> Index:
    return Index("archive", "progress", (stage, "lane", "submitted_at"), where={stage: 1})


INDEXES = (
    # trunkctl track: the packages that bear a DocumentId.
    Index("intake", "packages", ("document_id",)),
    # trunkctl archive reconcile: packages by time.
    Index("intake", "packages", ("submitted_at", "_id")),
    # open packages: due to be published again, and those that may be lost. Finished ones are in neither.
    Index("intake", "packages", ("lane", "redrive_at"), where={"is_open": True}),
    Index("intake", "packages", ("lane", "stage", "overdue_at"), where={"is_open": True}),
    # packages that come to their end: those whose term runs. Removed ones are not in it.
    Index("intake", "packages", ("ending", "ended_at"), where={"is_removed": False}),
    # trunkctl backup store: what was removed since the last copies were made.
    Index("intake", "removals", ("removed_at",)),
    # packages that wait for a document: of a unit, for a document, and due; trunkctl track.
    Index("intake", "waiting", ("sender",)),
    Index("intake", "waiting", ("awaited",)),
    Index("intake", "waiting", ("next_look_at",)),
    Index("intake", "waiting", ("document_id",)),
    # trunkctl: where every delivery of some documents stands.
    Index("router", "deliveries", ("document_key",)),
    # What was done to a document before a unit got it.
    Index("router", "acts", ("document_key",)),
    # Whether an event of a delivery is recorded.
    Index("router", "delivery_events", ("delivery", "event_id")),
    # The router's sweeps: placings that are due, and addresses that are about to expire.
    Index("router", "placings", ("state", "next_attempt_at")),
    Index("router", "placings", ("renew_at",)),
    # Whether a decision has open placings.
    Index("router", "placings", ("decision", "state")),
    # Placings that an inbox has got, to place them again after it was lost.
    Index("router", "placings", ("receiver", "state", "placed_at")),
    # trunkctl log prove: the entries of a package, or of one event.
    Index("archive", "ledger", ("event_id",)),
    # trunkctl archive check: the records of a document.
    Index("archive", "records", ("document_key",)),
    Index("archive", "records", ("document_id",)),
    # The sealer: entries of the ledger that the log does not hold yet, the oldest first.
    Index("archive", "ledger", ("is_sealed", "recorded_at"), where={"is_sealed": False}),
    # trunk_deliveries_pending: deliveries without an answer, counted by unit.
    Index("router", "deliveries", ("state", "receiver", "lane")),
    # trunk_oldest_unfinished_timestamp_seconds: only packages that still wait are in these.
    _waiting("validation"),
    _waiting("routing"),
    _waiting("archiving"),
    # The notifier's dispatch: notifications that are due, by lane, the oldest first.
    Index("notifier", "notifications", ("state", "lane", "next_attempt_at"), where={"state": "pending"}),
    # The notifier's announcements: those not made yet.
    Index("notifier", "notifications", ("announced", "lane"), where={"announced": False}),
    # trunkctl notices: what was given up or failed, by unit.
    Index("notifier", "notifications", ("state", "unit")),
)
