"""Prometheus, its rule checker, and Alertmanager: real ones, of two major versions, on loopback.

The old one parses what the oldest supported Prometheus parses, the new one is what compose and Kubernetes run.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache as remembered
from pathlib import Path

import httpx

from devstack import locks, loopback, ports, processes, waiting
from devstack.processes import Program
from lab import debs

SUITES = {"2.53": debs.STABLE, "3.5": debs.TESTING}
"""Which Debian suite carries which Prometheus; rules must hold on all of them."""
OLD, NEW = SUITES
LESS_COLLECTION = {"GOGC": "400", "GOMAXPROCS": "1"}
"""Settings of the Go runtime for promtool, which ends after seconds: a third less CPU time, for 300 MB of memory."""
SHARED = Path("/usr/share/prometheus/alertmanager")
"""Debian's Alertmanager opens its built-in templates here, wherever its program lies."""


@dataclass(frozen=True)
class Answer:
    """What a program said. printed: both streams."""

    code: int
    printed: str


@dataclass(frozen=True)
class Tools:
    """The programs of one Prometheus version."""

    folder: Path

    def promtool(self, *arguments: str | Path) -> Answer:
        """``promtool …`` to its end."""
        return _run(self.folder / "promtool", *arguments, more=LESS_COLLECTION)

    def amtool(self, *arguments: str | Path) -> Answer:
        """``amtool …`` to its end; only where Alertmanager came along."""
        return _run(self.folder / "amtool", *arguments, more={})


@remembered
def tools(version: str) -> Tools:
    """Programs of that version (a key of ``SUITES``). Raises ``lab.errors.Missing``."""
    more = ("prometheus-alertmanager",) if version == NEW else ()
    return Tools(debs.unpacked(SUITES[version], ("prometheus", "promtool", *more)) / "usr/bin")


@contextmanager
def prometheus(state: Path, config: Path, more: Mapping[str, str] | None = None) -> Iterator[str]:
    """A running Prometheus with its data below ``state``; its address. more: environment variables."""
    port = ports.free_block(state).start
    options = [
        f"--config.file={config}",
        f"--storage.tsdb.path={state / 'tsdb'}",
        f"--web.listen-address={ports.LOOPBACK}:{port}",
        "--web.enable-lifecycle",
    ]
    with _running(state, "prometheus", tools(NEW).folder / "prometheus", options, port, more or {}) as address:
        yield address


@contextmanager
def alertmanager(state: Path, config: Path) -> Iterator[str]:
    """A running Alertmanager with its data below ``state``; its address."""
    _have_templates()
    port = ports.free_block(state).start
    options = [
        f"--config.file={config}",
        f"--storage.path={state / 'alerts'}",
        f"--web.listen-address={ports.LOOPBACK}:{port}",
        "--cluster.listen-address=",
    ]
    program = tools(NEW).folder / "prometheus-alertmanager"
    with _running(state, "prometheus-alertmanager", program, options, port, {}) as address:
        yield address


@contextmanager
def _running(
    state: Path, name: str, program: Path, options: list[str], port: int, more: Mapping[str, str]
) -> Iterator[str]:
    state.mkdir(parents=True, exist_ok=True)
    surroundings = {**processes.ordinary_environment(), **more}
    processes.start(state, Program(name, program.name, [str(program), *options], surroundings))
    address = f"http://{ports.LOOPBACK}:{port}"
    try:
        waiting.until_ready(state, name, lambda: _ready(address))
        yield address
    finally:
        processes.stop(state, name)


def _ready(address: str) -> bool:
    try:
        return loopback.get(f"{address}/-/ready", timeout=5).is_success
    except httpx.HTTPError:
        return False


def _have_templates() -> None:
    """Whole or not at all: another process may look at any time, and starts Alertmanager if they are there."""
    if SHARED.exists():
        return
    unpacked = tools(NEW).folder.parent / "share/prometheus/alertmanager"
    with locks.held(tools(NEW).folder.parent / "templates.lock"):
        if not SHARED.exists():
            unfinished = SHARED.with_name(f".{SHARED.name}-unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            shutil.copytree(unpacked, unfinished, ignore=shutil.ignore_patterns("ui", "*.sh"))
            unfinished.rename(SHARED)


def _run(program: Path, *arguments: str | Path, more: Mapping[str, str]) -> Answer:
    done = subprocess.run(
        [str(program), *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, **more},
        text=True,
        check=False,
    )
    return Answer(done.returncode, done.stdout)
