"""``trunkctl archive check`` against a real store and database, with the operator's own keys: each kind of fault."""

import asyncio
import io
import json
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pymongo
import pytest
import urllib3
from minio import Minio
from minio.commonconfig import COMPLIANCE
from minio.error import S3Error
from minio.retention import Retention

from archive.handlers import Archive
from archive.ledger import Ledger
from archive.record import Record
from archive.retention import read_table
from archive.store import Progress, Records
from common.database import Database
from common.facts import BaseFact
from common.ledger import entry_key
from common.objects import ARCHIVE, PACKAGES, Objects, package_ref
from common.package_store import PackageStore
from common.store_access import Role
from devstack.servers import Addresses
from tests.archive.conftest import SENDER, Material, ref_of
from tests.system.trunk import BIN
from trunkctl import store_patience
from trunkctl.archive_check import faults_of
from trunkctl.archive_missing import KEPT_FACTS, LATE, by_ledger, by_store
from trunkctl.archive_records import ArchiveRecords
from trunkctl.archive_store import ArchiveStore
from trunkctl.archived_package import package_in
from trunkctl.log.rows import LedgerRows
from trunkctl.settings import ControlSettings
from trunkctl.store_patience import NoAnswer

from .conftest import client, settings


class Quiet:
    """Announces nothing."""

    async def announce(self, fact: BaseFact) -> None:
        pass


@dataclass(frozen=True)
class Site:
    """An archive that services keep with their own keys, and an administrator who does harm."""

    addresses: Addresses
    archive: Archive
    records: Records
    database: Database
    intake: Objects
    administrator: Minio
    store: ArchiveStore

    async def keep(self, material: Material | None = None, *evidence: bytes) -> Record:
        what = await (material or Material()).store(self.intake)
        for data in evidence:
            await self.intake.put_content(data)
        await self.archive.take(what.verified(*evidence))
        record = await self.records.load(what.package_id)
        assert record
        return record

    def faults(self, record: Record) -> list[tuple[str, str]]:
        """Name of the object below the record's folder, and what is wrong."""
        return [(fault.key.removeprefix(f"{record.folder}/"), fault.what) for fault in faults_of(record, self.store)]

    def put(self, key: str, data: bytes, until: datetime | None = None) -> str:
        """As somebody does who has more rights than any service."""
        retention = Retention(COMPLIANCE, until) if until else None
        return str(
            self.administrator.put_object(ARCHIVE, key, io.BytesIO(data), len(data), retention=retention).version_id
        )

    def get(self, key: str) -> bytes:
        with self.administrator.get_object(ARCHIVE, key) as answer:
            return answer.read()

    def copy_unlocked(self, record: Record, **versions: str) -> Record:
        """The record of objects that lie elsewhere without a lock, so that they can be taken away."""
        moved = record.model_copy(update={"document_key": f"{record.document_key[:-1]}x"})
        objects = []
        for each in record.objects:
            key = each.key.replace(record.folder, moved.folder)
            objects.append(each.model_copy(update={"key": key, "version_id": self.put(key, self.get(each.key))}))
        moved = moved.model_copy(update={"objects": tuple(objects), "evidence_object": None})
        return moved.sealed(self.put(moved.evidence_key, moved.evidence()))


@pytest.fixture
async def site(addresses: Addresses, administrator: Minio) -> AsyncIterator[Site]:
    own = Objects(settings(addresses, Role.ARCHIVE))
    database = Database(settings(addresses, Role.ARCHIVE), "archive")
    records = Records(database)
    archive = Archive(Ledger(database), records, Progress(database), own, Quiet(), read_table())
    intake = Objects(settings(addresses, Role.INTAKE))
    store = ArchiveStore(client(addresses, Role.OPERATOR))
    yield Site(addresses, archive, records, database, intake, administrator, store)
    database.client.close()


async def test_the_operator_may_read_the_package_of_a_record(site: Site, addresses: Addresses) -> None:
    """As ``trunkctl package extract`` does; what is read is checked against the record."""
    record = await site.keep()
    package = package_in(record)
    data = await Objects(settings(addresses, Role.OPERATOR)).get(package)
    assert len(data) == package.size_bytes > 0


