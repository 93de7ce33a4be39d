"""Partial tiles. They may be removed once the full tile of the same number exists (C2SP tlog-tiles), and are then read
out of it."""

from collections.abc import Callable

from common.tlog.merkle import HASH_BYTES
from common.tlog.tiles import ENTRIES, WIDTH, Tile, bundle, entries_in, hashes_in

ReadFile = Callable[[str], bytes | None]
"""Gives the bytes of a file of the log; None = there is none."""


def full(tile: Tile) -> Tile:
    """The full tile with the same level and index."""
    return Tile(tile.level, tile.index)


def beginning(tile: Tile, whole: bytes) -> bytes:
    """The bytes of a partial tile, out of those of the full one (``whole``). Raises ``TileInvalid`` if that is
    damaged."""
    if tile.level == ENTRIES:
        return bundle(entries_in(full(tile), whole)[: tile.width])
    hashes_in(full(tile), whole)
    return whole[: tile.width * HASH_BYTES]


def read_tile(read: ReadFile, tile: Tile) -> bytes | None:
    """The bytes of a tile or a bundle; those of a removed partial one are read out of the full one. None = neither
    exists.

    With an older checkpoint one may look for tiles that were partial then. Raises ``TileInvalid``.
    """
    data = read(tile.path)
    if data is not None or tile.width == WIDTH:
        return data
    whole = read(full(tile).path)
    return None if whole is None else beginning(tile, whole)
