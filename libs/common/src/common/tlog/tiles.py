"""The tiles of a log (C2SP tlog-tiles): tiles of 256 hashes, and bundles of 256 entries.

A tile of level 0 has leaf hashes; a tile of level ``L`` has the hashes of the full tiles of level ``L - 1``. The last
tile of a level may be partial. Its width is part of its path, so that the bytes under a path never change.
"""

import re
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from common.tlog.merkle import HASH_BYTES, joined, leaf_hash, perfect

HEIGHT = 8
WIDTH = 1 << HEIGHT
"""Hashes of a full tile, and entries of a full bundle."""
ENTRIES = "entries"
"""Takes the place of the level in paths of bundles of entries."""
TILES = "tile/"
"""Beginning of the paths of all tiles and bundles."""
MAX_ENTRY_BYTES = 0xFFFF
PATH = re.compile(r"tile/(entries|[0-9]{1,2})/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([0-9]{1,3}))?")

Level = int | str
Tiles = Mapping[str, bytes]
"""Bytes of tiles and bundles by path."""


class TileInvalid(ValueError):
    """The bytes under a path are not a tile or a bundle of that width."""


@dataclass(frozen=True, slots=True)
class Tile:
    """One tile, or one bundle of entries."""

    level: Level
    index: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """``tile/<level>/<index>[.p/<width>]``, the index in groups of three digits."""
        partial = "" if self.width == WIDTH else f".p/{self.width}"
        return f"tile/{self.level}/{_numbered(self.index)}{partial}"


def tile_at(path: str) -> Tile | None:
    """The tile or bundle with this path; None = it is no path of one."""
    if not (parts := PATH.fullmatch(path)):
        return None
    level, index, width = parts.groups(str(WIDTH))
    tile = Tile(level if level == ENTRIES else int(level), int(re.sub("[x/]", "", index)), int(width))
    return tile if tile.path == path and tile.width else None


def nodes_of(size: int, level: Level) -> int:
    """How many hashes, or entries, a log of this size has at a level."""
    return size if level == ENTRIES else size >> (HEIGHT * int(level))


def is_within(tile: Tile, size: int) -> bool:
    """Whether a log of this size has a tile, or had it while it was smaller."""
    return (tile.index << HEIGHT) + tile.width <= nodes_of(size, tile.level)


def widest(tile: Tile, size: int) -> Tile:
    """The tile with the same level and index in a log of this size, which must have it."""
    return Tile(tile.level, tile.index, min(WIDTH, nodes_of(size, tile.level) - (tile.index << HEIGHT)))


def written_by(start: int, size: int) -> Iterator[Tile]:
    """The tiles and bundles that a batch writes: those that the log has at ``size``, and did not have at ``start``."""
    for level in (ENTRIES, *levels_of(size)):
        tiles = tiles_of(size, level, nodes_of(start, level) >> HEIGHT)
        yield from (tile for tile in tiles if not is_within(tile, start))


def tiles_of(size: int, level: Level, start: int = 0) -> Iterator[Tile]:
    """The tiles of a level in a log of this size, from index ``start`` on; a partial one is the last."""
    nodes = nodes_of(size, level)
    yield from (Tile(level, index) for index in range(start, nodes >> HEIGHT))
    if width := nodes % WIDTH:
        yield Tile(level, nodes >> HEIGHT, width)


def all_tiles_of(size: int) -> Iterator[Tile]:
    """All tiles and bundles that a log of this size consists of, without partial ones of when it was smaller."""
    for level in (ENTRIES, *levels_of(size)):
        yield from tiles_of(size, level)


