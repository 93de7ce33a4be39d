"""The bucket of the log as an auditor finds it: hidden, overwritten, unlocked and missing files are named."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from minio.commonconfig import COMPLIANCE

from common.tlog.audit import Fault
from common.tlog.names import CHECKPOINT, batch_checkpoint
from common.tlog.tree import Tree
from trunkctl.archive_check import Version, VersionContent
from trunkctl.log.evidence import evidence_of
from trunkctl.log.reading import Bucket, Folder, SingleFiles
from trunkctl.log.verify import Outcome, leaves_since, verify
from trunkctl.store_patience import Unreadable

from .whole import KEY, Whole

WHOLE = Whole(3, 256, 300)
OTHER = Whole(3, 256, 300)
LATER = datetime(2126, 1, 1, tzinfo=UTC)


class MemoryStore:
    """Versions of the log's files."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.put: dict[str, list[bytes | None]] = {name: [data] for name, data in files.items()}
        """By name, the oldest first; None = a delete marker."""
        self.read: list[str] = []
        """Files in the order in which they were read."""
        self.asked: list[str] = []
        """Files whose versions were asked for one by one."""
        self.unlocked: set[str] = set()
        self.broken: set[str] = set()
        self.until: dict[str, datetime] = {}
        """When the locks of some end."""
        self.at: dict[str, datetime] = {}
        """When some were put; all others in the same second."""
        self.removed: list[str] = []

    def all_versions(self, prefix: str = "") -> Iterator[tuple[str, Version]]:
        of = ((name, each) for name, each in sorted(self.put.items()) if name.startswith(prefix))
        return ((name, version) for name, each in of for version in self._versions(name, each))

    def versions_of(self, key: str) -> Sequence[Version]:
        self.asked.append(key)
        return self._versions(key, self.put.get(key, []))

    def held(self, key: str, version_id: str, *, with_data: bool = False) -> VersionContent | None:
        self.read.append(key)
        if key in self.broken:
            raise Unreadable("InternalError")
        data = self.put[key][int(version_id or -1)] if key in self.put else None
        if data is None:
            return None
        mode = "" if key in self.unlocked else COMPLIANCE
        return VersionContent(
            hashlib.sha256(data).hexdigest(), len(data), mode, self.until.get(key, LATER), data if with_data else b""
        )

    def _versions(self, name: str, each: list[bytes | None]) -> list[Version]:
        """The newest first, and with times in whole seconds, as stores list them: all of these in one second."""
        at = self.at.get(name, datetime(2026, 1, 1, tzinfo=UTC))
        return [
            Version(str(n), at, n == len(each) - 1, data is None, len(data or b""),
                    hashlib.md5(data or b"", usedforsecurity=False).hexdigest())
            for n, data in reversed([*enumerate(each)])
        ]  # fmt: skip


def checked(store: MemoryStore) -> list[Fault]:
    return verify(Bucket(store, lambda _: None), [KEY.verifier]).faults


def test_a_whole_log_with_every_former_checkpoint() -> None:
    store = MemoryStore(WHOLE.files)
    store.put[CHECKPOINT] = [WHOLE.files[batch_checkpoint(start)] for start in (0, 3, 256)]
    assert checked(store) == []


@pytest.mark.parametrize("name", ["tile/entries/000", "tile/0/001.p/44", batch_checkpoint(3), CHECKPOINT])
def test_a_delete_marker_is_named_and_hides_nothing(name: str) -> None:
    store = MemoryStore(WHOLE.files)
    store.put[name].append(None)
    assert checked(store) == [Fault(name, "hidden by a delete marker")]


@pytest.mark.parametrize("name", ["tile/entries/000", "tile/0/001.p/44", batch_checkpoint(3)])
def test_what_was_put_over_a_file_is_named_and_does_not_count(name: str) -> None:
    store = MemoryStore(WHOLE.files)
    store.put[name].append(OTHER.files[name])
    assert checked(store) == [Fault(name, "other bytes lie over it, as version 1")]


def test_another_history_among_the_former_checkpoints_is_named() -> None:
    store = MemoryStore(WHOLE.files)
    store.put[CHECKPOINT] = [OTHER.files[batch_checkpoint(3)], WHOLE.files[CHECKPOINT]]
    (fault,) = checked(store)
    assert fault.name == "checkpoint (version 0)"
    assert "another history" in fault.what


def test_what_is_not_locked_is_named_and_partial_tiles_need_no_lock() -> None:
    store = MemoryStore(WHOLE.files)
    store.unlocked = {"tile/0/000", "tile/0/001.p/44"}
    assert checked(store) == [Fault("tile/0/000", "not locked")]


def test_a_lock_that_ends_early_is_named() -> None:
    store = MemoryStore(WHOLE.files)
    store.until = dict.fromkeys(("tile/0/000", "tile/0/001.p/44"), datetime(2026, 2, 1, tzinfo=UTC))
    assert checked(store) == [Fault("tile/0/000", "locked until 2026-02-01 only")]


class GrowingStore(MemoryStore):
    """The log grew while its files were listed: the newest checkpoint was listed first, the tiles last."""

    def all_versions(self, prefix: str = "") -> Iterator[tuple[str, Version]]:
        listed = [(name, each) for name, each in super().all_versions(prefix) if name != batch_checkpoint(300)]
        self.put[CHECKPOINT].append(LONGER.files[CHECKPOINT])
        return iter(listed)


