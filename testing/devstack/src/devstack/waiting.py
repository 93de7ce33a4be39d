"""Waiting until a server answers, or has ended."""

import time
from collections.abc import Callable
from pathlib import Path

from devstack import processes
from devstack.errors import NotReady

PAUSE_SECONDS = 0.1


def until_ready(state_dir: Path, server: str, answers: Callable[[], bool], timeout_seconds: float = 90.0) -> None:
    """Return as soon as `answers()`; raise NotReady when a program of the server ends, or too late."""
    deadline = time.monotonic() + timeout_seconds
    while not answers():
        for record in processes.records(state_dir, server):
            if not processes.alive(record):
                raise NotReady(f"{record.name} ended while starting; see {log(state_dir, record.name)}")
        if time.monotonic() > deadline:
            names = ", ".join(record.name for record in processes.records(state_dir, server))
            raise NotReady(f"{server} ({names}) did not answer in {timeout_seconds:.0f} s")
        time.sleep(PAUSE_SECONDS)


def log(state_dir: Path, name: str) -> str:
    """The log's path and its last line."""
    path = processes.log_path(state_dir, name)
    lines = path.read_text(errors="replace").strip().splitlines() if path.exists() else []
    return f"{path} ({lines[-1][:200] if lines else 'empty'})"
