"""Hashes and proofs of a log, computed from its tiles."""

from common.tlog.merkle import Range, complete_subtrees, consistency_ranges, inclusion_ranges, joined, perfect
from common.tlog.partial import ReadFile, read_tile
from common.tlog.tiles import ENTRIES, HEIGHT, WIDTH, Tile, TileInvalid, entries_in, hashes_in, widest


class Tree:
    """The log of one size. Reads each tile once. The tiles are not trusted: compare ``root`` with a checkpoint.

    All methods raise ``TileInvalid`` if a tile is missing or damaged, and what ``read`` raises.
    """

    def __init__(self, size: int, read: ReadFile) -> None:
        self.size = size
        self._read = read
        self._tiles: dict[tuple[int, int], list[bytes]] = {}

    def root(self) -> bytes:
        """The root that follows from the tiles."""
        return self._range((0, self.size))

    def leaf(self, index: int) -> bytes:
        """Hash of a leaf."""
        return self._subtree(0, index)

    def find(self, leaf: bytes, start: int, end: int) -> int | None:
        """The first place from ``start`` to ``end`` (exclusive) with this leaf hash; None = there is none. Reads all
        tiles of that part."""
        return next((at for at in range(start, min(end, self.size)) if self.leaf(at) == leaf), None)

    def entry(self, index: int) -> bytes:
        """The entry with this number. Raises ``ValueError`` if it is outside of the log."""
        if not 0 <= index < self.size:
            raise ValueError(f"no leaf {index} in a tree of size {self.size}")
        tile = self._tile(ENTRIES, index >> HEIGHT)
        return entries_in(tile, self._bytes(tile))[index % WIDTH]

    def inclusion(self, index: int) -> list[bytes]:
        """The hashes that prove that leaf ``index`` is in this tree, from the leaf up."""
        return [self._range(each) for each in inclusion_ranges(index, self.size)]

    def consistency(self, old: int) -> list[bytes]:
        """The hashes that prove that the tree of size ``old`` is the beginning of this one."""
        return [self._range(each) for each in consistency_ranges(old, self.size)]

    def _range(self, leaves: Range) -> bytes:
        return joined([self._subtree(height, index) for height, index in complete_subtrees(*leaves)])

    def _subtree(self, height: int, index: int) -> bytes:
        level, within = divmod(height, HEIGHT)
        first = index << within
        hashes = self._hashes(level, first >> HEIGHT)
        return perfect(hashes[first % WIDTH : first % WIDTH + (1 << within)])

    def _hashes(self, level: int, index: int) -> list[bytes]:
        if (level, index) not in self._tiles:
            tile = self._tile(level, index)
            self._tiles[level, index] = hashes_in(tile, self._bytes(tile))
        return self._tiles[level, index]

    def _bytes(self, tile: Tile) -> bytes:
        data = read_tile(self._read, tile)
        if data is None:
            raise TileInvalid(f"{tile.path}: missing")
        return data

    def _tile(self, level: int | str, index: int) -> Tile:
        return widest(Tile(level, index), self.size)