def levels_of(size: int) -> range:
    """The levels at which a log of this size has tiles."""
    return range(max(0, (size.bit_length() - 1) // HEIGHT + 1) if size else 0)


def edge_of(size: int) -> list[Tile]:
    """The partial tiles and the partial bundle of a log of this size, which are all that is needed to append to it."""
    last = [tile for level in (ENTRIES, *levels_of(size)) for tile in _last(size, level)]
    return [tile for tile in last if tile.width < WIDTH]


def hashes_in(tile: Tile, data: bytes) -> list[bytes]:
    """The hashes in the bytes of a tile. Raises ``TileInvalid`` for bytes of another length."""
    if len(data) != tile.width * HASH_BYTES:
        raise TileInvalid(f"{tile.path}: {len(data)} bytes instead of {tile.width * HASH_BYTES}")
    return [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]


def bundle(entries: Iterable[bytes]) -> bytes:
    """The bytes of a bundle: the entries one after the other, each preceded by its length in two bytes (big-endian)."""
    return b"".join(struct.pack(">H", len(entry)) + entry for entry in entries)


def entries_in(tile: Tile, data: bytes) -> list[bytes]:
    """The entries in the bytes of a bundle. Raises ``TileInvalid`` unless there are ``tile.width`` of them."""
    entries, at = [], 0
    while at < len(data):
        begin = at + 2
        at = begin + int.from_bytes(data[at:begin], "big")
        if begin > len(data) or at > len(data):
            raise TileInvalid(f"{tile.path}: an entry is cut off")
        entries.append(data[begin:at])
    if len(entries) != tile.width:
        raise TileInvalid(f"{tile.path}: {len(entries)} entries instead of {tile.width}")
    return entries


@dataclass(frozen=True, slots=True)
class Appended:
    """A log after entries were appended to it."""

    size: int
    root: bytes
    bundles: dict[str, bytes]
    """New bundles of entries, by path."""
    tiles: dict[str, bytes]
    """New tiles, by path; a partial one among them replaces a narrower one."""


def append(size: int, edge: Tiles, entries: list[bytes]) -> Appended:
    """Append entries to a log of this size. ``edge``: the bytes of ``edge_of(size)``, by path.

    Raises ``TileInvalid``, ``KeyError`` if a tile is missing, and ``ValueError`` for an entry that is too long.
    """
    if any(len(entry) > MAX_ENTRY_BYTES for entry in entries):
        raise ValueError(f"an entry is longer than {MAX_ENTRY_BYTES} bytes")
    new_size = size + len(entries)
    before = [entries_in(tile, edge[tile.path]) for tile in _last(size, ENTRIES) if tile.width < WIDTH]
    whole = [*(before[0] if before else []), *entries]
    bundles = {
        tile.path: bundle(whole[at * WIDTH : at * WIDTH + tile.width])
        for at, tile in enumerate(tiles_of(new_size, ENTRIES, size >> HEIGHT))
    }
    tiles: dict[str, bytes] = {}
    subtrees: list[bytes] = []
    new = [leaf_hash(entry) for entry in entries]
    for level in levels_of(new_size):
        at_edge = [hashes_in(tile, edge[tile.path]) for tile in _last(size, level) if tile.width < WIDTH]
        row = [*(at_edge[0] if at_edge else []), *new]
        first = size >> (HEIGHT * (level + 1))
        if new:
            tiles |= {
                tile.path: b"".join(row[at * WIDTH : at * WIDTH + tile.width])
                for at, tile in enumerate(tiles_of(new_size, level, first))
            }
        full = len(row) // WIDTH
        subtrees = [*_complete(row[full * WIDTH :]), *subtrees]
        new = [perfect(row[at * WIDTH : (at + 1) * WIDTH]) for at in range(full)]
    return Appended(new_size, joined(subtrees), bundles, tiles)


def check_edge(size: int, edge: Tiles, root: bytes) -> None:
    """Raises ``TileInvalid`` unless the edge is that of the log with this size and root."""
    if append(size, edge, []).root != root:
        raise TileInvalid("the tiles at the end of the log do not give its root")
    for tile in _last(size, ENTRIES):
        if tile.width < WIDTH:
            leaves = [leaf_hash(entry) for entry in entries_in(tile, edge[tile.path])]
            if leaves != hashes_in(tile, edge[Tile(0, tile.index, tile.width).path]):
                raise TileInvalid(f"{tile.path} does not give its leaves")


def subtrees_of(size: int, edge: Tiles) -> list[bytes]:
    """Hashes of the complete subtrees of a log, left to right. ``edge``: as for ``append``. Raises ``TileInvalid``."""
    tiles = [tile for level in reversed(levels_of(size)) for tile in _last(size, level) if tile.width < WIDTH]
    return [node for tile in tiles for node in _complete(hashes_in(tile, edge[tile.path]))]


def _complete(row: list[bytes]) -> list[bytes]:
    """Hashes of the complete subtrees over the nodes of a partial tile, left to right."""
    result, at = [], 0
    while at < len(row):
        count = 1 << ((len(row) - at).bit_length() - 1)
        result.append(perfect(row[at : at + count]))
        at += count
    return result


def _last(size: int, level: Level) -> list[Tile]:
    nodes = nodes_of(size, level)
    return list(tiles_of(size, level, (nodes - 1) >> HEIGHT)) if nodes else []


def _numbered(index: int) -> str:
    groups = [f"{index % 1000:03d}"]
    while index := index // 1000:
        groups.append(f"x{index % 1000:03d}")
    return "/".join(reversed(groups))
