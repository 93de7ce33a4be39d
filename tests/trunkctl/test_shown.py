"""What comes from outside is shown whole and acts on nothing: no markup, no order to the terminal, no id cut off."""

import ast
import io
import json
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table
from typer.testing import CliRunner

import trunkctl
from mint import packages
from mint.paper import letter
from trunkctl import main as program
from trunkctl.command_error import CommandError
from trunkctl.main import app
from trunkctl.paper_trail import Trail
from trunkctl.shown import console, rows, show_json, show_line, trail_tables

ACTS = "\x1b]8;;http://x\x1b\\y \x9b31m \u202e \u2028 \U000e0041"
"""A link, a colour, the other direction of writing, a line of its own, a mark that nobody sees."""
PLAIN = ":x: [link=http://x]y[/link] [bold]z[/bold] \\[red] \\"
"""What rich would take for a picture, a link, and colours."""


def acting(text: str) -> set[str]:
    return {char for char in text if not char.isprintable() and char != "\n"}


def test_a_line_says_what_came_from_outside_and_does_not_act(capsys: pytest.CaptureFixture[str]) -> None:
    show_line(f"{PLAIN} {ACTS}")
    shown = capsys.readouterr().out
    assert PLAIN in shown
    assert not acting(shown)
    assert shown.count("\n") == 1


def test_tables_and_their_titles_say_what_came_from_outside_and_do_not_act(capsys: pytest.CaptureFixture[str]) -> None:
    documents = Trail(subject="[link=http://x]", sender="", document_id=f":x: [bold]{ACTS}", moments=(), standings=())
    for table in (rows(Table("a"), [[PLAIN], [ACTS]]), *trail_tables(documents)):
        console().print(table)
    shown = capsys.readouterr().out
    assert PLAIN in shown
    assert ":x: [bold]" in shown
    assert "([link=http://x])" in shown
    assert not acting(shown)


@pytest.mark.parametrize("width", [20, 80, 170])
def test_an_id_that_is_wider_than_its_column_is_not_cut(width: int) -> None:
    identifier, out = "0123456789abcdef" * 4, io.StringIO()
    Console(width=width, file=out).print(rows(Table("id", "detail"), [[identifier, "some words " * 30]]))
    column = "".join(line.split("│")[1].strip() for line in out.getvalue().splitlines() if "│" in line)
    assert column == identifier


def test_json_says_the_same_and_does_not_act(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    said = {ACTS: f"{PLAIN} {ACTS} Ủy ban \udcff"}
    show_json(json.dumps(said, ensure_ascii=False))
    shown = capfdbinary.readouterr().out.decode()
    assert json.loads(shown) == said
    assert not acting(shown)
    assert "Ủy ban" in shown


@pytest.mark.parametrize("command", [["verify", "--json"], ["verify", "--report"], ["verify"], ["edxml", "--json"]])
def test_the_subject_of_a_package_does_not_act(command: list[str], tmp_path: Path) -> None:
    path = tmp_path / "goi.edxml"
    path.write_bytes(packages.letter("A.01", ["B.02"], "doc-1", letter(), subject="V/v \x9b31m \u202e x"))
    shown = CliRunner().invoke(app, [*command, str(path)]).stdout
    assert "V/v" in shown
    assert not acting(shown)


def test_an_error_does_not_act(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fails() -> None:
        raise CommandError(f"{PLAIN} {ACTS}")

    monkeypatch.setattr(program, "app", fails)
    with pytest.raises(SystemExit, match="1"):
        program.main()
    shown = capsys.readouterr().err
    assert PLAIN in shown
    assert not acting(shown)


def test_json_is_shown_in_one_place() -> None:
    """So that it is safe in a terminal whatever it says."""
    home = Path(trunkctl.__file__).parent
    shown_otherwise = [
        f"{path.relative_to(home)}:{node.lineno}"
        for path in home.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("print", "typer.echo", "sys.stdout.write")
        if any("json" in ast.unparse(each) for each in node.args)
    ]
    assert shown_otherwise == []


def test_a_line_that_is_put_together_is_shown_in_one_place() -> None:
    """So that whatever stands in it is text. Tables are safe by their lines, sentences of our own as they are."""
    home = Path(trunkctl.__file__).parent
    shown_otherwise = [
        f"{path.relative_to(home)}:{node.lineno}"
        for path in home.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("console().print", "typer.echo", "print")
        if "err=True" not in map(ast.unparse, node.keywords) and isinstance(node.args[0], ast.JoinedStr)
    ]
    assert shown_otherwise == []
