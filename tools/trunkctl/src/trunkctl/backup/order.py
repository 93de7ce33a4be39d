"""In which order collections are copied while the services write to them.

No database server takes one picture of five databases. What follows from something else is copied before it: a row of
the backup then always has its cause in the backup, and what is missing is made again when intake publishes its open
packages again. Intake comes last: it knows at least the packages and DocumentIds that all others know.
"""

from collections.abc import Iterable

from common.indexes import BACKUPS, CHECKS, MESSAGE_RECORDS, NEWEST_DECISIONS, OPERATOR_REQUESTS, TIDIES, WAITING

ORDER: dict[str, tuple[str, ...]] = {
    "notifier": (MESSAGE_RECORDS, "destinations", "notifications"),
    "validator": (MESSAGE_RECORDS, "verdicts"),
    # Records and batches name entries of the ledger; an entry of earlier releases follows the claim of its event.
    "archive": (
        MESSAGE_RECORDS,
        BACKUPS,
        CHECKS,
        TIDIES,
        "leases",
        "progress",
        "records",
        "batches",
        "ledger",
        "ledger_events",
    ),
    # A decision is carried out row by row, and it follows the claim of its document, which knows the number of the last
    # version.
    "router": (
        *(MESSAGE_RECORDS, OPERATOR_REQUESTS, NEWEST_DECISIONS, "inboxes", "answers", "placings"),
        *("deliveries", "delivery_events", "acts", "decisions", "document_versions", "documents"),
    ),
    # A package that waited becomes a package, and a package follows the claim of its DocumentId. Its end follows it.
    "intake": (
        MESSAGE_RECORDS,
        OPERATOR_REQUESTS,
        NEWEST_DECISIONS,
        "unit_rates",
        "rounds",
        WAITING,
        "removals",
        "packages",
        "claims",
    ),
}
"""Collections by service, both in the order in which they are copied."""


def in_order(service: str, collections: Iterable[str]) -> list[str]:
    """The collections of a service's database; those that no table names come first, as nothing depends on them."""
    places = {name: place for place, name in enumerate(ORDER[service])}
    return sorted(collections, key=lambda name: (places.get(name, -1), name))
