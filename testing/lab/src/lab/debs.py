"""Programs out of Debian packages that are unpacked into the cache, beside the system and not into it."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from devstack import cache, commands, debian_tree
from devstack.progress import Progress, Silent
from lab.errors import Missing

RECIPE = "1"  # raise it when the way of unpacking changes
STABLE, TESTING = "trixie", "forky"
"""Suites: versions in the first stay, those in the second move on."""


def unpacked(suite: str, packages: Sequence[str], progress: Progress | None = None) -> Path:
    """The folder into which the named packages of a suite are unpacked, without what they depend on.

    Fetched when it is not in the cache. The file ``versions`` beside it tells what came. Raises ``Missing``.
    """
    if reason := obstacle():
        raise Missing(reason)

    def build(folder: Path) -> None:
        with (progress or Silent()).step(f"Debian {suite}'s {', '.join(packages)} into the cache"):
            _fetch(folder, suite, packages)

    return cache.kept(f"debs-{suite}", _pins(suite, packages), build) / "root"


def folder(suite: str, packages: Sequence[str]) -> Path:
    """Where the cache keeps, or will keep, what ``unpacked`` fetches."""
    return cache.folder(f"debs-{suite}", _pins(suite, packages))


def _pins(suite: str, packages: Sequence[str]) -> tuple[str, ...]:
    return (RECIPE, suite, *packages)


def obstacle() -> str | None:
    """Why no packages can be fetched here; None when they can."""
    for program in ("apt-get", "dpkg-deb"):
        if not shutil.which(program):
            return f"{program} is not on this machine, so no Debian packages can be had"
    if not debian_tree.KEYRING.exists():
        return f"{debian_tree.KEYRING} (package debian-archive-keyring) is missing"
    return None


def _fetch(folder: Path, suite: str, packages: Sequence[str]) -> None:
    work, root = folder / "apt", folder / "root"
    own = {"APT_CONFIG": str(_apt_state(work, suite))}
    commands.run(["apt-get", "update", "-qq"], own)
    downloads = work / "cache/archives"
    commands.run(["sh", "-ec", 'cd "$1"; shift; exec apt-get download -qq "$@"', "sh", str(downloads), *packages], own)
    root.mkdir()
    files = sorted(downloads.glob("*.deb"))
    for package in files:
        commands.run(["dpkg-deb", "-x", str(package), str(root)])
    (folder / "versions").write_text("".join(f"{package.name}\n" for package in files))
    cache.erase(work)


def _apt_state(folder: Path, suite: str) -> Path:
    """An apt that knows one suite of the machine's own mirror and nothing of the system; its settings file."""
    for name in ("lists/partial", "cache/archives/partial", "parts"):
        (folder / name).mkdir(parents=True)
    (folder / "status").touch()
    options = f"signed-by={debian_tree.KEYRING} check-valid-until={_yes(debian_tree.valid_until())}"
    mirrors = debian_tree.mirror()
    if not mirrors:
        raise Missing("apt-get of this machine names no Debian mirror")
    (folder / "sources.list").write_text(f"deb [{options}] {mirrors[0]} {suite} main\n")
    settings = folder / "apt.conf"
    settings.write_text(
        f"""\
Dir::Etc::sourcelist "{folder}/sources.list";
Dir::Etc::sourceparts "{folder}/parts";
Dir::State::lists "{folder}/lists";
Dir::State::status "{folder}/status";
Dir::Cache "{folder}/cache";
APT::Sandbox::User "root";
"""
    )
    return settings


def _yes(word: str) -> str:
    return "yes" if word == "true" else "no"
