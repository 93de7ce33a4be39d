"""A copy of a log that grew while it was copied is cut at its newest checkpoint, and can be continued from there."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.tlog.audit import audit
from common.tlog.checkpoint import told_size
from common.tlog.cut import end_of, is_beyond, last_of, whole_size
from common.tlog.names import CHECKPOINT, batch_checkpoint, start_of
from common.tlog.tiles import append, edge_of, is_within, tile_at, written_by

from .test_audit import FILES, KEY, SIZES, files_of
from .written import Written

STEPS = (0, 3, 250, 256, 300, 601, 602, 66_000)
GROWN = [files_of([f"{n}".encode() for n in range(size)], STEPS[: at + 1]) for at, size in enumerate(STEPS)]
"""The files at each size."""


def copied(of_checkpoint: int, of_batches: int, of_tiles: int) -> dict[str, bytes]:
    """What a copy holds that was made in the order of names while the log grew."""
    parts = {CHECKPOINT: of_checkpoint, "checkpoints": of_batches, "tile": of_tiles}
    return {
        name: data for part, at in parts.items() for name, data in GROWN[at].items() if name.partition("/")[0] == part
    }


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(1, len(STEPS) - 1), min_size=3, max_size=3))
def test_a_copy_that_was_made_while_the_log_grew_is_cut_to_a_whole_log(at: list[int]) -> None:
    first, second, third = sorted(at)
    files = copied(first, second, third)
    size = end_of(files.get)
    assert size == STEPS[second]
    remaining = {name: data for name, data in files.items() if not is_beyond(name, size)}
    assert {name for name in remaining if name != CHECKPOINT} == GROWN[second].keys() - {CHECKPOINT}
    start = last_of(remaining.get).unpublished
    assert start == (None if first == second else STEPS[second - 1])
    remaining[CHECKPOINT] = remaining[CHECKPOINT if start is None else batch_checkpoint(start)]
    assert not list(audit(remaining.get, sorted(remaining), [KEY.verifier]))
    edge = {tile.path: remaining[tile.path] for tile in edge_of(size)}
    after = append(size, edge, [b"another history than the files that were left out", b"of it"])
    assert not (after.bundles | after.tiles).keys() & remaining.keys()


def test_tiles_without_their_checkpoint_would_stand_in_the_way() -> None:
    """Why a copy is cut."""
    files = copied(3, 3, 4)
    edge = {tile.path: files[tile.path] for tile in edge_of(256)}
    after = append(256, edge, [b"x"] * 44)
    assert {name for name, data in after.bundles.items() if files.get(name, data) != data}


def test_a_copy_that_was_interrupted_is_cut_where_its_tiles_end() -> None:
    starts = STEPS[:-1]
    for number in range(len(STEPS)):
        tiles = {name for name in GROWN[number] if name.startswith("tile")}
        assert whole_size(starts, STEPS[-1], tiles.__contains__) == STEPS[number]
    assert whole_size(starts[-2:], STEPS[-1], lambda _: False) == STEPS[-3], "no further back than was looked"
    assert whole_size([], 0, lambda _: False) == 0


@pytest.mark.parametrize("name", ["tile/0/000.p/x", "notes.txt", "tile/0/000.p/0", "tile/0/000.p/256", "tile/00/000"])
def test_what_is_no_tile(name: str) -> None:
    assert tile_at(name) is None
    assert not is_beyond(name, 0)


def test_every_file_of_a_log_is_within_its_size_and_was_written_by_one_batch() -> None:
    for start, size in itertools.pairwise(SIZES):
        assert {tile.path for tile in written_by(start, size)} == {
            name for name in files_of_sizes(start, size) if name.startswith("tile")
        }
    for name in FILES:
        tile = tile_at(name)
        assert tile or start_of(name) is not None or name == CHECKPOINT
        assert tile is None or (tile.path == name and is_within(tile, SIZES[-1]))


def files_of_sizes(start: int, size: int) -> set[str]:
    entries = [b"x"] * size
    before = Written(entries[:start])
    after = Written(entries, [start])
    return after.tiles.keys() - before.tiles.keys()


def test_the_size_that_a_note_tells() -> None:
    assert told_size(FILES[batch_checkpoint(3)]) == 250
    assert [told_size(note) for note in (b"", b"x", b"x\ny\n", b"x\n007\n", b"\xff\n\xff")] == [None] * 5
