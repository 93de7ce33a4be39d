"""The commands of ``trunkctl`` and of its group ``units``: which module defines each, and what the lists say about it.

A command's module is imported only when the command is named (``on_demand``), because most modules need large
libraries. So the sentences stand here once more; ``tests/trunkctl/test_on_demand.py`` compares them.
"""

from collections.abc import Mapping
from typing import NamedTuple


class Listed(NamedTuple):
    """One command, or one group of commands."""

    module: str
    """In ``trunkctl.commands``; its ``register`` adds the command."""
    help: str
    """The first paragraph of the command's help."""


Table = Mapping[str, Listed]
"""Commands by name, in the order in which they are shown."""

COMMANDS: Table = {
    "doctor": Listed(
        "doctor", "How is the trunk: asks servers, queues, rights, trust and open work, and changes nothing."
    ),
    "up": Listed(
        "machine", "Start servers and services below STATE, and leave them running; what runs already is left alone."
    ),
    "down": Listed("machine", "Stop the services, which drain first, then the servers. The data stays."),
    "send": Listed("unit", "Submit files as one package; the first is the document itself, and must be signed."),
    "inbox": Listed("unit", "List the messages that wait in a unit's inbox, read as that unit."),
    "track": Listed("track", "Show where document ID is: what happened to it, and its state at each receiver."),
    "upload-url": Listed("upload_url", "A presigned address to which UNIT may PUT one large package within an hour."),
    "edxml": Listed("edxml", "Show what the trunk reads in edXML files; exit 1 if one of them cannot be read."),
    "redrive": Listed(
        "redrive", "Publish the saved facts of packages again; services do not repeat what they have done."
    ),
    "events": Listed("events", "Security events, the newest first: who did what, when and from where."),
    "verify": Listed(
        "verify",
        "Are these PDFs or packages valid? Offline. Exit 0 all valid, 1 some refused, 3 some not to be decided now.",
    ),
    "migrate": Listed("declare", "Make missing buckets and indexes; safe to run again, also while the services run."),
    "idle": Listed(
        "idle",
        "Wait until the container is stopped; commands are run beside it, by `kubectl exec` or `docker compose exec`.",
    ),
    "install": Listed("install", "Before manifests are applied to a Kubernetes cluster."),
    "park": Listed("park", "Messages that wait for an operator's decision."),
    "inboxes": Listed("redrive", "The units' inboxes, after the broker has lost its data."),
    "references": Listed("references", "Addresses of large packages in inboxes."),
    "notices": Listed("notices", "Notifications (mails, webhooks) that were not sent."),
    "package": Listed("package", "What is in a package."),
    "trust": Listed("trust", "Who is trusted: roots pinned by fingerprint, CAs, time, lists."),
    "topology": Listed("declare", "The broker's exchanges, queues, users and permissions."),
    "stores": Listed("stores", "The object store's buckets, and who may do what at the stores."),
    "archive": Listed("archive", "What the archive keeps."),
    "log": Listed("log", "The log that proves the ledger."),
    "backup": Listed("backup", "Copies of the databases and of the object store."),
    "restore": Listed("restore", "Make databases and object store again from backups."),
    "units": Listed("units", "The units: their directory, its history, and their access."),
    "users": Listed("users", "The broker's users: services and the operator."),
}

UNITS: Table = {
    "import": Listed(
        "units_directory",
        "Show what a directory file changes, then put it into force, or propose it to a second person.",
    ),
    "confirm": Listed(
        "units_directory", "As a second person, put the pending change into force. Again finishes what was broken off."
    ),
    "withdraw": Listed("units_directory", "Withdraw the pending change."),
    "pending": Listed(
        "units_directory",
        "The change that waits for a second person; exit 1 while one does, so that a timer can watch.",
    ),
    "show": Listed(
        "units_directory",
        "A directory file, byte for byte, to keep or to edit: "
        "the one in force, now or at another time, or any version.",
    ),
    "list": Listed("units_directory", "Every unit in force, with its user, and whether it is disabled."),
    "rates": Listed(
        "units_rates",
        "Submissions that intake has taken from each unit in this minute and the one before, the busiest first.",
    ),
    "history": Listed(
        "units_directory", "Show who did what, when and why, newest last; exit 1 if an entry is missing or altered."
    ),
    "announce": Listed(
        "units_directory",
        "Announce changes as security events that could not be announced before; exit 1 if that fails again.",
    ),
    "provision": Listed(
        "units_access",
        "Make inbox, submit queues, user and rights of units of the directory; again makes only what is missing.",
    ),
    "rotate": Listed(
        "units_access", "Set a new password for a unit at once. Open sessions continue unless they are closed."
    ),
    "disable": Listed(
        "units_access",
        "Shut units out at once: no log-in, no right, open sessions closed, nothing taken from their submit queues.",
    ),
    "enable": Listed(
        "units_access",
        "Restore the rights that the directory gives to units. Passwords are unchanged; rotate those that leaked.",
    ),
    "password": Listed(
        "units_access", "The unit's broker user and password, to hand over; ``units provision`` makes them."
    ),
}
