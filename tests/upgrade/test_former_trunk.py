"""A trunk of the former release, run by its own code and full of messages, is taken over by this one: for real.

The former release is built out of this repository's history, from packages that ``uv`` has cached; without either, or
without ``make upgrade-test``, the test is skipped. What it leaves behind is recorded beside this file, for the tests
that always run.
"""

import json
import os
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pika
import pytest

ROOT = Path(__file__).resolve().parents[2]
FORMER = "6ce2cf4"
BIN = ROOT / ".venv" / "bin"
PATIENCE_SECONDS = 240.0
Item = tuple[str, str]
"""A document's id and its receiver."""


@dataclass(frozen=True)
class Trunk:
    """Its folder, what the former release says it left, and how it goes on."""

    state: Path
    left: dict[str, Any]
    former_bin: Path

    def trunkctl(self, *arguments: str, code: int = 0) -> str:
        """Of this release."""
        done = subprocess.run(
            [BIN / "trunkctl", *arguments, "--state", self.state], capture_output=True, text=True, check=False
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    @property
    def addresses(self) -> dict[str, Any]:
        """``trunk.json``."""
        return json.loads((self.state / "trunk.json").read_text())  # type: ignore[no-any-return]

    def url(self, user: str) -> str:
        """At the broker, as one of its users."""
        password = json.loads((self.state / "users.json").read_text())[user]
        return f"amqp://{user}:{password}@{self.addresses['amqp_host']}:{self.addresses['amqp_port']}/trunk"

    def queues(self) -> dict[str, int]:
        """Messages by queue; figures of some seconds ago."""
        addresses = self.addresses
        who = (addresses["rabbitmq_admin_user"], addresses["rabbitmq_admin_password"])
        rows = httpx.get(f"{addresses['rabbitmq_management_url']}/api/queues/trunk", auth=who, timeout=30).json()
        return {row["name"]: row.get("messages", 0) for row in rows}

    def inbox(self, unit: str) -> list[tuple[pika.BasicProperties, bytes]]:
        """What lies there; it stays."""
        connection = pika.BlockingConnection(pika.URLParameters(self.url(unit)))
        channel, items = connection.channel(), []
        while (got := channel.basic_get(f"inbox.{unit}"))[0]:
            items.append((got[1], got[2]))
        connection.close()
        return items

    def delivered(self) -> Counter[tuple[Item, str]]:
        """How often each document lies in each inbox, by its event id."""
        return Counter(
            ((properties.headers["x-document-id"], unit), properties.headers["x-event-id"])
            for unit in self.units
            for properties, _ in self.inbox(unit)
            if properties.type == "document"
        )

    @property
    def units(self) -> list[str]:
        """Every unit."""
        return [name.removeprefix("inbox.") for name in self.queues() if name.startswith("inbox.")]

    def expected(self) -> set[Item]:
        """What must be delivered in the end."""
        sent = {name for batch in self.left["sent"].values() for name in batch}
        return {
            (entry["document_id"], receiver)
            for entry in self.left["manifest"]
            if entry["file"] in sent and entry["expected"] == "delivered"
            for receiver in entry["receivers"]
            if receiver not in entry["turned"]
        }

    def held(self) -> list[dict[str, Any]]:
        """All records of parked messages."""
        import pymongo

        rows = []
        for service in ("intake", "validator", "router", "archive", "notifier"):
            with pymongo.MongoClient[dict[str, Any]](self.addresses["mongo_uris"][service]) as client:
                rows += [row | {"service": service} for row in client[f"trunk_{service}"]["message_records"].find()]
        return [row for row in rows if row["state"] in ("parked", "quarantined")]


@pytest.fixture(scope="module")
def trunk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trunk]:
    """Filled and stopped by the former release; its servers and services are those of this release now."""
    former_bin = _former_release(tmp_path_factory.mktemp("former")) / ".venv" / "bin"
    state = tmp_path_factory.mktemp("state")
    try:
        _run(former_bin / "trunkctl", "up", "--state", state)
        _run(former_bin / "python", Path(__file__).with_name("fill_former_trunk.py"), state, state / "left.json")
        _run(former_bin / "trunkctl", "down", "--state", state)
        upgraded = Trunk(state, json.loads((state / "left.json").read_text()), former_bin)
        upgraded.trunkctl("up")
        yield upgraded
    finally:
        subprocess.run([BIN / "trunkctl", "down", "--state", state], check=False, capture_output=True)


def _former_release(folder: Path) -> Path:
    if "TRUNK_TEST_FORMER" not in os.environ:
        pytest.skip("a trunk run by the former release itself skipped: it takes five minutes (make upgrade-test)")
    uv = shutil.which("uv", path=f"{ROOT / '.uv/bin'}:{os.environ['PATH']}")
    archived = subprocess.run(["git", "archive", FORMER], cwd=ROOT, capture_output=True, check=False)
    if archived.returncode or uv is None:
        pytest.skip(f"commit {FORMER} is not in this clone, or there is no uv")
    subprocess.run(["tar", "-x", "-C", folder], input=archived.stdout, check=True)
    options = ["--offline", "--locked", "--all-packages", "--all-extras", "--all-groups", "--quiet"]
    clean = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    if subprocess.run([uv, "sync", *options], cwd=folder, env=clean, check=False).returncode:
        pytest.skip("uv has not cached what the former release needs")
    return folder


