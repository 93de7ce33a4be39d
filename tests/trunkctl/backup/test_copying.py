"""What a backup of the store does where it finds damage, an object that cannot be read, or a store that was lost."""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from urllib3.exceptions import IncompleteRead

from common.objects import ARCHIVE, CONTENT, LOG, PACKAGES, PARKED, content_ref, package_ref
from trunkctl import store_patience
from trunkctl.backup.copier import Copier
from trunkctl.backup.copies import UNLOCKED, erase, folder, originals
from trunkctl.backup.inventory import Inventory
from trunkctl.backup.store import Counts, Report, StoreBackup
from trunkctl.command_error import CommandError
from trunkctl.commands.backup import known_lost
from trunkctl.settings import ControlSettings
from trunkctl.store_patience import TRIES_AFTER_SECONDS

from .memory_store import AT, MemoryStore, refusal

BACKUP = "backup"
UNTIL = datetime.now(UTC) + timedelta(days=3650)


@pytest.fixture(autouse=True)
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    seconds: list[float] = []
    monkeypatch.setattr(store_patience.time, "sleep", seconds.append)
    return seconds


class Stores:
    """The trunk's store, and the second one."""

    def __init__(self) -> None:
        self.source, self.target = MemoryStore(), MemoryStore()

    def night(self, bucket: str, *lost: str) -> Report:
        """What a run does with one bucket. ``lost``: bucket and key of objects that were given up."""
        source: Any = self.source
        target: Any = self.target
        nobody: Any = None
        run, report = StoreBackup(source, target, BACKUP, nobody, lost=lost), Report("x", AT)
        with Inventory.of(run._names()) as there, ThreadPoolExecutor(2) as pool:
            run._copy_missing(bucket, there, pool, report)
        return report

    @property
    def copies(self) -> list[str]:
        return self.target.names(BACKUP)


@pytest.fixture
def stores() -> Stores:
    return Stores()


def package_key(data: bytes) -> str:
    return package_ref(hashlib.sha256(data).hexdigest(), len(data), "a" * 32).key


def content_key(data: bytes) -> str:
    return content_ref(hashlib.sha256(data).hexdigest(), len(data)).key


def test_an_original_that_was_damaged_since_leaves_its_sound_copy_alone(stores: Stores) -> None:
    key = package_key(b"the package")
    version = stores.source.put(PACKAGES, key, b"the package")
    stores.night(PACKAGES)
    (early,) = stores.copies
    assert early.endswith(UNLOCKED)
    stores.source.lock(PACKAGES, key, UNTIL)
    stores.source.objects[PACKAGES, key][version].data = b"THE PACKAGE"
    report = stores.night(PACKAGES)
    assert [fault.partition(", SHA")[0] for fault in report.faults] == [f"{PACKAGES}/{key} holds other bytes"]
    assert stores.copies == [early]
    assert stores.target.removed == []
    assert report.buckets[PACKAGES].copied == 0


def test_a_copy_that_reads_back_as_other_bytes_is_erased_and_no_other(stores: Stores) -> None:
    key = package_key(b"the package")
    stores.source.put(PACKAGES, key, b"the package")
    stores.night(PACKAGES)
    (early,) = stores.copies
    stores.source.lock(PACKAGES, key, UNTIL)
    of_before = stores.target.put(BACKUP, early.removesuffix(UNLOCKED), b"what a thief put there")
    put = stores.target.put

    def damaging(bucket: str, name: str, data: bytes, **headers: str) -> str:
        return put(bucket, name, data[:-1], **{each: said for each, said in headers.items() if "lock" not in each})

    stores.target.put = damaging  # type: ignore[method-assign]
    source: Any = stores.source
    target: Any = stores.target
    (original,) = (each for each in originals_of(source, PACKAGES))
    assert Copier(source, target, BACKUP).copied(original) == "reads back as other bytes"
    assert stores.copies == [early.removesuffix(UNLOCKED), early]
    assert list(stores.target.objects[BACKUP, early.removesuffix(UNLOCKED)]) == [of_before]


def originals_of(source: Any, bucket: str) -> Iterator[Any]:
    return originals(source, bucket)


