"""A proof of an entry is checked offline, and by a checker that shares no code with the trunk."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from common.tlog.merkle import ProofInvalid
from common.tlog.names import CHECKPOINT
from common.tlog.note import NoteInvalid, SignerKey
from trunkctl.log.evidence import Evidence, evidence_of, read_evidence

from .whole import KEY, PUBLIC, Whole

WHOLE = Whole(5, 256, 261)
GO = shutil.which("go") or next(iter(map(str, Path("/usr/local/go/bin").glob("go"))), None)
CHECKER = Path(__file__).parents[3] / "testing" / "logcheck"


def proof_of(index: int) -> Evidence:
    tree = WHOLE.written.tree()
    return evidence_of(WHOLE.entries[index], index, tree, WHOLE.files[CHECKPOINT])


@pytest.mark.parametrize("index", [0, 1, 4, 5, 255, 256, 260])
def test_every_entry_is_proved(index: int) -> None:
    told = read_evidence(proof_of(index).model_dump_json())
    assert told.check([KEY.verifier]).size == 261
    assert told.entry["event_id"] == WHOLE.entries[index].event_id


def test_an_entry_is_not_proved_at_anothers_place() -> None:
    with pytest.raises(ProofInvalid, match="another one"):
        evidence_of(WHOLE.entries[3], 4, WHOLE.written.tree(), WHOLE.files[CHECKPOINT])


ALTERED: dict[str, Any] = {
    "content": lambda told: told["content"].replace("15/TB", "16/TB"),
    "salt": lambda told: "00" * 32,
    "short salt": lambda told: "00" * 31,
    "package_sha256": lambda told: "a" * 64,
    "proof": lambda told: told["proof"].replace("index 7", "index 8"),
    "checkpoint": lambda told: told["proof"].replace("\n261\n", "\n262\n"),
    "another entry's proof": lambda told: proof_of(8).proof,
}


def altered(name: str) -> str:
    told = proof_of(7).model_dump()
    field = name if name in told else "salt" if "salt" in name else "proof"
    return json.dumps(told | {field: ALTERED[name](told)})


@pytest.mark.parametrize("name", ALTERED)
def test_nothing_altered_holds(name: str) -> None:
    with pytest.raises((ProofInvalid, NoteInvalid)):
        read_evidence(altered(name)).check([KEY.verifier])


@pytest.mark.parametrize("line", ["", "{}", "[]", '{"content": "x"}'])
def test_what_is_no_evidence(line: str) -> None:
    with pytest.raises(ProofInvalid):
        read_evidence(line)


def test_another_key_proves_nothing() -> None:
    with pytest.raises(NoteInvalid):
        proof_of(0).check([SignerKey.generate(KEY.name).verifier])


@pytest.fixture(scope="module")
def logcheck(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The independent checker, built."""
    if GO is None:
        pytest.skip("no Go on this machine: the independent checker of the log (testing/logcheck) was not built")
    built = tmp_path_factory.mktemp("logcheck") / "logcheck"
    subprocess.run([GO, "build", "-o", built, "."], cwd=CHECKER, check=True)
    return built


def test_the_checker_is_short_enough_to_be_read() -> None:
    assert len((CHECKER / "main.go").read_text().splitlines()) <= 200


def asked(logcheck: Path, tmp_path: Path, what: str, text: str | bytes) -> tuple[int, str]:
    file = tmp_path / "asked"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    done = subprocess.run([logcheck, PUBLIC, what, file], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def test_the_independent_checker_agrees(logcheck: Path, tmp_path: Path) -> None:
    root = WHOLE.written.root.hex()
    assert asked(logcheck, tmp_path, "checkpoint", WHOLE.files[CHECKPOINT]) == (0, f"size 261 root {root}\n")
    lines = [proof_of(index).model_dump_json() for index in range(0, 261, 20)]
    code, said = asked(logcheck, tmp_path, "proofs", "\n".join(lines))
    assert (code, said.splitlines()) == (0, [f"entry {index} holds" for index in range(0, 261, 20)])


@pytest.mark.parametrize("name", [each for each in ALTERED if each != "package_sha256"])
def test_the_independent_checker_refuses_what_was_altered(logcheck: Path, tmp_path: Path, name: str) -> None:
    assert asked(logcheck, tmp_path, "proofs", altered(name)) == (1, "")


def test_the_independent_checker_refuses_an_altered_checkpoint(logcheck: Path, tmp_path: Path) -> None:
    note = WHOLE.files[CHECKPOINT]
    for at in range(0, len(note), 3):
        flipped = bytearray(note)
        flipped[at] ^= 4
        assert asked(logcheck, tmp_path, "checkpoint", bytes(flipped))[0] == 1
