"""``trunkctl verify`` over a folder of right and hostile files: one line a file, whatever they hold."""

import hashlib
import json
import os
import socket
from contextlib import chdir
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_der_x509_crl
from typer.testing import CliRunner

from mint.city import City, build_city
from mint.ltv import add_validation_data
from mint.paper import letter, scan
from mint.pki import Revocation
from mint.sign import sign
from mint.tamper import TAMPERS
from trunkctl.files_to_verify import files_of
from trunkctl.main import app

from .program import entry_point, program

NOW = datetime(2026, 7, 1, 3, tzinfo=UTC)
SENDER = "000.00.14.H29"
AT = (NOW + timedelta(hours=2)).isoformat()


@dataclass(frozen=True)
class Desk:
    city: City
    folder: Path
    signed: bytes

    def put(self, name: str, data: bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        return path


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    city = build_city(NOW, kind="p256")
    folder = tmp_path_factory.mktemp("verify")
    city.write_trust(folder / "trust")
    city.write_directory(folder / "directory.json")
    return Desk(city, folder, city.signed(SENDER, letter()))


def _lines(desk: Desk, *words: object, trusted: bool = True) -> tuple[int, dict[str, dict[str, Any]]]:
    trust = ["--trust", desk.folder / "trust"] if trusted else []
    told = ["verify", *words, *trust, "--at", AT, "--json"]
    done = CliRunner().invoke(app, [str(word) for word in told], catch_exceptions=False)
    read = [json.loads(line) for line in done.stdout.splitlines()]
    return done.exit_code, {Path(each["file"]).name: each for each in read}


def test_one_line_a_file_over_a_folder_of_hostile_files(desk: Desk) -> None:
    expected = {
        "right.pdf": (desk.signed, "intact", "valid", None),
        "unsigned.pdf": (letter(), "unsigned", "refused", "E_SIG_ORG_MISSING"),
        "empty.pdf": (b"", "malformed", "refused", "E_PDF_FORMAT"),
        "text.pdf": (b"Cong van", "malformed", "refused", "E_PDF_FORMAT"),
        "nine.pdf": (_many(desk), "intact", "refused", "E_PDF_LIMIT"),
        "old.pdf": (_old(desk), "intact", "refused", "E_SIG_WEAK_ALG"),
    }
    for name in ("one_byte_flipped", "page_changed", "bytes_behind_the_end", "contents_zero", "signatures_removed",
                 "unknown_subfilter", "signature_value_changed"):  # fmt: skip
        reason = str(TAMPERS[name].reason)
        expected[f"{name}.pdf"] = (TAMPERS[name].apply(desk.signed), "tampered", "refused", reason)
    for name, (data, *_) in expected.items():
        desk.put(f"folder/{name}", data)
    code, found = _lines(desk, desk.folder / "folder", desk.folder / "nowhere.pdf")
    assert code == 1
    assert found.pop("nowhere.pdf")["integrity"] == "malformed"
    told = {name: (each["integrity"], each["verdict"], each["reason"]) for name, each in found.items()}
    assert told == {name: tuple(rest) for name, (_, *rest) in expected.items()}
    assert found["right.pdf"]["trusted"] is True
    assert found["one_byte_flipped.pdf"]["trusted"] is False


def test_what_is_no_file_and_what_is_no_name(desk: Desk) -> None:
    """A pipe would never end, and a name need not be UTF-8."""
    pipe = desk.folder / "pipe.pdf"
    os.mkfifo(pipe)
    odd = desk.folder / os.fsdecode(b"sai\xff.pdf")
    odd.write_bytes(desk.signed)
    _, found = _lines(desk, pipe, odd, desk.folder / "nowhere.pdf")
    assert found["pipe.pdf"]["integrity"] == "malformed"
    assert found["nowhere.pdf"]["integrity"] == "malformed"
    assert found[odd.name]["verdict"] == "valid"


def test_trust_of_any_form_under_any_name(desk: Desk) -> None:
    """DER and PEM, several in a file, and what is no certificate at all."""
    told, folder = desk.folder / "trust", desk.folder / "other trust"
    for name in ("roots", "intermediates", "crls", "tsa"):
        (folder / name).mkdir(parents=True)
    root = desk.city.authority.root.certificate
    (folder / "roots" / "gốc").write_bytes(root.public_bytes(Encoding.DER))
    both = b"".join(path.read_bytes() for name in ("intermediates", "roots") for path in (told / name).iterdir())
    (folder / "intermediates" / "CHAIN.TXT").write_bytes(both)
    (folder / "roots" / "README").write_text("roots of the demo")
    (folder / "crls" / "README").write_text("lists of the demo")
    for path in (told / "crls").iterdir():
        crl = load_der_x509_crl(path.read_bytes())
        (folder / "crls" / f"{path.stem}.list").write_bytes(crl.public_bytes(Encoding.PEM))
    signed = desk.put("signed.pdf", desk.signed)
    told_words = ["verify", signed, "--trust", folder, "--at", AT, "--json"]
    done = CliRunner().invoke(app, [str(word) for word in told_words], catch_exceptions=False)
    assert json.loads(done.stdout.splitlines()[-1])["verdict"] == "valid"
    assert "README" in done.stderr


def _many(desk: Desk) -> bytes:
    document = letter()
    for number in range(9):
        document = sign(document, desk.city[SENDER].signer, NOW, field=f"S{number}")
    return document


def _old(desk: Desk) -> bytes:
    person = desk.city.authority.person("Nguyễn Sha Một", kind="rsa2048")
    return sign(letter(), person, NOW, field="A", digest="sha1")


def test_without_trust_integrity_alone(desk: Desk) -> None:
    good, bad = desk.put("a.pdf", desk.signed), desk.put("b.pdf", TAMPERS["page_changed"].apply(desk.signed))
    code, found = _lines(desk, good, trusted=False)
    assert code == 3
    right = found["a.pdf"]
    assert (right["integrity"], right["trusted"], right["verdict"]) == ("intact", None, "undecided")
    assert right["signatures"][0]["indication"] == "INDETERMINATE"
    code, found = _lines(desk, bad, trusted=False)
    assert code == 1
    assert (found["b.pdf"]["integrity"], found["b.pdf"]["verdict"]) == ("tampered", "refused")


def test_with_a_directory_the_form_is_named(desk: Desk) -> None:
    directory = ["--directory", desk.folder / "directory.json"]
    right = desk.put("right.pdf", desk.signed)
    copy = desk.put("copy.pdf", desk.city.certified_copy(SENDER, scan()))
    _, found = _lines(desk, right, *directory)
    assert found["right.pdf"]["label"] == "ORIGINAL"
    _, found = _lines(desk, right, *directory, "--from", "H29.901.01")
    assert found["right.pdf"]["reason"] == "E_SIG_NOT_BOUND"
    assert found["right.pdf"]["trusted"] is True
    _, found = _lines(desk, copy, *directory, "--copy")
    assert found["copy.pdf"]["label"] == "CERTIFIED_COPY"


def test_a_page_to_read_where_no_name_can_do_harm(desk: Desk) -> None:
    evil = "<script>alert(1)</script>"
    person = desk.city.authority.person(evil)
    path = desk.put("evil.pdf", sign(letter(), person, NOW, field="<img src=x onerror=alert(1)>"))
    told = ["verify", path, "--trust", desk.folder / "trust", "--at", AT, "--html"]
    page = CliRunner().invoke(app, [str(word) for word in told], catch_exceptions=False).stdout
    assert "&lt;script" in page
    assert "<script" not in page
    assert "<img" not in page
    assert "Kết quả kiểm tra văn bản điện tử" in page


def test_the_shape_of_a_line(desk: Desk) -> None:
    _, found = _lines(desk, desk.put("shape.pdf", desk.signed))
    line = found["shape.pdf"]
    assert set(line) >= {"file", "integrity", "trusted", "verdict", "label", "reason", "signatures"}
    keys = {"field", "indication", "sub_indication", "reason", "signer", "signing_time", "covers_revision"}
    assert all(set(each) >= keys for each in line["signatures"])
    assert all(each["covers_revision"] is True for each in line["signatures"])


# A folder that somebody filled with everything


def _hostile(folder: Path) -> set[str]:
    """Names that a folder may hold and that are no documents; each gets its line."""
    (folder / "directory.pdf").mkdir()
    (folder / "directory.pdf" / "inside.pdf").write_bytes(b"x")
    os.mkfifo(folder / "fifo.pdf")
    (folder / "loop.pdf").symlink_to(folder / "loop.pdf")
    (folder / "one.pdf").symlink_to(folder / "two.pdf")
    (folder / "two.pdf").symlink_to(folder / "one.pdf")
    (folder / "dangling.pdf").symlink_to(folder / "nowhere.pdf")
    (folder / "itself").symlink_to(folder, target_is_directory=True)
    (folder / "device.pdf").symlink_to("/dev/zero")
    (folder / "memory.pdf").symlink_to("/proc/self/mem")
    (folder / "empty.pdf").touch()
    with (folder / "sparse.pdf").open("wb") as file:
        file.truncate(3 * 1024**3)
    (folder / "line\nvalid: ORIGINAL; intact\x1b[2J\u202e.pdf").write_bytes(b"x")
    (folder / os.fsdecode(b"name\xff\xfe.pdf")).write_bytes(b"x")
    (folder / ("n" * 255)).write_bytes(b"x")
    with socket.socket(socket.AF_UNIX) as listener, chdir(folder):  # the path of a socket may have 107 bytes
        listener.bind("socket.pdf")
    hidden = {".hidden.pdf"}
    (folder / ".hidden.pdf").write_bytes(b"x")
    return {path.name for path in folder.iterdir()} - hidden - {"directory.pdf", "itself"} | {"inside.pdf"}


@pytest.fixture(scope="module")
def crowd(desk: Desk) -> Path:
    """A thousand files, most of them hostile, some right."""
    folder = desk.folder / "crowd"
    folder.mkdir()
    for number in range(980):
        (folder / f"{number:04}.pdf").write_bytes(desk.signed if number % 70 == 0 else os.urandom(number % 50))
    _hostile(folder)
    return folder


def test_a_thousand_files_some_hostile(desk: Desk, crowd: Path) -> None:
    done = program("verify", crowd, "--trust", desk.folder / "trust", "--at", AT, "--json")
    assert b"Traceback" not in done.stderr
    assert done.returncode == 1
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    verdicts = {os.path.basename(each["file"]): each["verdict"] for each in lines}  # noqa: PTH119
    assert sum(verdict == "valid" for verdict in verdicts.values()) == 14
    listed = {path.name for path in crowd.iterdir()} - {".hidden.pdf", "directory.pdf", "itself"} | {"inside.pdf"}
    assert {name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace") for name in listed} == {
        name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace") for name in verdicts
    }
    by_name = {os.path.basename(each["file"]): each for each in lines}  # noqa: PTH119
    assert by_name["sparse.pdf"]["reason"] == "E_PDF_LIMIT"
    for name in ("fifo.pdf", "socket.pdf", "device.pdf", "loop.pdf", "dangling.pdf", "one.pdf"):
        assert by_name[name]["detail"].startswith("file not readable: "), name


@pytest.mark.parametrize("form", [(), ("--explain",), ("--report",), ("--html",)])
def test_every_form_of_output_goes_on(desk: Desk, form: tuple[str, ...]) -> None:
    folder = desk.folder / f"small {' '.join(form)}"
    folder.mkdir()
    names = _hostile(folder)
    (folder / "right.pdf").write_bytes(desk.signed)
    done = entry_point("verify", folder, "--trust", desk.folder / "trust", "--at", AT, *form)
    assert b"Traceback" not in done.stderr
    assert done.returncode == 1
    assert b"\x1b" not in done.stdout
    assert b"\nvalid: ORIGINAL; intact" not in done.stdout
    assert all(
        name.encode() in done.stdout for name in names if name.isascii() and name.isprintable() and len(name) < 99
    )


def test_a_folder_that_may_not_be_read_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Tests may run as root, for whom nothing is forbidden."""
    (tmp_path / "open").mkdir()
    (tmp_path / "open" / "a.pdf").touch()
    (tmp_path / "closed").mkdir()
    scan_folder = os.scandir

    def refusing(path: Any) -> Any:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan_folder(path)

    monkeypatch.setattr(os, "scandir", refusing)
    assert {path.name for path in files_of([tmp_path])} == {"a.pdf", "closed"}


WRONG_WORDS = {
    "no trust folder": lambda folder: ["--trust", folder / "nowhere"],
    "a file for a trust folder": lambda folder: ["--trust", folder / "file"],
    "trust.json is a pipe": lambda folder: ["--trust", folder / "piped"],
    "trust.json is a folder": lambda folder: ["--trust", folder / "foldered"],
    "trust.json is deep": lambda folder: ["--trust", folder / "deep"],
    "a directory that is none": lambda folder: ["--directory", folder / "file"],
    "a directory that is a folder": lambda folder: ["--directory", folder],
    "a directory that is a pipe": lambda folder: ["--directory", folder / "pipe"],
    "a directory that is deep": lambda folder: ["--directory", folder / "deep" / "trust.json"],
    "a directory of odd bytes": lambda folder: ["--directory", folder / "bytes"],
    "no time": lambda folder: ["--at", "yesterday"],
    "a time before all": lambda folder: ["--at", "0001-01-01T00:00:00+14:00"],
    "a time after all": lambda folder: ["--at", "9999-12-31T23:59:59-12:00"],
    "an empty folder": lambda folder: [folder / "empty"],
}


@pytest.mark.parametrize("case", WRONG_WORDS)
def test_wrong_words_are_one_sentence(desk: Desk, tmp_path: Path, case: str) -> None:
    for name in ("file", "bytes"):
        (tmp_path / name).write_bytes(b"\xff\x00 no such thing \x1b[2J")
    for name in ("empty", "piped", "foldered/trust.json", "deep"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("pipe", "piped/trust.json"):
        os.mkfifo(tmp_path / name)
    (tmp_path / "deep" / "trust.json").write_text("[" * 100_000)
    signed = [] if case == "an empty folder" else [desk.put("wrong.pdf", desk.signed)]
    done = entry_point("verify", *signed, *WRONG_WORDS[case](tmp_path))
    assert b"Traceback" not in done.stderr
    assert b"\x1b" not in done.stderr
    assert (done.returncode, done.stdout) == (2, b"")


def test_the_program_itself_says_the_same(desk: Desk) -> None:
    words = ["verify", desk.put("wrong.pdf", desk.signed), "--at", "yesterday"]
    assert program(*words) == entry_point(*words)


@pytest.mark.parametrize("path", ["x" * 300, "a/" * 3000 + "b.pdf"])
def test_paths_that_can_be_none(desk: Desk, path: str) -> None:
    _, found = _lines(desk, path)
    (line,) = found.values()
    assert (line["verdict"], line["reason"]) == ("refused", "E_PDF_FORMAT")


def test_a_decision_in_words(desk: Desk) -> None:
    stamped = desk.put("words.pdf", desk.signed)
    words = [
        "verify",
        stamped,
        "--trust",
        desk.folder / "trust",
        "--directory",
        desk.folder / "directory.json",
        "--at",
        AT,
    ]
    text = entry_point(*words, "--explain").stdout.decode()
    root = desk.city.authority.root
    for part in (
        "valid, ORIGINAL; intact",
        f"{root.sha256}), trusted root",
        "not revoked, says the revocation list number 1 of ",
        "in crls/",
        "Changes after a signature, all allowed:",
        "revision 2 against 1: new signature fields",
        "5.7 The digest of the covered bytes is the signed one.",
        "10.1 The sending unit's signature is the last one",
    ):
        assert part in text, part
    changed = desk.put("changed.pdf", TAMPERS["page_changed"].apply(desk.signed))
    text = entry_point("verify", changed, *words[2:], "--explain").stdout.decode()
    assert "Rule 4.1 does not hold: After a signature nothing is added" in text
    assert "5.8 The signature value is right for the signer's key." in text
    assert "No certificate of the chain is on its issuer's list" in text
    late = entry_point("verify", stamped, *words[2:-1], "2049-01-01", "--explain").stdout.decode()
    assert "no path to a trusted root is valid for " in late
    assert "No certificate of the chain is on its issuer's list" not in late
    untrusted = desk.folder / "untrusted"
    (untrusted / "roots").mkdir(parents=True)
    (untrusted / "roots" / "root.der").write_bytes(desk.city.foreign.root.der)
    text = entry_point("verify", stamped, "--trust", untrusted, "--at", AT, "--explain").stdout.decode()
    assert "no path to a trusted root was found for " in text
    text = entry_point("verify", stamped, "--at", AT, "--explain").stdout.decode()
    assert "no path to a trusted root was looked for" in text


def test_a_revocation_in_words(desk: Desk) -> None:
    seal, authority = desk.city[SENDER].seal, desk.city.authority
    entries = [Revocation(seal.certificate.serial_number, NOW - timedelta(days=1))]
    crl = authority.crl("issuing", revoked=entries, number=77, this_update=NOW, next_update=NOW + timedelta(days=7))
    revoked = desk.put("revoked.pdf", add_validation_data(desk.signed, [], [crl]))
    text = entry_point("verify", revoked, "--trust", desk.folder / "trust", "--at", AT, "--explain").stdout.decode()
    assert f"Certificate {seal.sha256} is revoked, says the revocation list number 77 of " in text
    assert f"brought along by the document (SHA-256 {hashlib.sha256(crl).hexdigest()})" in text
