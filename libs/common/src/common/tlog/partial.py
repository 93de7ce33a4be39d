"""Partial tiles may go once the full tile of the same number is there (C2SP tlog-tiles): it then stands for them."""

from collections.abc import Callable

from common.tlog.merkle import HASH_BYTES
from common.tlog.tiles import ENTRIES, WIDTH, Tile, bundle, entries_in, hashes_in

ReadFile = Callable[[str], bytes | None]
"""The bytes of a file of the log; None = there is none."""


def full(tile: Tile) -> Tile:
    """The full tile of the same number."""
    return Tile(tile.level, tile.index)


def beginning(tile: Tile, whole: bytes) -> bytes:
    """The bytes of a partial tile, out of those of the full one. Raises ``TileInvalid`` if that is damaged."""
    if tile.level == ENTRIES:
        return bundle(entries_in(full(tile), whole)[: tile.width])
    hashes_in(full(tile), whole)
    return whole[: tile.width * HASH_BYTES]


def read_tile(read: ReadFile, tile: Tile) -> bytes | None:
    """The bytes of a tile or a bundle, out of the full one where a partial one is gone; None = there is neither.

    Whoever holds an older checkpoint may look for tiles that were partial then. Raises ``TileInvalid``.
    """
    data = read(tile.path)
    if data is not None or tile.width == WIDTH:
        return data
    whole = read(full(tile).path)
    return None if whole is None else beginning(tile, whole)