async def test_a_record_names_the_version_of_every_object(site: Site) -> None:
    record = await site.keep()
    assert record.evidence_object
    for each in (*record.objects, record.evidence_object):
        assert site.administrator.stat_object(ARCHIVE, each.key, version_id=each.version_id).size == each.size_bytes
    inside = json.loads(site.get(record.evidence_key))
    assert [each["version_id"] for each in inside["objects"]] == [each.version_id for each in record.objects]
    assert "evidence_object" not in inside
    assert site.get(record.evidence_key) == record.evidence()


async def test_a_sound_record_has_no_faults(site: Site) -> None:
    assert site.faults(await site.keep()) == []


async def test_a_package_that_was_locked_where_it_lies_is_checked_there(site: Site) -> None:
    """With the keys of the services: the archive's may lock what intake's have put."""
    what = Material()
    wanted = package_ref(ref_of(what.package_bytes).sha256, len(what.package_bytes), what.package_id)
    package = await PackageStore(site.intake).put(wanted, io.BytesIO(what.package_bytes), SENDER)
    parts = {"envelope": await site.intake.carry(what.envelope_bytes)}
    parts["report"] = await site.intake.carry(what.report_bytes)
    await site.archive.take(what.verified().model_copy(update={"package": package, **parts}))
    record = await site.records.load(what.package_id)
    assert record
    assert site.faults(record) == []
    other = record.model_copy(update={"enclosed": (record.enclosed[0].model_copy(update={"sha256": "0" * 64}),)})
    assert [what.partition(" ")[0] for _, what in site.faults(other)] == ["differs", "holds"]
    site.administrator.remove_object(PACKAGES, package.key)
    assert site.faults(record) == [(f"{PACKAGES}/{package.key}", "hidden by a delete marker")]


async def test_a_notice_that_stands_in_its_record_is_checked_there(site: Site) -> None:
    what = Material()
    parts = {"package": await site.intake.carry(what.package_bytes)}
    parts["envelope"] = await site.intake.carry(what.envelope_bytes)
    await site.archive.take(what.notice().model_copy(update=parts))
    record = await site.records.load(what.package_id)
    assert record
    assert site.faults(record) == []
    other = (record.enclosed[0].model_copy(update={"sha256": "0" * 64}), record.enclosed[1])
    assert site.faults(record.model_copy(update={"enclosed": other})) == [
        ("record.json", "differs from the record in the database"),
        ("record.json", "holds another package"),
    ]
    site.administrator.remove_object(ARCHIVE, record.evidence_key)
    assert site.faults(record) == [("record.json", "hidden by a delete marker")]


async def test_evidence_that_records_share_is_checked_with_each(site: Site) -> None:
    records = [await site.keep(None, b"a revocation list") for _ in range(2)]
    assert [site.faults(record) for record in records] == [[], []]
    (key,) = {each.key for record in records for each in record.objects if each.role == "evidence"}
    site.administrator.remove_object(ARCHIVE, key)
    assert [site.faults(record) for record in records] == [[(key, "hidden by a delete marker")]] * 2


async def test_kept_twice_at_once_has_no_faults(site: Site) -> None:
    """Replicas that kept the same package together leave versions beside those on record."""
    record = await site.keep()
    site.put(record.evidence_key, record.evidence(), record.retain_until)
    assert len(site.store.versions(record.folder)[record.evidence_key]) > 1
    assert site.faults(record) == []


async def test_a_record_of_an_earlier_release_is_read_and_checked(site: Site) -> None:
    """It names no versions: any version that is right will do."""
    record = await site.keep()
    row = await site.database.collection("records").find_one({"_id": record.record_id})
    assert row
    for each in row["objects"]:
        del each["version_id"]
    del row["evidence_object"]
    before = Record.model_validate(row)
    site.put(record.evidence_key, before.evidence(), record.retain_until)
    assert site.faults(before) == []
    site.administrator.remove_object(ARCHIVE, before.objects[0].key)
    assert site.faults(before) == [("package.edxml", "hidden by a delete marker")]


async def test_hidden_by_a_delete_marker(site: Site) -> None:
    record = await site.keep()
    site.administrator.remove_object(ARCHIVE, record.objects[0].key)
    site.administrator.remove_object(ARCHIVE, record.evidence_key)
    what = "hidden by a delete marker"
    assert site.faults(record) == [("package.edxml", what), ("record.json", what)]