def test_a_name_is_erased_without_those_that_begin_so(stores: Stores) -> None:
    target: Any = stores.target
    for name in ("a/1", f"a/1{UNLOCKED}", "a/12"):
        stores.target.put(BACKUP, name, b"x")
    assert erase(target, BACKUP, "a/1") == 1
    assert stores.copies == [f"a/1{UNLOCKED}", "a/12"]
    assert erase(target, BACKUP, "a/") == 2


@pytest.mark.parametrize("bucket", [CONTENT, ARCHIVE, LOG])
def test_an_object_that_is_listed_and_is_not_given_is_a_fault(stores: Stores, bucket: str) -> None:
    key = content_key(b"x") if bucket == CONTENT else "tile/0/000"
    stores.source.put(bucket, key, b"x")
    stores.source.failing[bucket, key] = refusal("NoSuchKey", bucket, key)
    report = stores.night(bucket) if bucket != LOG else night_of(stores, bucket, key)
    assert report.faults == [f"{bucket}/{key} is listed, and the store does not give it"]
    assert report.buckets[bucket].copied == 0


@pytest.mark.parametrize(
    ("bucket", "key", "fault"),
    [
        (CONTENT, "ab/cd", ""),
        (PACKAGES, "ab/cd", ""),
        (LOG, "tile/0/000.p/3", ""),
        (LOG, "tile/0/000", "is gone, and nothing may go from this bucket"),
        (LOG, "checkpoints/0000000000000000", "is gone, and nothing may go from this bucket"),
        (ARCHIVE, "d/p/record.json", "is gone, and nothing may go from this bucket"),
    ],
)
def test_what_went_since_it_was_listed_is_a_fault_where_nothing_may_go(
    stores: Stores, bucket: str, key: str, fault: str
) -> None:
    stores.source.put(bucket, key, b"x")
    report = night_of(stores, bucket, key, is_gone=True)
    assert report.faults == ([f"{bucket}/{key} {fault}"] if fault else [])
    assert (report.buckets[bucket].copied, report.buckets[bucket].objects) == (0, 1 if fault else 0)


def night_of(stores: Stores, bucket: str, key: str, *, is_gone: bool = False) -> Report:
    """A run that has listed one object; ``is_gone``: which then goes."""
    source: Any = stores.source
    target: Any = stores.target
    nobody: Any = None
    listed = list(originals_of(source, bucket))
    if is_gone:
        del stores.source.objects[bucket, key]
    run, report = StoreBackup(source, target, BACKUP, nobody), Report("x", AT)
    with Inventory.of(()) as there, ThreadPoolExecutor(1) as pool:
        run._copy_page(listed, there, pool, report)
    return report


@pytest.mark.parametrize(
    "failure",
    [refusal("InternalError", ARCHIVE, "a"), ConnectionResetError(), IncompleteRead(3, 5)],
    ids=["500", "cut", "short"],
)
def test_one_object_that_cannot_be_read_does_not_end_the_run(
    stores: Stores, failure: Exception, slept: list[float]
) -> None:
    for key in ("a", "b", "c"):
        stores.source.put(ARCHIVE, key, key.encode())
    stores.source.failing[ARCHIVE, "a"] = failure
    report = stores.night(ARCHIVE)
    assert [fault.partition(":")[0] for fault in report.faults] == [f"{ARCHIVE}/a cannot be copied"]
    assert (len(stores.copies), report.buckets[ARCHIVE].copied) == (2, 2)
    assert stores.source.asked.count("a") == len(TRIES_AFTER_SECONDS)
    assert sum(slept) == sum(TRIES_AFTER_SECONDS)


def test_what_was_given_up_keeps_no_run_from_being_complete(stores: Stores) -> None:
    for key in ("a", "a0"):
        stores.source.put(ARCHIVE, key, b"x")
        stores.source.failing[ARCHIVE, key] = refusal("InternalError", ARCHIVE, key)
    assert len(stores.night(ARCHIVE).faults) == 2
    report = stores.night(ARCHIVE, f"{ARCHIVE}/a")
    assert [fault.partition(" ")[0] for fault in report.faults] == [f"{ARCHIVE}/a0"]
    assert report.lost == [f"{ARCHIVE}/a"]


