"""The log in the object store: puts what is new, and never anything else over what lies there."""

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
"""Retention of a partial tile; a full one stands for it, mostly within hours, and `trunkctl log tidy` removes it."""
AT_ONCE = 8
"""Objects that are put at the same time."""


class LogConflict(Exception):
    """The log must not go on: the store holds other bytes than the database leads to. People have to look."""

    def __init__(self, cause: LogRefusal, detail: str) -> None:
        super().__init__(detail)
        self.cause = cause


class LogStore:
    """Bucket ``log``. Everything may raise ``Transient``."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._puts = asyncio.Semaphore(AT_ONCE)

    async def newest_note(self) -> bytes | None:
        """The newest checkpoint, if there is any. Raises ``LogConflict`` if it is hidden."""
        note = await self._read(CHECKPOINT)
        if note is None and CHECKPOINT in await self._objects.names(LOG, CHECKPOINT, recursive=False):
            raise LogConflict("conflict", f"{CHECKPOINT} is hidden by a delete marker")
        return note

    async def note_of(self, start: int) -> bytes | None:
        """The checkpoint of the batch that begins there, if it was written."""
        return await self._read(batch_checkpoint(start))

    async def edge(self, size: int) -> dict[str, bytes]:
        """What is needed to append to a log of that size. Raises ``LogConflict`` where it is gone."""
        tiles = edge_of(size)
        found = await asyncio.gather(*(self._tile(tile) for tile in tiles))
        return {tile.path: data for tile, data in zip(tiles, found, strict=True)}

    async def leaves(self, start: int, end: int, size: int) -> AsyncIterator[list[bytes]]:
        """Hashes of the leaves of a part of a log of that size, by tile. Raises ``LogConflict`` where one is gone."""
        for index in range(start >> HEIGHT, (end - 1 >> HEIGHT) + 1):
            tile = widest(Tile(0, index), size)
            hashes, first = _parsed(partial(hashes_in, tile, await self._tile(tile))), index << HEIGHT
            yield hashes[max(0, start - first) : end - first]

    async def expect_no_other(self, start: int, note: bytes) -> None:
        """Raise ``LogConflict`` where another checkpoint lies than the one of the batch that begins there."""
        there = await self.note_of(start)
        if there is not None and _told(there) != _told(note):
            raise LogConflict("conflict", f"{batch_checkpoint(start)} is another one: the log has two histories")

    async def put_tiles(self, tiles: Mapping[str, bytes], now: datetime) -> None:
        """Put tiles and bundles. Raises ``LogConflict`` where other bytes lie."""
        await asyncio.gather(*(self._put_once(path, data, now) for path, data in tiles.items()))

    async def put_note(self, start: int, note: bytes, now: datetime) -> bytes:
        """Put the checkpoint of a batch. Returns the one that counts, which a former key may have signed."""
        path = batch_checkpoint(start)
        if await self._objects.put_once(LOG, path, note, now + KEPT):
            return note
        there = await self._read(path)
        if there is None or _told(there) != _told(note):
            raise LogConflict("conflict", f"{path} holds another checkpoint: the log has two histories")
        return there

    async def beyond(self, size: int) -> str | None:
        """A tile, in sight or not, that only a longer log has; None = there is none.

        Whatever is appended fills the tile in which the log ends, and that stays: a partial tile goes only once the
        full one is there.
        """
        last = Tile(0, size >> HEIGHT)
        tiles = [tile for name in await self._objects.names(LOG, last.path) if (tile := tile_at(name))]
        wider = (tile.path for tile in tiles if tile.index == last.index and tile.width > size % WIDTH)
        return next(wider, None)

    async def publish(self, note: bytes, now: datetime) -> None:
        """Make a checkpoint the newest."""
        await self._objects.put_over(LOG, CHECKPOINT, note, now + KEPT)

    async def _tile(self, tile: Tile) -> bytes:
        """A tile or a bundle; the full one stands for a partial one that was removed."""
        data = await self._read(tile.path)
        if data is None and tile.width < WIDTH and (whole := await self._read(full(tile).path)) is not None:
            data = _parsed(lambda: beginning(tile, whole))
        if data is None:
            raise LogConflict("conflict", f"{tile.path} is missing")
        return data

    async def _put_once(self, path: str, data: bytes, now: datetime) -> None:
        kept = PARTIAL_KEPT if ".p/" in path else KEPT
        async with self._puts:
            if not await self._objects.put_once(LOG, path, data, now + kept) and await self._read(path) != data:
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


def _told(note: bytes) -> bytes:
    """The size and the root that a checkpoint tells; who signed it, and under which name of the log, may differ."""
    return note.rpartition(b"\n\n")[0].partition(b"\n")[2]
