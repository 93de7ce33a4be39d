"""Takes back what rows of a backup say is done, where the backup does not hold what was done.

Rows were copied one after the other. A cause is copied after its effects, so a mark "done" that was set meanwhile may
stand on a row whose effects came too late for the backup. Without the mark, the services do the rest again under the
same event ids. Older marks are left: what they speak of was there before the first row was read.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from pymongo import MongoClient

from archive.progress import Mark
from common.clock import utc_now
from common.domain.names import Lane
from common.facts.flows import SERVICES
from common.indexes import MESSAGE_RECORDS, database_name
from common.metrics.documents import Unfinished
from common.service.records import HELD, RecordState
from intake.open_package import Stage, opening
from trunkctl.databases import asking

PAGE = 500
CLOCKS_APART = timedelta(hours=1)
"""By how much the clock of a service may be behind that of the backup job; what is taken back in vain is done again."""
BUDGETS = dict.fromkeys(Lane, timedelta(minutes=30))
"""Time that a package has which is open again: long enough to begin by an operator's ``redrive``."""
ROUTING, DELIVERED = "routing", "delivered"
"""States of the router's documents: their deliveries are being opened; all of them are."""
KEPT = [*HELD, RecordState.REPLAYING]
"""States of messages about which an operator decides, or has decided."""

Row = dict[str, Any]
Client = MongoClient[Row]


def take_back(client: Client, started_at: datetime) -> dict[str, int]:
    """Take marks back. Returns how many, by what they said. Raises ``CommandError``."""
    with asking():
        taken_back = {
            "decisions carried out": _decisions(client, started_at - CLOCKS_APART),
            "packages finished": sum(_reopened(client, page) for page in _pages(client, {"is_open": False})),
            "entries sealed": _unsealed(client),
            "packages held": sum(_let_go(client, page) for page in _pages(client, {"stage": Stage.HELD.value})),
        }
        on_their_way = (_on_their_way(client, page) for page in _pages(client, {"is_open": True}))
        return taken_back | {"documents delivered": sum(on_their_way)}


def is_unfinished(progress: Row | None, *, on_record: bool) -> bool:
    """Whether a package that intake calls finished is not so by what the archive has of it.

    Packages of releases that told nobody when they were finished have ``routing`` done.
    """
    if not on_record or progress is None:
        return True
    return progress.get("finished_at") is None and progress.get(Unfinished.ROUTING.value) != Mark.DONE.value


def _decisions(client: Client, started_at: datetime) -> int:
    meanwhile = {"carried_out_at": {"$gte": started_at}}
    decisions = client[database_name("router")]["decisions"]
    return decisions.update_many(meanwhile, {"$set": {"carried_out_at": None}}).modified_count


def _unsealed(client: Client) -> int:
    """Entries of batches that the backup does not hold: batches are copied before the ledger.

    The archive seals them, or finds that the log has them where it is longer than the batches lead to.
    """
    archive = client[database_name("archive")]
    newest = next(iter(archive["batches"].find({"size": {"$gte": 0}}, {"size": 1}).sort("_id", -1).limit(1)), None)
    later = {"batch": {"$gte": newest["size"] if newest else 0}}
    change: Row = {"$set": {"is_sealed": False}, "$unset": {"batch": ""}}
    return archive["ledger"].update_many(later, change).modified_count


def _on_their_way(client: Client, page: list[Row]) -> int:
    """Documents of open packages: reports about them wait until their deliveries are opened again."""
    subjects, package_ids = [row.get("subject") for row in page], [row["_id"] for row in page]
    delivered = {"_id": {"$in": subjects}, "package_id": {"$in": package_ids}, "state": DELIVERED}
    change = {"$set": {"state": ROUTING}, "$inc": {"revision": 1}}
    return client[database_name("router")]["documents"].update_many(delivered, change).modified_count


def _reopened(client: Client, page: list[Row]) -> int:
    archive = client[database_name("archive")]
    wanted = {"_id": {"$in": [row["_id"] for row in page]}}
    records = {row["_id"] for row in archive["records"].find(wanted, {"_id": 1})}
    progress = {row["_id"]: row for row in archive["progress"].find(wanted)}
    open_again = [row for row in page if is_unfinished(progress.get(row["_id"]), on_record=row["_id"] in records)]
    for row in open_again:
        if row.get("stage") != Stage.DISCARDED.value:
            _set(client, row, opening(Lane(row["lane"]), utc_now(), BUDGETS))
    return sum(row.get("stage") != Stage.DISCARDED.value for row in open_again)


def _let_go(client: Client, page: list[Row]) -> int:
    """Packages that wait for an operator's decision about a message that no service keeps."""
    wanted = {"about.package_id": {"$in": [row["_id"] for row in page]}, "state": {"$in": KEPT}}
    kept = {
        record["about"]["package_id"]
        for service in SERVICES
        for record in client[database_name(service)][MESSAGE_RECORDS].find(wanted, {"about.package_id": 1})
    }
    let_go = [row for row in page if row["_id"] not in kept]
    for row in let_go:
        _set(client, row, {"stage": Stage.SENT.value})
    return len(let_go)


def _pages(client: Client, which: Row) -> Iterator[list[Row]]:
    packages, after = client[database_name("intake")]["packages"], ""
    fields = {"lane": 1, "stage": 1, "subject": 1}
    while page := list(packages.find({**which, "_id": {"$gt": after}}, fields).sort("_id", 1).limit(PAGE)):
        yield page
        after = page[-1]["_id"]


def _set(client: Client, row: Row, fields: Row) -> None:
    client[database_name("intake")]["packages"].update_one({"_id": row["_id"]}, {"$set": fields})
