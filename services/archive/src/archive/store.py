"""The archive's own collections ``ledger``, ``ledger_events``, ``records``, ``progress``; and ``backups``, to read."""

import asyncio
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, get_args
from weakref import WeakValueDictionary

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from archive.progress import Mark, Said, is_finished, is_routed
from archive.record import Record
from common.database import (
    Collection,
    Database,
    Document,
    compare_and_set,
    database_trouble,
    find_by_id,
    insert_once,
)
from common.domain.names import Lane
from common.facts import BaseFact, PackageFact
from common.indexes import BACKUPS
from common.ledger import Broken, Entry, Head, chain, entry_key, next_entry
from common.metrics.documents import Unfinished
from common.metrics.keeping import BackedUp

LAST_SEQ = 99_999_999


class Ledger:
    """Appends facts to the ledgers of documents: each fact once, entries numbered without gaps.

    Several workers may append to one document at the same time. The number is part of ``_id``: of those who
    saw the same head, one inserts the next number, the others read again. A second copy of a fact cannot slip
    in between: whoever inserts after head *h* has looked for the event in every entry up to *h*, and had any
    later entry been there, number *h*+1 would have been taken. No other unique index is needed.

    Looking through all entries for each fact would cost n² reads on a document with thousands of entries, so
    each event leaves a claim in ``ledger_events`` first. Who makes the claim knows that no copy of the event is
    older than the claim, and need only look at entries after the head read before it. A claim proves nothing
    more: who finds one already there (a repeat, or the trace of a crash before the entry) looks through
    everything.
    """

    def __init__(self, database: Database) -> None:
        self._entries = database.collection("ledger")
        self._claims = database.collection("ledger_events")
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def append(self, fact: BaseFact, now: datetime) -> tuple[Entry, bool]:
        """The one entry of this fact, and whether it was made now or by an earlier run. Raises ``Outage``."""
        lock = self._locks.setdefault(fact.subject, asyncio.Lock())
        async with lock:  # only spares this process from racing itself
            head = await self._head(fact.subject)
            searched = head.seq if await self._claim(fact) else 0
            while True:
                if searched < head.seq and (found := await self._find(fact, searched)):
                    return found, False
                entry = next_entry(head, fact, now)
                if await _insert(self._entries, {"_id": entry.key, **asdict(entry)}):
                    return entry, True
                searched, head = head.seq, await self._head(fact.subject)

    async def entries(self, subject: str) -> list[Entry]:
        """All entries of a document, oldest first."""
        with database_trouble():
            found = self._entries.find({"_id": _after(subject, 0)}).sort("_id", 1)
            return [_entry(document) async for document in found]

    async def verify(self, subject: str) -> Broken | None:
        """Whether a document's ledger still holds together; None = it does."""
        return chain(subject, await self.entries(subject))

    async def _head(self, subject: str) -> Head:
        with database_trouble():
            found = self._entries.find({"_id": _after(subject, 0)}, {"seq": 1, "hash": 1}).sort("_id", -1).limit(1)
            newest = await found.to_list(1)
        return Head(newest[0]["seq"], newest[0]["hash"]) if newest else Head()

    async def _claim(self, fact: BaseFact) -> bool:
        return await _insert(self._claims, {"_id": f"{fact.subject}/{fact.event_id}"})

    async def _find(self, fact: BaseFact, after: int) -> Entry | None:
        with database_trouble():
            found = await self._entries.find_one({"_id": _after(fact.subject, after), "event_id": fact.event_id})
        return _entry(found) if found else None


class Records:
    """What is kept of each package, one record under the package's id."""

    def __init__(self, database: Database) -> None:
        self._records = database.collection("records")

    async def load(self, package_id: str) -> Record | None:
        """The record an earlier run saved."""
        found = await find_by_id(self._records, package_id)
        return Record.model_validate(found) if found else None

    async def save(self, record: Record) -> tuple[Record, bool]:
        """Save, or return what another run saved first; and whether this run was the first."""
        document = {"_id": record.record_id, **record.model_dump()}
        saved = await insert_once(self._records, document)
        return Record.model_validate(saved), saved is document


