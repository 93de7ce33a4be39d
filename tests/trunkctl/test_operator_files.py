"""Whatever a file that an operator names holds, a command answers with a sentence, and with no traceback."""

import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import typer.main

from common.tlog.names import CHECKPOINT
from trunkctl import main
from trunkctl.main import app

from .log.whole import PUBLIC, Whole

STATE = "state"
"""The option that every command has: the folder of the trunk on this machine."""
CASES = {
    "backup list TARGET": ["backup", "list", "--to", "{file}"],
    "edxml FILES": ["edxml", "--json", "{file}"],
    "log check PROOFS": ["log", "check", "{file}", "--key", PUBLIC],
    "log verify FOLDER": ["log", "verify", "--key", PUBLIC, "--folder", "{file}"],
    "log verify KNOWN": ["log", "verify", "--key", PUBLIC, "--folder", "{log}", "--known", "{file}"],
    "log verify SAVE": ["log", "verify", "--key", PUBLIC, "--folder", "{log}", "--save", "{file}/new"],
    "package extract FOLDER": ["package", "extract", "{letter}", "{file}"],
    "restore database SOURCE": ["restore", "database", "--from", "{file}"],
    "send FILES": ["send", "A.01", "{file}", "--to", "A.02"],
    "stores identities KEYS": ["stores", "identities", "--keys", "{file}"],
    "trust add FILE": ["trust", "add", "{file}", "00", "--trust", "{empty}"],
    "trust add TRUST": ["trust", "add", "{letter}", "00", "--trust", "{file}"],
    "trust list TRUST": ["trust", "list", "--trust", "{file}"],
    "trust refresh DROP": ["trust", "refresh", "--trust", "{empty}", "--drop", "{file}"],
    "trust refresh TRUST": ["trust", "refresh", "--trust", "{file}"],
    "trust remove TRUST": ["trust", "remove", "00", "--trust", "{file}"],
    "units import FILE": ["units", "import", "{file}"],
}
LATER = {
    *("backup database TARGET", "inbox SAVE", "park show BODY"),
    *("verify DIRECTORY", "verify FILES", "verify TRUST"),
}
"""What a command comes to only once servers have answered, or workers: the latter in ``test_verify.py``."""
BAD: dict[str, Callable[[Path], object]] = {
    "missing": lambda path: path,
    "a folder": lambda path: path.mkdir(),
    "empty": lambda path: path.write_bytes(b""),
    "no UTF-8": lambda path: path.write_bytes(b"\xff\xfe{}\n"),
    "nested deeply": lambda path: path.write_text("[" * 100_000),
    "a proof nested deeply": lambda path: path.write_text(
        '{"content":"' + "[" * 100_000 + '","package_sha256":"","salt":"","proof":""}'
    ),
}


def with_files(command: Any, name: str = "") -> Iterator[str]:
    """Commands below this one, with each parameter that is a file or a folder."""
    for each, inner in getattr(command, "commands", {}).items():
        yield from with_files(inner, f"{name} {each}".strip())
    for parameter in command.params:
        annotation = getattr(getattr(parameter, "type_descriptor", None), "annotation", None)
        if "Path" in str(annotation) and parameter.name != STATE:
            yield f"{name} {str(parameter.name).upper()}"


def test_every_file_that_a_command_takes_is_tried() -> None:
    known = {*CASES, *LATER}
    assert sorted({*with_files(typer.main.get_command(app))} ^ known) == []


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("case", CASES)
def test_a_command_says_in_a_sentence_what_is_wrong_with_a_file(
    case: str, bad: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    file, folder, letter, empty = (tmp_path / name for name in ("file", "log", "letter.edxml", "empty"))
    for name, data in Whole(4, 9).files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    assert (folder / CHECKPOINT).is_file()
    letter.write_bytes(b"<x/>")
    empty.mkdir()
    BAD[bad](file)
    places = {"file": file, "log": folder, "letter": letter, "empty": empty}
    monkeypatch.setenv("TRUNK_STATE", str(tmp_path / "no trunk"))
    monkeypatch.setenv("TRUNK_S3_ENDPOINT", "127.0.0.1:9")
    monkeypatch.setenv("TRUNK_MONGO_URI", "mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=1")
    monkeypatch.setattr(sys, "argv", ["trunkctl", *(each.format(**places) for each in CASES[case])])
    with suppress(SystemExit):
        main.main()
    said = capfd.readouterr()
    assert "Traceback" not in said.out + said.err


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            FileNotFoundError(2, "No such file or directory", "/a/file"),
            "/a/file cannot be used: No such file or directory.",
        ),
        (OSError(28, "No space left on device"), "The system refused: [Errno 28] No space left on device."),
        (RecursionError(), "A file is nested too deeply to be read."),
    ],
    ids=["with a name", "without a name", "nested"],
)
def test_what_no_command_expects_of_a_file_is_a_sentence_too(
    error: Exception, sentence: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def failing() -> None:
        raise error

    monkeypatch.setattr(main, "app", failing)
    with pytest.raises(SystemExit) as end:
        main.main()
    assert end.value.code == 1
    assert capfd.readouterr().err.strip() == f"trunkctl: {sentence}"
