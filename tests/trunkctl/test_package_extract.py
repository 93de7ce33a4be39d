"""``trunkctl package extract``: names that do no harm, nothing overwritten, nothing secret; a trace of each reading."""

import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from typer.testing import CliRunner

from archive.kept import PACKAGE, EnclosedPart, KeptObject
from archive.record import Record
from common.domain.names import StatusCode
from common.domain.reason import Reason
from common.facts import ObjectRef, SecurityNoticed
from common.facts.flows import OPERATOR, is_entitled
from common.objects import ARCHIVE, PACKAGES, ObjectAltered
from mint import packages
from mint.paper import letter
from trunkctl.archived_package import package_in, record_of, taken_event
from trunkctl.command_error import CommandError
from trunkctl.commands import package as commands_package
from trunkctl.extraction import safe_name
from trunkctl.main import app
from trunkctl.units.history import Decision
from validator.workers.pool import Pool

AT = datetime(2026, 11, 30, 8, tzinfo=UTC)
PDF = letter()


def package(**changes: Any) -> bytes:
    return packages.letter("A.01", ["B.02"], "doc-1", PDF, **changes)


def extracted(tmp_path: Path, data: bytes, name: str = "goi.edxml") -> tuple[Path, BaseException | None]:
    """The folder, and what was raised instead."""
    path = tmp_path / name
    path.write_bytes(data)
    done = CliRunner().invoke(app, ["package", "extract", str(path), str(tmp_path / "out" / "in")])
    return tmp_path / "out" / "in", done.exception


def test_every_attachment_becomes_a_file_with_its_bytes(tmp_path: Path) -> None:
    folder, error = extracted(tmp_path, package(appendices=[("van-ban.pdf", letter(pages=2)), ("bảng.csv", b"a,b")]))
    assert error is None
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert files == {"1-van-ban.pdf": PDF, "2-van-ban.pdf": letter(pages=2), "3-bảng.csv": b"a,b"}
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700


def test_names_that_the_terminal_cannot_write_are_no_error(tmp_path: Path) -> None:
    (tmp_path / "goi.edxml").write_bytes(package(appendices=[("bảng.csv", b"a,b")]))
    command: list[str | Path] = [
        Path(sys.executable).parent / "trunkctl",
        "package",
        "extract",
        tmp_path / "goi.edxml",
        tmp_path / "out",
    ]
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, capture_output=True, check=False, env=environment)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"2-b\\u1ea3ng.csv  3 bytes" in done.stdout


def test_workers_that_do_not_start_are_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def no_memory(_: Pool) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(Pool, "start", no_memory)
    folder, error = extracted(tmp_path, package())
    assert isinstance(error, CommandError)
    assert not folder.exists()


def test_nothing_is_overwritten_and_then_nothing_is_written(tmp_path: Path) -> None:
    folder = tmp_path / "out" / "in"
    folder.mkdir(parents=True)
    (folder / "2-b.csv").write_bytes(b"mine")
    _, error = extracted(tmp_path, package(appendices=[("b.csv", b"a,b")]))
    assert isinstance(error, CommandError)
    assert "2-b.csv" in str(error)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {"2-b.csv": b"mine"}


def test_no_link_is_followed(tmp_path: Path) -> None:
    folder, target = tmp_path / "out" / "in", tmp_path / "target"
    folder.mkdir(parents=True)
    (folder / "1-van-ban.pdf").symlink_to(target)
    _, error = extracted(tmp_path, package())
    assert isinstance(error, CommandError)
    assert not target.exists()


def test_whatever_ends_the_writing_leaves_no_part_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def ends(source: BinaryIO, target: BinaryIO) -> None:
        target.write(source.read(3))
        raise ValueError("I/O operation on closed file")  # as after an interrupt

    monkeypatch.setattr(shutil, "copyfileobj", ends)
    folder, error = extracted(tmp_path, package())
    assert isinstance(error, ValueError)
    assert list(folder.iterdir()) == []