def _run(*command: str | Path) -> None:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"


def _eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (is_true := condition()) and time.monotonic() < deadline:
        time.sleep(1.0)
    return is_true


def test_the_former_release_is_taken_over(trunk: Trunk) -> None:
    """Apply, roll, take over (killed once), replay: each document once, and nobody in another's name."""
    assert trunk.queues()["trunk.park"] >= 11
    trunk.trunkctl("topology", "apply")
    trunk.trunkctl("topology", "apply")
    lines = trunk.trunkctl("topology", "check", code=1).splitlines()
    assert all("of the former release" in line and "take-over" in line for line in lines), lines

    _let_a_former_router_work(trunk)
    _take_over_and_kill_it(trunk)
    _take_over_to_the_end(trunk)
    assert not any(name.startswith(("trunk.retry", "trunk.park", "trunk.intake")) for name in trunk.queues())

    _check_names_of_held(trunk)
    trunk.trunkctl("park", "replay", "--all", "--by", "test", "--why", "the take-over is done", code=1)
    expected = trunk.expected()
    assert _eventually(lambda: expected <= {item for item, _ in trunk.delivered()}), _missing(trunk)
    delivered = trunk.delivered()
    assert {item for item, _ in delivered} == expected
    assert len(delivered) == len(expected), "one event a document and receiver: a copy is recognised by it"
    bodies = [body for unit in trunk.units for _, body in trunk.inbox(unit)]
    assert not any(b"<forged" in body for body in bodies)


def _let_a_former_router_work(trunk: Trunk) -> None:
    """One process that has not been rolled yet works beside the new ones, on the queues of its own release."""
    addresses = trunk.addresses
    keys = addresses["s3_keys"]["router"]
    environment = os.environ | {
        "TRUNK_AMQP_URL": trunk.url("router"),
        "TRUNK_MONGO_URI": addresses["mongo_uris"]["router"],
        "TRUNK_S3_ENDPOINT": addresses["s3_endpoint"],
        "TRUNK_S3_ACCESS_KEY": keys["access"],
        "TRUNK_S3_SECRET_KEY": keys["secret"],
        "TRUNK_HTTP_PORT": "0",
    }
    with (trunk.state / "former-router.log").open("wb") as log:
        process = subprocess.Popen([trunk.former_bin / "trunk-router"], env=environment, stdout=log, stderr=log)
        try:
            assert _eventually(lambda: b'"outcome"' in Path(log.name).read_bytes())
            output = trunk.trunkctl("topology", "take-over", code=1)
            assert "consumers of the former release still read it; stop them" in output
            assert _eventually(lambda: trunk.queues()["trunk.router.normal"] <= 1)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)


def _take_over_and_kill_it(trunk: Trunk) -> None:
    """In the middle: as soon as it has moved the messages of one queue."""
    command = [BIN / "trunkctl", "topology", "take-over", "--state", trunk.state]
    unbuffered = os.environ | {"PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=unbuffered)
    assert process.stdout
    for line in process.stdout:
        if "messages moved" in line:
            break
    process.kill()
    process.wait()


def _take_over_to_the_end(trunk: Trunk) -> None:
    for _ in range(5):
        lines = trunk.trunkctl("topology", "take-over", code=1).splitlines()
        if not any(line.startswith("queue trunk.") for line in lines):
            return
    pytest.fail("\n".join(lines))


def _check_names_of_held(trunk: Trunk) -> None:
    """Who is named as publisher of what is held, and of what could ever be replayed."""
    assert _eventually(lambda: trunk.queues()["trunk.dead.intake"] == 0)
    victim, attacker = trunk.left["victim"], trunk.left["attacker"]
    by_body = {row["message"]["body"]: row for row in trunk.held() if row["message"]["body"]}
    forged = {name: body.encode() for name, body in trunk.left["forged"].items()}
    held = {name: by_body[body] for name, body in forged.items() if body in by_body}
    assert all(row["user_id"] != victim for row in held.values())
    assert {name: row["user_id"] for name, row in held.items()} == {
        "own name, parked by the broker": attacker,
        "anonymous, replayed": None,
        "anonymous, parked by the broker": None,
        "notifier parks a fact": "notifier",
        "notifier parks a submission": "notifier",
        "notifier forges a death": "notifier",
        "nobody parks a submission": None,
        "to an inbox after a pause": "notifier",
        "to intake after a pause": "notifier",
        "to the router after a pause": "notifier",
        "notifier's fact": "notifier",
    }
    assert by_body[forged["notifier's fact"]]["state"] == "quarantined"


def _missing(trunk: Trunk) -> str:
    missing = trunk.expected() - {item for item, _ in trunk.delivered()}
    return f"{len(missing)} missing: {sorted(missing)[:5]}; {trunk.trunkctl('park', 'list')}"
