"""Backup and restore of databases on a real server: everything comes back, and nothing half or altered is restored."""

import asyncio
import json
import os
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import bson
import pytest
from minio import Minio
from pymongo import ReadPreference
from pymongo.read_concern import ReadConcern

from archive.ledger import Ledger
from archive.progress import Mark
from common.database import Database
from common.facts.flows import SERVICES
from common.indexes import BACKUPS, database_name
from common.store_access import Role
from devstack.servers import Addresses
from router.route import DocumentState
from tests.archive.test_ledger import fact
from tests.stores.conftest import settings as role_settings
from trunkctl.backup import freshness
from trunkctl.backup.database import back_up, complete, forget_old, open_backup, source_of
from trunkctl.backup.manifest import CollectionFile, Manifest, read_manifest
from trunkctl.backup.order import ORDER
from trunkctl.backup.second_store import DATABASE, shelf
from trunkctl.backup.shelf import Folder, Shelf
from trunkctl.command_error import CommandError
from trunkctl.restore.database import restore
from trunkctl.restore.marks import is_unfinished
from trunkctl.restore.rows import unfinished_restore
from trunkctl.settings import ControlSettings

from .conftest import empty

AT = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
ROWS = 1_203


def quiet(_: str) -> None:
    pass


def fill(database: Any) -> None:
    """Rows of every kind of value, in every collection."""
    for service in SERVICES:
        for collection in ORDER[service]:
            rows = [{"_id": f"{collection}/{n:05}", "at": AT, "bytes": os.urandom(9), "n": n} for n in range(3)]
            database[database_name(service)][collection].insert_many(rows)
    many = [{"_id": f"p{n:05}", "is_open": n % 2 == 0, "inner": {"list": [n, None, 1.5]}} for n in range(ROWS)]
    database[database_name("validator")]["verdicts"].insert_many(many)


def whole(database: Any) -> dict[str, list[bytes]]:
    """Every row as its bytes, by collection; the rows about backups are left out."""
    return {
        f"{service}.{collection}": [
            bson.encode(row) for row in database[database_name(service)][collection].find().sort("_id", 1)
        ]
        for service in SERVICES
        for collection in ORDER[service]
        if collection != BACKUPS
    }


@pytest.fixture(params=["folder", "second store"])
def place(request: pytest.FixtureRequest, tmp_path: Path, settings: ControlSettings, administrator: Minio) -> Shelf:
    if request.param == "folder":
        return Folder(tmp_path)
    databases = shelf(settings, DATABASE)
    for name in databases.names():
        databases.remove(name)
    return databases


def test_every_row_comes_back(database: Any, reader: Any, place: Shelf) -> None:
    fill(database)
    before = whole(database)
    backup = back_up(reader, place, quiet)
    empty(database)
    assert restore(database, place, open_backup(place), quiet)
    assert whole(database) == before
    assert backup.rows == sum(map(len, before.values())) + 4, "three rows about backups, and whose they are"
    note = freshness.restored(database)
    assert note is not None
    assert note["name"] == backup.name


def test_collections_are_copied_in_the_order_that_can_be_restored(database: Any, reader: Any, tmp_path: Path) -> None:
    fill(database)
    database[database_name("router")]["of_a_later_release"].insert_one({"_id": 1})
    backup = back_up(reader, Folder(tmp_path), quiet)
    copied = [file.place for file in backup.files]
    wanted = [f"{database_name(service)}.{name}" for service in ORDER for name in ORDER[service]]
    assert [place for place in copied if "later" not in place] == wanted
    assert copied.index("trunk_router.of_a_later_release") < copied.index("trunk_router.message_records")


def test_the_newest_complete_backup_is_chosen(database: Any, reader: Any, place: Shelf) -> None:
    fill(database)
    names = [back_up(reader, place, quiet, lambda at=at: AT + timedelta(hours=at)).name for at in (2, 0, 1)]
    place.put("20991231T000000Z/trunk_intake/claims.bson.gz", [b"unfinished"])
    assert complete(place) == sorted(names)
    assert open_backup(place).name == names[0]
    assert open_backup(place, names[1]).name == names[1]
    with pytest.raises(CommandError, match="not finished"):
        open_backup(place, "20991231T000000Z")
    with pytest.raises(CommandError, match="does not exist"):
        open_backup(place, "20991230T000000Z")


