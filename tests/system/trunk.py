"""The running trunk from outside: addresses, users, HTTP, the broker's management, processes to kill.

This package imports none of the trunk's own packages, so that it tests what any unit's system and any operator can use.
"""

import hashlib
import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pika
import pymongo

from devstack import loopback

from .wire import RawProperties

ROOT = Path(__file__).resolve().parents[2]
FIRST_PROCESS = "gw0"


def state_folder(environment: Mapping[str, str]) -> Path:
    """Of the trunk under test: that of this checkout, or the one that ``TRUNK_STATE`` names.

    If a run has several processes (pytest-xdist), each but the first has a trunk of its own, with servers of its own,
    in a folder below.
    """
    folder = Path(environment.get("TRUNK_STATE", ROOT / ".devstack")).resolve()
    process = environment.get("PYTEST_XDIST_WORKER", FIRST_PROCESS)
    return folder if process == FIRST_PROCESS else folder / process


STATE = state_folder(os.environ)
BIN = ROOT / ".venv" / "bin"
SERVICES = ("intake", "validator", "router", "archive", "notifier")
VHOST = "trunk"
SUBMIT = "trunk.submit"
HELD = ("parked", "quarantined")
"""States of messages that wait for an operator."""
EDXML = "application/edxml+xml"

Answer = TypeVar("Answer")

logging.getLogger("pika").setLevel(logging.CRITICAL)  # it writes a page about every refused connection


def run(*command: str | Path, **more: Any) -> "subprocess.CompletedProcess[str]":
    """Run a program of the checkout to its end. Raises ``AssertionError`` with its output if it fails."""
    done = subprocess.run(list(map(str, command)), cwd=ROOT, capture_output=True, text=True, check=False, **more)
    assert done.returncode == 0, f"{command} ended with {done.returncode}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done


PATIENCE_SECONDS = 240.0
"""For what takes seconds on an idle machine: only a failure waits so long, and a machine may be busy."""


def eventually(
    ask: Callable[[], Answer], patience_seconds: float = PATIENCE_SECONDS, pause_seconds: float = 0.25
) -> Answer:
    """Returns the first answer that is not empty or, after the deadline, the last one."""
    deadline = time.monotonic() + patience_seconds
    while not (answer := ask()) and time.monotonic() < deadline:
        time.sleep(pause_seconds)
    return answer


def package_id(sender: str, package: bytes) -> str:
    """As the trunk names a package: by its sender and its bytes (docs/upstream.md)."""
    digest = hashlib.sha256(package).hexdigest()
    return hashlib.sha256(f"package\0{sender}\0{digest}".encode()).hexdigest()[:32]


def sha256(data: bytes) -> str:
    """64 hex digits."""
    return hashlib.sha256(data).hexdigest()


