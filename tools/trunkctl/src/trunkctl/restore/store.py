"""``trunkctl restore store``: puts every copy of the second store into empty buckets, in the order of its versions.

Nobody can delete a copy under lock, but a thief of the job's key can hide it or lay other bytes over it, which bear
their own digest. The job never writes over a copy. So of each the oldest version that is sound is taken, also below a
delete marker.

A restored object gets another version id. It carries the first one as metadata, by which the archive's records find it.
"""

import itertools
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, NamedTuple

from minio import Minio
from minio.datatypes import Object

from common import buckets
from common.objects import ARCHIVE, BUCKETS, CONTENT, LOG, PACKAGES, digest_in_key
from common.tlog.checkpoint import told_size
from common.tlog.cut import is_beyond
from common.tlog.names import CHECKPOINT
from trunkctl.backup.copies import (
    COPIED,
    DIGEST_META,
    META,
    ORDER_META,
    UNLOCKED,
    VERSION_META,
    Damaged,
    Read,
    answering,
    originals,
    read,
    write,
)
from trunkctl.backup.second_store import OBJECTS, STORE
from trunkctl.backup.shelf import Shelf
from trunkctl.backup.store import AT_ONCE, PAGE, Counts
from trunkctl.command_error import CommandError
from trunkctl.restore.log_cut import Cut, cut_of, locked_anew, missing_tiles, publish_last

VERSIONED = (CONTENT, PACKAGES, ARCHIVE, LOG)
LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Group(NamedTuple):
    """All copies of one object: by name, the ids of each one's versions, the newest first."""

    bucket: str
    key: str
    copies: dict[str, list[str | None]]


