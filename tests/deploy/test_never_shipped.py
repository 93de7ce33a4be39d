"""The packages in testing/ make demo data and run servers for tests. No image has them, and no shipped code needs them.

``trunkctl`` has an extra, ``local``, for a trunk on a developer's own machine, which needs some of these packages. No
image is built with it, and trunkctl imports them only where it can say that they are missing.
"""

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from .build_context import ROOT, lets_in

DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
BAKE = (ROOT / "deploy" / "docker-bake.hcl").read_text(encoding="utf-8")
IMAGES = sorted(re.findall(r'"(\w+)"', "".join(re.findall(r"service = \[(.*?)\]", BAKE))))
TESTING = {path.name for path in (ROOT / "testing").glob("*/src/*") if path.is_dir()}
"""The names under which packages in testing/ are imported."""
LOCAL = "trunkctl.local"
"""The package for a trunk on this machine, installed with the extra of that name."""


@cache
def locked() -> dict[str, dict[str, Any]]:
    """Every package of the lock file by its name."""
    lock = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))
    return {package["name"]: package for package in lock["package"]}


def needs(name: str, extras: frozenset[str] = frozenset()) -> set[str]:
    """The package and all packages that are installed with it, by name."""
    seen: set[tuple[str, str]] = set()
    waiting = [(name, extra) for extra in ("", *extras)]
    while waiting:
        package, extra = waiting.pop()
        if (package, extra) in seen:
            continue
        seen.add((package, extra))
        entry = locked()[package]
        named = entry.get("optional-dependencies", {}).get(extra, []) if extra else entry.get("dependencies", [])
        waiting += [(each["name"], more) for each in named for more in ("", *each.get("extra", []))]
    return {package for package, _ in seen}


def folder(name: str) -> str:
    """The folder of one of our packages, from the root of the repository; empty for a package of others."""
    return str(locked()[name]["source"].get("editable", ""))


def from_testing(names: set[str]) -> set[str]:
    return {name for name in names if folder(name).startswith("testing/")}


def modules_of(image: str) -> list[Path]:
    """Our modules that an image holds, or that the tool of its name holds on another machine."""
    folders = sorted(filter(None, map(folder, needs(f"trunk-{image}"))))
    return [path for each in folders for path in sorted((ROOT / each / "src").rglob("*.py"))]


SHIPPED = sorted({path for image in IMAGES for path in modules_of(image)})


def module_of(path: Path) -> str:
    return str(path).partition("/src/")[2].removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def is_guarded(node: ast.AST) -> bool:
    """Whether it is ``with local_packages(…)``, which says that a package is missing."""
    return isinstance(node, ast.With) and any(
        isinstance(item.context_expr, ast.Call) and ast.unparse(item.context_expr.func) == "local_packages"
        for item in node.items
    )


def imported(node: ast.AST) -> Iterator[str]:
    """Dotted names that are imported below a node, without those that ``local_packages`` guards."""
    for child in ast.iter_child_nodes(node):
        if is_guarded(child):
            continue
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom) and child.module:
            yield from (f"{child.module}.{alias.name}" for alias in child.names)
        yield from imported(child)


def unavailable(source: str) -> set[str]:
    """Names that are imported without a guard and that an image does not have."""
    names = set(imported(ast.parse(source)))
    return {name for name in names if name.partition(".")[0] in TESTING or f"{name}.".startswith(f"{LOCAL}.")}


@pytest.mark.parametrize("image", IMAGES)
def test_no_image_needs_a_package_of_testing(image: str) -> None:
    assert from_testing(needs(f"trunk-{image}")) == set()


def test_a_package_of_testing_would_be_found() -> None:
    assert from_testing(needs("trunk-demo")) == {"trunk-devstack", "trunk-mint"}
    assert from_testing(needs("trunk-trunkctl", frozenset({"local"}))) == {"trunk-devstack", "trunk-mint"}
    assert {"mint", "devstack", "lab"} == TESTING
    assert {"intake", "validator", "router", "archive", "notifier", "trunkctl", "canary"} == set(IMAGES)


def test_libs_holds_what_is_shipped_and_nothing_else() -> None:
    needed = {folder(name) for image in IMAGES for name in needs(f"trunk-{image}")}
    assert {f"libs/{path.parent.name}" for path in (ROOT / "libs").glob("*/pyproject.toml")} <= needed


def test_no_image_is_built_with_extras_or_groups() -> None:
    commands = re.findall(r"uv sync [^\n]+", DOCKERFILE)
    assert len(commands) == 2
    assert not [command for command in commands if re.search(r"--extra|--group|--all-", command)]
    assert "UV_NO_DEV=1" in DOCKERFILE


def test_no_build_sees_testing() -> None:
    git = ["git", "ls-files", "testing"]
    tracked = subprocess.run(git, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    assert len(tracked) > 50
    assert [path for path in tracked if lets_in(path)] == []
    assert not re.search(r"^COPY\b.*\btesting/", DOCKERFILE, re.MULTILINE)


def test_no_shipped_module_imports_a_package_of_testing() -> None:
    modules = {module_of(path): path for path in SHIPPED}
    assert {"common.topology", "validator.verify", "trunkctl.main", "canary.main"} <= set(modules)
    wrong = {name: unavailable(path.read_text(encoding="utf-8")) for name, path in modules.items()}
    assert {name for name, imports in wrong.items() if imports and not name.startswith(f"{LOCAL}.")} == set()


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import mint", {"mint"}),
        ("from mint.city import City", {"mint.city.City"}),
        ("def f():\n    from devstack import servers", {"devstack.servers"}),
        ("from trunkctl.local.up import up", {"trunkctl.local.up.up"}),
        ("from trunkctl import local", {"trunkctl.local"}),
        ("with other('up'):\n    import lab", {"lab"}),
        ("with local_packages('up'):\n    from devstack import progress", set()),
        ("from trunkctl.locality import a\nimport labels\nfrom common import mint", set()),
    ],
)
def test_an_import_of_testing_is_told_from_others(source: str, expected: set[str]) -> None:
    assert unavailable(source) == expected
