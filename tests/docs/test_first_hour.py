"""What docs/first-hour.md tells a newcomer to type works: targets, edits and, on a city of the test, signatures."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mint import keep
from mint.city import build_city

from .pages import FENCE, ROOT, SHELL

PAGE = (ROOT / "docs" / "first-hour.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
LINES = [
    line.partition("  #")[0].strip()
    for _, language, block in FENCE.findall(PAGE)
    if language in SHELL
    for line in block.replace("\\\n", " ").splitlines()
]
OFFLINE = LINES[LINES.index("mkdir letters") :][:7]
"""The step that signs, alters and verifies; it needs the city and no server."""


def edits() -> Iterator[tuple[str, str]]:
    """Each expression of ``sed -i``, and the file that it changes."""
    for line in LINES:
        if line.startswith("sed -i "):
            *expressions, path = (word for word in shlex.split(line)[2:] if word != "-e")
            yield from ((expression, path) for expression in expressions)


def test_every_make_target_exists() -> None:
    targets = {target for line in LINES for target in re.findall(r"^make ([a-z -]+?)(?: T=.*)?$", line)}
    assert {"demo", "up", "down", "test"} <= targets
    for target in " ".join(targets).split():
        assert f"\n{target}:" in MAKEFILE, target


def test_every_tested_path_exists() -> None:
    tested = [word for line in LINES for word in re.findall(r"tests/[\w./]+", line)]
    assert tested
    assert [path for path in tested if not (ROOT / path).exists()] == []


def test_edits_are_quoted_at_all() -> None:
    assert len(list(edits())) >= 4


@pytest.mark.parametrize(("expression", "path"), list(edits()))
def test_an_edit_changes_one_line_of_its_file(expression: str, path: str) -> None:
    """A file that was reworded since would be left as it is, and the newcomer would see no test fail."""
    before = (ROOT / path).read_text(encoding="utf-8")
    after = subprocess.run(["sed", expression], input=before, capture_output=True, text=True, check=True).stdout
    assert len(set(before.splitlines()) - set(after.splitlines())) == 1


def test_a_letter_is_signed_altered_and_judged_as_the_page_shows(tmp_path: Path) -> None:
    """On a city as ``trunkctl up`` leaves it below ``.devstack``."""
    city = build_city(datetime.now(UTC).replace(microsecond=0), kind="p256")
    keep.save(city, tmp_path / ".devstack" / "city")
    city.write_directory(tmp_path / ".devstack" / "directory.json")
    city.write_trust(tmp_path / ".devstack" / "trust")
    search = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    surroundings = os.environ | {"PATH": search, "PYTHONUTF8": "1"}
    script = ["bash", "-c", "\n".join(OFFLINE)]
    completed = subprocess.run(script, cwd=tmp_path, env=surroundings, capture_output=True, encoding="utf-8")
    verdicts = [line for line in completed.stdout.splitlines() if line.startswith("letters/") or "  E_SIG_" in line]
    assert len(verdicts) == 3, completed.stderr
    for verdict in verdicts:
        assert verdict in PAGE