def test_old_backups_are_removed_and_never_the_newest(database: Any, reader: Any, place: Shelf) -> None:
    fill(database)
    names = [back_up(reader, place, quiet, lambda at=at: AT + timedelta(hours=at)).name for at in range(4)]
    place.put("20200101T000000Z/trunk_intake/claims.bson.gz", [b"unfinished"])
    assert forget_old(place, 2) == ["20200101T000000Z", *names[:2]]
    assert {name.partition("/")[0] for name in place.names()} == {*names[2:], "trunk"}
    assert forget_old(place, 2) == []
    assert open_backup(place).name == names[3]


def test_what_else_lies_in_the_folder_is_no_backup_and_stays(tmp_path: Path) -> None:
    place = Folder(tmp_path)
    others = ["1999 photos/one.jpg", ".ssh/id", "0/manifest.json", "zzz/manifest.json", "notes", "trunk"]
    backups = [f"202611{day}T000000Z/manifest.json" for day in (20, 21, 22)]
    for name in (*others, *backups):
        place.put(name, [b"x"])
    assert complete(place) == [name.partition("/")[0] for name in backups]
    assert forget_old(place, 1) == ["20261120T000000Z", "20261121T000000Z"]
    assert place.names() == sorted([*others, backups[-1]])


def test_rows_are_read_where_none_is_missing_and_none_is_taken_back(reader: Any) -> None:
    source = source_of(reader, "trunk_intake", "packages")
    assert source.read_preference == ReadPreference.PRIMARY
    assert source.read_concern == ReadConcern("majority")


def test_a_trunk_that_has_lost_its_databases_leaves_no_backup(database: Any, reader: Any, place: Shelf) -> None:
    """Its job goes on every six hours. The newest backup stays the newest, and the databases empty for the restore."""
    fill(database)
    backup = back_up(reader, place, quiet, lambda: AT)
    empty(database)
    with pytest.raises(CommandError, match="of another trunk, or of this one before it lost its databases"):
        back_up(reader, place, quiet)
    assert complete(place) == [backup.name]
    restore(database, place, open_backup(place), quiet)
    assert back_up(reader, place, quiet).rows == backup.rows + 1
    database["trunk_archive"]["backups"].update_one({"_id": "trunk"}, {"$set": {"id": "of another city"}})
    with pytest.raises(CommandError, match="of another trunk"):
        back_up(reader, place, quiet)


