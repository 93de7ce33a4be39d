"""Two processes of each service, started, killed and frozen one by one."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.ports import free_ports

from ..trunk import BIN, SERVICES, STATE, Trunk, readiness

EACH = 2
CHANGES = {"TRUNK_REDRIVE_AFTER_SECONDS": "60", "TRUNK_URGENT_REDRIVE_AFTER_SECONDS": "30"}
"""Settings that differ from production: what a purged queue lost is missed within a minute instead of half an hour."""
PATIENCE_SECONDS = 180.0


@dataclass
class Replica:
    """One process of a service, and after its death the next one in its place."""

    service: str
    number: int
    environment: dict[str, str]
    port: int
    log: Path
    _process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)

    def __str__(self) -> str:
        return f"{self.service} {self.number}"

    def start(self) -> None:
        """In a session of its own, so that it dies with its workers."""
        environment = {**self.environment, "TRUNK_HTTP_PORT": str(self.port)}
        with self.log.open("ab") as log:
            command = [str(BIN / f"trunk-{self.service}")]
            self._process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)

    def signal(self, number: signal.Signals) -> None:
        """To the process and its workers."""
        if self._process:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def kill(self) -> None:
        """SIGKILL, and wait for the end."""
        self.signal(signal.SIGKILL)
        if self._process:
            self._process.wait(30)

    def is_ready(self) -> bool:
        """Whether it says so."""
        return readiness(self.port)[0] == 200

    def condition(self) -> str:
        """What it says of itself, or how it ended, with the last line of its log."""
        code = self._process.poll() if self._process else None
        state = f"answers {readiness(self.port)}" if code is None else f"ended with {code}"
        lines = self.log.read_text(errors="replace").splitlines()
        return f"{self} {state}; last line: {lines[-1] if lines else 'none'}"


def environment_of(pid: int) -> dict[str, str]:
    """Everything that ``trunkctl up`` gave a service as settings."""
    return psutil.Process(pid).environ()


@contextmanager
def replicas(trunk: Trunk, logs: Path) -> Iterator[list[Replica]]:
    """Two of each service in the place of the one that runs; afterwards it is as before."""
    environments = {
        service: environment_of(trunk.pid(service)) | CHANGES | {"TRUNK_AMQP_URL": trunk.login(service)}
        for service in SERVICES
    }
    for service in SERVICES:
        trunk.kill_service(service)
    ports = iter(free_ports(EACH * len(SERVICES)))
    started = [
        Replica(service, number, environments[service], next(ports), logs / f"{service}-{number}.jsonl")
        for service in SERVICES
        for number in range(1, EACH + 1)
    ]
    try:
        for each in started:
            each.start()
        wait_ready(started)
        yield started
    finally:
        for each in started:
            each.signal(signal.SIGCONT)
            each.kill()
        Trunk.up()


def wait_ready(started: list[Replica]) -> None:
    """Return when all are. Raises ``AssertionError`` with what those say of themselves that are not."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    waiting = started
    while (waiting := [each for each in waiting if not each.is_ready()]) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert not waiting, "\n".join(["not ready:", *(each.condition() for each in waiting)])


def family_of(server: str) -> list[psutil.Process]:
    """Every process of a server of this checkout, by the mark that ``devstack`` gives them."""
    mark, family = f"{STATE}:{server}", []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.environ().get("TRUNK_DEVSTACK_PROCESS") == mark:
                family.append(process)
    return family
