"""Tiles against the examples of the specification, and whatever steps a log grows in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.tlog.merkle import leaf_hash
from common.tlog.roots import Roots
from common.tlog.tiles import (
    ENTRIES,
    MAX_ENTRY_BYTES,
    WIDTH,
    Tile,
    TileInvalid,
    append,
    bundle,
    edge_of,
    entries_in,
    hashes_in,
    levels_of,
    subtrees_of,
    tiles_of,
)
from tests.common.tlog import reference
from tests.common.tlog.written import Written


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(0, 999), "tile/0/999"),
        (Tile(1, 1234067), "tile/1/x001/x234/067"),
        (Tile(0, 1000, 112), "tile/0/x001/000.p/112"),
        (Tile(ENTRIES, 5), "tile/entries/005"),
        (Tile(ENTRIES, 273, 112), "tile/entries/273.p/112"),
    ],
)
def test_paths(tile: Tile, path: str) -> None:
    assert tile.path == path


def counted(size: int) -> dict[int, tuple[int, int]]:
    """By level: full tiles, and the width of the partial one."""
    tiles = {level: list(tiles_of(size, level)) for level in levels_of(size)}
    return {
        level: (sum(t.width == WIDTH for t in each), sum(t.width for t in each if t.width < WIDTH))
        for level, each in tiles.items()
    }


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (0, {}),
        (1, {0: (0, 1)}),
        (255, {0: (0, 255)}),
        (256, {0: (1, 0), 1: (0, 1)}),
        (70_000, {0: (273, 112), 1: (1, 17), 2: (0, 1)}),
    ],
)
def test_the_tiles_of_the_examples_in_the_specification(size: int, expected: dict[int, tuple[int, int]]) -> None:
    assert counted(size) == expected


@given(st.lists(st.binary(max_size=20), max_size=700), st.lists(st.integers(0, 700), max_size=6))
def test_the_steps_in_which_a_log_grows_do_not_show(entries: list[bytes], breaks: list[int]) -> None:
    """Whatever was written before, nothing is written again with other bytes, and all of the size is there."""
    at_once, in_steps = Written(entries), Written(entries, [each for each in breaks if each <= len(entries)])
    assert in_steps.root == at_once.root == reference.mth(entries) == at_once.tree().root()
    for level in (ENTRIES, *levels_of(len(entries))):
        for tile in tiles_of(len(entries), level):
            assert in_steps.tiles[tile.path] == at_once.tiles[tile.path]


@given(st.integers(0, 700), st.integers(0, 700))
def test_the_root_of_a_log_that_goes_on_follows_from_its_end(size: int, more: int) -> None:
    entries = [b"%d" % number for number in range(size + more)]
    before = Written(entries[:size])
    edge = {tile.path: before.tiles[tile.path] for tile in edge_of(size)}
    roots = Roots(size, subtrees_of(size, edge))
    assert roots.root() == before.root
    for entry in entries[size:]:
        roots.add(leaf_hash(entry))
    assert (roots.size, roots.root()) == (size + more, Written(entries).root)


@pytest.mark.parametrize("size", [65_535, 65_536, 65_537])
def test_a_third_level(size: int) -> None:
    entries = [number.to_bytes(3, "big") for number in range(size)]
    written = Written(entries, [60_000, 65_400])
    assert written.root == reference.mth(entries) == written.tree().root()
    written.append([b"one more"])
    assert written.root == reference.mth([*entries, b"one more"])


def test_nothing_appended_changes_nothing() -> None:
    written = Written([b"a", b"b", b"c"])
    edge = {tile.path: written.tiles[tile.path] for tile in edge_of(3)}
    appended = append(3, edge, [])
    assert (appended.size, appended.root, appended.tiles) == (3, written.root, {})


def test_bundles_come_back_as_they_were() -> None:
    entries = [b"", b"x", b"y" * MAX_ENTRY_BYTES]
    assert entries_in(Tile(ENTRIES, 0, 3), bundle(entries)) == entries


def test_an_entry_that_no_bundle_can_hold() -> None:
    with pytest.raises(ValueError, match="longer than"):
        append(0, {}, [b"x" * (MAX_ENTRY_BYTES + 1)])


@pytest.mark.parametrize("data", [b"\x00", b"\x00\x02a", b"\x00\x01a\x00", b"", b"\x00\x01a\x00\x01b\x00\x01c"])
def test_bundles_that_are_none(data: bytes) -> None:
    with pytest.raises(TileInvalid):
        entries_in(Tile(ENTRIES, 0, 2), data)


def test_tiles_that_are_none() -> None:
    with pytest.raises(TileInvalid):
        hashes_in(Tile(0, 0, 2), b"x" * 65)