LONGER = Whole(3, 256, 300, 700)


def test_what_was_appended_while_the_files_were_listed_is_left_to_the_next_check() -> None:
    """It has tiles of a batch whose checkpoint it does not have, and a checkpoint that is newer than ``checkpoint``."""
    store = GrowingStore(LONGER.files)
    store.put[CHECKPOINT] = [LONGER.files[batch_checkpoint(3)]]
    assert checked(store) == []


def test_partial_tiles_that_are_removed_while_the_log_is_read_are_no_fault() -> None:
    """The files were listed when the log had 300 entries; then it grew, and partial tiles went for the full ones."""
    whole = Whole(3, 256, 260, 300)
    store = MemoryStore(whole.files)
    files, listed = Bucket(store, lambda _: None), whole.files[CHECKPOINT]
    whole.grow(512)
    store.put = {name: [data] for name, data in whole.files.items() if ".p/" not in name or "/1/" in name}
    store.put[CHECKPOINT].insert(0, listed)
    assert {"tile/0/001.p/44", "tile/entries/001.p/44", "tile/0/001.p/4"}.isdisjoint(store.put)
    outcome = verify(files, [KEY.verifier])
    assert (outcome.size, outcome.faults) == (300, [])
    tree = Tree(300, SingleFiles(store).read)
    assert evidence_of(whole.entries[299], 299, tree, whole.files[batch_checkpoint(260)]).check([KEY.verifier])


def test_the_leaves_that_the_log_has_got_since() -> None:
    files = Bucket(MemoryStore(LONGER.files), lambda _: None)
    leaves = [bytes.fromhex(each.leaf_hash()) for each in LONGER.entries]
    assert leaves_since(files, [KEY.verifier], 300) == set(leaves[300:])
    assert leaves_since(files, [KEY.verifier], 700) == set()
    broken = MemoryStore(LONGER.files | {"tile/0/002.p/188": b"x"})
    assert leaves_since(Bucket(broken, lambda _: None), [KEY.verifier], 300) == set()


@pytest.mark.parametrize("is_locked", [True, False])
def test_a_full_tile_that_the_listing_left_out_is_not_missing(is_locked: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """As SeaweedFS does where a page ends among the partial tiles of the same number."""
    store, name = MemoryStore(WHOLE.files), "tile/0/000"
    listed = [each for each in store.all_versions() if each[0] != name]
    monkeypatch.setattr(store, "all_versions", lambda: iter(listed))
    store.unlocked = set() if is_locked else {name}
    assert checked(store) == ([] if is_locked else [Fault(name, "not locked")])


def test_a_checkpoint_that_stays_behind_is_named() -> None:
    store = MemoryStore(WHOLE.files)
    store.put[CHECKPOINT] = [WHOLE.files[batch_checkpoint(3)]]
    assert checked(store) == [Fault(CHECKPOINT, "of size 256, and the log has 300: a newer one was hidden")]


def test_what_cannot_be_read_is_named() -> None:
    store = MemoryStore(WHOLE.files)
    store.broken = {"tile/entries/000"}
    assert set(checked(store)) == {
        Fault("tile/entries/000", "missing"),
        Fault("tile/entries/000", "cannot be read: InternalError"),
    }


@pytest.mark.parametrize("harm", ["", "broken", "gone"])
@pytest.mark.parametrize("name", ["tile/0/000", "tile/entries/000", "tile/0/000.p/40", batch_checkpoint(40)])
def test_however_many_partial_tiles_there_are_no_file_is_read_again_and_again(name: str, harm: str) -> None:
    """A file that the store does not give is asked for once: each time takes seconds."""
    store = MemoryStore(MANY.files)
    if harm == "broken":
        store.broken = {name}
    files = Bucket(store, lambda _: None)
    if harm == "gone":
        del store.put[name]
    faults = verify(files, [KEY.verifier]).faults
    assert bool(faults) is (harm != "" and (harm == "broken" or ".p/" not in name))
    assert max(store.read.count(each) for each in MANY.files) <= 2
    if harm == "broken":
        assert store.read.count(name) == 1


MANY = Whole(*range(2, 300, 2))


def test_a_removed_file_is_named() -> None:
    store = MemoryStore(WHOLE.files)
    del store.put["tile/0/000"]
    assert checked(store) == [Fault("tile/0/000", "missing")]


def test_a_copy_in_a_folder(tmp_path: Path) -> None:
    for name, data in WHOLE.files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    outcome: Outcome = verify(Folder(tmp_path), [KEY.verifier])
    assert (outcome.size, outcome.faults) == (300, [])


@pytest.mark.parametrize("index", [0, 4, 299])
def test_a_proof_needs_few_files_and_none_of_the_listing(index: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where other bytes lie over a file, and where it is hidden."""
    store = MemoryStore(WHOLE.files)
    monkeypatch.delattr(MemoryStore, "all_versions")
    store.put["tile/0/000"] += [OTHER.files["tile/0/000"], None]
    files = SingleFiles(store)
    note = files.read(CHECKPOINT) or b""
    tree = Tree(300, files.read)
    assert evidence_of(WHOLE.entries[index], index, tree, note).check([KEY.verifier]).size == 300
    assert len(store.asked) <= 3
    assert files.read("tile/0/009") is None
