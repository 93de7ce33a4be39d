"""A log in memory, appended to in several steps as the sealer does."""

import itertools
from collections.abc import Iterable

from common.tlog.merkle import EMPTY_ROOT
from common.tlog.tiles import append, edge_of
from common.tlog.tree import Tree


class Written:
    """Tiles and bundles of some entries; ``breaks``: sizes at which a step ends."""

    def __init__(self, entries: list[bytes], breaks: Iterable[int] = ()) -> None:
        self.size, self.root = 0, EMPTY_ROOT
        self.tiles: dict[str, bytes] = {}
        for start, end in itertools.pairwise(sorted({0, *breaks, len(entries)})):
            self.append(entries[start:end])

    def append(self, entries: list[bytes]) -> None:
        """One step."""
        edge = {tile.path: self.tiles[tile.path] for tile in edge_of(self.size)}
        appended = append(self.size, edge, entries)
        for path, data in (appended.bundles | appended.tiles).items():
            assert self.tiles.setdefault(path, data) == data, f"{path} is written twice, with other bytes"
        self.size, self.root = appended.size, appended.root

    def tree(self) -> Tree:
        """What can be proved."""
        return Tree(self.size, self.tiles.get)