def test_a_restore_that_was_interrupted_is_known_for_one(database: Any, reader: Any, tmp_path: Path) -> None:
    fill(database)
    place = Folder(tmp_path)
    backup = back_up(reader, place, quiet)
    empty(database)

    def dies(line: str) -> None:
        if line.startswith("trunk_router.inboxes"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        restore(database, place, backup, dies)
    assert list(unfinished_restore(reader)) == [
        f"the restore of backup {backup.name} was not finished: empty the databases and begin again"
    ]
    with pytest.raises(CommandError, match="was not finished"):
        back_up(reader, place, quiet)
    with pytest.raises(CommandError, match="is not empty"):
        restore(database, place, backup, quiet)
    empty(database)
    restore(database, place, backup, quiet)
    assert list(unfinished_restore(reader)) == []


def altered(data: bytes) -> bytes:
    return data[:40] + bytes([data[40] ^ 1]) + data[41:]


@pytest.mark.parametrize("change", [altered, lambda data: data[:-1], lambda data: data + b"x", lambda _: b""])
def test_an_altered_backup_restores_nothing(
    database: Any, reader: Any, place: Shelf, change: Callable[[bytes], bytes]
) -> None:
    fill(database)
    backup = back_up(reader, place, quiet)
    name = f"{backup.name}/trunk_validator/verdicts.bson.gz"
    place.put(name, [change(b"".join(place.get(name)))])
    empty(database)
    with pytest.raises(CommandError, match=r"verdicts\.bson\.gz was altered"):
        restore(database, place, open_backup(place), quiet)
    assert not any(whole(database).values())


def test_a_missing_file_restores_nothing(database: Any, reader: Any, place: Shelf) -> None:
    fill(database)
    backup = back_up(reader, place, quiet)
    place.remove(f"{backup.name}/trunk_intake/claims.bson.gz")
    empty(database)
    with pytest.raises(CommandError, match="claims"):
        restore(database, place, open_backup(place), quiet)
    assert not any(whole(database).values())


def test_nothing_is_restored_over_rows(database: Any, reader: Any, tmp_path: Path) -> None:
    fill(database)
    place = Folder(tmp_path)
    back_up(reader, place, quiet)
    empty(database)
    database[database_name("notifier")]["notifications"].insert_one({"_id": "mine"})
    with pytest.raises(CommandError, match=r"trunk_notifier\.notifications is not empty"):
        restore(database, place, open_backup(place), quiet)
    assert sum(map(len, whole(database).values())) == 1


NAME = "20261122T083000Z"


def manifest(**changes: Any) -> Manifest:
    fields = {"name": NAME, "schema_version": 1, "started_at": AT, "finished_at": AT, "files": ()}
    return Manifest(**fields | changes).sealed()


def test_a_manifest_that_was_altered_is_refused() -> None:
    encoded = manifest().encoded()
    assert read_manifest(NAME, encoded) == manifest()
    for data in (encoded.replace(b'"schema_version": 1', b'"schema_version": 0'), encoded[:-3], b"", b"{}"):
        with pytest.raises(CommandError, match="manifest"):
            read_manifest(NAME, data)


def test_the_manifest_of_another_backup_is_refused() -> None:
    with pytest.raises(CommandError, match=f"that of backup {NAME}"):
        read_manifest("20261123T083000Z", manifest().encoded())


@pytest.mark.parametrize(
    ("database", "collection"),
    [("admin", "system.users"), ("../../etc", "passwd"), ("trunk_intake", "system.views"), ("", "packages")],
)
def test_a_manifest_names_no_other_place(database: str, collection: str) -> None:
    file = {"database": database, "collection": collection, "rows": 1, "size_bytes": 1, "sha256": "0" * 64}
    stranger = manifest(files=(CollectionFile.model_construct(**file),))
    with pytest.raises(CommandError, match="no valid manifest"):
        read_manifest(NAME, stranger.encoded())


def test_no_file_lies_outside_of_its_backup() -> None:
    strange = CollectionFile(database="trunk_intake", collection="../../a b/ế", rows=0, size_bytes=0, sha256="")
    assert strange.file.count("/") == 1


def test_other_formats_and_later_releases_are_refused(database: Any, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="format 2"):
        read_manifest(NAME, manifest(format=2).encoded())
    with pytest.raises(CommandError, match="later release"):
        restore(database, Folder(tmp_path), manifest(schema_version=10_000), quiet)


def test_without_any_backup(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no complete backup"):
        open_backup(Folder(tmp_path / "nowhere"))


def test_files_belong_to_their_owner(database: Any, reader: Any, tmp_path: Path) -> None:
    fill(database)
    backup = back_up(reader, Folder(tmp_path), quiet)
    assert {path.stat().st_mode & 0o077 for path in (tmp_path / backup.name).rglob("*")} == {0}
    assert json.loads((tmp_path / backup.name / "manifest.json").read_text())["digest"] == backup.digest


# What is done while the backup is written


PACKAGE = {"lane": "normal", "is_open": True, "stage": "sent", "redrives": 0, "redrive_at": AT, "fact_body": b"{}"}


def package(name: str, **fields: Any) -> dict[str, Any]:
    return {"_id": name, **PACKAGE, **fields}


FINISHED = {"is_open": False, "lane": "normal"}


def restored_after(database: Any, reader: Any, folder: Path, when: str, change: Callable[[Any], Any]) -> dict[str, int]:
    """A backup during which something happens after a collection was copied; and what is made of it."""

    def meanwhile(line: str) -> None:
        if line.startswith(f"{when}:"):
            change(database)

    place = Folder(folder)
    back_up(reader, place, meanwhile)
    empty(database)
    return restore(database, place, open_backup(place), quiet)


def test_a_package_that_is_finished_meanwhile_is_open_again(database: Any, reader: Any, tmp_path: Path) -> None:
    intake, archive = database["trunk_intake"], database["trunk_archive"]
    intake["packages"].insert_many(
        [
            package("meanwhile"),
            {"_id": "before", **FINISHED},
            {"_id": "of a former release", **FINISHED},
            {"_id": "never had the field", "lane": "normal"},
            {"_id": "given up", **FINISHED, "stage": "discarded"},
        ]
    )
    archive["records"].insert_many([{"_id": "before"}, {"_id": "of a former release"}])
    archive["progress"].insert_many(
        [
            {"_id": "before", "routing": Mark.DONE, "finished_at": AT},
            {"_id": "of a former release", "routing": Mark.DONE},
            {"_id": "meanwhile", "routing": Mark.WAITS},
        ]
    )

    def finish(client: Any) -> None:
        client["trunk_archive"]["records"].insert_one({"_id": "meanwhile"})
        finished = {"$set": {"is_open": False}, "$unset": {"stage": "", "redrive_at": ""}}
        client["trunk_intake"]["packages"].update_one({"_id": "meanwhile"}, finished)

    taken_back = restored_after(database, reader, tmp_path, "trunk_archive.records", finish)
    assert taken_back["packages finished"] == 1
    rows = {row["_id"]: row for row in intake["packages"].find()}
    assert [name for name, row in rows.items() if row.get("is_open")] == ["meanwhile"]
    assert {"stage", "redrives", "redrive_at", "overdue_at"} <= set(rows["meanwhile"])
    assert rows["given up"]["stage"] == "discarded"


def test_entries_of_a_batch_that_is_not_in_the_backup_wait_again(database: Any, reader: Any, tmp_path: Path) -> None:
    """Batches are copied before the ledger, and the log grows between the two."""
    archive = database["trunk_archive"]
    archive["batches"].insert_one({"_id": f"{0:016d}", "start": 0, "size": 2, "entries": ["a/:1", "a/:2"]})
    sealed = {"is_sealed": True, "batch": 0}
    archive["ledger"].insert_many([{"_id": "a/:1", **sealed}, {"_id": "a/:2", **sealed}, {"_id": "a/:3"}])

    def seal(client: Any) -> None:
        batch = {"_id": f"{2:016d}", "start": 2, "size": 3, "entries": ["a/:3"]}
        client["trunk_archive"]["batches"].insert_one(batch)
        client["trunk_archive"]["ledger"].update_one({"_id": "a/:3"}, {"$set": {"is_sealed": True, "batch": 2}})

    taken_back = restored_after(database, reader, tmp_path, "trunk_archive.batches", seal)
    assert taken_back["entries sealed"] == 1
    assert {row["_id"]: row.get("batch") for row in archive["ledger"].find({"is_sealed": True})} == {
        "a/:1": 0,
        "a/:2": 0,
    }
    assert archive["ledger"].find_one({"_id": "a/:3"}) == {"_id": "a/:3", "is_sealed": False}


def test_a_package_whose_parked_message_is_not_in_the_backup_goes_on(
    database: Any, reader: Any, tmp_path: Path
) -> None:
    database["trunk_intake"]["packages"].insert_many([package("meanwhile"), package("before", stage="held")])
    parked = {"state": "parked", "about": {"package_id": "before"}}
    database["trunk_router"]["message_records"].insert_one({"_id": 1, **parked})

    def park(client: Any) -> None:
        late = {"_id": 2, "state": "parked", "about": {"package_id": "meanwhile"}}
        client["trunk_router"]["message_records"].insert_one(late)
        client["trunk_intake"]["packages"].update_one({"_id": "meanwhile"}, {"$set": {"stage": "held"}})

    taken_back = restored_after(database, reader, tmp_path, "trunk_router.message_records", park)
    assert taken_back["packages held"] == 1
    stages = {row["_id"]: row["stage"] for row in database["trunk_intake"]["packages"].find()}
    assert stages == {"meanwhile": "sent", "before": "held"}


def test_a_decision_that_is_carried_out_meanwhile_is_not(database: Any, reader: Any, tmp_path: Path) -> None:
    decisions = database["trunk_router"]["decisions"]
    decisions.insert_many([{"_id": "meanwhile", "carried_out_at": None}, {"_id": "before", "carried_out_at": AT}])
    database["trunk_router"]["placings"].insert_one({"_id": 1})

    def carry_out(client: Any) -> None:
        now = {"$set": {"carried_out_at": datetime.now(UTC) + timedelta(seconds=1)}}
        client["trunk_router"]["decisions"].update_one({"_id": "meanwhile"}, now)

    taken_back = restored_after(database, reader, tmp_path, "trunk_router.placings", carry_out)
    assert taken_back["decisions carried out"] == 1
    assert {row["_id"]: row["carried_out_at"] for row in decisions.find()} == {"meanwhile": None, "before": AT}


def test_the_clock_of_a_service_may_be_behind(database: Any, reader: Any, tmp_path: Path) -> None:
    database["trunk_router"]["decisions"].insert_one({"_id": 1, "carried_out_at": None})
    database["trunk_router"]["placings"].insert_one({"_id": 1})
    behind = {"$set": {"carried_out_at": datetime.now(UTC) - timedelta(minutes=10)}}
    taken_back = restored_after(
        database,
        reader,
        tmp_path,
        "trunk_router.placings",
        lambda client: client["trunk_router"]["decisions"].update_one({"_id": 1}, behind),
    )
    assert taken_back["decisions carried out"] == 1


def test_no_report_is_judged_by_deliveries_that_are_not_in_the_backup(
    database: Any, reader: Any, tmp_path: Path
) -> None:
    """A document whose deliveries were opened meanwhile: its receivers are no strangers to it."""
    router, intake = database["trunk_router"], database["trunk_intake"]
    row = {"state": DocumentState.ROUTING.value, "revision": 1}
    router["documents"].insert_many(
        [
            {**row, "_id": "meanwhile", "package_id": "p1"},
            {**row, "_id": "before", "package_id": "p2", "state": DocumentState.DELIVERED.value},
            {**row, "_id": "of another", "package_id": "p0", "state": DocumentState.DELIVERED.value},
        ]
    )
    router["deliveries"].insert_one({"_id": "before/x"})
    intake["packages"].insert_many(
        [
            package("p1", subject="meanwhile"),
            {"_id": "p2", **FINISHED, "subject": "before"},
            package("p3", subject="of another"),
        ]
    )
    database["trunk_archive"]["records"].insert_one({"_id": "p2"})
    database["trunk_archive"]["progress"].insert_one({"_id": "p2", "finished_at": AT})

    def deliver(client: Any) -> None:
        client["trunk_router"]["deliveries"].insert_one({"_id": "meanwhile/x"})
        delivered = {"$set": {"state": DocumentState.DELIVERED.value}}
        client["trunk_router"]["documents"].update_one({"_id": "meanwhile"}, delivered)

    taken_back = restored_after(database, reader, tmp_path, "trunk_router.deliveries", deliver)
    assert taken_back["documents delivered"] == 1
    states = {row["_id"]: DocumentState(row["state"]) for row in router["documents"].find()}
    delivered = {name for name, state in states.items() if state is DocumentState.DELIVERED}
    assert delivered == {"before", "of another"}
    assert states["meanwhile"] is DocumentState.ROUTING


async def test_a_ledger_that_grows_meanwhile_goes_on_without_doubles(
    addresses: Addresses, database: Any, reader: Any, tmp_path: Path
) -> None:
    """Facts that come again after the restore: those of the backup are recognised, the others follow."""
    own, subject = Database(role_settings(addresses, Role.ARCHIVE), "archive"), secrets.token_hex(16)
    ledger, loop, place = Ledger(own), asyncio.get_running_loop(), Folder(tmp_path)
    facts = [fact(number, subject) for number in range(40)]
    coming = iter(facts)
    fill(database)
    for _ in range(4):
        await ledger.append(next(coming), AT)

    def meanwhile(_: str) -> None:
        asyncio.run_coroutine_threadsafe(ledger.append(next(coming), AT), loop).result()

    await asyncio.to_thread(back_up, reader, place, meanwhile)
    assert len(await ledger.entries(subject)) > 20
    empty(database)
    restore(database, place, open_backup(place), quiet)
    restored = await ledger.entries(subject)
    assert 4 < len(restored) < 20
    for each in reversed(facts):
        await ledger.append(each, datetime.now(UTC))
    entries = await ledger.entries(subject)
    assert sorted(entry.event_id for entry in entries) == sorted(each.event_id for each in facts)
    assert all(entry in entries for entry in restored)
    own.client.close()


@pytest.mark.parametrize(
    ("progress", "on_record", "unfinished"),
    [
        ({"routing": 2, "finished_at": AT}, True, False),
        ({"routing": 2, "finished_at": AT}, False, True),
        ({"routing": 1, "finished_at": AT}, True, False),
        ({"routing": 2, "finished_at": None}, True, False),
        ({"routing": 1}, True, True),
        ({"routing": 0, "finished_at": None}, True, True),
        (None, True, True),
        (None, False, True),
    ],
)
def test_what_the_archive_has_decides(progress: dict[str, Any] | None, on_record: bool, unfinished: bool) -> None:
    assert is_unfinished(progress, on_record=on_record) is unfinished
