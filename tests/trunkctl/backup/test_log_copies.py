"""A backup of the log copies every tile that its size asks for, also those that the store's listing leaves out; what is
missing nevertheless is named by the backup, and by the restore."""

import hashlib
from typing import Any

import pytest

from common.objects import LOG
from common.tlog.audit import audit
from trunkctl.backup.log_cut import log_originals
from trunkctl.restore.log_cut import cut_of, missing_tiles
from trunkctl.store_patience import Patience

from ..log.whole import KEY, Whole
from .memory_store import MemoryStore

WHOLE = Whole(*range(7, 1_600, 7))
BACKUP = "backup"


class Log:
    """The log in a store that lists so many versions at a time, and what a backup takes of it."""

    def __init__(self, page: int = 1_000, without: str = "") -> None:
        self.store = MemoryStore(page)
        for name, data in WHOLE.files.items():
            if name != without:
                self.store.put(LOG, name, data)
        self.missing: list[str] = []
        store: Any = self.store
        self.copied = {each.key for each in log_originals(store, self.missing.append)}

    def second_store(self) -> MemoryStore:
        """With the copies."""
        second = MemoryStore()
        for name in sorted(self.copied):
            data = WHOLE.files[name]
            second.put(BACKUP, f"objects/{LOG}/{name}/1", data, **said_of(data))
        return second


def said_of(data: bytes) -> dict[str, str]:
    return {"x-amz-meta-trunk-sha256": hashlib.sha256(data).hexdigest()}


@pytest.mark.parametrize("page", [100, 150, 400, 1_000])
def test_a_full_tile_that_the_listing_leaves_out_is_copied(page: int) -> None:
    log = Log(page)
    assert log.missing == []
    assert log.copied == {*WHOLE.files}
    files = {name: WHOLE.files[name] for name in log.copied}
    assert not list(audit(files.get, sorted(files), [KEY.verifier]))


def test_the_listing_of_this_store_does_leave_one_out() -> None:
    """Otherwise the test above shows nothing."""
    store = Log().store
    store._page = 100
    listed = {each.object_name for each in store.list_objects(LOG, prefix="tile/", recursive=True)}
    left_out = {name for name in WHOLE.files if name.startswith("tile/")} - listed
    assert left_out
    assert not [name for name in left_out if ".p/" in name]


@pytest.mark.parametrize("name", ["tile/0/000", "tile/entries/003", "tile/0/006.p/60", "tile/1/000.p/6"])
def test_a_tile_that_is_not_there_is_a_fault(name: str) -> None:
    log = Log(without=name)
    assert log.missing == [name]
    assert log.copied == {*WHOLE.files} - {name}


@pytest.mark.parametrize("name", ["tile/0/000", "tile/entries/003"])
def test_a_restore_names_the_tiles_of_which_there_is_no_copy(name: str) -> None:
    """It goes on behind them: what comes later is proved by the tiles above and by its own."""
    second = Log(without=name).second_store()
    client: Any = second
    cut = cut_of(client, BACKUP, Patience())
    assert (cut.size, cut.end) == (WHOLE.written.size, WHOLE.written.size)
    assert list(missing_tiles(client, BACKUP, cut.size)) == [name]


def test_a_restore_asks_for_a_copy_that_was_not_listed() -> None:
    second = Log().second_store()
    second._page = 7
    client: Any = second
    assert list(missing_tiles(client, BACKUP, WHOLE.written.size)) == []


def test_of_an_empty_log_nothing_is_missing() -> None:
    client: Any = MemoryStore()
    faults: list[str] = []
    assert list(log_originals(client, faults.append)) == []
    assert faults == []
    assert list(missing_tiles(client, BACKUP, 0)) == []
