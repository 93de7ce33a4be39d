"""``trunkctl verify`` over signed documents of other projects, where they have been fetched."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.elsewhere.fetch import folder
from trunkctl.main import app

MANIFEST: dict[str, dict[str, str]] = tomllib.loads(
    (Path(__file__).parent / "manifest.toml").read_text(encoding="utf-8")
)
EXPECTED = {sha256: (integrity, name) for integrity, names in MANIFEST.items() for sha256, name in names.items()}

pytestmark = pytest.mark.skipif(
    not folder().is_dir(), reason="signed documents of other projects skipped: not fetched (python -m tests.elsewhere)"
)


@pytest.fixture(scope="module")
def verdicts() -> dict[str, Any]:
    done = CliRunner().invoke(app, ["verify", str(folder()), "--json"], catch_exceptions=False)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return {Path(each["file"]).stem: each for each in lines}


def test_every_document_is_expected() -> None:
    assert {each.stem for each in folder().iterdir()} == set(EXPECTED)


@pytest.mark.parametrize("sha256", EXPECTED, ids=[name for _, name in EXPECTED.values()])
def test_integrity(verdicts: dict[str, Any], sha256: str) -> None:
    line = verdicts[sha256]
    assert line["integrity"] == EXPECTED[sha256][0], line["detail"]
    assert line["verdict"] != "valid"
