"""``trunkctl restore store``: puts every copy of the second store into empty buckets, in the order of its versions.

Nobody can delete a copy under lock, but a thief of the job's key can hide it or lay other bytes over it, which bear
their own digest. The job never writes over a copy. So of each the oldest version that is sound is taken, also below a
delete marker.

A restored object gets another version id. It carries the first one as metadata, by which the archive's records find it.
"""

import itertools
import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

from minio import Minio

from common import buckets
from common.objects import BUCKETS, LOG, STORE_ERRORS
from common.tlog.checkpoint import told_size
from common.tlog.cut import is_beyond
from common.tlog.names import CHECKPOINT
from trunkctl.backup.copies import (
    COPIED,
    DIGEST_META,
    VERSION_META,
    Damaged,
    Read,
    answering,
    originals,
    read,
    said,
    write,
)
from trunkctl.backup.second_store import STORE
from trunkctl.backup.shelf import Shelf
from trunkctl.backup.store import AT_ONCE, PAGE, Counts
from trunkctl.command_error import CommandError
from trunkctl.restore.copies import VERSIONED, Copies, Group, fault_of, unreadable
from trunkctl.restore.log_cut import Cut, cut_of, locked_anew, missing_tiles, publish_last
from trunkctl.store_patience import NoAnswer, Patience, Unreadable

T = TypeVar("T")


class StoreRestore:
    """One run. Everything may raise ``CommandError``."""

    def __init__(
        self, source: Minio, bucket: str, target: Minio, *, resume: bool = False, lost: Collection[str] = ()
    ) -> None:
        """``resume``: the target holds what an interrupted restore has put there. ``lost``: bucket and key, with a
        slash, of objects whose copies are given up: they are not restored, and the log may end before one."""
        self._lost = lost
        self._source = source
        self._bucket = bucket
        self._target = target
        self._resume = resume
        self._log = Cut(0, 0)
        self._patience = Patience()
        self._copies = Copies(source, bucket, self._patience)

    def run(self, shelf: Shelf) -> tuple[dict[str, Counts], list[str]]:
        """Restore everything. Returns counts by bucket, and a line for each copy that is missing or damaged."""
        promised = _promised(shelf)
        buckets.make_missing(self._target)
        if self._resume:
            self._expect_restored()
        else:
            self._expect_empty()
        self._log = cut = cut_of(self._source, self._bucket, self._patience, self._lost)
        counts, faults = {bucket: Counts() for bucket in COPIED}, list[str]()
        if cut.size < cut.end:
            faults.append(
                f"{LOG}: restored up to entry {cut.size} of {cut.end}; what was written of the rest is no whole"
            )
        faults += [f"{LOG}/{path}: no copy" for path in missing_tiles(self._source, self._bucket, cut.size)]
        left_out = Counter[str]()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for page in _pages(self._wanted()):
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

    def _wanted(self) -> Iterator[Group]:
        return (group for group in self._copies.groups() if f"{group.bucket}/{group.key}" not in self._lost)

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
                    if not said(stat, DIGEST_META):
                        raise CommandError(f"{bucket}/{first.key} was put there by no restore. Nothing restored.")

    def _restored(self, group: Group) -> tuple[int, int, list[str]]:
        """Returns how many copies were put, how many are beyond the cut of the log, and what is wrong with others."""
        place = f"{group.bucket}/{group.key}"
        done, faults = set[str](), list[str]()
        put = beyond = 0
        try:
            if self._resume:
                done |= self._ask(place, lambda: self._there(group.bucket, group.key))
            for name, version_id in self._copies.in_order(group, faults):
                try:
                    is_put = self._ask(place, partial(self._copied, group, name, version_id, done))
                except (Damaged, Unreadable) as error:
                    faults.append(f"{place} {error}" if isinstance(error, Damaged) else unreadable(place, error))
                    continue
                put += is_put
                beyond += not is_put
        except Unreadable as error:
            faults.append(unreadable(place, error))
        except NoAnswer as error:
            raise CommandError(f"A store, asked for {place}, does not answer as it should ({error}).") from error
        return put, beyond, faults

    def _ask(self, place: str, ask: Callable[[], T]) -> T:
        """Raises ``Unreadable`` and ``NoAnswer``."""
        return self._patience.ask(place, ask, self._are_answering)

    def _are_answering(self) -> None:
        self._target.list_buckets()
        self._copies.expect_answer()

    def _copied(self, group: Group, name: str, version_id: str | None, done: set[str]) -> bool:
        """Put one copy. False = it is beyond the cut of the log. Raises ``Damaged``, and what the client raises."""
        with read(self._source, self._bucket, name, version_id) as copy:
            if group.bucket == LOG and self._is_beyond(group.key, copy):
                return False
            self._put(group.bucket, group.key, copy, done)
        return True

    def _is_beyond(self, key: str, copy: Read | None) -> bool:
        """Whether a file of the log was written after the checkpoint up to which it is restored."""
        if key != CHECKPOINT or copy is None:
            return is_beyond(key, self._log.size)
        size = told_size(copy.file.read())
        copy.file.seek(0)
        return size is not None and size > self._log.size

    def _put(self, bucket: str, key: str, copy: Read | None, done: set[str]) -> None:
        fault = fault_of(bucket, key, copy)
        if copy is None or fault:
            raise Damaged(fault)
        identity = copy.version or copy.sha256
        if identity in done:
            return
        lasting = locked_anew(key, copy, datetime.now(UTC)) if bucket == LOG else copy
        try:
            write(self._target, bucket, key, lasting, copy.order)
        except STORE_ERRORS:  # it may be there, although the answer was lost: the next attempt does not put it again
            with suppress(*STORE_ERRORS):
                done |= self._there(bucket, key)
            raise
        done.add(identity)

    def _there(self, bucket: str, key: str) -> set[str]:
        """The versions that an interrupted restore has put. Raises what the client raises."""
        listed = self._target.list_objects(bucket, prefix=key, recursive=True, include_version=True)
        there = [each.version_id for each in listed if each.object_name == key and not each.is_delete_marker]
        objects = [self._target.stat_object(bucket, key, version_id=version_id) for version_id in there]
        return {said(each, VERSION_META) or said(each, DIGEST_META) for each in objects}


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
