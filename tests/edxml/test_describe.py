"""The command line's view: one JSON line a file, whatever is in it."""

import json
import random
from pathlib import Path

import pytest

from common.domain.reason import Reason
from trunkctl.edxml import describe, print_json

KEYS = {
    "file", "kind", "business_type", "from", "to", "document_id", "number", "notation", "subject", "promulgation_date",
    "priority", "status_code", "attachments", "warnings",
}  # fmt: skip


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "văn bản.edxml"


def test_a_document(document, file: Path) -> None:
    file.write_bytes(document())
    assert describe(file) == {
        "file": str(file),
        "kind": "document",
        "business_type": 0,
        "from": "000.00.14.H29",
        "to": ["000.00.09.H29", "H29.901.01"],
        "document_id": "000.00.14.H29,2026/11/20,15/TB-TEST",
        "number": "15",
        "notation": "TB-TEST",
        "subject": "Về việc thử",
        "promulgation_date": "2026-11-20",
        "priority": 1,
        "status_code": None,
        "attachments": [
            {
                "name": "15-TB.pdf",
                "content_type": "application/pdf",
                "bytes": 41,
                "sha256": "5f402992d916d5e8f644a7881f81e4b0bfa9d78311b352bb96b8d9224a599990",
            }
        ],
        "warnings": [],
    }


def test_a_status(status, file: Path) -> None:
    file.write_bytes(status(("<edXML:Code>15/TB-TEST", "<edXML:Code>15/TB/TEST")))
    description = describe(file)
    assert set(description) == KEYS
    assert [description[key] for key in ("kind", "business_type", "priority", "status_code")] == [
        "status",
        None,
        None,
        "02",
    ]
    assert [description[key] for key in ("from", "to")] == ["000.00.09.H29", ["000.00.14.H29"]]
    assert [description[key] for key in ("number", "notation")] == ["15", "TB/TEST"]
    assert [description[key] for key in ("document_id", "promulgation_date")] == [
        "000.00.14.H29,2026/11/20,15/TB-TEST",
        "2026-11-20",
    ]


def test_errors_are_lines_too(document, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_bytes(document(("<edXML:Priority>1", "<edXML:Priority>9")))
    assert print_json([file, file.parent / "none", file.parent]) == 1
    first, second, third = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (first["error"], first["from"]) == ("E_ENUM", "000.00.14.H29")
    assert first["message"] == "OtherInfo/Priority has a value outside its set."
    assert second["error"] == third["error"] == "E_UNAVAILABLE"


def test_lines_are_in_plain_vietnamese(document, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_bytes(document())
    assert print_json([file]) == 0
    assert "Về việc thử" in capsys.readouterr().out


def mutate(data: bytes, chance: random.Random) -> bytes:
    """A few random cuts, flips, swaps and repeats."""
    mutated = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        start = chance.randrange(len(mutated))
        end = min(len(mutated), start + chance.choice([1, 2, 8, 64, 500]))
        piece = mutated[start:end]
        match chance.randrange(6):
            case 0:
                del mutated[start:end]
            case 1:
                mutated[start] ^= 1 << chance.randrange(8)
            case 2:
                mutated[start:start] = piece * chance.randint(1, 5)
            case 3:
                at = chance.randrange(len(mutated))
                mutated[at:at] = piece
            case 4:
                mutated[start:end] = chance.randbytes(end - start)
            case _:
                mutated[start:end] = chance.choice(
                    [b"<", b"&", b"]]>", b"<!DOCTYPE x>", b"\0", b"", b"PK\x03\x04", b"null"]
                )
        if not mutated:
            break
    return bytes(mutated)


def seeds(document, status, zipped) -> list[bytes]:
    wrapped = zipped(("a.pdf", b"%PDF-1.7\n" * 9), ("b", b""))
    zip_named = [("15-TB.pdf", "a.zip"), ("ContentType>application/pdf<", "ContentType>application/zip<")]
    return [document(), status(), document(content=wrapped), document(*zip_named, content=zipped(("c", wrapped)))]


def test_no_bytes_make_it_crash(document, status, zipped, file: Path) -> None:
    chance = random.Random(102)
    outcomes = set()
    for seed in seeds(document, status, zipped):
        for _ in range(300):
            file.write_bytes(mutate(seed, chance))
            description = json.loads(json.dumps(describe(file), ensure_ascii=False))
            outcomes.add(description.get("error", description.get("kind")))
            assert "error" in description or set(description) == KEYS
    assert outcomes <= {"document", "status", *map(str, Reason)}
    assert {"document", "status", "E_XML", "E_ATT_CORRUPT", "E_ATT_B64"} <= outcomes


def test_damaged_archives_never_crash(document, zipped, file: Path) -> None:
    chance = random.Random(1022)
    inner = zipped(("a.pdf", b"%PDF-1.7\n" * 90), ("mimetype", b"x"))
    names = [("15-TB.pdf", "a.zip"), ("ContentType>application/pdf<", "ContentType>application/zip<")]
    outcomes = set()
    for number in range(800):
        content = b"PK\x03\x04" + mutate(zipped(("c", inner), ("d.pdf", b"%PDF-1.7\n" * 9)), chance)[4:]
        file.write_bytes(document(*(names if number % 2 else []), content=content))
        outcomes.add(describe(file).get("error"))
    assert outcomes <= {None, "E_ATT_CORRUPT", "E_ATT_ZIP", "E_ATT_TYPE", "E_SIZE", "E_ATT_B64"}


def test_mutated_real_messages_never_crash(samples: Path, file: Path) -> None:
    chance = random.Random(2016)
    for path in sorted(samples.glob("*.edxml")):
        for _ in range(10):
            file.write_bytes(mutate(path.read_bytes(), chance))
            json.dumps(describe(file), ensure_ascii=False)
