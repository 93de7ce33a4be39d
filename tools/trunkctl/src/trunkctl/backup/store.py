"""``trunkctl backup store``: every object that is not at the second store yet, read whole, written, and read back.

Safe to be interrupted and run again. Nothing at the second store is ever written over. Four things are removed there:
copies of parked bodies that the trunk has deleted, of partial tiles of the log that it has removed and whose full tile
was copied, of secret packages that intake has on its list of purges, and of what intake has removed at its end.
A store without an object of the archive, which nobody can delete, was lost or is being restored: then what else is
missing in it was not deleted, either. A restored object has other versions than its first copies, and is not missing.
"""

import itertools
import json
from collections.abc import Collection, Container, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from minio import Minio
from pymongo import MongoClient

from common.clock import Clock, utc_now
from common.indexes import database_name
from common.objects import ARCHIVE, CONTENT, LOG, PACKAGES, PARKED
from common.tlog.partial import full
from common.tlog.tiles import TILES, WIDTH, tile_at
from trunkctl.backup import copies, freshness
from trunkctl.backup.copier import COPIED_NOW, GONE, Copier
from trunkctl.backup.copies import COPIED, UNLOCKED, Original, answering, erase, originals
from trunkctl.backup.inventory import Inventory
from trunkctl.backup.log_cut import log_originals
from trunkctl.backup.manifest import name_of
from trunkctl.backup.owner import expect_own
from trunkctl.backup.second_store import OBJECTS, STORE
from trunkctl.backup.shelf import Shelf
from trunkctl.command_error import CommandError
from trunkctl.databases import asking

AT_ONCE = 8
PAGE = 400
PURGED = (CONTENT, PACKAGES)
"""Buckets from which intake removes what is secret."""
BEFORE_ITS_COPY = timedelta(days=1)
"""For so long a run may last."""

Row = dict[str, Any]
Client = MongoClient[Row]


@dataclass
class Counts:
    """Of one bucket."""

    objects: int = 0
    size_bytes: int = 0
    copied: int = 0
    removed: int = 0


@dataclass
class Report:
    """What a run did. ``faults``: a line for each object of which there is no sound copy. ``lost``: bucket and key of
    the objects that were given up before, and that the store does not give."""

    name: str
    started_at: datetime
    finished_at: datetime | None = None
    buckets: dict[str, Counts] = field(default_factory=lambda: {bucket: Counts() for bucket in COPIED})
    faults: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    @property
    def objects(self) -> int:
        """Of all buckets."""
        return sum(counts.objects for counts in self.buckets.values())


