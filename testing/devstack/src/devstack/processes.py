"""The processes of a checkout's servers: started, found again later, stopped without a trace.

Two independent things tell that a process is ours, so that none is left when the starter was killed:
a record with process id and start time, and a mark in the environment that children inherit.
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from devstack.private_file import write_private

MARK = "TRUNK_DEVSTACK_PROCESS"
START_TIME_TOLERANCE_SECONDS = 2.0
MOST_PATIENCE_SECONDS = 30.0
SIGKILL_PATIENCE_SECONDS = 10.0
# Popen complains about children that outlive their object; ours are meant to.
_children: list["subprocess.Popen[bytes]"] = []


@dataclass(frozen=True)
class Program:
    """How to run one program of a server."""

    server: str
    """The server it is a part of: rabbitmq, mongo, s3."""
    name: str
    """Of the process that the stop signal goes to, as the kernel calls it."""
    command: Sequence[str]
    environment: Mapping[str, str]
    stop_signal: signal.Signals = signal.SIGTERM
    patience_seconds: float = 20.0
    """From the stop signal to SIGKILL."""


@dataclass(frozen=True)
class Record:
    """A started program. started_at: seconds since 1970, of the process with this id."""

    server: str
    name: str
    pid: int
    started_at: float
    stop_signal: int
    patience_seconds: float = 20.0


def start(state_dir: Path, program: Program) -> Record:
    """Start a program in its own session, its output appended to its log, and record it."""
    environment = {**program.environment, MARK: mark(state_dir, program.server)}
    with log_path(state_dir, program.name).open("ab") as log:
        child = subprocess.Popen(
            list(program.command),
            env=environment,
            cwd=state_dir,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    _children.append(child)
    started_at = psutil.Process(child.pid).create_time()
    ending = (program.stop_signal, program.patience_seconds)
    record = Record(program.server, program.name, child.pid, started_at, *ending)
    write_private(_record_path(state_dir, program.name), asdict(record))
    return record


def mark(state_dir: Path, server: str) -> str:
    """The value of MARK in the environment of a server's processes."""
    return f"{state_dir}:{server}"


def log_path(state_dir: Path, name: str) -> Path:
    """Where the output of a program goes."""
    folder = state_dir / "logs"
    folder.mkdir(exist_ok=True)
    return folder / f"{name}.log"


def records(state_dir: Path, server: str | None = None) -> list[Record]:
    """Everything started in this checkout and not stopped by us, alive or dead. Other servers may start or stop now."""
    listed = [_read(file) for file in sorted((state_dir / "processes").glob("*.json"))]
    return [record for record in listed if record and server in (None, record.server)]


def _read(file: Path) -> Record | None:
    try:
        return Record(**json.loads(file.read_text()))
    except FileNotFoundError:
        return None  # stopped since the folder was listed


def alive(record: Record) -> bool:
    """Whether the recorded process still runs, and is not a later one with the same id."""
    _reap()
    return _process(record) is not None


def running(state_dir: Path, server: str) -> bool:
    """Whether the server was started here and every one of its programs still runs."""
    listed = records(state_dir, server)
    return bool(listed) and all(map(alive, listed))


def stop(state_dir: Path, server: str | None = None) -> None:
    """Ask the programs to end, the last started first; kill what is left when patience ends."""
    listed = sorted(records(state_dir, server), key=lambda record: record.started_at, reverse=True)
    began = time.monotonic()
    for record in listed:
        _ask(record)
    while any(map(alive, listed)) and (waited := time.monotonic() - began) < MOST_PATIENCE_SECONDS:
        listed = [record for record in listed if waited < record.patience_seconds]
        time.sleep(0.05)
    kill(state_dir, server)


def kill(state_dir: Path, server: str | None = None) -> None:
    """SIGKILL for every process of the server (of all servers), until none is left."""
    deadline = time.monotonic() + SIGKILL_PATIENCE_SECONDS
    while left := belonging(state_dir, server):
        for process in left:
            _send(process, signal.SIGKILL)
        time.sleep(0.05)
        if time.monotonic() > deadline:
            raise TimeoutError(f"processes that do not die: {left}")
    for record in records(state_dir, server):
        _record_path(state_dir, record.name).unlink(missing_ok=True)


def belonging(state_dir: Path, server: str | None = None) -> list[psutil.Process]:
    """Every live process of the server (of all servers): recorded, marked, or a descendant of one."""
    _reap()
    roots = [process for record in records(state_dir, server) if (process := _process(record))]
    family = {*roots, *_marked(state_dir, server)}
    for process in tuple(family):
        try:
            family.update(process.children(recursive=True))
        except psutil.NoSuchProcess:
            continue
    return [process for process in family if _lives(process)]


def _marked(state_dir: Path, server: str | None) -> Iterator[psutil.Process]:
    wanted = mark(state_dir, server or "")
    for process in psutil.process_iter():
        try:
            value = process.environ().get(MARK, "")
        except (psutil.Error, OSError):
            continue
        if value == wanted or (server is None and value.startswith(wanted)):
            yield process


def _ask(record: Record) -> None:
    """Send the stop signal to the program itself, which may run inside a wrapper."""
    process = _process(record)
    if process is None:
        return
    try:
        family = [process, *process.children(recursive=True)]
        named = next((member for member in family if member.name() == record.name), process)
    except psutil.NoSuchProcess:
        return
    _send(named, signal.Signals(record.stop_signal))


def _send(process: psutil.Process, which: signal.Signals) -> None:
    try:
        process.send_signal(which)
    except psutil.NoSuchProcess:
        return


def _process(record: Record) -> psutil.Process | None:
    try:
        process = psutil.Process(record.pid)
        same = abs(process.create_time() - record.started_at) < START_TIME_TOLERANCE_SECONDS
    except psutil.NoSuchProcess:
        return None
    return process if same and _lives(process) else None


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _reap() -> None:
    for child in _children:
        child.poll()


def _record_path(state_dir: Path, name: str) -> Path:
    folder = state_dir / "processes"
    folder.mkdir(exist_ok=True)
    return folder / f"{name}.json"


def ordinary_environment() -> dict[str, str]:
    """The environment for a program of the machine: the caller's path and language, little else."""
    names = ("PATH", "HOME", "LANG", "TMPDIR")
    return {name: os.environ[name] for name in names if name in os.environ}
