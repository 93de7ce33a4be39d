"""The open packages in collection ``packages``: rows with ``is_open``, indexed for the sweep.

Besides the record, an open row has the fields stage, redrives, redrive_at, overdue_at and fact_body. They are removed
when the package is finished. Rows of earlier releases have none of them, and count as finished. A package that is not
kept gets ending, ended_at and is_removed (``ends``). Once its removal has begun (``removing_at``), it stays closed.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from common.database import (
    Collection,
    Database,
    Document,
    compare_and_set,
    database_errors_as_outages,
    find_by_id,
    insert_once,
)
from common.domain.canary import CANARY_UNITS
from common.domain.names import Lane
from common.domain.reason import Reason
from common.facts import PackageFinished
from common.objects import PACKAGES
from intake.ends import NO_ENDING, Ending, ending_fields
from intake.open_package import ASKED, OpenPackage, Stage, opening, taken
from intake.record import PackageRecord

FINISHED: Document = {
    "$set": {"is_open": False},
    "$unset": dict.fromkeys(("stage", "redrives", "redrive_at", "overdue_at", "fact_body"), ""),
}
ROUND = "redrive"
SUSPECTED = (Stage.SENT.value,)
MOST_COUNTED = 10_000
"""Packages counted at most, so that the cost of the gauge does not grow with their number."""


class OpenPackages:
    """The rows of open packages. All methods raise ``Outage`` while the database is unavailable."""

    def __init__(self, database: Database, budgets: Mapping[Lane, timedelta]) -> None:
        """``budgets``: how long a package of a lane may be open before its fact is published again."""
        self._packages: Collection = database.collection("packages")
        self._rounds: Collection = database.collection("rounds")
        self._budgets = budgets

    async def finish(self, fact: PackageFinished) -> None:
        """Close a package. If the validator refused it and it is one object, the term of its ending begins."""
        await compare_and_set(self._packages, {"_id": fact.package_id}, FINISHED)
        if fact.reason in (None, Reason.E_SECRET):
            return
        in_place = {"_id": fact.package_id, "is_open": False, "package.bucket": PACKAGES}
        begins = in_place | {"ending": {"$ne": Ending.INVALID.value}, "removing_at": None}
        await compare_and_set(self._packages, begins, {"$set": ending_fields(Ending.INVALID, fact.occurred_at)})

    async def wait(self, package_id: str, until: datetime) -> None:
        """Note that a service keeps the package, which is therefore not lost. A package that an operator asked for is
        published all the same."""
        change = {"stage": Stage.WAITING.value, "redrive_at": until}
        on_its_way = _open(package_id) | {"stage": {"$ne": Stage.HELD.value}, "redrive_at": {"$ne": ASKED}}
        await compare_and_set(self._packages, on_its_way, {"$set": change})

    async def hold(self, package_id: str) -> None:
        """Note that a service has parked the package."""
        await compare_and_set(self._packages, _open(package_id), {"$set": {"stage": Stage.HELD.value}})

    async def release(self, package_id: str, redrive_at: datetime) -> None:
        """Note that a parked or discarded package is on its way again."""
        change = {"stage": Stage.SENT.value, "redrive_at": redrive_at, "is_open": True}
        await self._take_back(package_id, [Stage.HELD, Stage.DISCARDED], change)

    async def discard(self, package_id: str, at: datetime, *, is_undecided: bool) -> None:
        """Close a package that an operator discarded.

        ``is_undecided``: the validator had not examined it, so nothing about it is archived. If such a package was let
        in and is one object, the term of its ending begins.
        """
        change = {"stage": Stage.DISCARDED.value, "is_open": False}
        let_in = _open(package_id) | {"package.bucket": PACKAGES, "reason": None}
        if is_undecided and await compare_and_set(
            self._packages, let_in, {"$set": change | ending_fields(Ending.GIVEN_UP, at)}
        ):
            return
        await compare_and_set(self._packages, _open(package_id), {"$set": change})

    async def restore(self, package_id: str) -> None:
        """Note that an operator undid a discard: the package is parked as before."""
        await self._take_back(package_id, [Stage.DISCARDED], {"stage": Stage.HELD.value, "is_open": True})

    async def take_due(self, lane: Lane, now: datetime, limit: int, *, requested: bool) -> list[OpenPackage]:
        """At most ``limit`` packages to be published again, each given to one process only.

        ``requested``: those that an operator asked for, otherwise those whose time has come. Sets the next time of
        each, so that the end of the process costs no more than one pause.
        """
        times: Document = {"redrive_at": ASKED} if requested else {"redrive_at": {"$gt": ASKED, "$lte": now}}
        due = {"is_open": True, "lane": lane.value, "stage": {"$ne": Stage.HELD.value}, **times}
        with database_errors_as_outages():
            rows = await self._packages.find(due).sort("redrive_at", 1).limit(limit).to_list(None)
        return [package for row in rows if (package := await self._taken(row, now))]

    async def postpone(self, package: OpenPackage, taken_at: datetime, at: datetime) -> None:
        """Undo ``take_due`` for a package whose fact could not be published, unless its row has changed since.

        ``at``: when it is due again; a package that an operator asked for stays due at once.
        """
        as_taken = taken(package, taken_at, self._budgets)
        expected = _open(package.record.package_id, Stage(as_taken.get("stage", package.stage)))
        expected["redrive_at"] = as_taken["redrive_at"]
        change = {"redrive_at": ASKED if package.is_asked_for else at, "redrives": package.redrives}
        change["stage"] = package.stage.value
        await compare_and_set(self._packages, expected, {"$set": change})

    async def ask(self, package_id: str, now: datetime) -> str:
        """Make a package due at once, for an operator. Returns ``done``, or why not.

        Objects of a secret package are then removed once more: a restore may have brought them back.
        """
        row = await find_by_id(self._packages, package_id)
        if row is None:
            return "intake has decided nothing about such a package"
        if row.get("stage") in (Stage.HELD, Stage.DISCARDED):
            return f"{row['stage']}: decide about its message with trunkctl park"
        if row.get("removing_at"):
            return "it has come to its end: its bytes are removed"
        change: Document = {"redrive_at": ASKED}
        if not row.get("is_open"):
            change = opening(Lane(row["lane"]), now, self._budgets) | change
        if row.get("is_purged"):
            change |= {"is_purged": False}
        not_held = {"_id": package_id, "stage": row.get("stage"), "removing_at": None}
        return "done" if await compare_and_set(self._packages, not_held, {"$set": change}) else "changed meanwhile"

    async def ask_all(self) -> int:
        """Make all open packages due at once, for an operator. Returns how many."""
        wanted = {"is_open": True, "stage": {"$ne": Stage.HELD.value}}
        with database_errors_as_outages():
            result = await self._packages.update_many(wanted, {"$set": {"redrive_at": ASKED}})
        return int(result.matched_count)

    async def suspects(self, now: datetime) -> dict[Lane, int]:
        """How many packages are over their budget without a service having reported where they are, by lane; counted up
        to ``MOST_COUNTED``, and without those of the canary."""
        counts = {}
        late = {"is_open": True, "stage": {"$in": SUSPECTED}, "overdue_at": {"$lte": now}}
        others = {"sender": {"$nin": sorted(CANARY_UNITS)}}
        for lane in Lane:
            with database_errors_as_outages():
                counts[lane] = await self._packages.count_documents(
                    late | others | {"lane": lane.value}, limit=MOST_COUNTED
                )
        return counts

    async def begin_round(self, now: datetime, length: timedelta) -> bool:
        """Begin the next round. False = it is not due, or another process has begun it."""
        return await begin_round(self._rounds, ROUND, now, length)

    async def _take_back(self, package_id: str, stages: Sequence[Stage], change: Document) -> None:
        """Change a package in one of these stages, and end the term of its ending. Once its removal has begun, nothing
        changes: the discard can no longer be undone."""
        stopped: Document = {
            "_id": package_id,
            "stage": {"$in": [stage.value for stage in stages]},
            "removing_at": None,
        }
        given_up = stopped | {"ending": Ending.GIVEN_UP.value}
        if not await compare_and_set(self._packages, given_up, {"$set": change, "$unset": NO_ENDING}):
            await compare_and_set(self._packages, stopped, {"$set": change})

    async def _taken(self, row: Document, now: datetime) -> OpenPackage | None:
        package = OpenPackage(
            record=PackageRecord.model_validate(row),
            stage=Stage(row["stage"]),
            redrives=row["redrives"],
            redrive_at=row["redrive_at"],
        )
        expected = _open(row["_id"], package.stage) | {"redrive_at": row["redrive_at"]}
        change = {"$set": taken(package, now, self._budgets)}
        return package if await compare_and_set(self._packages, expected, change) else None


async def begin_round(rounds: Collection, name: str, now: datetime, length: timedelta) -> bool:
    """Begin the next round with this name. False = it is not due, or another process has begun it.

    ``length``: pause until the round after that.
    """
    first = {"_id": name, "next_at": now + length}
    if await insert_once(rounds, first) is first:
        return True
    due = {"_id": name, "next_at": {"$lte": now}}
    return await compare_and_set(rounds, due, {"$set": {"next_at": now + length}})


def _open(package_id: str, stage: Stage | None = None) -> Document:
    return {"_id": package_id, "is_open": True} | ({"stage": stage.value} if stage else {})
