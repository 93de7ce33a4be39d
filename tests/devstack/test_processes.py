"""Stopping leaves no process: not a daemon that went its own way, not after the starter was killed."""

import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from devstack import processes
from devstack.processes import MOST_PATIENCE_SECONDS, Program

# Like epmd: a grandchild in a session of its own, whose parent has gone.
DAEMON = "setsid sleep 300 & exec sleep 300"
PATIENCE_SECONDS = 60.0
DEAF = "trap '' TERM; while :; do sleep 0.1; done"


def program(name: str, script: str, **options) -> Program:
    return Program("server", name, ["sh", "-c", script], {"PATH": "/usr/bin:/bin"}, **options)


@pytest.fixture
def state_dir(tmp_path: Path):
    yield tmp_path
    processes.kill(tmp_path)


def started(state_dir: Path, *programs: Program, sleeping: int = 0) -> set[psutil.Process]:
    """Every process, once so many are what the programs became."""
    for one in programs:
        processes.start(state_dir, one)
    until(lambda: named(state_dir).count("sleep") >= sleeping)
    return set(processes.belonging(state_dir))


def named(state_dir: Path) -> list[str]:
    """Of every process that belongs to it."""
    names = []
    for process in processes.belonging(state_dir):
        with suppress(psutil.NoSuchProcess):
            names.append(process.name())
    return names


def until(holds: Callable[[], bool]) -> None:
    """Programs begin and end in their own time."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def lives(process: psutil.Process) -> bool:
    """Whether it runs: one that has ended may wait a while for the machine's first process to bury it."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_stop_ends_the_program_and_its_daemons(state_dir):
    family = started(state_dir, program("sleep", DAEMON), sleeping=2)
    assert len(family) == 2
    processes.stop(state_dir)
    assert not processes.belonging(state_dir)
    assert not any(map(lives, family))


def test_a_daemon_is_found_after_its_program_died(state_dir):
    record = processes.start(state_dir, program("sleep", DAEMON))
    until(lambda: named(state_dir).count("sleep") == 2)
    psutil.Process(record.pid).kill()
    until(lambda: not processes.running(state_dir, "server"))
    assert [left.name() for left in processes.belonging(state_dir, "server")] == ["sleep"]
    processes.stop(state_dir)
    assert not processes.belonging(state_dir)


def test_a_deaf_program_is_killed_when_patience_ends(state_dir):
    started(state_dir, program("sh", DEAF, patience_seconds=0.3), sleeping=1)
    began = time.monotonic()
    processes.stop(state_dir)
    assert not processes.belonging(state_dir)
    assert time.monotonic() - began < MOST_PATIENCE_SECONDS / 2, "its own patience, not the longest"


def test_another_process_finds_what_a_killed_starter_left(state_dir):
    script = f"""
import os, signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from devstack import processes
from devstack.processes import MOST_PATIENCE_SECONDS, Program
given = Program("server", "sleep", ["sh", "-c", {DAEMON!r}], {{"PATH": "/usr/bin:/bin"}})
processes.start(Path({str(state_dir)!r}), given)
os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", script], check=False)
    until(lambda: named(state_dir).count("sleep") == 2)
    assert processes.running(state_dir, "server")
    processes.stop(state_dir)
    assert not processes.belonging(state_dir)


def test_other_servers_and_other_checkouts_are_left_alone(state_dir, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    started(elsewhere, program("sleep", "exec sleep 300"))
    neighbour = Program("other", "neighbour", ["sleep", "300"], {"PATH": "/usr/bin:/bin"})
    started(state_dir, program("sleep", "exec sleep 300"), neighbour)
    processes.kill(state_dir, "server")
    assert processes.running(state_dir, "other")
    assert processes.running(elsewhere, "server")
    processes.kill(elsewhere)


def test_a_later_process_with_the_same_id_is_not_ours(state_dir):
    record = processes.start(state_dir, program("sleep", "exec sleep 300"))
    later = processes.Record(**{**vars(record), "started_at": record.started_at - 60})
    assert processes.alive(record)
    assert not processes.alive(later)


def test_records_are_read_while_other_servers_start_and_stop(state_dir: Path):
    started(state_dir, program("one", "exec sleep 300"))
    (state_dir / "processes" / "gone.json").symlink_to(state_dir / "nothing")
    assert [record.name for record in processes.records(state_dir)] == ["one"]


def test_a_record_is_whole_or_not_there(state_dir: Path, monkeypatch: pytest.MonkeyPatch):
    """Each reader sees the folder at some moment: here, at the one before a record has its name."""
    seen = []
    replace = Path.replace

    def replaced(self: Path, target: Path) -> Path:
        seen.append(processes.records(state_dir))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", replaced)
    started(state_dir, program("one", "exec sleep 300"))
    assert seen == [[]]
    assert [record.name for record in processes.records(state_dir)] == ["one"]
