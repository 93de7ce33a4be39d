"""``trunkctl restore object``: puts an object back whose bytes are damaged or gone, while the trunk works.

A damaged version under lock cannot be removed. The copy becomes a version above it, and carries the id of the version
that it replaces as metadata: by that, readers and the archive's records find it.
"""

import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any, NamedTuple, TypeVar

from minio import Minio
from pymongo import MongoClient

from common.domain.reason import Reason
from common.indexes import database_name
from common.objects import ARCHIVE, CONTENT, LOG, PACKAGES
from common.tlog.names import CHECKPOINT
from trunkctl.backup.copies import Damaged, Original, answering, originals, read, write
from trunkctl.command_error import CommandError
from trunkctl.databases import asking
from trunkctl.restore.copies import GONE, Copies, fault_of
from trunkctl.restore.log_cut import locked_anew
from trunkctl.store_patience import NoAnswer, Patience, Unreadable

T = TypeVar("T")

WRITTEN_ONCE = (CONTENT, PACKAGES, ARCHIVE, LOG)
"""Buckets in which nothing else is put under a key later, except for the log's newest checkpoint."""


class SoundCopy(NamedTuple):
    """A copy at the second store that has been read whole."""

    name: str
    version_id: str | None
    """At the second store."""
    version: str
    """The version of the trunk's store that it is a copy of."""
    sha256: str
    size_bytes: int


class ObjectRestore:
    """Puts single objects back. Everything may raise ``CommandError``."""

    def __init__(self, source: Minio, bucket: str, target: Minio, database: MongoClient[dict[str, Any]]) -> None:
        self._source = source
        self._bucket = bucket
        self._target = target
        self._database = database
        self._patience = Patience()
        self._copies = Copies(source, bucket, self._patience)

    def run(self, place: str, version: str = "") -> list[str]:
        """Put back every version of an object of which there is a sound copy, and that the store does not have.

        ``place``: bucket and key, with a slash. ``version``: only this one, as the store names or named it. Returns the
        ids of the versions that were put; none = nothing was missing.
        """
        bucket, _, key = place.partition("/")
        if bucket not in WRITTEN_ONCE or not key or (bucket, key) == (LOG, CHECKPOINT):
            raise CommandError(f"{place} is no object of {', '.join(WRITTEN_ONCE)} that is written once.")
        self._expect_wanted(bucket, key)
        try:
            chosen = self._chosen(bucket, key, version)
            return [self._put(bucket, key, copy) for copy in chosen if not self._is_there(bucket, key, copy)]
        except Unreadable as error:
            raise CommandError(f"{place} cannot be restored: {error}.") from error
        except NoAnswer as error:
            raise CommandError(f"A store, asked for {place}, does not answer as it should ({error}).") from error

    def _expect_wanted(self, bucket: str, key: str) -> None:
        """What was removed as secret, or at its end, does not come back."""
        intake = self._database[database_name("intake")]
        is_secret = {"reason": Reason.E_SECRET.value, "$or": [{"package.key": key}, {"envelope.key": key}]}
        with asking():
            if intake["packages"].find_one({"$or": [{"purge.key": key}, is_secret]}, {"_id": 1}):
                raise CommandError(f"{bucket}/{key} was removed because the package is secret.")
            if intake["removals"].find_one({"bucket": bucket, "key": key}, {"_id": 1}):
                raise CommandError(f"{bucket}/{key} was removed at its end (docs/operations/retention.md).")

    def _chosen(self, bucket: str, key: str, version: str) -> list[SoundCopy]:
        """The copies to put back, all of the same bytes."""
        faults = list[str]()
        sound = [copy for copy in self._sound(bucket, key, faults) if version in ("", copy.version)]
        if not sound:
            what = f"There is no sound copy of {bucket}/{key}{f', version {version}' if version else ''}"
            raise CommandError(f"{what}. {'. '.join(faults)}".strip())
        if len({copy.sha256 for copy in sound}) > 1:
            each = (f"{copy.version} ({copy.size_bytes} bytes, SHA-256 {copy.sha256})" for copy in sound)
            raise CommandError(f"Versions of {bucket}/{key} have different bytes: {'; '.join(each)}. Use --version.")
        return sound

    def _sound(self, bucket: str, key: str, faults: list[str]) -> Iterator[SoundCopy]:
        """Copies of an object, the oldest version first. A line for each that is not sound goes into ``faults``."""
        groups = (group for group in self._copies.groups(f"{bucket}/{key}/") if group.key == key)
        for name, version_id in itertools.chain.from_iterable(self._copies.in_order(group, faults) for group in groups):
            try:
                yield self._ask(name, partial(self._read, bucket, key, name, version_id))
            except Damaged as error:
                faults.append(f"{name} {error}")
            except Unreadable as error:
                faults.append(f"{name} cannot be read: {error}")

    def _read(self, bucket: str, key: str, name: str, version_id: str | None) -> SoundCopy:
        """Raises ``Damaged``, and what the client raises."""
        with read(self._source, self._bucket, name, version_id, with_bytes=False) as copy:
            if copy is None or (fault := fault_of(bucket, key, copy)):
                raise Damaged(fault if copy else GONE)
            return SoundCopy(name, version_id, copy.version, copy.sha256, copy.size_bytes)

    def _is_there(self, bucket: str, key: str, copy: SoundCopy) -> bool:
        """Whether the store gives the version that was copied, or one that was put in its place, with these bytes."""
        with answering("The object store"):
            versions = [each for each in originals(self._target, bucket, key, recursive=False) if each.key == key]
        return any(self._is_sound(each, copy) for each in versions)

    def _is_sound(self, version: Original, copy: SoundCopy) -> bool:
        def ask() -> bool:
            with read(self._target, version.bucket, version.key, version.version_id, with_bytes=False) as there:
                is_same = there is not None and copy.version in ("", there.version)
                return is_same and there is not None and there.sha256 == copy.sha256

        try:
            return self._ask(version.key, ask)
        except Unreadable:
            return False

    def _put(self, bucket: str, key: str, chosen: SoundCopy) -> str:
        """Returns the new version."""

        def ask() -> str:
            with read(self._source, self._bucket, chosen.name, chosen.version_id) as copy:
                if copy is None or copy.sha256 != chosen.sha256:
                    raise Damaged("is other than a moment ago at the second store")
                lasting = locked_anew(key, copy, datetime.now(UTC)) if bucket == LOG else copy
                return write(self._target, bucket, key, lasting, copy.order)

        try:
            return self._ask(f"{bucket}/{key}", ask)
        except Damaged as error:
            raise CommandError(f"{bucket}/{key} {error}") from error

    def _ask(self, place: str, ask: Callable[[], T]) -> T:
        return self._patience.ask(place, ask, self._are_answering)

    def _are_answering(self) -> None:
        self._target.list_buckets()
        self._copies.expect_answer()
