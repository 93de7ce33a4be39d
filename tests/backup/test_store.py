"""Copies of objects on real stores: each version once, verified, found by the archive's check; secrets do not stay.

The tests of this module go on from each other's objects: what lies in the archive is locked.
"""

import asyncio
import hashlib
import io
import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import urllib3
from minio import Minio
from minio.commonconfig import COMPLIANCE
from minio.retention import Retention

from archive.handlers import Archive
from archive.ledger import Ledger
from archive.record import Record
from archive.retention import read_table
from archive.store import Progress, Records
from common.buckets import make_missing
from common.database import Database
from common.objects import ARCHIVE, CONTENT, DIRECTORY, LOG, PACKAGES, PARKED, Objects, package_ref
from common.store_access import Role
from common.tlog.names import CHECKPOINT
from devstack.servers import Addresses
from tests.archive.conftest import Material
from tests.stores.conftest import settings as role_settings
from tests.stores.test_archive_check import Quiet
from trunkctl import store_patience
from trunkctl.archive_check import faults_of
from trunkctl.archive_store import ArchiveStore
from trunkctl.backup.copies import UNLOCKED, Damaged, Original, erase, folder, originals, read, write
from trunkctl.backup.second_store import STORE, second_store, shelf
from trunkctl.backup.store import Report, StoreBackup
from trunkctl.command_error import CommandError
from trunkctl.restore.copies import without_early
from trunkctl.restore.one_object import ObjectRestore
from trunkctl.restore.store import StoreRestore
from trunkctl.settings import ControlSettings

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def target(settings: ControlSettings) -> Minio:
    return second_store(settings)


@pytest.fixture
def run(settings: ControlSettings, target: Minio, reader: Any) -> Any:
    """Runs a backup with the keys of the job."""

    shelf(settings, "").remove("trunk")

    def once() -> Report:
        backup = StoreBackup(Objects(settings).client, target, settings.backup_bucket, reader)
        return backup.run(shelf(settings, ""))

    return once


@pytest.fixture
async def archived_record(addresses: Addresses) -> AsyncIterator[Record]:
    """A record of the archive, made by the services' own keys."""
    own = Database(role_settings(addresses, Role.ARCHIVE), "archive")
    objects = Objects(role_settings(addresses, Role.ARCHIVE))
    records = Records(own)
    archive = Archive(Ledger(own), records, Progress(own), objects, Quiet(), read_table())
    what = await Material().store(Objects(role_settings(addresses, Role.INTAKE)))
    await archive.take(what.verified())
    saved = await records.load(what.package_id)
    assert saved
    yield saved
    own.client.close()


def put(client: Minio, bucket: str, key: str, data: bytes) -> str:
    return str(client.put_object(bucket, key, io.BytesIO(data), len(data)).version_id)


def content(client: Minio, data: bytes, bucket: str = CONTENT) -> str:
    sha256 = hashlib.sha256(data).hexdigest()
    put(client, bucket, f"{sha256[:2]}/{sha256}", data)
    return f"{sha256[:2]}/{sha256}"


def copies_of(target: Minio, settings: ControlSettings, bucket: str, key: str) -> list[str]:
    listed = target.list_objects(settings.backup_bucket, prefix=folder(bucket, key), recursive=True)
    return [each.object_name or "" for each in listed]


async def test_every_version_is_copied_once_and_stays_locked(
    run: Any, archived_record: Record, target: Minio, settings: ControlSettings, administrator: Minio
) -> None:
    report = run()
    assert not report.faults
    for each in archived_record.objects:
        (name,) = copies_of(target, settings, ARCHIVE, each.key)
        assert name.endswith(str(each.version_id))
        lock = target.get_object_retention(settings.backup_bucket, name)
        assert lock
        assert lock.mode == COMPLIANCE
        assert lock.retain_until_date >= archived_record.retain_until.replace(microsecond=0)
    again = run()
    assert sum(counts.copied for counts in again.buckets.values()) == 0
    assert again.objects == report.objects
    put(administrator, ARCHIVE, archived_record.objects[0].key, b"laid over it")
    assert run().buckets[ARCHIVE].copied == 1
    assert len(copies_of(target, settings, ARCHIVE, archived_record.objects[0].key)) == 2


