"""Files of the log: in the bucket, with all their versions, or as a plain copy in a folder."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from minio.commonconfig import COMPLIANCE

from common.tlog.audit import Claim, Fault
from common.tlog.names import CHECKPOINT
from common.tlog.tiles import WIDTH, tile_at
from trunkctl.archive_check import Version, VersionContent
from trunkctl.log.listing import Listing
from trunkctl.store_patience import Unreadable

LOCKED_FOR = timedelta(days=36_000)
"""Whatever is to stay is locked for a hundred years; less than this is not that lock."""
SETTLED_SECONDS = 10.0
"""A checkpoint follows the files that it covers within so long."""


class BucketStore(Protocol):
    """What is asked of the object store about the whole bucket."""

    def all_versions(self) -> Iterator[tuple[str, Version]]:
        """Names and versions, those of one object together and the newest first, while the listing goes on."""

    def held(self, key: str, version_id: str, *, with_data: bool = False) -> VersionContent | None:
        """See ``archive_check.Store``."""


class FileStore(Protocol):
    """What is asked of the object store about single files. Both raise ``Unreadable``."""

    def versions_of(self, key: str) -> Sequence[Version]:
        """All versions of one object."""

    def held(self, key: str, version_id: str, *, with_data: bool = False) -> VersionContent | None:
        """See ``archive_check.Store``."""


class LogReader(Protocol):
    """What the verification needs."""

    @property
    def names(self) -> Iterable[str]:
        """Of all files, in their order, as often as they are asked for."""

    def read(self, name: str) -> bytes | None:
        """The bytes of one; None = there is none."""

    def newest(self) -> bytes | None:
        """The newest checkpoint as it is now, once what was being written when the files were listed is written."""

    def now(self, name: str) -> bytes | None:
        """The bytes of a file that was put last, also since the files were listed; None = there is none."""

    def faults(self) -> list[Fault]:
        """What is wrong with the place itself: hidden, overwritten or unlocked files. Asked when all were read."""

    def claims(self) -> list[Claim]:
        """Earlier checkpoints that the place still has."""


class Folder:
    """A copy in a folder, as anybody may hold one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())

    def read(self, name: str) -> bytes | None:
        """See ``LogReader``."""
        path = self._folder / name
        return path.read_bytes() if path.is_file() else None

    def newest(self) -> bytes | None:
        """See ``LogReader``."""
        return self.read(CHECKPOINT)

    def now(self, name: str) -> bytes | None:
        """See ``LogReader``."""
        return self.read(name)

    def faults(self) -> list[Fault]:
        """See ``LogReader``."""
        return []

    def claims(self) -> list[Claim]:
        """See ``LogReader``."""
        return []


class Bucket:
    """The bucket. Of each file the version counts that was put first, since nothing may be put over it.

    Raises ``NoAnswer``.
    """

    def __init__(self, store: BucketStore, wait: Callable[[float], None] = time.sleep) -> None:
        """``wait``: for so many seconds."""
        self._store = store
        self._wait = wait
        self._unreadable: set[str] = set()
        """Files that the store did not give, and is not asked for again: it was asked patiently."""
        self._listing = Listing(store.all_versions())
        self._faults = [Fault(name, "hidden by a delete marker") for name in self._listing.hidden()]
        self._faults += [
            Fault(name, f"other bytes lie over it, as version {version_id}")
            for name, version_id in self._listing.overwritten()
        ]

    @property
    def names(self) -> Iterable[str]:
        """See ``LogReader``."""
        return self._listing

    def read(self, name: str) -> bytes | None:
        """See ``LogReader``.

        A full tile is also looked for if it was not listed: it may have come since, and a partial one gone for it; and
        SeaweedFS leaves out ``000`` where a page of its listing ends among ``000.p/…``.
        """
        version = self._listing.newest(name) if name == CHECKPOINT else next(iter(self._listing.readable(name)), None)
        if version:
            return self._bytes(name, version)
        tile = tile_at(name)
        return self._now(name) if tile and tile.width == WIDTH else None

    def newest(self) -> bytes | None:
        """See ``LogReader``."""
        self._wait(SETTLED_SECONDS)
        return self.now(CHECKPOINT)

    def now(self, name: str) -> bytes | None:
        """See ``LogReader``."""
        held = self._store.held(name, "", with_data=True)
        return held.data if held else None

    def faults(self) -> list[Fault]:
        """See ``LogReader``."""
        return list(dict.fromkeys(self._faults))

    def claims(self) -> list[Claim]:
        """Versions of the newest checkpoint that are the same as none of the others."""
        checkpoints = [(each, self._bytes(CHECKPOINT, each)) for each in self._listing.lone_checkpoints()]
        return [Claim(f"{CHECKPOINT} (version {each.version_id})", data) for each, data in checkpoints if data]

    def _now(self, name: str) -> bytes | None:
        held = self._held(name, "")
        if held is not None and held.mode != COMPLIANCE:
            self._faults.append(Fault(name, "not locked"))
        return held.data if held else None

    def _bytes(self, name: str, version: Version) -> bytes | None:
        held = self._held(name, version.version_id)
        if held is not None and ".p/" not in name:
            self._faults += [Fault(name, what) for what in lock_faults(version, held)]
        return held.data if held else None

    def _held(self, name: str, version_id: str) -> VersionContent | None:
        if name in self._unreadable:
            return None
        try:
            return self._store.held(name, version_id, with_data=True)
        except Unreadable as error:
            self._unreadable.add(name)
            self._faults.append(Fault(name, f"cannot be read: {error}"))
            return None


class SingleFiles:
    """Files of the bucket that are asked for by name, for who needs few of them: nothing is listed but their versions.

    Raises ``NoAnswer`` and ``Unreadable``.
    """

    def __init__(self, store: FileStore) -> None:
        self._store = store

    def read(self, name: str) -> bytes | None:
        """The version that was put first, as ``Bucket.read`` does; of ``checkpoint``, the newest."""
        if name == CHECKPOINT:
            return self._held(name, "")
        readable = [each for each in oldest_first(self._store.versions_of(name)) if not each.is_delete_marker]
        return self._held(name, readable[0].version_id) if readable else None

    def _held(self, name: str, version_id: str) -> bytes | None:
        held = self._store.held(name, version_id, with_data=True)
        return held.data if held else None


def oldest_first(versions: Sequence[Version]) -> Sequence[Version]:
    """Stores list the newest version first, and some tell times in whole seconds, so that many are of one time."""
    as_put = reversed(versions)
    return sorted(as_put, key=lambda each: (each.is_latest, each.modified_at))


def lock_faults(version: Version, held: VersionContent) -> list[str]:
    """What is wrong with the lock of a file that is to stay."""
    if held.mode != COMPLIANCE or held.locked_until is None:
        return ["not locked"]
    ends_early = held.locked_until < version.modified_at + LOCKED_FOR
    return [f"locked until {held.locked_until:%Y-%m-%d} only"] if ends_early else []
