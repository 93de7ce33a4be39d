"""Documents signed by tools of other makers, and ``trunkctl verify`` over all of them; made as README.md says."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from trunkctl.main import app

from .recipes import RIGHT_ONES, WRONG_ONES
from .world import SENDER

CORPUS = Path(__file__).parent / "corpus"
MANIFEST: dict[str, dict[str, str]] = tomllib.loads((CORPUS / "manifest.toml").read_text(encoding="utf-8"))
VALID, TAMPERED = MANIFEST["valid"], MANIFEST["tampered"]


@pytest.fixture(scope="module")
def verdicts() -> dict[str, dict[str, Any]]:
    words = ["verify", CORPUS / "files", "--trust", CORPUS / "trust", "--directory", CORPUS / "directory.json"]
    words += ["--from", SENDER, "--at", (CORPUS / "at").read_text().strip(), "--json"]
    done = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return {Path(each["file"]).stem: each for each in lines}


def test_every_file_is_expected_and_every_recipe_has_its_file(verdicts: dict[str, dict[str, Any]]) -> None:
    assert set(verdicts) == set(VALID) | set(TAMPERED) == set(RIGHT_ONES) | set(WRONG_ONES)
    assert set(VALID) == set(RIGHT_ONES)


@pytest.mark.parametrize("name", VALID)
def test_right_document(verdicts: dict[str, dict[str, Any]], name: str) -> None:
    line = verdicts[name]
    verdict = (line["integrity"], line["trusted"], line["verdict"], line["label"], line["reason"])
    assert verdict == ("intact", True, "valid", "ORIGINAL", None), line["detail"]
    assert all(each["indication"] == "TOTAL-PASSED" and each["covers_revision"] for each in line["signatures"])


@pytest.mark.parametrize("name", TAMPERED)
def test_wrong_document(verdicts: dict[str, dict[str, Any]], name: str) -> None:
    line = verdicts[name]
    verdict = (line["integrity"], line["trusted"], line["verdict"], line["reason"])
    assert verdict == ("tampered", False, "refused", TAMPERED[name])