def test_a_folder_that_is_changed_for_a_link_gets_all_files_or_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, moved, elsewhere = tmp_path / "out" / "in", tmp_path / "moved", tmp_path / "elsewhere"
    elsewhere.mkdir()
    copy = shutil.copyfileobj

    def changes(source: BinaryIO, target: BinaryIO) -> None:
        copy(source, target)
        if not moved.exists():
            folder.rename(moved)
            folder.symlink_to(elsewhere)

    monkeypatch.setattr(shutil, "copyfileobj", changes)
    extracted(tmp_path, package(appendices=[("b.csv", b"a,b")]))
    assert sorted(path.name for path in moved.iterdir()) == ["1-van-ban.pdf", "2-b.csv"]
    assert list(elsewhere.iterdir()) == []


REFUSED = {
    "E_SECRET": package(subject="TUYỆT MẬT"),
    "E_SECRET: TUYET_MAT in attachment 2": package(appendices=[("ghi-chu.txt", "TUYỆT MẬT\n".encode())]),
    "E_ATT_CORRUPT": package(appendices=[("tep.zip", b"PK\x03\x04 broken")]),
    "E_XML": b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><x>&b;</x>',
    "E_XML: ": package()[:-40],
    "has no attachments": packages.status("B.02", "A.01", "doc-1", StatusCode.ACCEPTED, AT),
}


@pytest.mark.parametrize("why", REFUSED)
def test_of_what_intake_or_validator_refuse_nothing_is_written(tmp_path: Path, why: str) -> None:
    folder, error = extracted(tmp_path, REFUSED[why])
    assert isinstance(error, CommandError)
    assert why in str(error)
    assert not folder.exists()


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "sparse.edxml"
    with path.open("wb") as file:
        file.truncate(3 * 1024**3)
    done = CliRunner().invoke(app, ["package", "extract", str(path), str(tmp_path / "out")])
    assert "E_SIZE" in str(done.exception)


