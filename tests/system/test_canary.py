"""The canary against the running trunk: its letter comes through, is in no statistic, and reaches nobody else."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from devstack import loopback

from .canary import UNITS, Canary, Series, canary_units
from .conftest import Stock
from .trunk import Trunk, eventually

pytestmark = pytest.mark.system

SUBJECTS = "deliveries|delivery|document|documents|signature|revocation|archive_write"
NAMES = tuple(f"trunk_{subject}" for subject in SUBJECTS.split("|"))
STATISTICS = re.compile(rf"^(trunk_(?!deliveries_pending)(?:{SUBJECTS})\w*)(\{{[^}}]*\}})? (\S+)", re.MULTILINE)
"""Without the gauge of pending deliveries, which the router sets at intervals: of this canary it may have nothing, and
of letters of earlier tests it may not be up to date. ``of_canaries`` looks at it."""
CALM_SECONDS = 5.0
"""So long nothing is counted once all letters of earlier tests have come to their end."""


@pytest.fixture(scope="module")
def folder(trunk: Trunk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keys of a canary whose units are there."""
    made = tmp_path_factory.mktemp("canary")
    with canary_units(trunk, made):
        yield made


def pages(trunk: Trunk) -> dict[str, str]:
    """What each service exports."""
    services = trunk.services.items()
    return {
        name: loopback.get(f"http://127.0.0.1:{one['http_port']}/metrics/", timeout=20).text for name, one in services
    }


def statistics(trunk: Trunk) -> Series:
    """Everything that all services have counted of documents and units."""
    return {
        f"{name} {metric}{labels}": float(value)
        for name, text in pages(trunk).items()
        for metric, labels, value in STATISTICS.findall(text)
    }


def at_rest(trunk: Trunk) -> Series:
    """The same, once there is any and nothing is under way."""

    def unmoved() -> Series:
        seen = statistics(trunk)
        time.sleep(CALM_SECONDS)
        return seen if not trunk.depths() and statistics(trunk) == seen else {}

    return eventually(unmoved)


def of_canaries(trunk: Trunk) -> list[str]:
    """What is exported of documents and units under a canary's name, gauges included."""
    lines = [line for text in pages(trunk).values() for line in text.splitlines()]
    return [line for line in lines if line.startswith(NAMES) and "CANARY" in line]


def test_a_letter_comes_through_every_round_and_nothing_is_counted(
    trunk: Trunk, folder: Path, tmp_path: Path, stock: Stock
) -> None:
    counted = stock.take()
    trunk.submit(counted["sender"], counted["bytes"])
    before = at_rest(trunk)
    assert before, "nothing is counted, or it does not come to an end"
    with trunk.channel(trunk.config["rabbitmq_admin_user"]) as channel:
        channel.basic_publish("", f"inbox.{UNITS[1]}", b"left over from the time before")
    with Canary(trunk, folder, tmp_path / "log") as canary:
        assert eventually(lambda: canary.attempts("success") >= 2), canary.log.read_text()
        series = canary.series()
    steps = {step: series[f'trunk_canary_step_seconds_count{{step="{step}"}}'] for step in
             ("confirmed", "accepted", "delivered", "reported", "answered")}  # fmt: skip
    assert min(steps.values()) >= 2
    assert series['trunk_canary_attempts_total{outcome="wrong"}'] == 0
    late = series['trunk_canary_attempts_total{outcome="late"}']  # a busy machine; what still comes is left over, too
    assert series["trunk_canary_leftovers_total"] == 1 or late
    assert series["trunk_canary_last_success_timestamp_seconds"] > 1.7e9
    assert statistics(trunk) == before
    assert of_canaries(trunk) == []


def test_a_wrong_password_is_no_session(trunk: Trunk, folder: Path, tmp_path: Path) -> None:
    wrong = trunk.address.replace("//", f"//{UNITS[1]}:wrong@")
    with Canary(trunk, folder, tmp_path / "log", TRUNK_CANARY_RECEIVER_AMQP_URL=wrong) as canary:
        assert eventually(lambda: canary.attempts("unreachable") >= 1), canary.log.read_text()
        assert canary.attempts("success") == 0


def test_without_keys_it_says_why_and_goes_on(trunk: Trunk, tmp_path: Path, folder: Path) -> None:
    empty = tmp_path / "keys"
    empty.mkdir()
    with Canary(trunk, empty, tmp_path / "log") as canary:
        assert eventually(lambda: canary.attempts("no_key") >= 1), canary.log.read_text()
        answer = loopback.get(f"http://127.0.0.1:{canary.port}/readyz", timeout=20)
        assert (answer.status_code, "signer.pem" in answer.text) == (503, True)
        for name in ("signer.pem", "signer.key", "unit.pem", "unit.key"):
            (empty / name).write_bytes((folder / name).read_bytes())
        assert eventually(lambda: canary.attempts("success") >= 1), canary.log.read_text()
        assert loopback.get(f"http://127.0.0.1:{canary.port}/readyz", timeout=20).status_code == 200