class StoreBackup:
    """One run. Everything may raise ``CommandError``."""

    def __init__(
        self, source: Minio, target: Minio, bucket: str, client: Client, *, lost: Collection[str] = ()
    ) -> None:
        """``lost``: bucket and key, with a slash, of objects whose loss is no fault of this run."""
        self._known_lost = lost
        self._source = source
        self._target = target
        self._bucket = bucket
        self._database = client
        self._copier = Copier(source, target, bucket)

    def run(self, shelf: Shelf, now: Clock = utc_now) -> Report:
        """Copy what is missing. Writes what is complete to ``shelf``, below ``store/``, unless there are faults."""
        expect_own(self._database, shelf)
        started_at = now().astimezone(UTC).replace(microsecond=0)
        report = Report(name_of(started_at), started_at)
        with Inventory.of(self._names()) as there, ThreadPoolExecutor(AT_ONCE) as pool:
            for bucket in COPIED:
                self._copy_missing(bucket, there, pool, report)
            self._forget(there, report)
        report.finished_at = now()
        if not report.faults:
            shelf.put(f"{STORE}{report.name}.json", [json.dumps(asdict(report), indent=1, default=str).encode()])
        return report

    def _names(self) -> Iterator[str]:
        with answering("The second store"):
            for each in self._target.list_objects(self._bucket, prefix=OBJECTS, recursive=True):
                yield each.object_name or ""

    def _copy_missing(self, bucket: str, there: Inventory, pool: ThreadPoolExecutor, report: Report) -> None:
        def miss(path: str) -> None:
            self._note(f"{LOG}/{path}", "is missing", report)

        listed = log_originals(self._source, miss) if bucket == LOG else originals(self._source, bucket)
        for page in _pages(listed):
            self._copy_page(page, there, pool, report)

    def _copy_page(self, page: list[Original], there: Inventory, pool: ThreadPoolExecutor, report: Report) -> None:
        """Copy what is missing of some versions, all of one bucket."""
        missing = [each for each in page if not there.see(each.copy_name)]
        there.see_below(copies.folder(each.bucket, each.key) for each in missing)  # copies of their other versions
        early = [each for each in missing if there.see(f"{each.copy_name}{UNLOCKED}")]
        locked = zip(early, pool.map(self._copier.is_locked, early), strict=True)
        unlocked = {each for each, is_locked in locked if not is_locked}
        wanted = [each for each in missing if each not in unlocked]
        outcomes = list(pool.map(self._copier.copied, wanted))
        for original, outcome in zip(wanted, outcomes, strict=True):
            if outcome not in (COPIED_NOW, GONE):
                self._note(f"{original.bucket}/{original.key}", outcome, report)
        counts, gone = report.buckets[page[0].bucket], outcomes.count(GONE)
        counts.copied += outcomes.count(COPIED_NOW)
        counts.objects += len(page) - gone
        counts.size_bytes += sum(each.size_bytes for each in page)

    def _note(self, place: str, fault: str, report: Report) -> None:
        if place not in self._known_lost:
            report.faults.append(f"{place} {fault}")
        elif place not in report.lost:
            report.lost.append(place)

    def _forget(self, there: Inventory, report: Report) -> None:
        """Remove copies of what the trunk has removed; of nothing, where the store was lost or is being restored."""
        due = self._due()
        known = {copies.folder(*place.split("/", 1)) for place in self._known_lost}
        lost = list(_lost(there, report, {copies.folder(bucket, key) for bucket, key in due}, known))
        report.faults += lost
        if lost:
            return
        self._remove(there.unseen(f"{OBJECTS}{PARKED}/"), report.buckets[PARKED])
        with suppress(CommandError):  # one is still locked by the second store's clock: the next run goes on
            self._remove(_replaced(there), report.buckets[LOG])
        for bucket, key in due:
            if not any(each.key == key for each in originals(self._source, bucket, key)):
                self._remove([copies.folder(bucket, key)], report.buckets[bucket])

    def _due(self) -> list[tuple[str, str]]:
        """Buckets and keys of what was found secret, or came to its end: copies go once the object itself is gone."""
        with asking():
            packages = self._database[database_name("intake")]["packages"]
            rows = list(packages.find({"purge.0": {"$exists": True}}, {"purge": 1}))
        refs = [ref for row in rows for ref in row["purge"]] + self._ended()
        return sorted({(ref["bucket"], ref["key"]) for ref in refs if ref["bucket"] in PURGED})

    def _ended(self) -> list[Row]:
        """What intake has removed since the last complete copy was made, and a day before it."""
        last = freshness.last_success(self._database, "store")
        since = {"removed_at": {"$gte": last - BEFORE_ITS_COPY}} if last else {"removed_at": {"$ne": None}}
        with asking():
            removals = self._database[database_name("intake")]["removals"]
            return list(removals.find(since, {"bucket": 1, "key": 1}))

    def _remove(self, names: Iterable[str], counts: Counts) -> None:
        for name in names:
            counts.removed += erase(self._target, self._bucket, name)


def _lost(there: Inventory, report: Report, due: Container[str], known: Container[str]) -> Iterator[str]:
    """What the store has lost of what nobody removes, a line each. ``due``: folders of copies that go by right.
    ``known``: those of objects that were given up."""
    for bucket in (CONTENT, PACKAGES, ARCHIVE, LOG):
        if not report.buckets[bucket].objects and there.has_unseen(f"{OBJECTS}{bucket}/", due):
            yield f"{bucket}: empty, and there are copies of it"
    if report.buckets[ARCHIVE].objects and there.has_lost(f"{OBJECTS}{ARCHIVE}/", known):
        yield f"{ARCHIVE}: copies of objects that the store does not have; nothing was removed"


def _replaced(there: Inventory) -> Iterator[str]:
    """Copies of partial tiles that the trunk does not have any more, where there is a copy of the full one."""
    for name in there.unseen(f"{OBJECTS}{LOG}/{TILES}"):
        tile = tile_at(name.removeprefix(f"{OBJECTS}{LOG}/").rpartition("/")[0])
        if tile and tile.width < WIDTH and there.has_below(copies.folder(LOG, full(tile).path)):
            yield name


def _pages(each: Iterator[Original]) -> Iterator[list[Original]]:
    while page := list(itertools.islice(each, PAGE)):
        yield page
