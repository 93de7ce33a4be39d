"""What ``trunkctl restore check`` asks of the databases: counts, claims, ledgers, and what is open."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pymongo import MongoClient

from common.chained_ledger import chain
from common.indexes import MESSAGE_RECORDS, OPERATOR_REQUESTS, WAITING, database_name
from common.ledger import entry_of
from intake.open_package import Stage
from trunkctl.backup import freshness
from trunkctl.databases import asking
from trunkctl.log.rows import LedgerRows

PAGE = 500
SHRINKS = (MESSAGE_RECORDS, OPERATOR_REQUESTS, WAITING)
"""Collections from which services remove rows."""
EVIDENCE = (("intake", "packages"), ("archive", "records"), ("archive", "ledger"))
"""Collections of which a trunk that has taken a package has rows."""
NEW = "new"

Row = dict[str, Any]
Client = MongoClient[Row]


@dataclass(frozen=True, slots=True)
class Open:
    """What is not finished, and what an operator does about it."""

    what: str
    count: int
    remedy: str


def unfinished_restore(client: Client) -> Iterator[str]:
    """A restore that was interrupted: rows are missing, and marks that came too late still stand."""
    if name := freshness.unfinished_restore(client):
        yield f"the restore of backup {name} was not finished: empty the databases and begin again"


def nothing_there(client: Client) -> Iterator[str]:
    """Databases that hold nothing that anybody has submitted: whatever is compared with them, agrees."""
    with asking():
        if all(client[database_name(service)][name].find_one({}, {"_id": 1}) is None for service, name in EVIDENCE):
            yield "there is nothing: the databases hold no package, no record and no entry of the ledger"


def missing_rows(client: Client, restored: Row | None) -> Iterator[str]:
    """Collections that hold fewer rows than were restored."""
    with asking():
        for file in (restored or {}).get("files", ()):
            database, collection, rows = file["database"], file["collection"], file["rows"]
            if collection not in SHRINKS and (count := client[database][collection].count_documents({})) < rows:
                yield f"{database}.{collection}: {count} rows, {rows} were restored"


def claim_faults(client: Client) -> Iterator[str]:
    """Accepted documents whose DocumentId is not theirs: another package could take it."""
    packages, claims = (client[database_name("intake")][name] for name in ("packages", "claims"))
    for page in pages(packages, {"kind": NEW, "reason": None}, ("subject", "document_id", "sender")):
        with asking():
            claimed = {
                row["_id"] for row in claims.find({"_id": {"$in": [row["subject"] for row in page]}}, {"_id": 1})
            }
        for row in page:
            if row["subject"] not in claimed:
                yield f"package {row['_id']}: nobody claims its DocumentId {row['document_id']} of {row['sender']}"


def ledger_faults(client: Client) -> Iterator[str]:
    """Chains of earlier releases that are broken, and records whose entry is not in the ledger, or says otherwise."""
    archive = client[database_name("archive")]
    with asking():
        rows = archive["ledger"].find({"seq": {"$gte": 0}}).sort("_id", 1)
        for subject, group in itertools.groupby(rows, key=lambda row: str(row["_id"]).rpartition("/")[0]):
            if broken := chain(subject, map(entry_of, group)):
                yield f"ledger of {subject}: entry {broken.seq} {broken.fault}"
    ledger = LedgerRows.of(client)
    for page in pages(archive["records"], {}, ()):
        for record_id, what in ledger.record_faults(page):
            yield f"package {record_id}: {what}"


def still_open(client: Client) -> list[Open]:
    """What services and operators have not finished."""
    intake, router = client[database_name("intake")], client[database_name("router")]
    on_its_way = {"is_open": True, "stage": {"$ne": Stage.HELD.value}}
    with asking():
        return [
            Open(
                "packages on their way", intake["packages"].count_documents(on_its_way), "trunkctl redrive --all-open"
            ),
            Open(
                "packages held for an operator",
                intake["packages"].count_documents({"is_open": True, "stage": Stage.HELD.value}),
                "trunkctl park list",
            ),
            Open(
                "packages that wait for a document",
                intake[WAITING].count_documents({}),
                "nothing: intake looks for the document until its deadline",
            ),
            Open(
                "messages that inboxes have not got",
                router["placings"].count_documents({"state": {"$in": ["due", "waiting"]}}),
                "nothing: the router tries again",
            ),
        ]


def pages(collection: Any, which: Row, fields: tuple[str, ...]) -> Iterator[list[Row]]:
    """All rows by ``_id``, each page by a query of its own."""
    after: Row = {}
    while True:
        with asking():
            page = list(collection.find({**which, **after}, dict.fromkeys(fields, 1)).sort("_id", 1).limit(PAGE))
        if not page:
            return
        yield page
        after = {"_id": {"$gt": page[-1]["_id"]}}
