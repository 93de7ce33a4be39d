"""Removes partial tiles of the log for which a full tile stands: ``trunkctl log tidy``.

A partial tile goes once its lock has ended and the full tile of the same number has been in the log for a day: covered
by the newest checkpoint, under its lock of a hundred years, and beginning with the very bytes of the partial one. For
that day both lie side by side, for copies that are being made and readers who hold a checkpoint of before. Whatever is
not as it should be is named and left. Safe to be interrupted and run again.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import NamedTuple, Protocol

from minio.error import S3Error

from archive.log_store import PARTIAL_KEPT
from common.tlog.audit import Fault
from common.tlog.checkpoint import told_size
from common.tlog.names import CHECKPOINT
from common.tlog.partial import beginning, full
from common.tlog.tiles import TILES, WIDTH, Tile, TileInvalid, is_within, tile_at
from trunkctl.archive_check import Version, VersionContent
from trunkctl.archive_store import ArchiveStore
from trunkctl.log.listing import Listing
from trunkctl.log.reading import lock_faults, oldest_first
from trunkctl.store_patience import Unreadable

SIDE_BY_SIDE = timedelta(days=1)
"""So long a partial tile stays beside the full one."""
CLOCKS_APART = timedelta(hours=1)
"""By how much the store's clock may be behind."""


class TileStore(Protocol):
    """What is asked of the log's bucket."""

    def all_versions(self, prefix: str = "") -> Iterator[tuple[str, Version]]:
        """See ``archive_store.ArchiveStore``."""

    def versions_of(self, key: str) -> Sequence[Version]:
        """All versions of one object, also where a listing of many left it out. Raises ``Unreadable``."""

    def held(self, key: str, version_id: str, *, with_data: bool = False) -> VersionContent | None:
        """See ``archive_check.Store``."""

    def remove(self, key: str, version_id: str) -> bool:
        """Remove one version for good; False = it is locked, or these keys may not."""


class TidyStore(ArchiveStore):
    """The bucket, with the keys of the role ``tidy``."""

    def remove(self, key: str, version_id: str) -> bool:
        """See ``TileStore``."""

        def ask() -> bool:
            try:
                self._client.remove_object(self._bucket, key, version_id=version_id)
            except S3Error as error:
                if error.code != "AccessDenied":
                    raise
                return False
            return True

        try:
            return self._patiently(key, ask)
        except Unreadable:
            return False


class Removed(NamedTuple):
    """One version of a partial tile that is gone."""

    name: str
    size_bytes: int


def tidy(store: TileStore, now: datetime) -> Iterator[Removed | Fault]:
    """Remove what may go. Yields each version that was removed, and what is wrong.

    Raises ``NoAnswer`` and ``Unreadable``.
    """
    size = _size(store)
    listing = Listing(store.all_versions(TILES))
    if size is None:
        if any(True for _ in listing):
            yield Fault(CHECKPOINT, "is not in sight: nothing was tidied")
        return
    hidden = {*listing.hidden()}
    tiles = (tile for name in listing if name not in hidden and (tile := tile_at(name)) and tile.width < WIDTH)
    for whole, parts in groupby(tiles, full):
        if is_within(whole, size) and (version := _standing(store, whole, now)):
            yield from _removed(store, listing, _Full(whole, version), list(parts), now)


class _Full(NamedTuple):
    tile: Tile
    version: Version


def _standing(store: TileStore, whole: Tile, now: datetime) -> Version | None:
    """The version of a full tile that was put first, if it is in sight and was put long enough ago."""
    versions = oldest_first(store.versions_of(whole.path))
    first = next((each for each in versions if not each.is_delete_marker), None)
    is_hidden = any(each.is_latest and each.is_delete_marker for each in versions)
    return first if first and not is_hidden and first.modified_at <= now - SIDE_BY_SIDE else None


def _removed(
    store: TileStore, listing: Listing, whole: _Full, parts: list[Tile], now: datetime
) -> Iterator[Removed | Fault]:
    """Of one full tile, the partial ones that may go."""
    due = [
        (part, version)
        for part in parts
        for version in listing.readable(part.path)
        if version.modified_at <= now - PARTIAL_KEPT - CLOCKS_APART
    ]
    if not due:
        return
    try:
        held = store.held(whole.tile.path, whole.version.version_id, with_data=True)
        if held is None or (wrong := lock_faults(whole.version, held)):
            yield Fault(whole.tile.path, "is gone" if held is None else wrong[0])
            return
        for part, version in due:
            yield from _removed_part(store, part, version, beginning(part, held.data), now)
    except (Unreadable, TileInvalid) as error:
        yield Fault(whole.tile.path, f"cannot stand for its partial ones: {error}")


def _removed_part(
    store: TileStore, part: Tile, version: Version, expected: bytes, now: datetime
) -> Iterator[Removed | Fault]:
    try:
        held = store.held(part.path, version.version_id, with_data=True)
    except Unreadable as error:
        yield Fault(part.path, f"cannot be read: {error}")
        return
    if held is None or (held.locked_until and held.locked_until > now - CLOCKS_APART):
        return
    if held.data != expected:
        yield Fault(part.path, f"is not the beginning of {full(part).path}, and stays")
    elif store.remove(part.path, version.version_id):
        yield Removed(part.path, held.size_bytes)
    else:
        yield Fault(part.path, "could not be removed")


def _size(store: TileStore) -> int | None:
    """Of the log by its newest checkpoint; None = there is none in sight. Raises ``NoAnswer`` and ``Unreadable``."""
    held = store.held(CHECKPOINT, "", with_data=True)
    return told_size(held.data) if held else None
