"""The log in the object store. Objects are only added; only the newest checkpoint is ever replaced."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from common.metrics.keeping import LogRefusal
from common.objects import LOG, ObjectMissing, Objects
from common.tlog.names import CHECKPOINT, batch_checkpoint
from common.tlog.partial import beginning, full
from common.tlog.tiles import HEIGHT, WIDTH, Tile, TileInvalid, edge_of, hashes_in, tile_at, widest

T = TypeVar("T")

KEPT = timedelta(days=36_525)
"""Retention of full tiles, full bundles and checkpoints: a hundred years."""
PARTIAL_KEPT = timedelta(days=2)
"""Retention of a partial tile. A full one takes its place, mostly within hours; ``trunkctl log tidy`` removes it."""
AT_ONCE = 8
"""Objects that are put at the same time."""


class LogConflict(Exception):
    """The log must not go on, because the store has other bytes than follow from the database. A person must find out
    why."""

    def __init__(self, cause: LogRefusal, detail: str) -> None:
        super().__init__(detail)
        self.cause = cause


class LogStore:
    """Bucket ``log``. All methods raise ``Outage`` while the object store is unavailable."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._puts = asyncio.Semaphore(AT_ONCE)

    async def newest_note(self) -> bytes | None:
        """The newest checkpoint, as a signed note; None = there is none. Raises ``LogConflict`` if a delete marker
        hides it."""
        note = await self._read(CHECKPOINT)
        if note is None and CHECKPOINT in await self._objects.names(LOG, CHECKPOINT, recursive=False):
            raise LogConflict("conflict", f"{CHECKPOINT} is hidden by a delete marker")
        return note

    async def note_of(self, start: int) -> bytes | None:
        """The checkpoint of the batch that begins at ``start``, as a signed note; None = it was not written."""
        return await self._read(batch_checkpoint(start))

    async def edge(self, size: int) -> dict[str, bytes]:
        """By path, the tiles and bundles that are needed to append to a log of this size (``tiles.edge_of``). Raises
        ``LogConflict`` if one is missing."""
        tiles = edge_of(size)
        contents = await asyncio.gather(*(self._tile(tile) for tile in tiles))
        return {tile.path: data for tile, data in zip(tiles, contents, strict=True)}

    async def leaves(self, start: int, end: int, size: int) -> AsyncIterator[list[bytes]]:
        """Hashes of the leaves ``start`` to ``end`` (exclusive) of a log of this size, tile by tile. Raises
        ``LogConflict`` if a tile is missing."""
        for index in range(start >> HEIGHT, (end - 1 >> HEIGHT) + 1):
            tile = widest(Tile(0, index), size)
            hashes, first = _parsed(partial(hashes_in, tile, await self._tile(tile))), index << HEIGHT
            yield hashes[max(0, start - first) : end - first]

    async def expect_no_other(self, start: int, note: bytes) -> None:
        """Raise ``LogConflict`` if the store has another checkpoint for the batch that begins at ``start``."""
        there = await self.note_of(start)
        if there is not None and _size_and_root(there) != _size_and_root(note):
            raise LogConflict("conflict", f"{batch_checkpoint(start)} is another one: the log has two histories")

    async def put_tiles(self, tiles: Mapping[str, bytes], now: datetime) -> None:
        """Put tiles and bundles, by path. Raises ``LogConflict`` if the store has other bytes under a path."""
        await asyncio.gather(*(self._put_once(path, data, now) for path, data in tiles.items()))

    async def put_note(self, start: int, note: bytes, now: datetime) -> bytes:
        """Put the checkpoint of the batch that begins at ``start``. Returns the one that was put first, which a former
        key may have signed. Raises ``LogConflict`` if that has another size or root."""
        path = batch_checkpoint(start)
        if await self._objects.put_once(LOG, path, note, now + KEPT):
            return note
        there = await self._read(path)
        if there is None or _size_and_root(there) != _size_and_root(note):
            raise LogConflict("conflict", f"{path} holds another checkpoint: the log has two histories")
        return there

    async def beyond(self, size: int) -> str | None:
        """Path of a tile that only a log longer than ``size`` has, hidden or not; None = there is none.

        Each append writes a wider tile in the place where the log ended. That tile stays: a partial tile is removed
        only when the full one exists.
        """
        last = Tile(0, size >> HEIGHT)
        tiles = [tile for name in await self._objects.names(LOG, last.path) if (tile := tile_at(name))]
        wider = (tile.path for tile in tiles if tile.index == last.index and tile.width > size % WIDTH)
        return next(wider, None)

    async def publish(self, note: bytes, now: datetime) -> None:
        """Publish a checkpoint as the newest one."""
        await self._objects.put_over(LOG, CHECKPOINT, note, now + KEPT)

    async def _tile(self, tile: Tile) -> bytes:
        """The bytes of a tile or a bundle; of a removed partial one, the beginning of the full one. Raises
        ``LogConflict`` if both are missing."""
        data = await self._read(tile.path)
        if data is None and tile.width < WIDTH and (whole := await self._read(full(tile).path)) is not None:
            data = _parsed(lambda: beginning(tile, whole))
        if data is None:
            raise LogConflict("conflict", f"{tile.path} is missing")
        return data

    async def _put_once(self, path: str, data: bytes, now: datetime) -> None:
        retention = PARTIAL_KEPT if ".p/" in path else KEPT
        async with self._puts:
            if not await self._objects.put_once(LOG, path, data, now + retention) and await self._read(path) != data:
                raise LogConflict("conflict", f"{path} holds other bytes: the log has two histories")

    async def _read(self, path: str) -> bytes | None:
        try:
            return await self._objects.get_key(LOG, path)
        except ObjectMissing:
            return None


def _parsed(parse: Callable[[], T]) -> T:
    try:
        return parse()
    except TileInvalid as error:
        raise LogConflict("conflict", str(error)) from error


def _size_and_root(note: bytes) -> bytes:
    """The lines of a checkpoint with size and root. The signatures and the name of the log may differ."""
    return note.rpartition(b"\n\n")[0].partition(b"\n")[2]