def test_what_is_no_regular_file_is_one_sentence(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    done = CliRunner().invoke(app, ["package", "extract", str(tmp_path / "pipe"), str(tmp_path / "out")])
    assert isinstance(done.exception, CommandError)


NAMES = {
    "van-ban.pdf": "7-van-ban.pdf",
    "../../etc/passwd": "7-passwd",
    "C:\\Windows\\x.exe": "7-x.exe",
    ".bashrc": "7-bashrc",
    "-rf": "7--rf",
    "": "7-attachment",
    "a\x00b\x1b[2J\u202e.pdf": "7-ab[2J.pdf",
    'a<b>c:d"e|f?g*.pdf': "7-a_b_c_d_e_f_g_.pdf",
    "a\ue000.pdf": "7-a_.pdf",
    "Ự" * 300 + ".pdf": "7-" + "Ự" * 64 + ".pdf",
    "x" * 300: "7-" + "x" * 198,
    "a." + "b" * 300: "7-a." + "b" * 196,
}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_can_do_no_harm(name: str) -> None:
    found = safe_name(7, name)
    assert found == NAMES[name]
    assert len(found.encode()) <= 200


# out of the archive


def record(**changes: Any) -> Record:
    kept = KeptObject(role="package", key="k/p/package.edxml", sha256="0" * 64, size_bytes=5, version_id="v")
    values = {
        "record_id": "p1",
        "document_key": "k",
        "sender": "A.01",
        "document_id": "doc-1",
        "kind": "new",
        "lane": "normal",
        "verdict": "document.verified",
        "event_id": "e",
        "retention_class": "c",
        "retention_version": "1",
        "retention_years": 10,
        "legal_basis": "law",
        **dict.fromkeys(("retain_until", "submitted_at", "decided_at", "archived_at"), AT),
        "ledger_seq": 0,
        "ledger_hash": "0" * 64,
        "objects": (kept,),
    }
    return Record.model_validate(values | changes)


def row(**changes: Any) -> dict[str, Any]:
    one = record(**changes)
    return {"_id": one.record_id, **one.model_dump()}


def test_a_package_lies_where_its_record_says() -> None:
    kept = record().objects[0]
    apart, inside = package_in(record()), package_in(record(objects=(kept.model_copy(update={"bucket": PACKAGES}),)))
    assert (apart.bucket, apart.key, apart.version_id) == (ARCHIVE, kept.key, "v")
    assert (inside.bucket, inside.sha256) == (PACKAGES, kept.sha256)


def test_of_a_secret_package_nothing_is_kept_and_nothing_is_read() -> None:
    with pytest.raises(CommandError, match=r"p1 \(E_SECRET\)"):
        package_in(record(objects=(), reason=Reason.E_SECRET))


def test_a_notice_that_is_no_object_has_no_attachments() -> None:
    enclosed = (EnclosedPart(role=PACKAGE, sha256="0" * 64, size_bytes=700),)
    with pytest.raises(CommandError, match=r"p1 is a notice without attachments\. .*k/p1/record\.json"):
        package_in(record(objects=(), enclosed=enclosed))


ROWS = {
    "no record": ([], "has no record"),
    "several": ([row(), row(record_id="p2")], "several packages, say which: p1, p2"),
    "no record any more": ([{"_id": "p1"}], "cannot be read"),
    "the record of another": ([row() | {"_id": "p9"}], "cannot be read"),
}


@pytest.mark.parametrize("case", ROWS)
def test_an_identifier_names_one_record(case: str) -> None:
    rows, why = ROWS[case]
    with pytest.raises(CommandError, match=why):
        record_of(rows, "doc-1")
    assert record_of([row()], "doc-1") == record()


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the command asks of the trunk, in its order."""
    asked: list[str] = []

    class Records:
        def __init__(self, _: object) -> None: ...

        def named(self, identifier: str) -> list[dict[str, Any]]:
            asked.append(f"record of {identifier}")
            return [row()]

        def close(self) -> None: ...

    class Store:
        def __init__(self, _: object) -> None: ...

        async def fetch(self, ref: ObjectRef, target: BinaryIO) -> None:
            if "altered" in asked:
                raise ObjectAltered(f"{ref.bucket}/{ref.key}")
            asked.append(f"read {ref.key}")
            target.write(package())
            target.seek(0)

    async def publish(_: object, events: list[SecurityNoticed]) -> None:
        if "no broker" in asked:
            raise CommandError("the broker did not confirm")
        asked.append(f"published {events[0].kind}")

    for name, fake in {"ArchiveRecords": Records, "Objects": Store, "publish": publish}.items():
        monkeypatch.setattr(commands_package, name, fake)
    return asked


def from_archive(tmp_path: Path) -> BaseException | None:
    who = ["--by", "An", "--why", "asked", "--state", str(tmp_path / "none")]
    return CliRunner().invoke(app, ["package", "extract", "doc-1", str(tmp_path / "out"), *who]).exception


def test_of_the_archive_nothing_is_read_before_it_is_announced(tmp_path: Path, steps: list[str]) -> None:
    assert from_archive(tmp_path) is None
    assert steps == ["record of doc-1", "published OPERATOR_ACTED", "read k/p/package.edxml"]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["1-van-ban.pdf"]


def test_what_cannot_be_announced_is_not_read(tmp_path: Path, steps: list[str]) -> None:
    steps.append("no broker")
    assert isinstance(from_archive(tmp_path), CommandError)
    assert steps == ["no broker", "record of doc-1"]
    assert not (tmp_path / "out").exists()


def test_altered_bytes_are_a_finding_about_the_package(tmp_path: Path, steps: list[str]) -> None:
    steps.append("altered")
    error = from_archive(tmp_path)
    assert isinstance(error, CommandError)
    assert "Package p1 in the archive: E_OBJECT: altered: archive/k/p/package.edxml" in str(error)
    assert not (tmp_path / "out").exists()


def test_who_took_what_and_why_is_a_security_event_of_its_own() -> None:
    who = Decision(by="Nguyễn Văn A", why="đơn vị hỏi", account="root@ops", at=AT)
    event = taken_event(record(), who)
    assert is_entitled(event, OPERATOR)
    assert (event.actor, event.occurred_at, event.package_id) == (who.by, AT, "p1")
    assert all(part in event.detail for part in ("extract", "p1", who.why))
    others = [who.model_copy(update={"by": "B"}), who.model_copy(update={"at": AT.replace(year=2027)})]
    ids = {event.event_id, *(taken_event(record(), other).event_id for other in others)}
    assert len(ids | {taken_event(record(record_id="p2"), who).event_id}) == 4