def test_a_hidden_version_is_copied_all_the_same(
    run: Any, target: Minio, settings: ControlSettings, administrator: Minio
) -> None:
    key = f"hidden/{datetime.now(UTC).timestamp()}"
    put(administrator, ARCHIVE, key, b"hidden")
    administrator.remove_object(ARCHIVE, key)
    run()
    assert len(copies_of(target, settings, ARCHIVE, key)) == 1


def test_a_package_that_is_locked_after_it_was_copied_gets_a_copy_under_lock(
    run: Any, target: Minio, settings: ControlSettings, administrator: Minio
) -> None:
    data = secrets.token_bytes(100)
    key = package_ref(hashlib.sha256(data).hexdigest(), len(data), secrets.token_hex(16)).key
    version_id = put(administrator, PACKAGES, key, data)
    assert not run().faults
    (early,) = copies_of(target, settings, PACKAGES, key)
    assert early.endswith(f"{version_id}{UNLOCKED}")
    assert run().buckets[PACKAGES].copied == 0
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=2)
    administrator.set_object_retention(PACKAGES, key, Retention(COMPLIANCE, until), version_id=version_id)
    assert run().buckets[PACKAGES].copied == 1
    copies = copies_of(target, settings, PACKAGES, key)
    (locked,) = set(copies) - {early}
    lock = target.get_object_retention(settings.backup_bucket, locked)
    assert lock
    assert (lock.mode, lock.retain_until_date) == (COMPLIANCE, until)
    assert list(without_early({name: [None] for name in copies})) == [locked]
    assert run().buckets[PACKAGES].copied == 0


def test_a_large_object(run: Any, target: Minio, settings: ControlSettings, administrator: Minio) -> None:
    data = bytes(range(256)) * (48 * 1024)
    key = content(administrator, data)
    run()
    (name,) = copies_of(target, settings, CONTENT, key)
    with target.get_object(settings.backup_bucket, name) as answer:
        assert answer.read() == data


def test_an_altered_object_is_named_and_not_copied(
    run: Any, target: Minio, settings: ControlSettings, administrator: Minio
) -> None:
    sound, key = content(administrator, b"sound"), f"00/{'0' * 64}"
    put(administrator, CONTENT, key, b"other bytes")
    manifests = shelf(settings, STORE).names()
    try:
        report = run()
        assert [fault.partition(", SHA")[0] for fault in report.faults] == [f"{CONTENT}/{key} holds other bytes"]
        assert copies_of(target, settings, CONTENT, key) == []
        assert copies_of(target, settings, CONTENT, sound)
        assert shelf(settings, STORE).names() == manifests, "it is no complete backup"
    finally:
        erase(administrator, CONTENT, key)


