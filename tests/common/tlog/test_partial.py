"""After partial tiles were removed, the full ones give the same bytes for an older checkpoint."""

import itertools

import pytest

from common.tlog.merkle import check_consistency, check_inclusion, leaf_hash
from common.tlog.partial import beginning, full, read_tile
from common.tlog.tiles import ENTRIES, Tile, TileInvalid, tile_at
from common.tlog.tree import Tree

from .written import Written

SIZES = (1, 3, 250, 300, 601, 66_000)
LOG = [f"entry {number}".encode() for number in range(SIZES[-1])]
WRITTEN = Written(LOG, SIZES)
KEPT = {
    path: data
    for path, data in WRITTEN.tiles.items()
    if (tile := tile_at(path)) and (tile == full(tile) or full(tile).path not in WRITTEN.tiles)
}
"""Without each partial tile for which there is a full one."""
ROOTS = {size: Written(LOG[:size]).root for size in SIZES[:-1]} | {SIZES[-1]: WRITTEN.root}


@pytest.mark.parametrize("size", SIZES)
def test_a_reader_with_an_older_checkpoint_misses_nothing(size: int) -> None:
    assert len(KEPT) < len(WRITTEN.tiles)
    tree = Tree(size, KEPT.get)
    assert tree.root() == ROOTS[size]
    for index in {0, size // 2, size - 1}:
        assert tree.entry(index) == LOG[index]
        check_inclusion(index, size, leaf_hash(LOG[index]), tree.inclusion(index), ROOTS[size])


@pytest.mark.parametrize(("old", "new"), list(itertools.pairwise(SIZES)))
def test_two_checkpoints_of_before_are_shown_to_be_of_one_log(old: int, new: int) -> None:
    check_consistency(old, new, Tree(new, KEPT.get).consistency(old), ROOTS[old], ROOTS[new])


def test_where_there_is_neither_nothing_stands_for_it() -> None:
    assert read_tile({}.get, Tile(0, 0, 3)) is None
    with pytest.raises(TileInvalid, match="missing"):
        Tree(3, {}.get).root()


@pytest.mark.parametrize("level", [0, ENTRIES])
def test_a_full_tile_that_is_damaged_stands_for_none(level: int | str) -> None:
    data = KEPT[Tile(level, 0).path]
    for harmed in (b"", data[:-1], data + b"x"):
        with pytest.raises(TileInvalid):
            beginning(Tile(level, 0, 3), harmed)
