"""Programs written in Go, compiled from pinned modules into the cache.

The compiler's own caches of modules and packages stay where Go keeps them for the user, so that a second
program of the same family takes seconds.
"""

import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from devstack import cache, commands
from devstack.progress import Progress, Silent
from lab.errors import Missing

OLDEST = (1, 26)
ENVIRONMENT = {"GOTOOLCHAIN": "local", "CGO_ENABLED": "0", "GOFLAGS": "-mod=mod"}
SMALL = ("-trimpath", "-ldflags=-s -w")


def installed(package: str, version: str, progress: Progress | None = None) -> Path:
    """The program of ``go install package@version``. version: with its v. Raises ``Missing``."""
    name = name_of(package)

    def build(folder: Path) -> None:
        with (progress or Silent()).step(f"{name} {version} by go install into the cache"):
            commands.run(
                ["nice", "-n", "10", compiler(), "install", *SMALL, f"{package}@{version}"],
                {**ENVIRONMENT, "GOBIN": str(folder)},
            )

    return cache.kept(name, (package, version), build) / name


def built(module: Path, name: str, flags: Sequence[str] = SMALL, progress: Progress | None = None) -> Path:
    """The folder with every program that the go.mod in ``module`` lists under ``tool``. Raises ``Missing``.

    module: a folder with go.mod and go.sum; both are the pin. name: of the folder in the cache.
    """

    def build(folder: Path) -> None:
        with (progress or Silent()).step(f"{name} by go build into the cache"):
            locked = {**ENVIRONMENT, "GOFLAGS": "-mod=readonly"}
            command = [compiler(), "-C", str(module), "build", *flags, "-o", f"{folder}/", "tool"]
            commands.run(["nice", "-n", "10", *command], locked)

    return cache.kept(name, pins(module, flags), build)


def pins(module: Path, flags: Sequence[str] = SMALL) -> tuple[str, ...]:
    """What the programs of ``built`` are kept under."""
    return (*flags, *((module / file).read_text() for file in ("go.mod", "go.sum")))


def compiler() -> str:
    """The machine's Go. Raises ``Missing`` when there is none, or one too old."""
    program = shutil.which("go")
    if not program:
        raise Missing("go is not on this machine")
    if not recent_enough(version := commands.run([program, "env", "GOVERSION"]).strip()):
        raise Missing(f"{version} is older than Go {'.'.join(map(str, OLDEST))}")
    return program


def recent_enough(text: str) -> bool:
    """Whether ``text`` (go1.26.8) names a version that compiles everything here."""
    numbers = re.search(r"(\d+)\.(\d+)", text)
    return numbers is not None and (int(numbers[1]), int(numbers[2])) >= OLDEST


def source(module: str, version: str) -> Path:
    """The folder with a module's sources, as Go keeps it for the user. Raises ``Missing``."""
    answer = commands.run([compiler(), "mod", "download", "-json", f"{module}@{version}"], ENVIRONMENT)
    return Path(json.loads(answer[answer.index("{") :])["Dir"])


def name_of(package: str) -> str:
    """As ``go install`` names it: the last part of the path that is not a major version."""
    parts = package.split("/")
    return parts[-2] if re.fullmatch(r"v\d+", parts[-1]) else parts[-1]