def test_an_interrupted_run_is_gone_on_with(
    run: Any, target: Minio, settings: ControlSettings, administrator: Minio, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [content(administrator, f"interrupted {n}".encode()) for n in range(5)]
    put_object, attempts = target.put_object, iter(range(2))

    def away(*_: Any, **__: Any) -> Any:
        raise OSError("connection lost")

    with monkeypatch.context() as patch:

        def dying(*arguments: Any, **more: Any) -> Any:
            if next(attempts, None) is None:
                patch.setattr(target, "list_objects", away)
                away()
            return put_object(*arguments, **more)

        patch.setattr(target, "put_object", dying)
        patch.setattr(store_patience, "TRIES_AFTER_SECONDS", (0.0,))
        with pytest.raises(CommandError, match="does not answer"):
            run()
    assert run().buckets[CONTENT].copied == 3
    assert [len(copies_of(target, settings, CONTENT, key)) for key in keys] == [1] * 5


def test_what_is_found_secret_is_removed_from_the_copies(
    run: Any, database: Any, target: Minio, settings: ControlSettings, administrator: Minio
) -> None:
    gone, shared = content(administrator, b"secret"), content(administrator, b"put back by the validator")
    run()
    refs = [{"bucket": CONTENT, "key": key} for key in (gone, shared)] + [{"bucket": "uploads", "key": "u/1"}]
    packages = database["trunk_intake"]["packages"]
    packages.insert_many([{"_id": "secret", "purge": refs}, {"_id": "other", "purge": []}, {"_id": "older"}])
    assert run().buckets[CONTENT].removed == 0, "intake has not deleted it yet"
    erase(administrator, CONTENT, gone)
    assert run().buckets[CONTENT].removed > 0
    whole = list(target.list_objects(settings.backup_bucket, prefix=folder(CONTENT, gone), include_version=True))
    assert whole == []
    assert copies_of(target, settings, CONTENT, shared)


def test_copies_of_what_came_to_its_end_go_once_it_is_gone(
    run: Any, target: Minio, settings: ControlSettings, administrator: Minio, database: Any
) -> None:
    keys = [content(administrator, name.encode(), PACKAGES) for name in ("removed", "being removed", "kept")]
    run()
    at, removals = datetime.now(UTC), database["trunk_intake"]["removals"]
    rows = [(keys[0], at), (keys[1], None)]
    removals.insert_many([{"_id": key, "bucket": PACKAGES, "key": key, "removed_at": done} for key, done in rows])
    assert run().buckets[PACKAGES].removed == 0, "intake has not deleted it yet"
    for key in keys[:2]:
        erase(administrator, PACKAGES, key)
    run()
    assert [bool(copies_of(target, settings, PACKAGES, key)) for key in keys] == [False, True, True]


def test_nothing_else_that_vanishes_is_removed(
    run: Any, target: Minio, settings: ControlSettings, administrator: Minio
) -> None:
    key = content(administrator, b"deleted by somebody with stolen keys")
    run()
    erase(administrator, CONTENT, key)
    assert run().buckets[CONTENT].removed == 0
    assert copies_of(target, settings, CONTENT, key)


def test_parked_bodies_are_copied_for_as_long_as_they_are_kept(
    run: Any, target: Minio, settings: ControlSettings, administrator: Minio
) -> None:
    put(administrator, PARKED, "router/1", b"parked")
    run()
    assert copies_of(target, settings, PARKED, "router/1")
    administrator.remove_object(PARKED, "router/1")
    assert run().buckets[PARKED].removed == 1
    assert copies_of(target, settings, PARKED, "router/1") == []


def test_a_store_that_was_lost_takes_no_copy_along(
    run: Any, target: Minio, settings: ControlSettings, administrator: Minio
) -> None:
    """The job goes on while the store is empty, or while it is being restored."""
    put(administrator, PARKED, "router/2", b"the only copy")
    run()
    administrator.remove_object(PARKED, "router/2")
    of_the_archive = f"{folder(ARCHIVE, 'not restored yet')}1"
    put(target, settings.backup_bucket, of_the_archive, b"x")
    assert run().buckets[PARKED].removed == 0
    assert copies_of(target, settings, PARKED, "router/2")
    erase(target, settings.backup_bucket, of_the_archive)
    assert run().buckets[PARKED].removed == 1


def test_an_empty_store_is_no_complete_backup(
    run: Any, reader: Any, target: Minio, settings: ControlSettings, administrator: Minio, other: Minio
) -> None:
    content(administrator, b"anything")
    put(administrator, PACKAGES, package_ref(hashlib.sha256(b"anything").hexdigest(), 8, "1" * 64).key, b"anything")
    assert not run().faults
    make_missing(other)
    report = StoreBackup(other, target, settings.backup_bucket, reader).run(shelf(settings, ""))
    assert set(report.faults) == {
        f"{bucket}: empty, and there are copies of it" for bucket in (CONTENT, PACKAGES, ARCHIVE)
    }


def test_a_file_that_is_put_back_is_the_newest() -> None:
    """A unit is disabled, enabled, and disabled again: the list of the disabled is the first one once more."""
    at = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
    puts = [
        Original(DIRECTORY, "access", None, etag, 1, at + timedelta(hours=hours))
        for hours, etag in enumerate(("disabled", "nobody", "disabled"))
    ]
    assert len({each.copy_name for each in puts}) == 3
    assert max(puts, key=lambda each: each.order) is puts[-1]


def test_a_store_that_locks_nothing_is_named(
    settings: ControlSettings, administrator: Minio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some answer that they have put an object under lock, and have not."""
    key, until = f"lock/{datetime.now(UTC).timestamp()}", datetime.now(UTC) + timedelta(seconds=60)
    administrator.put_object(ARCHIVE, key, io.BytesIO(b"x"), 1, retention=Retention(COMPLIANCE, until))
    put_object = administrator.put_object
    monkeypatch.setattr(administrator, "put_object", lambda *a, retention, **more: put_object(*a, **more))
    with read(administrator, ARCHIVE, key) as stored:
        assert stored
        with pytest.raises(Damaged, match="is not locked"):
            write(administrator, ARCHIVE, f"{key}/copy", stored, "")


def test_what_is_read_back_is_not_kept(administrator: Minio) -> None:
    """Eight of the largest objects at a time fit into the memory of the job, not twice."""
    key = content(administrator, b"a large object")
    with read(administrator, CONTENT, key, with_bytes=False) as stored:
        assert stored
        assert (stored.size_bytes, stored.file.read()) == (14, b"")
        assert stored.sha256 == key.rpartition("/")[2]


def test_without_a_second_store(settings: ControlSettings) -> None:
    with pytest.raises(CommandError, match="TRUNK_BACKUP_S3_ENDPOINT"):
        second_store(settings.model_copy(update={"backup_s3_endpoint": ""}))


# Restored


async def test_a_restored_store_is_the_same_for_everybody(
    run: Any, archived_record: Record, target: Minio, settings: ControlSettings, administrator: Minio, other: Minio
) -> None:
    await asyncio.to_thread(make_versions, administrator)
    assert not run().faults
    with pytest.raises(CommandError, match="no manifest"):
        StoreRestore(target, settings.backup_bucket, other).run(shelf(settings, "nothing/"))
    counts, faults = StoreRestore(target, settings.backup_bucket, other).run(shelf(settings, ""))
    assert faults == []
    assert faults_of(archived_record, ArchiveStore(other)) == []
    assert bytes_of(other, ARCHIVE) == bytes_of(administrator, ARCHIVE)
    assert bytes_of(administrator, CONTENT) <= bytes_of(other, CONTENT), "what was deleted without a purge comes back"
    assert bytes_of(other, DIRECTORY) == bytes_of(administrator, DIRECTORY)
    with other.get_object(DIRECTORY, "current") as answer:
        assert answer.read() == b"newest"
    with other.get_object(ARCHIVE, "three/versions") as answer:
        assert answer.read() == b"third"
    assert counts[ARCHIVE].objects > 4

    with pytest.raises(CommandError, match="is not empty"):
        StoreRestore(target, settings.backup_bucket, other).run(shelf(settings, ""))
    before = versions(other)
    StoreRestore(target, settings.backup_bucket, other, resume=True).run(shelf(settings, ""))
    assert versions(other) == before, "nothing is put twice"
    lost = next(each for each in originals(other, CONTENT))
    other.remove_object(CONTENT, lost.key, version_id=lost.version_id)
    StoreRestore(target, settings.backup_bucket, other, resume=True).run(shelf(settings, ""))
    assert lost.key in {each.key for each in originals(other, CONTENT)}


async def test_damage_and_loss_at_the_second_store_are_named(
    run: Any, target: Minio, settings: ControlSettings, administrator: Minio, other: Minio
) -> None:
    damaged, lost = content(administrator, b"will be damaged"), content(administrator, b"will be lost")
    run()
    (name,) = copies_of(target, settings, CONTENT, damaged)
    erase(target, settings.backup_bucket, name)
    metadata = {"trunk-sha256": hashlib.sha256(b"will be damaged").hexdigest()}
    target.put_object(settings.backup_bucket, name, io.BytesIO(b"x"), 1, metadata=metadata)
    assert erase(target, settings.backup_bucket, folder(CONTENT, lost)) == 1
    before = versions(other)
    _, faults = StoreRestore(target, settings.backup_bucket, other, resume=True).run(shelf(settings, ""))
    assert any(fault == f"{CONTENT}/{damaged} is damaged at the second store" for fault in faults)
    assert damaged not in {each.key for each in originals(other, CONTENT)}
    assert len(versions(other)) >= len(before)
    erase(target, settings.backup_bucket, folder(CONTENT, damaged))
    _, faults = StoreRestore(target, settings.backup_bucket, other, resume=True).run(shelf(settings, ""))
    assert [fault.split()[0] for fault in faults] in ([], [f"{CONTENT}:"])


def test_what_a_thief_hid_or_laid_other_bytes_over_comes_back(
    run: Any, target: Minio, settings: ControlSettings, administrator: Minio, other: Minio
) -> None:
    """The keys of the job can do both, also to copies under lock, which they cannot delete."""
    hidden, covered = content(administrator, b"will be hidden"), content(administrator, b"will be covered")
    put(administrator, ARCHIVE, "no/digest/in/the/key", b"true")
    run()
    (name,) = copies_of(target, settings, ARCHIVE, "no/digest/in/the/key")
    metadata = {"trunk-sha256": hashlib.sha256(b"forged").hexdigest(), "trunk-version": "1"}
    target.put_object(settings.backup_bucket, name, io.BytesIO(b"forged"), 6, metadata=metadata)
    for key in (hidden, covered):
        (name,) = copies_of(target, settings, CONTENT, key)
        if key == hidden:
            target.remove_object(settings.backup_bucket, name)
        else:
            put(target, settings.backup_bucket, name, b"rubbish")
    StoreRestore(target, settings.backup_bucket, other, resume=True).run(shelf(settings, ""))
    for key in (hidden, covered):
        with other.get_object(CONTENT, key) as answer:
            assert hashlib.sha256(answer.read()).hexdigest() == key.rpartition("/")[2]
    with other.get_object(ARCHIVE, "no/digest/in/the/key") as answer:
        assert answer.read() == b"true"


def test_a_store_in_use_is_not_filled_from_copies(
    run: Any, target: Minio, settings: ControlSettings, administrator: Minio
) -> None:
    put(administrator, DIRECTORY, "0", b"of today")
    run()
    before = versions(administrator), bytes_of(administrator, DIRECTORY)
    with pytest.raises(CommandError, match="was put there by no restore"):
        StoreRestore(target, settings.backup_bucket, administrator, resume=True).run(shelf(settings, ""))
    assert (versions(administrator), bytes_of(administrator, DIRECTORY)) == before


def test_an_object_of_a_store_in_use_is_put_back(
    run: Any, reader: Any, target: Minio, settings: ControlSettings, administrator: Minio
) -> None:
    """The job goes on meanwhile: the loss is a fault until it is mended or given up."""
    key = f"lost/{secrets.token_hex(8)}"
    put(administrator, ARCHIVE, f"{key}-other", b"so that the bucket is not empty")
    former = put(administrator, ARCHIVE, key, b"record")
    assert not run().faults
    administrator.remove_object(ARCHIVE, key, version_id=former)
    assert [fault for fault in run().faults if "does not have" in fault]
    known = StoreBackup(
        Objects(settings).client, target, settings.backup_bucket, reader, lost={f"{ARCHIVE}/{key}"}
    ).run(shelf(settings, ""))
    assert known.faults == []

    one = ObjectRestore(target, settings.backup_bucket, administrator, reader)
    (version,) = one.run(f"{ARCHIVE}/{key}")
    with read(administrator, ARCHIVE, key, version) as restored:
        assert restored
        assert (restored.file.read(), restored.version) == (b"record", former)
    assert one.run(f"{ARCHIVE}/{key}") == []
    assert run().faults == []


async def test_the_archive_is_sound_again_once_a_damaged_object_was_put_back(
    run: Any, archived_record: Record, reader: Any, target: Minio, settings: ControlSettings, administrator: Minio
) -> None:
    """A version under lock cannot be removed, so a store that alters it stands between it and whoever reads it."""
    assert not run().faults
    damaged = archived_record.objects[0]
    store = Damaging(administrator, str(damaged.version_id))
    (fault,) = faults_of(archived_record, ArchiveStore(store))  # type: ignore[arg-type]
    assert fault.what.startswith("other bytes")
    place = f"{damaged.bucket or ARCHIVE}/{damaged.key}"
    assert len(ObjectRestore(target, settings.backup_bucket, store, reader).run(place)) == 1  # type: ignore[arg-type]
    assert faults_of(archived_record, ArchiveStore(store)) == []  # type: ignore[arg-type]


class Damaging:
    """A real store that gives another last byte of one version."""

    def __init__(self, client: Minio, version_id: str) -> None:
        self._client, self._version_id = client, version_id

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def get_object(self, bucket: str, key: str, *, version_id: str | None = None, **more: Any) -> Any:
        answer = self._client.get_object(bucket, key, version_id=version_id, **more)
        if version_id != self._version_id:
            return answer
        with answer:
            data = answer.read()
        return urllib3.HTTPResponse(
            io.BytesIO(data[:-1] + bytes([data[-1] ^ 1])), headers=answer.headers, preload_content=False
        )


def test_a_manifest_of_the_store_that_was_altered_is_refused(
    target: Minio, settings: ControlSettings, other: Minio
) -> None:
    place = shelf(settings, "")
    place.put("store/29990101T000000Z.json", [b"{"])
    try:
        with pytest.raises(CommandError, match="is no manifest"):
            StoreRestore(target, settings.backup_bucket, other, resume=True).run(place)
    finally:
        place.remove("store/29990101T000000Z.json")


def test_copies_of_partial_tiles_go_with_them_once_the_full_one_was_copied(
    run: Any, target: Minio, settings: ControlSettings, administrator: Minio
) -> None:
    put(administrator, LOG, CHECKPOINT, b"log.example/trunk\n600\n")
    names = ("tile/0/000", "tile/0/000.p/3", "tile/0/001.p/44")
    tiles = {name: put(administrator, LOG, name, b"x") for name in names}
    run()
    assert [len(copies_of(target, settings, LOG, name)) for name in names] == [1, 1, 1]
    for name in names[1:]:
        administrator.remove_object(LOG, name, version_id=tiles[name])
    assert run().buckets[LOG].removed == 1
    assert [len(copies_of(target, settings, LOG, name)) for name in names] == [1, 0, 1]
    assert run().buckets[LOG].removed == 0


def make_versions(administrator: Minio) -> None:
    """Several versions in a bucket with versions, and changes in one without."""
    for data in (b"first", b"second", b"third"):
        put(administrator, ARCHIVE, "three/versions", data)
    for data in (b"older", b"newest"):
        put(administrator, DIRECTORY, "current", data)


def bytes_of(client: Minio, bucket: str) -> set[tuple[str, str]]:
    """Key and digest of every version."""
    contents = set()
    for each in originals(client, bucket):
        with client.get_object(bucket, each.key, version_id=each.version_id) as answer:
            contents.add((each.key, hashlib.sha256(answer.read()).hexdigest()))
    return contents


def versions(client: Minio) -> set[tuple[str, str, str | None]]:
    return {(bucket, each.key, each.version_id) for bucket in (CONTENT, ARCHIVE) for each in originals(client, bucket)}