@pytest.mark.parametrize("damage", ["flipped", "not given"])
def test_a_damaged_version_that_was_put_back_is_no_fault_any_more(stores: Stores, damage: str) -> None:
    key = package_key(b"the package")
    version = stores.source.put(PACKAGES, key, b"the package")
    stores.source.objects[PACKAGES, key][version].data = b"THE PACKAGE"
    if damage == "not given":
        get_object = stores.source.get_object

        def get(bucket: str, name: str, version_id: str | None = None) -> Any:
            if version_id == version:
                raise refusal("InternalError", bucket, name)
            return get_object(bucket, name, version_id)

        stores.source.get_object = get  # type: ignore[method-assign]
    assert len(stores.night(PACKAGES).faults) == 1
    stores.source.put(PACKAGES, key, b"the package", **{"x-amz-meta-trunk-version": "another"})
    assert len(stores.night(PACKAGES).faults) == 1
    stores.source.put(PACKAGES, key, b"the package", **{"x-amz-meta-trunk-version": version})
    report = stores.night(PACKAGES)
    assert report.faults == []
    assert report.buckets[PACKAGES].objects == 2


@pytest.mark.parametrize("away", ["source", "target"])
def test_a_store_that_is_away_ends_the_run_with_a_sentence(
    stores: Stores, away: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stores.source.put(ARCHIVE, "a", b"a")
    store = getattr(stores, away)
    get_object = stores.source.get_object

    def get_and_go(*place: Any, **version: Any) -> Any:
        store.is_away = True
        if store is stores.source:
            raise ConnectionResetError
        return get_object(*place, **version)

    monkeypatch.setattr(stores.source, "get_object", get_and_go)
    with pytest.raises(CommandError, match=f"A store, asked for {ARCHIVE}/a, does not answer"):
        stores.night(ARCHIVE)


class Purges:
    """The database, with a secret package whose objects are on the list of purges."""

    def __init__(self, *keys: str) -> None:
        purge = [{"bucket": CONTENT, "key": key} for key in keys]
        self._tables = {"packages": [{"purge": purge}] if purge else [], "removals": []}

    def __getitem__(self, name: str) -> Any:
        database = {name: SimpleNamespace(find=lambda *_, rows=rows: rows) for name, rows in self._tables.items()}
        return database | {"backups": SimpleNamespace(find_one=lambda *_: None)}


@pytest.mark.parametrize(
    ("missing", "has_others", "removed"),
    [("", True, 1), ("", False, 1), (ARCHIVE, True, 0), (CONTENT, False, 0)],
    ids=["nothing is lost", "nothing else was there", "something of the archive is missing", "the bucket is empty"],
)
def test_no_copy_of_something_secret_goes_while_the_store_is_lost(
    stores: Stores, missing: str, has_others: bool, removed: int
) -> None:
    """Another package may have put the same bytes again: then their copy is not secret, and the only one."""
    key = content_key(b"x")
    stores.target.put(BACKUP, f"{folder(CONTENT, key)}1", b"x")
    if missing:
        stores.target.put(BACKUP, f"{folder(missing, 'd/p/record.json')}1", b"x")
    source: Any = stores.source
    target: Any = stores.target
    purges: Any = Purges(key)
    run, report = StoreBackup(source, target, BACKUP, purges), Report("x", AT)
    report.buckets[CONTENT] = Counts(objects=int(has_others))
    report.buckets[ARCHIVE] = Counts(objects=1)
    with Inventory.of(run._names()) as there:
        run._forget(there, report)
    assert report.buckets[CONTENT].removed == removed
    assert bool(stores.copies) is bool(missing)
    assert report.faults == ([FAULTS[missing]] if missing else [])


def test_what_was_given_up_is_named_by_option_or_setting() -> None:
    own = ControlSettings(backup_lost=(f"{ARCHIVE}/a",))
    assert known_lost(own, None) == {f"{ARCHIVE}/a"}
    assert known_lost(own, [f"{LOG}/tile/0/000"]) == {f"{LOG}/tile/0/000"}
    for place in (ARCHIVE, f"{ARCHIVE}/", "uploads/A.1/x", ""):
        with pytest.raises(CommandError, match="is no object of"):
            known_lost(own, [place])


def test_the_loss_of_an_object_that_was_given_up_holds_nothing_up(stores: Stores) -> None:
    key = content_key(b"x")
    stores.target.put(BACKUP, f"{folder(CONTENT, key)}1", b"x")
    for record in ("d/p/record.json", "d/q/record.json"):
        stores.target.put(BACKUP, f"{folder(ARCHIVE, record)}1", b"x")
    source: Any = stores.source
    target: Any = stores.target
    purges: Any = Purges(key)

    def night(*lost: str) -> list[str]:
        run, report = StoreBackup(source, target, BACKUP, purges, lost=lost), Report("x", AT)
        report.buckets[ARCHIVE] = report.buckets[CONTENT] = Counts(objects=1)
        with Inventory.of(run._names()) as there:
            run._forget(there, report)
        return report.faults

    assert night(f"{ARCHIVE}/d/p/record.json") == [FAULTS[ARCHIVE]]
    assert len(stores.copies) == 3
    assert night(f"{ARCHIVE}/d/p/record.json", f"{ARCHIVE}/d/q/record.json") == []
    assert len(stores.copies) == 2, "copies of what was given up stay"


FAULTS = {
    CONTENT: f"{CONTENT}: empty, and there are copies of it",
    ARCHIVE: f"{ARCHIVE}: copies of objects that the store does not have; nothing was removed",
}


class Restored(Stores):
    """Three buckets hold an object again each, as other versions than those of which there are copies."""

    def __init__(self) -> None:
        super().__init__()
        self.keys = {CONTENT: content_key(b"x"), ARCHIVE: "d/p/record.json", PARKED: "p1"}
        for bucket, key in self.keys.items():
            self.source.put(bucket, key, b"x")
            self.night(bucket)
        (self.parked,) = (name for name in self.copies if name.startswith(folder(PARKED, self.keys[PARKED])))
        for bucket, key in self.keys.items():
            self.source.objects.pop((bucket, key))
            self.source.put(bucket, key, b"x")

    def run(self, *secret: str) -> Report:
        """Of all three buckets."""
        source: Any = self.source
        target: Any = self.target
        purges: Any = Purges(*secret)
        run, report = StoreBackup(source, target, BACKUP, purges), Report("x", AT)
        with Inventory.of(run._names()) as there, ThreadPoolExecutor(2) as pool:
            for bucket in self.keys:
                run._copy_missing(bucket, there, pool, report)
            run._forget(there, report)
        return report


def test_after_a_restore_copies_are_removed_as_before() -> None:
    """Copies of the first versions stay; of the archive nobody can remove them."""
    stores = Restored()
    first = stores.run()
    assert first.faults == []
    key = stores.keys[CONTENT]
    assert len([name for name in stores.copies if name.startswith(folder(CONTENT, key))]) == 2
    del stores.source.objects[CONTENT, key]
    stores.source.put(CONTENT, content_key(b"y"), b"y")
    report = stores.run(key)
    assert report.faults == []
    assert report.buckets[CONTENT].removed == 2
    assert not [name for name in stores.copies if name.startswith(folder(CONTENT, key))]


def test_a_restored_object_that_cannot_be_copied_keeps_its_earlier_copy() -> None:
    stores = Restored()
    key = stores.keys[PARKED]
    stores.source.failing[PARKED, key] = refusal("InternalError", PARKED, key)
    report = stores.run()
    assert [fault.partition(":")[0] for fault in report.faults] == [f"{PARKED}/{key} cannot be copied"]
    assert stores.parked in stores.copies


def test_what_the_archive_has_lost_since_a_restore_is_a_fault() -> None:
    stores = Restored()
    stores.source.put(ARCHIVE, "d/q/record.json", b"y")
    assert stores.run().faults == []
    del stores.source.objects[ARCHIVE, stores.keys[ARCHIVE]]
    before = stores.copies
    assert stores.run(stores.keys[CONTENT]).faults == [FAULTS[ARCHIVE]]
    assert stores.copies == before


def test_an_object_is_lost_when_none_of_its_copies_was_seen() -> None:
    with Inventory.of(["a/x/1", "a/x/2", "a/xy/1", "b/x/1"]) as there:
        there.see("a/x/2")
        assert there.has_lost("a/")
        there.see("a/xy/1")
        assert not there.has_lost("a/")
        assert there.has_lost("b/")
        there.see_below(["b/x/"])
        assert not there.has_lost("b/")
