"""Every row of the threat table names tests that exist, so that no control is promised on paper alone."""

import ast
import re

import pytest

from .pages import ROOT

PAGE = ROOT / "docs" / "security.md"
NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


def table() -> list[list[str]]:
    """Cells of the rows of the threat table."""
    text = PAGE.read_text(encoding="utf-8").partition("\n## Threats\n")[2].partition("\n## ")[0]
    lines = [line for line in text.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def functions(path: str) -> set[str]:
    """Names of the tests in a file."""
    nodes = ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8")))
    return {each.name for each in nodes if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize("row", table(), ids=lambda row: row[1][:60])
def test_each_row_names_tests_that_exist(row: list[str]) -> None:
    assert len(row) == 5, "attacker, goal, control, detection, test"
    named = NAMED.findall(row[4])
    assert named
    assert NAMED.sub("", row[4]).strip(", ") == "", "nothing else stands there"
    for path, name in named:
        assert name, f"{path}: which test?"
        assert name in functions(path), f"{path} has no {name}"


def test_the_table_is_read_whole() -> None:
    assert len(table()) > 30


def test_every_test_of_the_page_exists() -> None:
    for path, name in NAMED.findall(PAGE.read_text(encoding="utf-8")):
        assert (ROOT / path).is_file(), path
        assert not name or name in functions(path)