async def test_written_over(site: Site) -> None:
    record = await site.keep()
    version = site.put(record.objects[1].key, b"forged", record.retain_until)
    again = site.put(record.objects[2].key, site.get(record.objects[2].key))
    forged = record.model_copy(update={"label": "COPY"}).evidence()
    above = site.put(record.evidence_key, forged, record.retain_until)
    assert again
    assert site.faults(record) == [
        ("envelope.json", f"other bytes lie over it, as version {version}"),
        ("record.json", f"other bytes lie over it, as version {above}"),
    ]


async def test_not_locked(site: Site) -> None:
    record = site.copy_unlocked(await site.keep())
    until = record.retain_until.isoformat()
    assert set(site.faults(record)) == {
        (each.key.removeprefix(f"{record.folder}/"), f"not locked, on record until {until}")
        for each in (*record.objects, record.evidence_object)
        if each
    }


async def test_locked_for_too_short_a_time(site: Site) -> None:
    record = site.copy_unlocked(await site.keep())
    evidence = record.evidence_object
    assert evidence
    until = record.retain_until.replace(microsecond=0)
    for number, each in enumerate((*record.objects, evidence)):
        early = timedelta(days=1) if number == 0 else timedelta()
        lock = Retention(COMPLIANCE, until - early)
        site.administrator.set_object_retention(ARCHIVE, each.key, lock, version_id=each.version_id)
    early_until = (until - timedelta(days=1)).isoformat()
    assert site.faults(record) == [
        ("package.edxml", f"locked until {early_until}, on record until {until.isoformat()}")
    ]


async def test_missing(site: Site) -> None:
    record = site.copy_unlocked(await site.keep())
    gone, replaced = record.objects[0], record.objects[1]
    site.administrator.remove_object(ARCHIVE, gone.key, version_id=gone.version_id)
    site.put(replaced.key, site.get(replaced.key), record.retain_until)
    site.administrator.remove_object(ARCHIVE, replaced.key, version_id=replaced.version_id)
    faults = [fault for fault in site.faults(record) if not fault[1].startswith("not locked")]
    assert faults == [
        ("package.edxml", "missing"),
        ("envelope.json", f"missing: version {replaced.version_id} is gone"),
    ]


async def test_a_record_without_any_object(site: Site) -> None:
    record = (await site.keep()).model_copy(update={"document_key": "nowhere"})
    assert [what for _, what in site.faults(record)][-1] == "missing"
    assert site.faults(record)[-1][0] == "record.json"


async def test_other_bytes(site: Site) -> None:
    """The database says other digests than the store holds: one of them was changed."""
    record = await site.keep()
    changed = record.objects[0].model_copy(update={"sha256": "0" * 64})
    faults = site.faults(record.model_copy(update={"objects": (changed, *record.objects[1:])}))
    size, digest = record.objects[0].size_bytes, record.objects[0].sha256
    assert faults == [
        ("package.edxml", f"other bytes: {size} bytes, SHA-256 {digest}"),
        ("record.json", "differs from the record in the database"),
    ]


async def test_record_json_that_differs(site: Site) -> None:
    record = await site.keep()
    assert site.faults(record.model_copy(update={"label": "COPY"})) == [
        ("record.json", "differs from the record in the database")
    ]
    prolonged = record.model_copy(update={"retain_until": record.retain_until + timedelta(days=365)})
    assert len(site.faults(prolonged)) == len(record.objects) + 2


async def test_a_record_json_that_is_none(site: Site) -> None:
    record = await site.keep()
    version = site.put(record.evidence_key, b"\xff not JSON", record.retain_until)
    assert site.faults(record) == [("record.json", f"other bytes lie over it, as version {version}")]
    named = record.evidence_object
    assert named
    renamed = named.model_copy(update={"version_id": version})
    whats = [what for _, what in site.faults(record.model_copy(update={"evidence_object": renamed}))]
    assert whats[1:] == ["differs from the record in the database"]
    assert whats[0].startswith("other bytes: 10 bytes")


