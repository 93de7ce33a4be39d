"""Collections ``records`` and ``progress`` of the archive; ``backups``, ``checks`` and ``tidies`` for reading only."""

from datetime import datetime
from typing import Any, NamedTuple, get_args

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from archive.progress import Mark, Said, is_finished, is_routed, is_told_by_another
from archive.record import Record
from common.database import (
    Collection,
    Database,
    Document,
    database_errors_as_outages,
    find_by_id,
    insert_once,
)
from common.domain.canary import is_canary
from common.domain.names import Lane
from common.facts import NoticeAccepted, PackageAccepted, PackageFact, PackageRefused
from common.indexes import BACKUPS, CHECKS, TIDIES
from common.metrics.documents import Unfinished
from common.metrics.keeping import BackedUp


class Records:
    """The record of each package, under the package id. All methods raise ``Outage`` while the database is
    unavailable."""

    def __init__(self, database: Database) -> None:
        self._records = database.collection("records")

    async def load(self, package_id: str) -> Record | None:
        """The saved record of a package; None = there is none."""
        row = await find_by_id(self._records, package_id)
        return Record.model_validate(row) if row else None

    async def save(self, record: Record) -> tuple[Record, bool]:
        """Save a record. Returns the one that was saved first, and whether that is this one."""
        document = {"_id": record.record_id, **record.model_dump()}
        saved = await insert_once(self._records, document)
        return Record.model_validate(saved), saved is document


class Noted(NamedTuple):
    """The state of a package after a fact about it was noted."""

    is_to_tell: bool
    """Whether intake must be informed that the package is finished."""
    is_on_record: bool


class Progress:
    """How far each package is: one document under the package's id, for the monitoring and for intake.

    Fields: lane, submitted_at, ``is_canary`` of the canary's packages, a ``Mark`` a stage, ``units`` to settle and
    those ``settled``, how many the router says are ``expected``, ``finished_at``, and ``finished_by``, the event whose
    handler tells intake so; in rows of earlier releases ``is_told``, once it had. Every change is a merge that may be
    made again and in any order (greatest mark, earliest time, set of units); what is done stays there as done, so that
    a late repeat cannot open it again.
    """

    def __init__(self, database: Database) -> None:
        self._progress = database.collection("progress")

    async def note(self, fact: PackageFact, said: Said) -> Noted:
        """Merge what a fact says into the progress of its package."""
        row = await self._merge(fact, said)
        finished = is_finished(row["archiving"], row.get("expected"), len(row["settled"]))
        is_open = row["routing"] != Mark.DONE
        if is_open and (finished or is_routed(row["routing"], row["units"], len(row["settled"]))):
            await self._merge(fact, Said({Unfinished.ROUTING: Mark.DONE}))
        is_to_tell = finished and (said.expected is not None or not is_told_by_another(row, fact.event_id))
        return Noted(is_to_tell, is_on_record=row["archiving"] == Mark.DONE)

    async def finish(self, fact: PackageFact, now: datetime) -> datetime:
        """Note that the package is finished. Returns the time: now, or the one that an earlier run has noted.

        From now on the handler of this fact informs intake. If it ends before it has done so, the fact is delivered
        again.
        """
        with database_errors_as_outages():
            row: Document | None = await self._progress.find_one_and_update(
                {"_id": fact.package_id, "finished_at": None},
                {"$set": {"finished_at": now, "finished_by": fact.event_id}},
                return_document=ReturnDocument.AFTER,
            )
        row = row or await find_by_id(self._progress, fact.package_id)
        at: datetime = row["finished_at"] if row else now
        return at

    async def oldest(self) -> dict[tuple[Unfinished, Lane], datetime | None]:
        """When the oldest package that waits was submitted, by stage and lane, without those of the canary."""
        return {(stage, lane): await self._oldest(stage, lane) for stage in Unfinished for lane in Lane}

    async def _oldest(self, stage: Unfinished, lane: Lane) -> datetime | None:
        waits = {stage.value: Mark.WAITS.value, "lane": lane.value, "is_canary": None}
        with database_errors_as_outages():
            rows = await self._progress.find(waits, {"submitted_at": 1}).sort("submitted_at", 1).limit(1).to_list(1)
        return rows[0]["submitted_at"] if rows else None

    async def _merge(self, fact: PackageFact, said: Said) -> Document:
        submitted_at = getattr(fact, "submitted_at", fact.occurred_at)
        change: Document = {"$min": {"submitted_at": submitted_at}}
        if said.marks:
            change["$max"] = {stage.value: mark.value for stage, mark in said.marks.items()}
        if said.settles:
            change["$addToSet"] = {"settled": said.settles}
        counts = {"units": said.units, "expected": said.expected}
        if values := {name: value for name, value in counts.items() if value is not None}:
            change["$set"] = values
        first = _first(fact, said, submitted_at)
        if _begins(fact, said) and await _insert(self._progress, first):
            return first
        with database_errors_as_outages():
            while True:
                after: Document | None = await self._progress.find_one_and_update(
                    {"_id": fact.package_id}, change, return_document=ReturnDocument.AFTER
                )
                if after is not None:
                    return after
                if await _insert(self._progress, first):
                    return first


def _begins(fact: PackageFact, said: Said) -> bool:
    """Whether this is probably the first fact about its package, so that inserting comes first. That only saves a
    request; the result does not depend on it."""
    is_done = said.marks.get(Unfinished.ARCHIVING) is Mark.DONE
    return isinstance(fact, PackageAccepted | NoticeAccepted | PackageRefused) and not is_done


def _first(fact: PackageFact, said: Said, submitted_at: datetime) -> Document:
    marks = {stage.value: said.marks.get(stage, Mark.AHEAD).value for stage in Unfinished}
    about: Document = {"_id": fact.package_id, "lane": fact.lane.value, "submitted_at": submitted_at}
    if is_canary(fact.sender):
        about["is_canary"] = True
    settled = [said.settles] if said.settles else []
    return {**about, **marks, "units": said.units, "expected": said.expected, "settled": settled}


class Backups:
    """Reads what jobs have noted about backups, checks of the archive, and removal of the log's partial tiles. All
    methods raise ``Outage`` while the database is unavailable."""

    def __init__(self, database: Database) -> None:
        self._backups = database.collection(BACKUPS)
        self._checks = database.collection(CHECKS)
        self._tidies = database.collection(TIDIES)

    async def begun(self) -> dict[BackedUp, datetime]:
        """When the newest successful backup of each kind was begun, by kind."""
        with database_errors_as_outages():
            rows = await self._backups.find({"_id": {"$in": [*get_args(BackedUp)]}}).to_list(None)
        return {row["_id"]: row["last_success_at"] for row in rows}

    async def checked(self) -> tuple[datetime | None, int]:
        """When the newest complete check without a fault was begun (None = there is none), and how many faults the
        newest check found."""
        with database_errors_as_outages():
            row = await self._checks.find_one({"_id": "archive"})
        return (row.get("last_success_at"), row["faults"]) if row else (None, 0)

    async def tidied(self) -> datetime | None:
        """When the newest removal of partial tiles that found no fault was begun; None = there is none."""
        with database_errors_as_outages():
            row = await self._tidies.find_one({"_id": "log"})
        return row["last_success_at"] if row else None


async def _insert(collection: Collection, document: dict[str, Any]) -> bool:
    with database_errors_as_outages():
        try:
            await collection.insert_one(document)
        except DuplicateKeyError:
            return False
        return True