class StoreRestore:
    """One run. Everything may raise ``CommandError``."""

    def __init__(self, source: Minio, bucket: str, target: Minio, *, resume: bool = False) -> None:
        """``resume``: the target holds what an interrupted restore has put there."""
        self._source = source
        self._bucket = bucket
        self._target = target
        self._resume = resume
        self._log = Cut(0, 0)

    def run(self, shelf: Shelf) -> tuple[dict[str, Counts], list[str]]:
        """Restore everything. Returns counts by bucket, and a line for each copy that is missing or damaged."""
        promised = _promised(shelf)
        buckets.make_missing(self._target)
        if self._resume:
            self._expect_restored()
        else:
            self._expect_empty()
        self._log = cut = cut_of(self._source, self._bucket)
        counts, faults = {bucket: Counts() for bucket in COPIED}, list[str]()
        if cut.size < cut.end:
            faults.append(
                f"{LOG}: restored up to entry {cut.size} of {cut.end}; what was written of the rest is no whole"
            )
        faults += [f"{LOG}/{path}: no copy" for path in missing_tiles(self._source, self._bucket, cut.size)]
        left_out = Counter[str]()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for page in _pages(self._groups()):
                for group, (done, beyond, wrong) in zip(page, pool.map(self._restored, page), strict=True):
                    counts[group.bucket].objects += done
                    left_out[group.bucket] += beyond
                    faults += wrong
        try:
            publish_last(self._target)
        except Damaged as error:
            faults.append(f"{LOG}/{CHECKPOINT} {error}")
        for bucket, objects in promised.items():
            if bucket in VERSIONED and (copies := counts[bucket].objects + left_out[bucket]) < objects:
                faults.append(f"{bucket}: {copies} copies, {objects} by the last complete backup")
        return counts, faults

    def _expect_empty(self) -> None:
        with answering("The object store"):
            for bucket in BUCKETS:
                if next(self._target.list_objects(bucket, recursive=True, include_version=True), None) is not None:
                    raise CommandError(
                        f"Bucket {bucket} is not empty. A store is restored into empty buckets; "
                        "--resume goes on where an interrupted restore has stopped."
                    )

    def _expect_restored(self) -> None:
        """A store in use is never filled from copies: the first object of each bucket must be a restored one."""
        with answering("The object store"):
            for bucket in BUCKETS:
                if first := next(originals(self._target, bucket), None):
                    stat = self._target.stat_object(bucket, first.key, version_id=first.version_id)
                    if not _said(stat, DIGEST_META):
                        raise CommandError(f"{bucket}/{first.key} was put there by no restore. Nothing restored.")

    def _groups(self) -> Iterator[Group]:
        """All copies of one object after the other."""
        with answering("The second store"):
            listed = self._source.list_objects(self._bucket, prefix=OBJECTS, recursive=True, include_version=True)
            named = ((each.object_name or "", each.version_id) for each in listed if not each.is_delete_marker)
            for place, group in itertools.groupby(named, key=lambda copy: copy[0].rpartition("/")[0]):
                bucket, _, key = place.removeprefix(OBJECTS).partition("/")
                versions = itertools.groupby(group, key=lambda copy: copy[0])
                copies = {name: [version for _, version in each] for name, each in versions}
                yield Group(bucket, key, without_early(copies))

    def _restored(self, group: Group) -> tuple[int, int, list[str]]:
        """Returns how many copies were put, how many are beyond the cut of the log, and what is wrong with others."""
        bucket, key = group.bucket, group.key
        done = self._there(bucket, key) if self._resume else set[str]()
        faults: list[str] = []
        copies = beyond = 0
        with answering(f"A store, asked for {bucket}/{key},"):
            for name, version_id in self._in_order(group):
                copies += 1
                with read(self._source, self._bucket, name, version_id) as copy:
                    if bucket == LOG and self._is_beyond(key, copy):
                        beyond += 1
                        continue
                    try:
                        self._put(bucket, key, copy, done)
                    except Damaged as error:
                        faults.append(f"{bucket}/{key} {error}")
        return copies - beyond - len(faults), beyond, faults

    def _is_beyond(self, key: str, copy: Read | None) -> bool:
        """Whether a file of the log was written after the checkpoint up to which it is restored."""
        if key != CHECKPOINT or copy is None:
            return is_beyond(key, self._log.size)
        size = told_size(copy.file.read())
        copy.file.seek(0)
        return size is not None and size > self._log.size

    def _put(self, bucket: str, key: str, copy: Read | None, done: set[str]) -> None:
        fault = _fault(bucket, key, copy)
        if copy is None or fault:
            raise Damaged(fault)
        identity = copy.version or copy.sha256
        if identity not in done:
            lasting = locked_anew(key, copy, datetime.now(UTC)) if bucket == LOG else copy
            write(self._target, bucket, key, lasting, copy.order)
            done.add(identity)

    def _in_order(self, group: Group) -> list[tuple[str, str | None]]:
        """Names and versions of copies, oldest first; of a bucket without versions, the newest alone."""
        chosen = [(name, self._chosen(group, name)) for name in group.copies]
        if len(chosen) == 1:
            return chosen
        by_time = sorted(chosen, key=lambda copy: self._order(*copy))
        return by_time if group.bucket in VERSIONED else by_time[-1:]

    def _chosen(self, group: Group, name: str) -> str | None:
        """The oldest version of a copy that is sound; the newest, if none is."""
        versions = group.copies[name]
        sound = (each for each in reversed(versions) if self._is_sound(group, name, each))
        return versions[0] if len(versions) == 1 else next(sound, versions[0])

    def _is_sound(self, group: Group, name: str, version_id: str | None) -> bool:
        with read(self._source, self._bucket, name, version_id, with_bytes=False) as copy:
            return not _fault(group.bucket, group.key, copy)

    def _order(self, name: str, version_id: str | None) -> tuple[str, datetime, str]:
        """As the originals came one after the other; by when they were copied where that does not say."""
        copy = self._source.stat_object(self._bucket, name, version_id=version_id)
        return _said(copy, ORDER_META), copy.last_modified or LONG_AGO, name

    def _there(self, bucket: str, key: str) -> set[str]:
        """The versions that an interrupted restore has put."""
        with answering("The object store"):
            there = [each for each in originals(self._target, bucket, key) if each.key == key]
            objects = [self._target.stat_object(bucket, key, version_id=each.version_id) for each in there]
        return {_said(each, VERSION_META) or _said(each, DIGEST_META) for each in objects}


def without_early(copies: dict[str, list[str | None]]) -> dict[str, list[str | None]]:
    """Copies by name, without those that were made before the original was locked where there is one under lock."""
    return {
        name: versions
        for name, versions in copies.items()
        if not name.endswith(UNLOCKED) or name.removesuffix(UNLOCKED) not in copies
    }


def _fault(bucket: str, key: str, copy: Read | None) -> str:
    """What is wrong with a copy; empty = nothing."""
    if copy is None:
        return "is gone at the second store"
    if copy.sha256 != copy.said_sha256:
        return "is damaged at the second store"
    is_other = digest_in_key(bucket, key) not in (None, copy.sha256)
    return "is another object's bytes at the second store" if is_other else ""


def _said(each: Object, name: str) -> str:
    return str((each.metadata or {}).get(META + name, ""))


def _promised(shelf: Shelf) -> dict[str, int]:
    """Objects by bucket, as the newest complete run counted them."""
    names = shelf.names(STORE)
    if not names:
        raise CommandError("There is no complete backup of the object store: no manifest.")
    try:
        manifest: dict[str, Any] = json.loads(b"".join(shelf.get(names[-1])))
        return {bucket: int(counts["objects"]) for bucket, counts in manifest["buckets"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CommandError(f"{names[-1]} at the second store is no manifest: it was altered.") from error


def _pages(groups: Iterable[Group]) -> Iterator[list[Group]]:
    each = iter(groups)
    while page := list(itertools.islice(each, PAGE)):
        yield page
