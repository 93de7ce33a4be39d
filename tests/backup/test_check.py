"""``trunkctl restore check``: every way in which databases and store may not fit is named, and nothing sound is."""

import hashlib
import io
import json
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from minio import Minio
from typer.testing import CliRunner, Result

from archive.kept import PACKAGE, EnclosedPart, KeptObject
from archive.record import Record
from common.domain import ids
from common.domain.directory import Directory, Unit
from common.domain.envelope import Attachment, DocumentType, Envelope, Organization, Signer
from common.domain.names import Lane, StatusCode
from common.envelopes import to_json
from common.objects import ARCHIVE, CONTENT, PACKAGES, SUBMITTER_META, header_inside
from mint import packages
from trunkctl.backup.copies import erase
from trunkctl.commands import restore as commands
from trunkctl.main import app
from trunkctl.restore.lost import bytes_of, lost_packages
from trunkctl.restore.objects import named_in
from trunkctl.restore.rows import EVIDENCE, nothing_there
from trunkctl.settings import ControlSettings

AT = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
SENDER, OTHER = "000.00.14.H29", "000.00.15.H29"


@pytest.fixture
def check(settings: ControlSettings, database: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(commands, "settings", lambda *_: settings)
    return lambda: CliRunner().invoke(app, ["restore", "check"])


@pytest.fixture
def put(administrator: Minio) -> Iterator[Any]:
    """Puts bytes into ``content``, and takes them out again at the end."""
    keys: list[str] = []

    def once(data: bytes, key: str = "", submitter: str = "") -> dict[str, Any]:
        sha256 = hashlib.sha256(data).hexdigest()
        keys.append(key or f"{sha256[:2]}/{sha256}")
        metadata = {SUBMITTER_META: submitter} if submitter else None
        administrator.put_object(CONTENT, keys[-1], io.BytesIO(data), len(data), metadata=metadata)
        return {"bucket": CONTENT, "key": keys[-1], "sha256": sha256, "size_bytes": len(data)}

    yield once
    for key in keys:
        erase(administrator, CONTENT, key)


def lines(result: Result, code: int) -> list[str]:
    assert result.exit_code == code, result.output
    return result.output.splitlines()


def faults(result: Result) -> list[str]:
    return [line for line in lines(result, 1) if "objects read" not in line]


def package(**fields: Any) -> dict[str, Any]:
    """A finished package of a unit, as intake has it."""
    row = {"_id": secrets.token_hex(16), "subject": secrets.token_hex(16), "sender": SENDER, "document_id": "D-1"}
    return {**row, "kind": "new", "lane": "normal", "is_open": False, **fields}


def claimed(database: Any, **fields: Any) -> dict[str, Any]:
    row = package(**fields)
    database["trunk_intake"]["packages"].insert_one(row)
    database["trunk_intake"]["claims"].insert_one({"_id": row["subject"], "package_id": row["_id"], "state": "held"})
    return row


def test_a_sound_trunk(check: Any, database: Any, put: Any) -> None:
    claimed(database, package=put(b"one"), envelope=put(b"{}"))
    database["trunk_archive"]["backups"].insert_one(
        {
            "_id": "restored",
            "started_at": AT,
            "files": [{"database": "trunk_intake", "collection": "packages", "rows": 1}],
        }
    )
    assert lines(check(), 0) == ["2 objects read, 0 faults, 0 packages not in the databases"]


NOTHING = "there is nothing: the databases hold no package, no record and no entry of the ledger"


def test_where_there_is_nothing_nothing_passes_for_restored(check: Any) -> None:
    assert lines(check(), 1) == [NOTHING, "0 objects read, 1 faults, 0 packages not in the databases"]


@pytest.mark.parametrize(("service", "collection"), EVIDENCE)
def test_a_trunk_that_holds_anything_is_compared(database: Any, service: str, collection: str) -> None:
    database[f"trunk_{service}"][collection].insert_one({"_id": "x"})
    assert list(nothing_there(database)) == []


def test_rows_that_have_vanished(check: Any, database: Any) -> None:
    restored = [{"database": "trunk_intake", "collection": name, "rows": 2} for name in ("packages", "waiting")]
    database["trunk_archive"]["backups"].insert_one({"_id": "restored", "started_at": AT, "files": restored})
    assert faults(check()) == [NOTHING, "trunk_intake.packages: 0 rows, 2 were restored"]


def test_a_freed_document_id(check: Any, database: Any) -> None:
    free = package()
    refused, recall = package(reason="E_DUP"), package(kind="recall")
    database["trunk_intake"]["packages"].insert_many([free, refused, recall])
    assert faults(check()) == [f"package {free['_id']}: nobody claims its DocumentId D-1 of {SENDER}"]


def test_missing_and_altered_objects_are_named_once(check: Any, database: Any, put: Any) -> None:
    sound, altered = put(b"sound"), put(b"altered")
    put(b"other bytes", altered["key"])
    lost = {**sound, "key": "00/lost"}
    claimed(database, package=lost)
    database["trunk_router"]["decisions"].insert_one({"_id": "d", "orders": [{"content": lost}, {"content": altered}]})
    database["trunk_validator"]["verdicts"].insert_one({"_id": "v", "report": sound})
    fault_lines = faults(check())
    assert sorted(line.partition(", SHA")[0] for line in fault_lines) == [
        f"{CONTENT}/00/lost: missing",
        f"{CONTENT}/{altered['key']}: other bytes",
    ]


def test_attachments_that_an_envelope_names(check: Any, database: Any, put: Any) -> None:
    here, lost = put(b"attachment"), hashlib.sha256(b"lost").hexdigest()
    files = [(here["sha256"], here["size_bytes"]), (lost, 4)]
    envelope = put(to_json(envelope_with(files)))
    claimed(database, envelope=envelope)
    assert faults(check()) == [f"{CONTENT}/{lost[:2]}/{lost}: missing"]


def envelope_with(files: list[tuple[str, int]]) -> Envelope:
    return Envelope(
        sender=Organization(code=SENDER),
        receivers=(Organization(code="000.00.09.H29"),),
        document_id="D-1",
        number="1",
        notation="VP",
        promulgation_date=AT.date(),
        type=DocumentType(name="Công văn"),
        subject="V/v",
        signer=Signer(full_name="Nguyễn Văn A"),
        attachments=tuple(
            Attachment(
                content_id=str(n),
                name=f"{n}.pdf",
                content_type="application/pdf",
                declared_type="application/pdf",
                size_bytes=size,
                sha256=sha256,
            )
            for n, (sha256, size) in enumerate(files)
        ),
    )


def test_secret_content_that_came_back(check: Any, database: Any, put: Any, administrator: Minio) -> None:
    ref, gone = put(b"secret"), {"bucket": CONTENT, "key": "00/gone", "sha256": "0", "size_bytes": 1}
    row = claimed(database, package=ref, purge=[ref, gone])
    assert faults(check()) == [f"package {row['_id']} is secret, and in the store: trunkctl redrive {row['_id']}"]
    erase(administrator, CONTENT, ref["key"])
    assert lines(check(), 0)


def test_what_was_removed_at_its_end_is_missing_by_right(
    check: Any, database: Any, put: Any, administrator: Minio
) -> None:
    removed = {"bucket": PACKAGES, "key": "00/removed", "sha256": "0" * 64, "size_bytes": 1}
    claimed(database, package=removed)
    assert faults(check()) == [f"{PACKAGES}/00/removed: missing"]
    database["trunk_intake"]["removals"].insert_one({"_id": f"{PACKAGES}/00/removed", "removed_at": AT, **removed})
    assert lines(check(), 0)
    administrator.put_object(PACKAGES, "00/removed", io.BytesIO(b"x"), 1)
    (fault,) = faults(check())
    assert fault.startswith(f"{PACKAGES}/00/removed: was removed at its end, and is in the store")
    erase(administrator, PACKAGES, "00/removed")


def test_a_record_of_another_ledger(check: Any, database: Any) -> None:
    record = {"document_key": "k", "event_id": "e", "ledger_hash": "0" * 64}
    numbers = {"p": 1, "q": 0}
    rows = [{"_id": name, "ledger_seq": seq, **record} for name, seq in numbers.items()]
    database["trunk_archive"]["records"].insert_many(rows)
    assert faults(check()) == [
        "package p: its entry k/00000001 is not in the ledger",
        "package q: its entry k/:e is not in the ledger",
        "p: the record in the database cannot be read",
        "q: the record in the database cannot be read",
    ]


def test_a_broken_ledger(check: Any, database: Any) -> None:
    ledger = database["trunk_archive"]["ledger"]
    entry = ledger_row(1, "x")
    ledger.insert_one(entry)
    assert [line.split(":")[0] for line in faults(check())] == [f"ledger of {entry['subject']}"]


def ledger_row(seq: int, digest: str) -> dict[str, Any]:
    subject = secrets.token_hex(16)
    fields = {"subject": subject, "seq": seq, "event_id": "e", "fact": "f", "recorded_at": AT, "body": "{}"}
    return {"_id": f"{subject}/{seq:08d}", **fields, "prev": "0" * 64, "hash": digest}


def test_packages_that_the_databases_do_not_know(check: Any, database: Any, put: Any) -> None:
    lost = packages.letter(SENDER, ["000.00.09.H29"], "D-lost", b"%PDF-1.7 nothing")
    known = packages.letter(SENDER, ["000.00.09.H29"], "D-known", b"%PDF-1.7 nothing")
    waiting = packages.letter(SENDER, ["000.00.09.H29"], "D-waiting", b"%PDF-1.7 nothing")
    put(b"<xml>no package</xml>")
    put(lost, submitter=SENDER)
    put(waiting, submitter=SENDER)
    claimed(database, package=put(known), _id=ids.package_id(SENDER, hashlib.sha256(known).hexdigest()))
    put(known, submitter=SENDER)
    waiting_id = ids.package_id(SENDER, hashlib.sha256(waiting).hexdigest())
    database["trunk_intake"]["waiting"].insert_one({"_id": waiting_id})
    package_id = ids.package_id(SENDER, hashlib.sha256(lost).hexdigest())
    wanted = f"{package_id} not in the databases: D-lost of {SENDER}, received, not on record"
    assert faults(check()) == [
        wanted,
        "packages that wait for a document: 1 (nothing: intake looks for the document until its deadline)",
    ]


def test_a_package_is_of_whoever_submitted_it(
    check: Any, database: Any, put: Any, settings: ControlSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another unit's name in a package was refused once, and a file may be another unit's package."""
    forged = packages.letter(OTHER, ["000.00.09.H29"], "D-forged", b"%PDF-1.7 nothing")
    enclosed = packages.letter(OTHER, ["000.00.09.H29"], "D-enclosed", b"%PDF-1.7 nothing")
    rest = packages.letter(SENDER, ["000.00.09.H29"], "D-rest", b"%PDF-1.7 nothing")
    put(forged, submitter=SENDER)
    put(enclosed)
    put(b"no package at all", submitter=SENDER)
    put(rest, submitter="000.00.99.H29")
    put(rest, submitter=SENDER)
    sent: list[tuple[str, bytes]] = []

    async def send(_: Any, unit: Unit, package: bytes, lane: Lane) -> None:
        sent.append((unit.code, package))

    units = [Unit(code=code, name="", valid_from=AT.date()) for code in (SENDER, OTHER)]
    monkeypatch.setattr(commands, "send", send)
    monkeypatch.setattr(commands.lookup, "in_force", lambda _: Directory(units))
    nothing, *said = faults(check())
    assert nothing.startswith("there is nothing: the databases hold no package")
    assert len(said) == 5
    assert sum(line.endswith(f"of {SENDER}, received, not on record") for line in said) == 3
    (unproved,) = (line for line in said if "nobody is known to have submitted" in line)
    assert unproved.endswith(f"ask {OTHER} about D-enclosed")
    result = CliRunner().invoke(app, ["restore", "resubmit"])
    assert sorted(sent) == sorted((SENDER, body) for body in (forged, rest, b"no package at all"))
    (left,) = (line for line in lines(result, 1) if "submitted as" not in line)
    assert left.endswith("000.00.99.H29 is not in the unit directory. Tell 000.00.99.H29 to submit D-rest again.")


@pytest.mark.parametrize(("reason", "lost"), [("E_SECRET", 0), ("E_DUP", 1)])
def test_a_secret_package_is_not_asked_for_again(
    check: Any, database: Any, administrator: Minio, reason: str, lost: int
) -> None:
    """Only that it was refused is on record; whoever told its sender to submit it again would never be done."""
    record_id = secrets.token_hex(16)
    data = refused(record_id, reason)
    administrator.put_object(ARCHIVE, f"k/{record_id}/record.json", io.BytesIO(data), len(data))
    try:
        assert f"{lost} packages not in the databases" in check().output
    finally:
        erase(administrator, ARCHIVE, f"k/{record_id}/")


def refused(record_id: str, reason: str) -> bytes:
    """``record.json`` of a package that is not kept."""
    codes = dict.fromkeys(("retention_class", "retention_version", "legal_basis"), "x")
    times = dict.fromkeys(("retain_until", "submitted_at", "decided_at", "archived_at"), AT)
    about = {"record_id": record_id, "document_key": "k", "sender": SENDER, "document_id": "D-1", "kind": "new"}
    fact = {"lane": "normal", "verdict": "document.refused", "event_id": "e", "reason": reason, "retention_years": 10}
    ledger = {"ledger_seq": 1, "ledger_hash": "0" * 64, "objects": ()}
    return Record.model_validate(about | fact | codes | times | ledger).model_dump_json().encode()


def test_a_refused_package_is_found_where_intake_has_put_it(database: Any, put: Any, administrator: Minio) -> None:
    """Its record names no package: what was refused is not locked."""
    package = packages.letter(SENDER, ["000.00.09.H29"], "D-1", b"%PDF-1.7 nothing")
    ref = put(package, submitter=SENDER)
    record_id = ids.package_id(SENDER, ref["sha256"])
    data = refused(record_id, "E_DUP")
    administrator.put_object(ARCHIVE, f"k/{record_id}/record.json", io.BytesIO(data), len(data))
    try:
        (lost,) = lost_packages(database, administrator, None)
        assert (lost.package_id, lost.known_as) == (record_id, "document.refused")
        assert bytes_of(administrator, lost) == package
    finally:
        erase(administrator, ARCHIVE, f"k/{record_id}/")


def test_a_notice_that_was_no_object_is_found_in_its_record(database: Any, administrator: Minio) -> None:
    """The databases have lost its row, which held its bytes."""
    notice = packages.status("000.00.09.H29", SENDER, "D-1", StatusCode.ARRIVED, AT)
    record_id = ids.package_id("000.00.09.H29", hashlib.sha256(notice).hexdigest())
    saved = Record.model_validate_json(refused(record_id, "E_DUP"))
    about = {"sender": "000.00.09.H29", "reason": None, "verdict": "notice.accepted", "kind": "status"}
    part = EnclosedPart(role=PACKAGE, sha256=hashlib.sha256(notice).hexdigest(), size_bytes=len(notice))
    data = saved.model_copy(update={**about, "enclosed": (part,)}).evidence({PACKAGE: notice})
    key = f"k/{record_id}/record.json"
    administrator.put_object(ARCHIVE, key, io.BytesIO(data), len(data))
    try:
        (lost,) = lost_packages(database, administrator, None)
        assert (lost.package_id, lost.sender, lost.known_as) == (record_id, "000.00.09.H29", "notice.accepted")
        assert bytes_of(administrator, lost) == notice
        other = saved.model_copy(update={**about, "enclosed": (part,)}).evidence({PACKAGE: notice + b" "})
        for damaged in (other, b"{}", b"no record"):
            administrator.put_object(ARCHIVE, key, io.BytesIO(damaged), len(damaged))
            assert bytes_of(administrator, lost) is None
    finally:
        erase(administrator, ARCHIVE, f"k/{record_id}/")


def test_what_is_open_is_told_and_is_no_fault(check: Any, database: Any) -> None:
    claimed(database, is_open=True, stage="sent")
    claimed(database, is_open=True, stage="held")
    database["trunk_router"]["placings"].insert_many([{"_id": 1, "state": "waiting"}, {"_id": 2, "state": "placed"}])
    assert lines(check(), 0) == [
        "packages on their way: 1 (trunkctl redrive --all-open)",
        "packages held for an operator: 1 (trunkctl park list)",
        "messages that inboxes have not got: 1 (nothing: the router tries again)",
        "0 objects read, 0 faults, 0 packages not in the databases",
    ]


def test_references_inside_of_rows_are_found() -> None:
    ref = {"bucket": "content", "key": "k", "sha256": "s", "size_bytes": 1}
    row = {"a": [{"b": {"envelope": ref}}], "c": ref, "d": json.dumps(ref), "e": {"bucket": "content"}}
    assert [(each.ref.key, each.is_envelope) for each in named_in(row)] == [("k", True), ("k", False)]


def test_what_came_with_its_reference_lies_nowhere() -> None:
    ref = {"bucket": "content", "key": "k", "sha256": "s", "size_bytes": 1, "version_id": "v"}
    row = {"envelope": ref | {"packed": b"x"}, "package": ref, "report": ref | {"packed": None}}
    row |= {"header": header_inside(b"{}").model_dump()}
    assert [each.ref.version_id for each in named_in(row)] == ["v", "v"]


def test_of_what_the_archive_keeps_only_what_lies_in_another_bucket_is_a_reference() -> None:
    put = KeptObject(role="envelope", key="folder/envelope.json", sha256="0" * 64, size_bytes=1)
    locked = KeptObject(role="package", key="00/0", bucket=PACKAGES, sha256="0" * 64, size_bytes=1, version_id="v")
    row = {"objects": [put.model_dump(), locked.model_dump()]}
    assert [(each.ref.bucket, each.ref.key) for each in named_in(row)] == [(PACKAGES, "00/0")]