async def test_the_operators_keys_change_nothing(site: Site) -> None:
    record = await site.keep()
    own, key = client(site.addresses, Role.OPERATOR), record.objects[0].key
    longer = Retention(COMPLIANCE, record.retain_until + timedelta(days=1))
    for ask in (
        lambda: own.remove_object(ARCHIVE, key),
        lambda: own.put_object(ARCHIVE, key, io.BytesIO(b"x"), 1),
        lambda: own.set_object_retention(ARCHIVE, key, longer, version_id=record.objects[0].version_id),
    ):
        with pytest.raises(S3Error, match="AccessDenied"):
            ask()


async def test_keys_without_the_right_are_no_fault_of_the_archive(site: Site) -> None:
    record = await site.keep()
    with pytest.raises(NoAnswer, match="AccessDenied"):
        faults_of(record, ArchiveStore(client(site.addresses, Role.NOTIFIER)))


@contextmanager
def failing(endpoint: str, part: str) -> Iterator[str]:
    """An address of the same store at which every request with this part in its target ends with 500."""

    class Front(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if part in self.path:
                self.send_error(500)
                return
            answer = urllib3.request("GET", f"http://{endpoint}{self.path}", headers=dict(self.headers))
            self.send_response(answer.status)
            for name in ("Content-Type", "x-amz-object-lock-mode", "x-amz-object-lock-retain-until-date"):
                if name in answer.headers:
                    self.send_header(name, answer.headers[name])
            self.send_header("Content-Length", str(len(answer.data)))
            self.end_headers()
            self.wfile.write(answer.data)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Front) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


async def test_what_the_store_does_not_give_is_a_fault_and_the_rest_is_checked(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_patience, "TRIES_AFTER_SECONDS", (0.0, 0.0))
    record = await site.keep()
    keys = site.addresses.s3_keys[Role.OPERATOR]

    def through(place: str) -> ArchiveStore:
        pool = urllib3.PoolManager(retries=urllib3.Retry(0))
        return ArchiveStore(
            Minio(place, keys["access"], keys["secret"], secure=False, region="us-east-1", http_client=pool)
        )

    with failing(site.addresses.s3_endpoint, "nothing") as place:
        assert faults_of(record, through(place)) == []
    with failing(site.addresses.s3_endpoint, "report.json") as place:
        faults = faults_of(record, through(place))
        assert [(fault.key, fault.what.partition(":")[0]) for fault in faults] == [
            (f"{record.folder}/report.json", "cannot be read")
        ]
    with failing(site.addresses.s3_endpoint, "versions=") as place:
        assert [fault.what.partition(":")[0] for fault in faults_of(record, through(place))] == ["cannot be listed"]
    with failing(site.addresses.s3_endpoint, "") as place, pytest.raises(NoAnswer):
        faults_of(record, through(place))
    with pytest.raises(NoAnswer):
        faults_of(record, through(place))


async def test_a_record_that_was_taken_out_of_the_database_is_missed(site: Site) -> None:
    """With the operator's own keys; the ledger's entry and the objects under lock each name it."""
    removed, left = await site.keep(), await site.keep()
    await site.database.collection("records").delete_one({"_id": removed.record_id})
    own, later = settings(site.addresses, Role.OPERATOR), datetime.now(UTC) + 2 * LATE
    with closing(pymongo.MongoClient(own.mongo_uri.get_secret_value(), tz_aware=True)) as opened:
        known = ArchiveRecords(ControlSettings(mongo_uri=own.mongo_uri)).known
        by_entry = list(by_ledger(LedgerRows.of(opened).entries_of(KEPT_FACTS), known, later))
        by_object = list(by_store(site.store.puts(), known, later))
    entry = entry_key(removed.document_key, removed.event_id)
    assert [fault.key for fault in by_entry if fault.record_id == removed.record_id] == [entry]
    assert [fault.key for fault in by_object if fault.record_id == removed.record_id] == [removed.folder]
    assert left.record_id not in {fault.record_id for fault in (*by_entry, *by_object)}


# The command. Last in the file: it sees all that the tests above have kept.


@pytest.fixture
def environment(addresses: Addresses, tmp_path: Path) -> dict[str, str]:
    keys = addresses.s3_keys[Role.OPERATOR]
    return {
        "PATH": "/usr/bin:/bin",
        "TRUNK_MONGO_URI": addresses.mongo_uris[Role.OPERATOR],
        "TRUNK_S3_ENDPOINT": addresses.s3_endpoint,
        "TRUNK_S3_ACCESS_KEY": keys["access"],
        "TRUNK_S3_SECRET_KEY": keys["secret"],
    }


