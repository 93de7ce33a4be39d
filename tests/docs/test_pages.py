"""Links lead somewhere, and what is quoted can be typed."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from trunkctl.main import app

from .pages import FENCE, PAGES, ROOT, SPAN, anchors, calls, links, name

COMMANDS: Any = typer.main.get_command(app)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = []
    for link in links(page):
        target, _, anchor = link.partition("#")
        if "://" in link or link.startswith("mailto:"):
            continue
        place = (page.parent / target).resolve() if target else page
        if not place.exists() or (anchor and place.suffix == ".md" and anchor not in anchors(place)):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize(
    "index", [page for page in PAGES if page.name == "README.md" and page.parent != ROOT], ids=name
)
def test_every_page_of_a_folder_is_in_its_index(index: Path) -> None:
    pages = {page.name for page in index.parent.iterdir() if page.suffix in (".md", ".yaml")} - {"README.md"}
    assert pages - links(index) == set()


HISTORY = {ROOT / "CHANGELOG.md"}
"""Pages that may name what is no longer there."""
FOLDERS = ("apidocs", "bench", "deploy", "docs", "fuzz", "libs", "services", "testing", "tests", "tools")
SOURCES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))


def modules_missing(text: str) -> list[str]:
    """Paths that a text quotes and that are not in the repository; a module may be named from its package on."""
    spans = [span.partition("::")[0] for span in SPAN.findall(FENCE.sub("", text)) if re.fullmatch(r"[\w./:-]+", span)]
    whole = [span for span in spans if "/" in span and span.partition("/")[0] in FOLDERS]
    parts = [span for span in spans if span.endswith(".py") and span not in whole]
    return [span for span in whole if not (ROOT / span).exists()] + [
        span for span in parts if not any(str(path).endswith(f"/{span}") for path in SOURCES)
    ]


@pytest.mark.parametrize("page", [page for page in PAGES if page not in HISTORY], ids=name)
def test_every_quoted_path_is_there(page: Path) -> None:
    assert modules_missing(page.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "path", ["pdf/revision_view.py", "tests/docs/test_nothing.py", "docs/nothing.md", "gone.py::test"]
)
def test_a_path_that_is_gone_would_be_found(path: str) -> None:
    assert modules_missing(f"See `{path}`, `pdf/history.py` and `docs/goals.md`.") == [path.partition("::")[0]]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_trunkctl_command_is_one(page: Path) -> None:
    for arguments, whole in calls(page):
        wrong = misread(arguments, whole)
        assert not wrong, f"{name(page)}: trunkctl {' '.join(arguments)}: {wrong}"


def misread(arguments: list[str], whole: bool) -> str:
    """Why the program would not take these arguments; a part of a command line may leave things out."""
    command, path = COMMANDS, []
    while hasattr(command, "commands") and arguments:
        if arguments[0] not in command.commands:
            return f"there is no {arguments[0]}"
        command, path, arguments = command.commands[arguments[0]], [*path, arguments[0]], arguments[1:]
    if hasattr(command, "commands"):
        return "it says no command" if whole and path else ""
    explained(*path)
    return incomplete(command, arguments) if whole else unknown(command, arguments)


@cache
def explained(*path: str) -> str:
    """What the command says of itself."""
    helped = CliRunner().invoke(app, [*path, "--help"])
    assert helped.exit_code == 0, helped.output
    return helped.output


def unknown(command: Any, arguments: list[str]) -> str:
    """The first option that the command does not have."""
    taken = {option for parameter in command.params for option in parameter.opts}
    return next((f"there is no {word}" for word in arguments if word.startswith("--") and word not in taken), "")


def incomplete(command: Any, arguments: list[str]) -> str:
    """Why the whole line would not be taken."""
    context = command.make_context(command.name, [], resilient_parsing=True)
    context.resilient_parsing = False
    try:
        values, left, _ = command.make_parser(context).parse_args(list(arguments))
    except Exception as error:  # the parser's own, which are not public
        return str(error)
    wanted = [each.name for each in command.params if each.required and not each.envvar]
    missing = [name for name in wanted if not isinstance(values.get(name), str | list | tuple)]
    return f"{missing[0]} is missing" if missing else f"too much: {left}" if left else ""


@pytest.mark.parametrize(
    ("line", "whole", "wrong"),
    [
        ("units import directory.json", True, ""),
        ("units import", True, "file is missing"),
        ("units import", False, ""),
        ("units rename A B", True, "there is no rename"),
        ("fly", False, "there is no fly"),
        ("trust add G2.crt --sha256 9F --trust trust", True, ""),
        ("trust add G2.crt --trust trust", True, "sha256 is missing"),
        ("park replay --everything", False, "there is no --everything"),
        ("park replay --everything", True, "No such option: --everything"),
        ("units import a.json b.json", True, "too much"),
        ("topology", True, "it says no command"),
    ],
)
def test_a_wrong_one_would_be_found(line: str, whole: bool, wrong: str) -> None:
    assert misread(line.split(), whole).startswith(wrong)
    assert bool(misread(line.split(), whole)) == bool(wrong)


def test_commands_are_found() -> None:
    """Enough of them, so that the search itself has not gone blind."""
    command_lines = [arguments for page in PAGES for arguments, _ in calls(page)]
    assert len(command_lines) > 50
    assert ["units", "rotate", "H29.901.01", "--disconnect"] in command_lines
    assert ["upload-url", "UNIT", "NAME"] in command_lines
