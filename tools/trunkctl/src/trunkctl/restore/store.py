"""``trunkctl restore store``: puts every copy of the second store into empty buckets, in the order of its versions.

A restored object gets another version id. It carries the first one as metadata, by which the archive's records find it.
"""

import itertools
import json
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from minio import Minio
from minio.datatypes import Object

from common import buckets
from common.objects import ARCHIVE, BUCKETS, CONTENT
from trunkctl.backup.copies import (
    COPIED,
    DIGEST_META,
    META,
    ORDER_META,
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
from trunkctl.trouble import Trouble

VERSIONED = (CONTENT, ARCHIVE)
LONG_AGO = datetime.min.replace(tzinfo=UTC)


class StoreRestore:
    """One run. Everything may raise ``Trouble``."""

    def __init__(self, source: Minio, bucket: str, target: Minio, *, resume: bool = False) -> None:
        """``resume``: the target holds what an interrupted restore has put there."""
        self._source = source
        self._bucket = bucket
        self._target = target
        self._resume = resume

    def run(self, shelf: Shelf) -> tuple[dict[str, Counts], list[str]]:
        """Restore everything. Returns counts by bucket, and a line for each copy that is missing or damaged."""
        promised = _promised(shelf)
        buckets.make_missing(self._target)
        if not self._resume:
            self._expect_empty()
        counts, faults = {bucket: Counts() for bucket in COPIED}, list[str]()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for page in _pages(self._groups()):
                for (bucket, _, _), (done, wrong) in zip(page, pool.map(self._restored, page), strict=True):
                    counts[bucket].objects += done
                    faults += wrong
        for bucket, objects in promised.items():
            if bucket in VERSIONED and counts[bucket].objects < objects:
                faults.append(f"{bucket}: {counts[bucket].objects} copies, {objects} by the last complete backup")
        return counts, faults

    def _expect_empty(self) -> None:
        with answering("The object store"):
            for bucket in BUCKETS:
                if next(self._target.list_objects(bucket, recursive=True, include_version=True), None) is not None:
                    raise Trouble(
                        f"Bucket {bucket} is not empty. A store is restored into empty buckets; "
                        "--resume goes on where an interrupted restore has stopped."
                    )

    def _groups(self) -> Iterator[tuple[str, str, list[str]]]:
        """Bucket, key, and the names of all copies of that object."""
        with answering("The second store"):
            listed = self._source.list_objects(self._bucket, prefix=OBJECTS, recursive=True)
            names = (each.object_name or "" for each in listed)
            for place, group in itertools.groupby(names, key=lambda name: name.rpartition("/")[0]):
                bucket, _, key = place.removeprefix(OBJECTS).partition("/")
                yield bucket, key, list(group)

    def _restored(self, group: tuple[str, str, list[str]]) -> tuple[int, list[str]]:
        bucket, key, names = group
        done = self._there(bucket, key) if self._resume else set[str]()
        faults: list[str] = []
        copies = 0
        with answering(f"A store, asked for {bucket}/{key},"):
            for name in self._in_order(bucket, names):
                with read(self._source, self._bucket, name) as found:
                    copies += 1
                    try:
                        self._put(bucket, key, found, done)
                    except Damaged as error:
                        faults.append(f"{bucket}/{key} {error}")
        return copies - len(faults), faults

    def _put(self, bucket: str, key: str, found: Read | None, done: set[str]) -> None:
        if found is None or found.sha256 != found.said_sha256:
            raise Damaged("is damaged at the second store" if found else "is gone at the second store")
        if bucket == CONTENT and found.sha256 != key.rpartition("/")[2]:
            raise Damaged("is another object's bytes at the second store")
        identity = found.version or found.sha256
        if identity not in done:
            write(self._target, bucket, key, found, found.order)
            done.add(identity)

    def _in_order(self, bucket: str, names: list[str]) -> list[str]:
        """Oldest first; of a bucket without versions, the newest alone."""
        if len(names) == 1:
            return names
        by_time = sorted(names, key=self._order)
        return by_time if bucket in VERSIONED else by_time[-1:]

    def _order(self, name: str) -> tuple[str, datetime, str]:
        """As the originals came one after the other; by when they were copied where that does not say."""
        copy = self._source.stat_object(self._bucket, name)
        return _said(copy, ORDER_META), copy.last_modified or LONG_AGO, name

    def _there(self, bucket: str, key: str) -> set[str]:
        """The versions that an interrupted restore has put."""
        with answering("The object store"):
            there = [each for each in originals(self._target, bucket, key) if each.key == key]
            told = [self._target.stat_object(bucket, key, version_id=each.version_id) for each in there]
        return {_said(each, VERSION_META) or _said(each, DIGEST_META) for each in told}


def _said(each: Object, name: str) -> str:
    return str((each.metadata or {}).get(META + name, ""))


def _promised(shelf: Shelf) -> dict[str, int]:
    """Objects by bucket, as the newest complete run counted them."""
    names = shelf.names(STORE)
    if not names:
        raise Trouble("There is no complete backup of the object store: no manifest.")
    told: dict[str, Any] = json.loads(b"".join(shelf.get(names[-1])))
    return {bucket: int(counts["objects"]) for bucket, counts in told["buckets"].items()}


def _pages(groups: Iterable[tuple[str, str, list[str]]]) -> Iterator[list[tuple[str, str, list[str]]]]:
    each = iter(groups)
    while page := list(itertools.islice(each, PAGE)):
        yield page
