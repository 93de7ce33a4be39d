"""``trunkctl log`` on files alone: without stores, services, or any address."""

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from common.tlog.merkle import ProofInvalid
from common.tlog.names import CHECKPOINT, batch_checkpoint
from trunkctl.command_error import CommandError
from trunkctl.commands import log as commands
from trunkctl.log.evidence import evidence_of
from trunkctl.log.reading import Bucket, SingleFiles
from trunkctl.main import app

from .test_reading import MemoryStore
from .whole import KEY, PUBLIC, Whole

WHOLE = Whole(4, 9)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, data in WHOLE.files.items():
        (tmp_path / "log" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "log" / name).write_bytes(data)
    return tmp_path / "log"


def ran(*arguments: object, code: int = 0) -> list[str]:
    result: Result = CliRunner().invoke(app, ["log", *map(str, arguments)])
    assert result.exit_code == code, (result.output, result.exception)
    return result.output.splitlines()


def test_a_whole_log_is_verified_and_its_checkpoint_kept(folder: Path, tmp_path: Path) -> None:
    saved = tmp_path / "kept"
    lines = ran("verify", "--folder", folder, "--key", PUBLIC, "--save", saved)
    assert lines == [f"9 entries, root {WHOLE.written.root.hex()}, 0 faults"]
    assert saved.read_bytes() == WHOLE.files[CHECKPOINT]


def test_a_cut_off_end_is_found_with_a_kept_checkpoint(folder: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.write_bytes(WHOLE.files[CHECKPOINT])
    for name in WHOLE.files:
        if name == batch_checkpoint(4) or name.endswith(".p/9"):
            (folder / name).unlink()
    (folder / CHECKPOINT).write_bytes(WHOLE.files[batch_checkpoint(0)])
    assert ran("verify", "--folder", folder, "--key", PUBLIC)[-1].endswith("0 faults")
    lines = ran("verify", "--folder", folder, "--key", PUBLIC, "--known", kept, code=1)
    assert lines[0] == f"{kept}: of size 9, and the log ends at 4: its end was cut off"


def test_an_entry_that_was_sealed_twice_is_named_and_no_fault(tmp_path: Path) -> None:
    twice = Whole(4, 9, also=[2])
    for name, data in twice.files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    lines = ran("verify", "--folder", tmp_path, "--key", PUBLIC)
    assert lines[0].startswith("entry 9 of the log is entry 2 once more")
    assert lines[1:] == [f"10 entries, root {twice.written.root.hex()}, 0 faults"]


@pytest.mark.parametrize("is_there", [True, False], ids=["empty", "no folder"])
def test_where_there_is_no_log_nothing_passes_for_verified(tmp_path: Path, is_there: bool) -> None:
    folder = tmp_path / "log"
    if is_there:
        folder.mkdir()
    result = CliRunner().invoke(app, ["log", "verify", "--folder", str(folder), "--key", PUBLIC])
    assert result.exit_code == 1
    assert ("nothing was verified" in result.output) is is_there
    assert isinstance(result.exception, SystemExit if is_there else CommandError)


def test_a_file_without_proofs_does_not_pass(tmp_path: Path) -> None:
    (tmp_path / "proofs").touch()
    result = CliRunner().invoke(app, ["log", "check", str(tmp_path / "proofs"), "--key", PUBLIC])
    assert isinstance(result.exception, CommandError)


class Rows:
    """``LedgerRows`` of the whole log."""

    def named(self, identifier: str) -> list[dict[str, Any]]:
        return [row for row in WHOLE.rows if row["event_id"] == identifier]

    def place(self, row: dict[str, Any], _: Any) -> int:
        return WHOLE.rows.index(row)


def test_what_is_proved_holds(capsys: pytest.CaptureFixture[str]) -> None:
    """A damaged tile gives a proof that does not: it is not printed."""
    rows: Any = Rows()
    store = MemoryStore(WHOLE.files)
    commands._prove(SingleFiles(store), rows, "p002:repeated:1", [KEY.verifier])
    assert len(capsys.readouterr().out.splitlines()) == 1
    tile = bytearray(WHOLE.files["tile/0/000.p/9"])
    tile[7 * 32] ^= 1
    store.put["tile/0/000.p/9"] = [bytes(tile)]
    with pytest.raises(ProofInvalid):
        commands._prove(SingleFiles(store), rows, "p002:repeated:1", [KEY.verifier])
    assert capsys.readouterr().out == ""


def test_proofs_are_checked_offline(tmp_path: Path) -> None:
    proofs = tmp_path / "proofs"
    told = evidence_of(WHOLE.entries[2], 2, WHOLE.written.tree(), WHOLE.files[CHECKPOINT]).model_dump_json()
    proofs.write_text(f"{told}\n")
    (line,) = ran("check", proofs, "--key", PUBLIC)
    assert line.startswith("package.repeated p002:repeated:1 recorded 2026-11-22T08:30:02.000+00:00")
    proofs.write_text(f"{told}\n{told.replace('15/TB', '16/TB')}\nnothing\n")
    lines = ran("check", proofs, "--key", PUBLIC, code=1)
    assert [line.startswith("line") for line in lines] == [False, True, True]


def test_the_public_key_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUNK_LOG_KEY", KEY.seed.hex())
    monkeypatch.setenv("TRUNK_LOG_ORIGIN", KEY.name)
    assert ran("public-key") == [PUBLIC]


@pytest.mark.parametrize("key", ["", "nothing", PUBLIC[:-2]], ids=["empty", "a word", "cut short"])
def test_a_key_that_is_none_is_said(folder: Path, key: str) -> None:
    result = CliRunner().invoke(app, ["log", "verify", "--folder", str(folder), "--key", key])
    assert isinstance(result.exception, CommandError)


def test_a_newest_checkpoint_that_cannot_be_read_ends_the_verification_with_a_sentence() -> None:
    """It is asked for once more where the listed one is older than the last batch."""
    store = MemoryStore(WHOLE.files)
    store.put[CHECKPOINT] = [WHOLE.files[batch_checkpoint(0)]]
    files = Bucket(store, lambda _: store.broken.add(CHECKPOINT))
    with pytest.raises(CommandError, match=r"does not answer \(InternalError\)"):
        commands.verified(files, [KEY.verifier], [])