class Progress:
    """How far each package is: one document under the package's id, for the monitoring and for intake.

    Fields: lane, submitted_at, a ``Mark`` a stage, ``units`` to settle and those ``settled``, how many the router says
    are ``expected``, ``finished_at``, and ``is_told`` once intake was told so. Every change is a merge that may be made
    again and in any order (greatest mark, earliest time, set of units); what is done stays there as done, so that a
    late repeat cannot open it again.
    """

    def __init__(self, database: Database) -> None:
        self._progress = database.collection("progress")

    async def note(self, fact: PackageFact, said: Said) -> bool:
        """Merge what a fact says into the progress of its package. True = intake is to be told that it is finished."""
        row = await self._merge(fact, said)
        finished = is_finished(row["archiving"], row.get("expected"), len(row["settled"]))
        is_open = row["routing"] != Mark.DONE
        if is_open and (finished or is_routed(row["routing"], row["units"], len(row["settled"]))):
            await self._merge(fact, Said({Unfinished.ROUTING: Mark.DONE}))
        return finished and (said.expected is not None or not row.get("is_told"))

    async def finish(self, package_id: str, now: datetime) -> datetime:
        """When the package was finished: now, or as an earlier run has noted."""
        await compare_and_set(self._progress, {"_id": package_id, "finished_at": None}, {"$set": {"finished_at": now}})
        row = await find_by_id(self._progress, package_id)
        at: datetime = row["finished_at"] if row else now
        return at

    async def note_told(self, package_id: str) -> None:
        """Intake was told that the package is finished; from now on only if it asks again."""
        await compare_and_set(self._progress, {"_id": package_id}, {"$set": {"is_told": True}})

    async def oldest(self) -> dict[tuple[Unfinished, Lane], datetime | None]:
        """When the oldest package that waits was submitted, by stage and lane."""
        return {(stage, lane): await self._oldest(stage, lane) for stage in Unfinished for lane in Lane}

    async def _oldest(self, stage: Unfinished, lane: Lane) -> datetime | None:
        waits = {stage.value: Mark.WAITS.value, "lane": lane.value}
        with database_trouble():
            found = await self._progress.find(waits, {"submitted_at": 1}).sort("submitted_at", 1).limit(1).to_list(1)
        return found[0]["submitted_at"] if found else None

    async def _merge(self, fact: PackageFact, said: Said) -> Document:
        submitted_at = getattr(fact, "submitted_at", fact.occurred_at)
        change: Document = {"$min": {"submitted_at": submitted_at}}
        if said.marks:
            change["$max"] = {stage.value: mark.value for stage, mark in said.marks.items()}
        if said.settles:
            change["$addToSet"] = {"settled": said.settles}
        known = {"units": said.units, "expected": said.expected}
        if values := {name: value for name, value in known.items() if value is not None}:
            change["$set"] = values
        with database_trouble():
            while True:
                after: Document | None = await self._progress.find_one_and_update(
                    {"_id": fact.package_id}, change, return_document=ReturnDocument.AFTER
                )
                if after is not None:
                    return after
                first = _first(fact, said, submitted_at)
                if await _insert(self._progress, first):
                    return first


def _first(fact: PackageFact, said: Said, submitted_at: datetime) -> Document:
    marks = {stage.value: said.marks.get(stage, Mark.AHEAD).value for stage in Unfinished}
    about = {"_id": fact.package_id, "lane": fact.lane.value, "submitted_at": submitted_at}
    settled = [said.settles] if said.settles else []
    return {**about, **marks, "units": said.units, "expected": said.expected, "settled": settled}


class Backups:
    """When the newest complete backups were begun: rows that the backup jobs write, and nobody else."""

    def __init__(self, database: Database) -> None:
        self._backups = database.collection(BACKUPS)

    async def begun(self) -> dict[BackedUp, datetime]:
        """By what they are backups of."""
        with database_trouble():
            rows = await self._backups.find({"_id": {"$in": [*get_args(BackedUp)]}}).to_list(None)
        return {row["_id"]: row["last_success_at"] for row in rows}


async def _insert(collection: Collection, document: dict[str, Any]) -> bool:
    with database_trouble():
        try:
            await collection.insert_one(document)
        except DuplicateKeyError:
            return False
        return True


def _after(subject: str, seq: int) -> dict[str, str]:
    return {"$gt": entry_key(subject, seq), "$lte": entry_key(subject, LAST_SEQ)}


def _entry(document: dict[str, Any]) -> Entry:
    fields = {name: document[name] for name in Entry.__slots__}
    return Entry(**fields | {"recorded_at": document["recorded_at"].astimezone(UTC)})
