"""``trunkctl verify`` over a folder of right and hostile files: one line a file, whatever they hold."""

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_der_x509_crl
from typer.testing import CliRunner

from mint.city import City, build_city
from mint.paper import letter, scan
from mint.sign import sign
from mint.tamper import TAMPERS
from trunkctl.main import app

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
