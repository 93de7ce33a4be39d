"""What contributors and their tools are told about the repository is so."""

import re
import tomllib
from typing import Any

import pytest
import yaml

from .pages import FENCE, ROOT, SPAN

PROJECTS = [ROOT / "pyproject.toml", *sorted(ROOT.glob("*/*/pyproject.toml"))]
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
CI = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
HOOKS: dict[str, Any] = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))


def test_every_package_has_the_version_of_the_changelog() -> None:
    newest = re.findall(r"^## (\d+\.\d+\.\d+) – ", CHANGELOG, re.MULTILINE)[0]
    versions = {path.parent.name: tomllib.loads(path.read_text())["project"]["version"] for path in PROJECTS}
    assert len(versions) > 10
    assert versions == dict.fromkeys(versions, newest)


def test_every_release_but_the_newest_has_a_date_and_all_are_in_order() -> None:
    releases = re.findall(r"^## (\d+)\.(\d+)\.(\d+) – (.+)$", CHANGELOG, re.MULTILINE)
    numbers = [tuple(map(int, release[:3])) for release in releases]
    assert numbers == sorted(numbers, reverse=True)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d", date) for *_, date in releases[1:])


def test_hooks_are_targets_of_the_makefile_and_need_no_other_repository() -> None:
    (repository,) = HOOKS["repos"]
    assert repository["repo"] == "local"
    for hook in repository["hooks"]:
        command, target = hook["entry"].split()
        assert command == "make"
        assert f"\n{target}:" in MAKEFILE


def test_hooks_run_the_checks_that_ci_runs_first() -> None:
    (repository,) = HOOKS["repos"]
    static = {hook["entry"] for hook in repository["hooks"] if "stages" not in hook}
    assert static == set(re.findall(r"^step .+;\s+(make \w+)$", CI, re.MULTILINE))


def quoted_paths() -> list[str]:
    """Paths that CONTRIBUTING.md quotes from the root of the repository, without those that leave a name open."""
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    tops = {path.name for path in ROOT.iterdir()}
    spans = [span.removeprefix("make test T=") for span in SPAN.findall(FENCE.sub("", page))]
    words = [
        *spans,
        *(path for tests in re.findall(r"^make test T='?([^'#\n]+)", page, re.MULTILINE) for path in tests.split()),
    ]
    return sorted(
        {each for each in words if not set("< ") & set(each) and "/" in each and each.partition("/")[0] in tops}
    )


def test_paths_are_quoted_at_all() -> None:
    assert len(quoted_paths()) > 60


@pytest.mark.parametrize("path", quoted_paths())
def test_a_path_that_contributors_are_told_exists(path: str) -> None:
    assert (ROOT / path).exists()


def owned() -> list[str]:
    """Patterns of CODEOWNERS."""
    lines = (ROOT / "CODEOWNERS").read_text(encoding="utf-8").splitlines()
    return [line.split()[0] for line in lines if line and not line.startswith("#")]


@pytest.mark.parametrize("pattern", [each for each in owned() if each != "*"])
def test_what_has_owners_exists(pattern: str) -> None:
    assert pattern.startswith("/")
    place = ROOT / pattern[1:]
    assert place.is_dir() if pattern.endswith("/") else place.is_file()


ROOMS = sorted(
    f"/{path.parent.relative_to(ROOT)}/"
    for pattern in ("apidocs", "bench", "deploy", "fuzz", "services/*", "libs/*", "tools/*", "testing/*", "tests/*")
    for path in ROOT.glob(f"{pattern}/*")
    if path.suffix in {".py", ".toml", ".md", ".sh", ".yaml", ".go"}
)
"""Folders of the repository in which somebody writes, as CODEOWNERS spells them."""


@pytest.mark.parametrize("room", sorted(set(ROOMS)))
def test_each_room_has_owners_besides_those_of_everything(room: str) -> None:
    assert any(room.startswith(pattern) for pattern in owned() if pattern != "*")


def test_rooms_are_found() -> None:
    assert {"/services/intake/", "/testing/mint/", "/tests/walk/", "/bench/", "/testing/logcheck/"} <= set(ROOMS)


def test_of_two_lines_the_narrower_one_comes_last() -> None:
    """The last line that matches counts: a line for all of a folder behind one for a part of it would undo that."""
    for place, pattern in enumerate(owned()):
        undone = [before for before in owned()[:place] if before != pattern and before.startswith(pattern.rstrip("*"))]
        assert not undone, f"{pattern} undoes {undone}"


def test_owners_are_roles() -> None:
    lines = (ROOT / "CODEOWNERS").read_text(encoding="utf-8").splitlines()
    owners = {owner for line in lines if line and not line.startswith("#") for owner in line.split()[1:]}
    assert owners
    assert all(owner.startswith("@trunk/") for owner in owners)
