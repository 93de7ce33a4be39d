"""The canary against the running trunk: its letter comes through, is in no statistic, and reaches nobody else."""

import json
import os
import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from .test_units import Operator
from .trunk import BIN, ROOT, STATE, VHOST, Trunk, eventually, run

pytestmark = pytest.mark.system

UNITS = ("CANARY.1", "CANARY.2")
SUBJECTS = "deliveries|delivery|document|documents|signature|revocation|archive_write"
STATISTICS = re.compile(rf"^(trunk_(?:{SUBJECTS})\w*)(\{{[^}}]*\}})? (\S+)", re.MULTILINE)
Series = dict[str, float]


@pytest.fixture(scope="module")
def folder(trunk: Trunk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keys of a canary whose units are in the directory and have users, queues and inboxes."""
    made = tmp_path_factory.mktemp("canary")
    run(BIN / "python", "-m", "mint", "canary", "--city", STATE / "city", "--out", made)
    operator = Operator(trunk, made)
    operator.tidy()
    try:
        operator.confirmed(lambda units: units.extend(json.loads((made / "units.json").read_text())))
        for code in UNITS:
            operator.does("provision", code)
        yield made
    finally:
        operator.put_back()
        with trunk.management() as http:
            for code in UNITS:
                http.delete(f"/users/{code}")
                for queue in (f"inbox.{code}", f"submit.{code}.normal", f"submit.{code}.urgent"):
                    http.delete(f"/queues/{VHOST}/{queue}")


class Canary:
    """The process, and what it says."""

    def __init__(self, trunk: Trunk, folder: Path, log: Path, **told: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        settings = {
            "TRUNK_CANARY_SENDER_AMQP_URL": trunk.login(UNITS[0]),
            "TRUNK_CANARY_RECEIVER_AMQP_URL": trunk.login(UNITS[1]),
            "TRUNK_CANARY_KEYS_DIR": str(folder),
            "TRUNK_CANARY_SECONDS": "6",
            "TRUNK_CANARY_PATIENCE_SECONDS": "5",
            "TRUNK_HTTP_PORT": str(self.port),
        }
        self.log = log
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                [BIN / "trunk-canary"], cwd=ROOT, env={**os.environ, **settings, **told}, stdout=out, stderr=out
            )

    def attempts(self, outcome: str) -> float:
        """Rounds that ended so; 0 while nobody answers."""
        return self.series().get(f'trunk_canary_attempts_total{{outcome="{outcome}"}}', 0.0)

    def series(self) -> Series:
        try:
            text = httpx.get(f"http://127.0.0.1:{self.port}/metrics/").text
        except httpx.HTTPError:
            return {}
        return {name: float(value) for name, value in re.findall(r"^([^#\s]\S*) (\S+)$", text, re.MULTILINE)}

    def end(self) -> None:
        self.process.terminate()
        assert self.process.wait(20) in (0, -15)


def statistics(trunk: Trunk) -> Series:
    """Everything that all services have counted of documents and units."""
    found = {}
    for name, service in trunk.told["services"].items():
        text = httpx.get(f"http://127.0.0.1:{service['http_port']}/metrics/").text
        found |= {f"{name} {metric}{labels}": float(value) for metric, labels, value in STATISTICS.findall(text)}
    return found


def test_a_letter_comes_through_every_round_and_nothing_is_counted(trunk: Trunk, folder: Path, tmp_path: Path) -> None:
    before = statistics(trunk)
    with trunk.channel(trunk.told["rabbitmq_admin_user"]) as channel:
        channel.basic_publish("", f"inbox.{UNITS[1]}", b"left over from the time before")
    canary = Canary(trunk, folder, tmp_path / "log")
    try:
        assert eventually(lambda: canary.attempts("success") >= 2, 90), canary.log.read_text()
        series = canary.series()
    finally:
        canary.end()
    steps = {step: series[f'trunk_canary_step_seconds_count{{step="{step}"}}'] for step in
             ("confirmed", "accepted", "delivered", "reported", "answered")}  # fmt: skip
    assert min(steps.values()) >= 2
    assert series['trunk_canary_attempts_total{outcome="wrong"}'] == 0
    assert series["trunk_canary_leftovers_total"] == 1
    assert series["trunk_canary_last_success_timestamp_seconds"] > 1.7e9
    assert before
    assert statistics(trunk) == before
    assert not any("CANARY" in name for name in statistics(trunk))


def test_a_wrong_password_is_no_session(trunk: Trunk, folder: Path, tmp_path: Path) -> None:
    wrong = trunk.address.replace("//", f"//{UNITS[1]}:wrong@")
    canary = Canary(trunk, folder, tmp_path / "log", TRUNK_CANARY_RECEIVER_AMQP_URL=wrong)
    try:
        assert eventually(lambda: canary.attempts("unreachable") >= 1, 60), canary.log.read_text()
        assert canary.attempts("success") == 0
    finally:
        canary.end()


def test_without_keys_it_says_why_and_goes_on(trunk: Trunk, tmp_path: Path, folder: Path) -> None:
    empty = tmp_path / "keys"
    empty.mkdir()
    canary = Canary(trunk, empty, tmp_path / "log")
    try:
        assert eventually(lambda: canary.attempts("no_key") >= 1, 60), canary.log.read_text()
        answer = httpx.get(f"http://127.0.0.1:{canary.port}/readyz")
        assert (answer.status_code, "signer.pem" in answer.text) == (503, True)
        for name in ("signer.pem", "signer.key", "unit.pem", "unit.key"):
            (empty / name).write_bytes((folder / name).read_bytes())
        assert eventually(lambda: canary.attempts("success") >= 1, 60), canary.log.read_text()
        assert httpx.get(f"http://127.0.0.1:{canary.port}/readyz").status_code == 200
    finally:
        canary.end()