@pytest.fixture
def rows(addresses: Addresses) -> Iterator[Any]:
    """The archive's records, empty at first."""
    with closing(pymongo.MongoClient(addresses.mongo_uri)) as opened:
        collection = opened["trunk_archive"]["records"]
        collection.delete_many({})
        yield collection


def run(environment: dict[str, str], *arguments: str) -> tuple[int, list[str], str]:
    command = [str(BIN / "trunkctl"), "archive", "check", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.splitlines(), done.stderr


async def test_the_command_tells_by_its_exit_code(site: Site, rows: Any, environment: dict[str, str]) -> None:
    records = [await site.keep() for _ in range(5)]
    noted = rows.database["checks"].find_one({"_id": "archive"})
    code, lines, said = await asyncio.to_thread(run, environment)
    assert (code, lines) == (0, ["5 records checked, 0 faults"])
    assert "The log was not compared" in said
    bad, good = records[1], records[3]
    site.administrator.remove_object(ARCHIVE, bad.objects[0].key)
    rows.update_one({"_id": records[2].record_id}, {"$unset": {"retain_until": ""}})
    code, lines, _ = await asyncio.to_thread(run, environment)
    assert code == 1
    assert set(lines[:-1]) == {
        f"{bad.record_id} {bad.objects[0].key} hidden by a delete marker",
        f"{records[2].record_id} the record in the database cannot be read",
    }
    assert lines[-1] == "5 records checked, 2 faults"
    assert rows.database["checks"].find_one({"_id": "archive"}) == noted, "without the log it is no check of the whole"
    for name in (bad.record_id, bad.document_key, bad.document_id):
        code, lines, _ = await asyncio.to_thread(run, environment, name, good.document_key)
        assert (code, lines[-1]) == (1, "2 records checked, 1 faults")
    assert (await asyncio.to_thread(run, environment, good.document_id))[0] == 0
    code, lines, _ = await asyncio.to_thread(run, environment, "unheard of", good.record_id)
    assert (code, lines) == (1, ["unheard of no record of it", "1 records checked, 1 faults"])


async def test_the_command_goes_on_where_it_stopped(site: Site, rows: Any, environment: dict[str, str]) -> None:
    ids = sorted([(await site.keep()).record_id for _ in range(3)])
    assert (await asyncio.to_thread(run, environment, "--after", ids[0]))[1] == ["2 records checked, 0 faults"]
    keys = site.addresses.s3_keys[Role.NOTIFIER]
    wrong = {**environment, "TRUNK_S3_ACCESS_KEY": keys["access"], "TRUNK_S3_SECRET_KEY": keys["secret"]}
    code, lines, said = await asyncio.to_thread(run, wrong, "--after", ids[0])
    assert (code, lines) == (1, [])
    assert "AccessDenied" in said.replace("\n", "")
    assert f"Go on with --after {ids[0]}." in said


async def test_an_empty_archive_does_not_pass_for_a_checked_one(rows: Any, environment: dict[str, str]) -> None:
    """Its database was lost, or the session asks another one."""
    ledger = [*rows.database["ledger"].find({})]
    rows.database["ledger"].delete_many({})
    code, _, said = await asyncio.to_thread(run, environment)
    assert (code, "nothing was checked" in said.replace("\n", " ")) == (1, True)
    if ledger:
        rows.database["ledger"].insert_many(ledger)


async def test_more_records_than_a_page(site: Site, rows: Any, environment: dict[str, str]) -> None:
    """Rows of one package under many ids, which are named: what a page leaves over comes with the next."""
    record = await site.keep()
    row = rows.find_one({"_id": record.record_id})
    rows.insert_many([{**row, "_id": f"~{number:04d}"} for number in range(450)])
    code, lines, said = await asyncio.to_thread(run, environment)
    assert (code, lines[-1]) == (1, "451 records checked, 450 faults")
    assert lines[:-1] == [f"~{number:04d} the record in the database cannot be read" for number in range(450)]
    assert len(said.splitlines()) == 1, "the log was not compared, and nothing else"
