"""``trunkctl verify`` of edXML packages, also hostile ones: what they are, each PDF by name, the verdict as a whole."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from common.domain.names import StatusCode
from mint import packages
from mint.city import City, build_city
from mint.paper import letter
from mint.tamper import TAMPERS
from trunkctl import package_verification
from trunkctl.files_to_verify import is_package, opened
from trunkctl.main import app

NOW = datetime(2026, 7, 1, 3, tzinfo=UTC)
SENDER, RECEIVER = "000.00.14.H29", "H29.901.01"
BOMB = """<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><x>&c;&c;&c;&c;</x>"""


@dataclass(frozen=True)
class Desk:
    city: City
    folder: Path
    signed: bytes

    def package(self, pdf: bytes | None = None, **changes: Any) -> bytes:
        return packages.letter(SENDER, [RECEIVER], "doc-1", pdf or self.signed, **changes)

    def run(self, path: Path, *form: str, directory: bool = True) -> tuple[int, str]:
        known = ["--directory", str(self.folder / "directory.json")] if directory else []
        words = ["verify", str(path), "--trust", str(self.folder / "trust"), *known]
        at = (NOW + timedelta(hours=2)).isoformat()
        done = CliRunner().invoke(app, [*words, "--at", at, *form], catch_exceptions=False)
        return done.exit_code, done.stdout

    def lines(self, path: Path, *, directory: bool = True) -> tuple[int, dict[str, dict[str, Any]]]:
        code, text = self.run(path, "--json", directory=directory)
        return code, {Path(line["file"]).name: line for line in map(json.loads, text.splitlines())}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    city = build_city(NOW, kind="p256")
    folder = tmp_path_factory.mktemp("verify")
    city.write_trust(folder / "trust")
    city.write_directory(folder / "directory.json")
    return Desk(city, folder, city.signed(SENDER, letter()))


@pytest.fixture(scope="module")
def crowd(desk: Desk) -> Path:
    """Right, wrong and hostile packages beside a PDF."""
    folder, right = desk.folder / "crowd", desk.package()
    folder.mkdir()
    made = {
        "right.edxml": right,
        "annexed.edxml": desk.package(appendices=[("phu-luc.pdf", letter()), ("bang.csv", b"a,b")]),
        "altered.edxml": desk.package(TAMPERS["page_changed"].apply(desk.signed)),
        "altered-annex.edxml": desk.package(appendices=[("annex.pdf", TAMPERS["page_changed"].apply(desk.signed))]),
        "unsigned.edxml": desk.package(letter()),
        "foreign.edxml": packages.letter(RECEIVER, [SENDER], "doc-2", desk.signed),
        "status.edxml": packages.status(RECEIVER, SENDER, "doc-1", StatusCode.ACCEPTED, NOW),
        "secret.edxml": desk.package(subject="TUYỆT MẬT"),
        "secret-file.edxml": desk.package(appendices=[("ghi-chu.txt", "TUYỆT MẬT\n".encode())]),
        "broken-zip.edxml": desk.package(appendices=[("tep.zip", b"PK\x03\x04 broken")]),
        "cut-off.edxml": right[: len(right) // 2],
        "bomb.edxml": BOMB.encode(),
        "page.html": b"<html><body>%PDF</body></html>",
        "tags.xml": b"<a>" * 100_000,
        "right.pdf": desk.signed,
    }
    for name, data in made.items():
        (folder / name).write_bytes(data)
    with (folder / "sparse.edxml").open("wb") as file:
        file.write(b"<?xml")
        file.truncate(3 * 1024**3)
    return folder


VERDICTS = {
    "right.edxml": ("valid", None, 1),
    "annexed.edxml": ("valid", None, 2),
    "altered.edxml": ("refused", "E_SIG_CHANGED", 1),
    "altered-annex.edxml": ("refused", "E_SIG_CHANGED", 2),
    "unsigned.edxml": ("refused", "E_SIG_ORG_MISSING", 1),
    "foreign.edxml": ("refused", "E_SIG_NOT_BOUND", 1),
    "status.edxml": ("refused", "E_PDF_NONE", 0),
    "secret.edxml": ("refused", "E_SECRET", 0),
    "secret-file.edxml": ("refused", "E_SECRET", 0),
    "broken-zip.edxml": ("refused", "E_ATT_CORRUPT", 0),
    "cut-off.edxml": ("refused", "E_XML", 0),
    "bomb.edxml": ("refused", "E_XML", 0),
    "page.html": ("refused", "E_NS", 0),
    "tags.xml": ("refused", "E_NS", 0),
    "sparse.edxml": ("refused", "E_SIZE", 0),
    "right.pdf": ("valid", None, None),
}


@pytest.fixture(scope="module")
def lines(desk: Desk, crowd: Path) -> dict[str, dict[str, Any]]:
    code, found = desk.lines(crowd)
    assert code == 1
    return found


def test_each_package_has_its_verdict(lines: dict[str, dict[str, Any]]) -> None:
    shown = {
        name: (line["verdict"], line["reason"], len(line["documents"]) if "documents" in line else None)
        for name, line in lines.items()
    }
    assert shown == VERDICTS


def test_a_package_says_what_it_is_and_each_pdf_has_its_name(lines: dict[str, dict[str, Any]]) -> None:
    line = lines["annexed.edxml"]
    package = line["package"]
    assert (package["kind"], package["from"], package["to"]) == ("new", SENDER, [RECEIVER])
    assert [each["name"] for each in package["attachments"]] == ["van-ban.pdf", "phu-luc.pdf", "bang.csv"]
    assert [each["file"].rpartition(": ")[2] for each in line["documents"]] == ["van-ban.pdf", "phu-luc.pdf"]
    assert line["label"] == "ORIGINAL"
    assert lines["unsigned.edxml"]["sentence"]
    assert not lines["status.edxml"]["sentence"]
    assert lines["altered-annex.edxml"]["detail"].startswith("annex.pdf: ")


@pytest.mark.parametrize("name", ["secret.edxml", "secret-file.edxml", "bomb.edxml", "sparse.edxml"])
def test_of_what_is_secret_or_cannot_be_read_nothing_is_shown(lines: dict[str, dict[str, Any]], name: str) -> None:
    assert lines[name]["package"] is None
    assert "MẬT" not in json.dumps(lines[name] | {"sentence": ""}, ensure_ascii=False)


@pytest.mark.parametrize("form", ["", "--explain", "--report", "--html"])
def test_each_form_names_the_documents_and_the_verdict_on_the_whole(desk: Desk, crowd: Path, form: str) -> None:
    code, text = desk.run(crowd / "altered-annex.edxml", *([form] if form else []))
    assert code == 1
    for part in ("van-ban.pdf", "annex.pdf", "E_SIG_CHANGED"):
        assert part in text, part


@pytest.mark.parametrize("form", ["", "--explain", "--report", "--html"])
def test_every_form_goes_on_behind_what_is_hostile(desk: Desk, crowd: Path, form: str) -> None:
    code, text = desk.run(crowd, *([form] if form else []))
    assert code == 1
    assert all(name in text for name in VERDICTS)


def test_a_valid_package_in_words(desk: Desk, crowd: Path) -> None:
    code, text = desk.run(crowd / "annexed.edxml", "--explain")
    assert code == 0
    assert f"edXML package, a new document, from {SENDER} to {RECEIVER}" in text
    assert "attachment 3: bang.csv" in text
    assert "as an annex it needs no signature of unit and signer" in text
    assert "package valid: ORIGINAL; 1 unsigned annexes" in text


def test_without_a_directory_a_valid_package_is_of_no_form(desk: Desk, crowd: Path) -> None:
    code, found = desk.lines(crowd / "annexed.edxml", directory=False)
    assert (code, found["annexed.edxml"]["verdict"], found["annexed.edxml"]["label"]) == (0, "valid", None)
    code, found = desk.lines(crowd / "altered-annex.edxml", directory=False)
    assert (code, found["altered-annex.edxml"]["verdict"]) == (1, "refused")


def test_the_files_of_a_package_have_a_bounded_time_together(
    desk: Desk, crowd: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(package_verification, "CPU_SECONDS", 0)
    code, found = desk.lines(crowd / "right.edxml")
    assert (code, found["right.edxml"]["reason"]) == (1, "E_PDF_TIMEOUT")


BEGINNINGS = {
    b"<?xml version='1.0'?>": True,
    b"\xef\xbb\xbf \n<edXML>": True,
    "\ufeff<edXML>".encode("utf-16-le"): True,
    "\ufeff<edXML>".encode("utf-16-be"): True,
    b"%PDF-1.7": False,
    b"<a>%PDF-1.7": False,
    b"PK\x03\x04": False,
    b"": False,
    b"Cong van": False,
}


@pytest.mark.parametrize("beginning", BEGINNINGS)
def test_a_package_is_known_by_how_it_begins(tmp_path: Path, beginning: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(beginning)
    with opened(path) as file:
        assert is_package(file) is BEGINNINGS[beginning]
        assert file.read() == beginning
