"""Reading the log when partial tiles were removed: the full tiles take their place."""

from datetime import timedelta
from typing import Any

import pytest

from archive.log_store import KEPT, PARTIAL_KEPT, LogConflict, LogStore
from common.tlog.names import CHECKPOINT
from common.tlog.tiles import edge_of
from tests.common.tlog.test_audit import ENTRIES, FILES
from tests.common.tlog.written import Written
from tests.harness.memory_log import MemoryBucket

from .test_ledger import AT


def stored(*removed: str) -> tuple[LogStore, MemoryBucket]:
    bucket: Any = MemoryBucket()
    bucket.versions = {name: [data] for name, data in FILES.items() if name not in removed}
    return LogStore(bucket), bucket


@pytest.mark.parametrize("size", [250, 300])
async def test_a_batch_can_be_written_again_behind_partial_tiles_that_are_gone(size: int) -> None:
    paths = [tile.path for tile in edge_of(size)]
    store, _ = stored(*(path for path in paths if not path.startswith("tile/1/")))
    expected = Written(ENTRIES[:size]).tiles
    assert await store.edge(size) == {path: expected[path] for path in paths}


async def test_without_either_tile_nothing_goes_on() -> None:
    store, _ = stored("tile/0/000.p/250", "tile/0/000")
    with pytest.raises(LogConflict, match=r"tile/0/000\.p/250 is missing"):
        await store.edge(250)


async def test_a_full_tile_that_is_damaged_stands_for_none() -> None:
    store, bucket = stored("tile/0/000.p/250")
    bucket.versions["tile/0/000"] = [b"x"]
    with pytest.raises(LogConflict, match="1 bytes instead of 8192"):
        await store.edge(250)


async def test_what_is_to_stay_is_locked_for_a_hundred_years_and_partial_tiles_for_days() -> None:
    store, bucket = stored(*FILES)
    await store.put_tiles({"tile/0/000": b"x", "tile/0/001.p/3": b"y"}, AT)
    assert bucket.until == {"tile/0/000": AT + KEPT, "tile/0/001.p/3": AT + PARTIAL_KEPT}
    assert PARTIAL_KEPT <= timedelta(days=2) < KEPT


async def test_a_hidden_checkpoint_does_not_pass_for_none() -> None:
    store, bucket = stored()
    bucket.hidden = {CHECKPOINT}
    with pytest.raises(LogConflict, match="checkpoint is hidden"):
        await store.newest_note()
    store, _ = stored(CHECKPOINT)
    assert await store.newest_note() is None


@pytest.mark.parametrize(
    ("size", "removed", "names"),
    [
        (601, (), {None}),
        (600, (), {"tile/0/002.p/89"}),
        (512, (), {"tile/0/002.p/89"}),
        (300, (), {"tile/0/001"}),
        (300, ("tile/0/001",), {None}),
        (299, ("tile/0/001",), {"tile/0/001.p/44"}),
        (0, (), {"tile/0/000", "tile/0/000.p/3", "tile/0/000.p/250"}),
        (0, ("tile/0/000", "tile/0/000.p/250"), {"tile/0/000.p/3"}),
    ],
)
@pytest.mark.parametrize("is_hidden", [False, True])
async def test_tiles_beyond_the_end_are_seen_also_where_they_are_hidden(
    size: int, removed: tuple[str, ...], names: set[str | None], is_hidden: bool
) -> None:
    store, bucket = stored(*removed)
    bucket.hidden = {*FILES} if is_hidden else set()
    assert await store.beyond(size) in names
