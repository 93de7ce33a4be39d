"""Services start in any order: with every server away they say what is missing, and come to life by themselves."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from devstack import loopback
from tests.ports import free_ports

from .conftest import Stock
from .inboxes import Inboxes
from .trunk import BIN, SERVICES, Trunk, eventually, readiness

pytestmark = pytest.mark.system

NAMES = {"rabbitmq": "rabbitmq", "mongo": "mongodb", "s3": "object_store"}
"""As devstack calls a server, and as ``/readyz`` does."""
DRAIN_SECONDS = 90.0


class Newcomer:
    """One more process of a service, with the surroundings of the one that runs already."""

    def __init__(self, trunk: Trunk, service: str, log: Path) -> None:
        self.service = service
        self.port = free_ports(1)[0]
        raw = Path(f"/proc/{trunk.pid(service)}/environ").read_bytes()
        known = dict(line.split("=", 1) for line in raw.decode().split("\0") if "=" in line)
        surroundings = {**known, "TRUNK_HTTP_PORT": str(self.port)}
        surroundings.pop("TRUNK_DEVSTACK_PROCESS", None)
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [BIN / f"trunk-{service}"], env=surroundings, stdout=output, stderr=output, start_new_session=True
            )

    @property
    def missing(self) -> set[str]:
        """What ``/readyz`` names; empty when it says ready."""
        status, report = readiness(self.port)
        named = {name for name, state in report.items() if state not in ("ok", True, False)}
        return named if status != 200 else set()

    def lives(self) -> bool:
        """Whether ``/livez`` says so."""
        try:
            return loopback.get(f"http://127.0.0.1:{self.port}/livez", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    def ask_to_end(self) -> None:
        """SIGTERM, as Kubernetes does."""
        self._process.send_signal(signal.SIGTERM)

    def ends(self, deadline: float) -> bool:
        """Whether it has ended by itself by then; killed if not."""
        try:
            self._process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            return False
        return True


@pytest.fixture(params=[("mongo", "s3"), ("rabbitmq",), ("rabbitmq", "mongo", "s3")], ids=" ".join)
def away(trunk: Trunk, request: pytest.FixtureRequest) -> Iterator[tuple[str, ...]]:
    """Servers that are killed before, and whatever happens run again afterwards."""
    for server in request.param:
        trunk.kill_server(server)
    yield request.param
    Trunk.up()


@pytest.fixture
def newcomers(trunk: Trunk, away: tuple[str, ...], tmp_path: Path) -> Iterator[list[Newcomer]]:
    """All five, started into the void."""
    started = [Newcomer(trunk, service, tmp_path / f"{service}.jsonl") for service in SERVICES]
    yield started
    for newcomer in started:
        newcomer.ask_to_end()
    deadline = time.monotonic() + DRAIN_SECONDS
    assert [newcomer.service for newcomer in started if not newcomer.ends(deadline)] == []


def test_services_wait_for_servers_and_come_to_life(
    trunk: Trunk, away: tuple[str, ...], newcomers: list[Newcomer], inboxes: Inboxes, stock: Stock
) -> None:
    for newcomer in newcomers:
        assert eventually(newcomer.lives), f"{newcomer.service} does not answer /livez"
    missing = {NAMES[server] for server in away}
    for newcomer in newcomers:
        used = missing - ({"object_store"} if newcomer.service == "notifier" else set())
        assert eventually(lambda new=newcomer, all_=used: all_ <= new.missing), (newcomer.service, newcomer.missing)
    assert eventually(lambda: set(trunk.not_ready()) == set(SERVICES)), trunk.not_ready()

    for server in away:
        trunk.revive_server(server)
    for newcomer in newcomers:
        assert eventually(lambda new=newcomer: not new.missing), (newcomer.service, newcomer.missing)
    assert eventually(lambda: not trunk.not_ready()), trunk.not_ready()

    entries = [stock.take(lambda entry: not entry["turned"]) for _ in range(6)]
    packages = [(trunk.submit(entry["sender"], entry["bytes"]), entry) for entry in entries]
    for package, entry in packages:
        inboxes.wait_for(package, ["receipt", "document"])
        expected = set(entry["receivers"])
        assert eventually(lambda p=package, e=expected: {i.unit for i in inboxes.of(p, "document")} == e), expected