@dataclass(frozen=True)
class Trunk:
    """A running trunk, by the file ``trunk.json`` that ``trunkctl up`` writes."""

    config: dict[str, Any]
    """Addresses, users and paths: the content of that file."""

    @classmethod
    def up(cls) -> "Trunk":
        """Start the servers and services that do not run yet."""
        run(BIN / "trunkctl", "up", "--state", STATE)
        return cls(json.loads((STATE / "trunk.json").read_text()))

    @staticmethod
    def is_up() -> bool:
        """Whether every service answers already."""
        try:
            config = json.loads((STATE / "trunk.json").read_text())
            ports = [service["http_port"] for service in config["services"].values()]
            return all(loopback.get(f"http://127.0.0.1:{port}/livez", timeout=20).is_success for port in ports)
        except (OSError, httpx.HTTPError):
            return False

    @property
    def units(self) -> tuple[str, ...]:
        """Codes of the units that are open."""
        listed = json.loads(Path(self.config["directory_file"]).read_text())["units"]
        return tuple(unit["code"] for unit in listed if not unit["valid_to"])

    def password(self, user: str) -> str:
        """Of a broker user."""
        return str(json.loads(Path(self.config["users_file"]).read_text())[user])

    @property
    def address(self) -> str:
        """Without user and password."""
        return f"amqp://{self.config['amqp_host']}:{self.config['amqp_port']}/{VHOST}"

    def login(self, user: str) -> str:
        """The address with user and password."""
        return self.address.replace("//", f"//{user}:{self.password(user)}@")

    def connect(self, user: str) -> pika.BlockingConnection:
        """Opens a connection as a unit, a service, or the administrator."""
        is_admin = user == self.config["rabbitmq_admin_user"]
        parameters = pika.URLParameters(self.address)
        password = self.config["rabbitmq_admin_password"] if is_admin else self.password(user)
        parameters.credentials = pika.PlainCredentials(user, password)
        parameters.heartbeat = parameters.blocked_connection_timeout = 20
        parameters.socket_timeout = parameters.stack_timeout = 10
        return pika.BlockingConnection(parameters)

    @contextmanager
    def channel(self, user: str) -> Iterator[Any]:
        """A channel with confirms."""
        connection = self.connect(user)
        try:
            channel = connection.channel()
            channel.confirm_delivery()
            yield channel
        finally:
            if connection.is_open:
                connection.close()

    def submit(self, unit: str, body: bytes, *, urgent: bool = False, **properties: Any) -> str:
        """Submit once as a unit; returns the package id."""
        with self.channel(unit) as channel:
            key = f"submit.{unit}" + (".urgent" if urgent else "")
            channel.basic_publish(SUBMIT, key, body, submission(unit, **properties), mandatory=True)
        return package_id(unit, body)

    # health

    @property
    def services(self) -> dict[str, dict[str, int]]:
        """Port and process id of each service, as they are now: both change when one is started again."""
        return dict(json.loads((STATE / "trunk.json").read_text())["services"])

    def readiness(self, service: str) -> tuple[int, dict[str, Any]]:
        """HTTP status and report of ``/readyz``; 0 when nobody answers."""
        return readiness(self.services[service]["http_port"])

    def not_ready(self) -> dict[str, dict[str, Any]]:
        """Services that are not ready, with their reports."""
        reports = {service: self.readiness(service) for service in self.services}
        return {service: report for service, (status, report) in reports.items() if status != 200}

    # servers and services

    def pid(self, service: str) -> int:
        """Id of the process that ``trunkctl up`` started last."""
        return self.services[service]["pid"]

    def kill_service(self, service: str) -> None:
        """SIGKILL, as the kernel does when memory runs out."""
        os.kill(self.pid(service), signal.SIGKILL)

    def kill_server(self, server: str, state: Path = STATE) -> None:
        """SIGKILL all processes of rabbitmq, mongo or s3. state: another folder for another node of the broker."""
        _devstack("kill", server, state)

    def revive_server(self, server: str, state: Path = STATE) -> None:
        """Starts it again with the same ports and data, and waits until it is ready."""
        _devstack("revive", server, state)

    # the broker

    def management(self) -> httpx.Client:
        """The broker's management API, as the administrator."""
        who = (self.config["rabbitmq_admin_user"], self.config["rabbitmq_admin_password"])
        return loopback.client(base_url=self.config["rabbitmq_management_url"] + "/api", auth=who, timeout=20)

    def depths(self) -> dict[str, int]:
        """Number of messages, ready or unacknowledged, in every queue that is not empty, without inboxes, the mark and
        the progress stream."""
        with self.management() as http:
            queues = http.get(f"/queues/{VHOST}").raise_for_status().json()
        depths = {queue["name"]: queue.get("messages", 0) for queue in queues}
        left_out = ("inbox.", "trunk.mark", "trunk.progress")
        return {name: depth for name, depth in depths.items() if not name.startswith(left_out) and depth}

    def held(self) -> list[dict[str, Any]]:
        """Records of all messages that wait for an operator, each with the service that keeps it."""
        return [
            {**row, "service": service}
            for service in SERVICES
            for row in self.collection(f"trunk_{service}", "message_records").find({"state": {"$in": HELD}})
        ]

    def parked(self) -> int:
        """How many messages wait for an operator."""
        return len(self.held())

    def take_parked(self, ours: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
        """Removes the records of the test's parked messages, and returns them."""
        chosen = [row for row in self.held() if ours(row)]
        for row in chosen:
            self.collection(f"trunk_{row['service']}", "message_records").delete_one({"_id": row["_id"]})
        return chosen

    # the database, read only

    def collection(self, database: str, name: str) -> Any:
        """A collection, to read."""
        return database_client(self.config["mongo_uris"]["operator"])[database][name]


@cache
def database_client(uri: str) -> Any:
    """One for the whole run: logging in costs the server more than most questions."""
    return pymongo.MongoClient(uri, serverSelectionTimeoutMS=20_000, tz_aware=True)


def submission(unit: str, **changes: Any) -> pika.BasicProperties:
    """Properties of a submission as they should be, with ``changes``; None takes one away.

    ``headers`` may be bytes: the fields of a table as they go over the wire.
    """
    usual = {"user_id": unit, "content_type": EDXML, "delivery_mode": 2, "timestamp": int(time.time())}
    chosen = {name: value for name, value in {**usual, **changes}.items() if value is not None}
    if isinstance(table := chosen.get("headers"), bytes):
        return RawProperties(table, **{name: value for name, value in chosen.items() if name != "headers"})
    return pika.BasicProperties(**chosen)


def readiness(port: int) -> tuple[int, dict[str, Any]]:
    """HTTP status and report of ``/readyz`` on that port; 0 when nobody answers."""
    try:
        answer = loopback.get(f"http://127.0.0.1:{port}/readyz", timeout=10)
        return answer.status_code, answer.json()
    except (httpx.HTTPError, ValueError) as error:
        return 0, {"error": repr(error)}


def minted(trunk: Trunk, folder: Path, count: int, wrong: int = 0, seed: int = 1) -> list[dict[str, Any]]:
    """New packages of the demo city: the manifest's entries, each with its ``bytes``."""
    options = ["--city", trunk.config["city_dir"], "--out", folder, "--count", count, "--wrong", wrong, "--seed", seed]
    run(BIN / "python", "-m", "mint", "packages", *map(str, options))
    entries = json.loads((folder / "manifest.json").read_text())
    return [{**entry, "bytes": (folder / entry["file"]).read_bytes()} for entry in entries]


def shown(items: Iterable[object], most: int = 20) -> str:
    """Items as text for assertion messages: their number, and the first ``most``."""
    listed = list(map(str, items))
    return "\n".join([f"{len(listed)}:", *listed[:most]])


def _devstack(verb: str, server: str, state: Path) -> None:
    call = f"import sys, pathlib; from devstack import servers; servers.{verb}(pathlib.Path(sys.argv[1]), sys.argv[2])"
    run(sys.executable if not (BIN / "python").exists() else BIN / "python", "-c", call, state, server)
