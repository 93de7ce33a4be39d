"""``trunkctl doctor`` on the running trunk: healthy, without a queue, without its database, with a parked message."""

import json
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import pymongo
import pytest

from .trunk import BIN, ROOT, STATE, VHOST, Trunk, eventually, run

pytestmark = pytest.mark.system

QUEUE = "facts.notifier.urgent"
WHOLE_SECONDS = 30.0
BAD = ("failed", "warning", "unknown")


def doctor(**surroundings: str) -> tuple[int, list[dict[str, Any]]]:
    """Exit code and answers; the process is ended when it takes longer than it may."""
    done = subprocess.run(
        [BIN / "trunkctl", "doctor", "--json", "--state", STATE],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=WHOLE_SECONDS,
        env=surroundings or None,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, json.loads(done.stdout)["answers"]


def bad(answers: list[dict[str, Any]], *levels: str) -> dict[str, list[str]]:
    """The findings of these levels, by check."""
    findings: dict[str, list[str]] = {}
    for answer in answers:
        if answer["level"] in (levels or BAD):
            findings.setdefault(answer["check"], []).append(answer["says"])
    return findings


def healthy() -> bool:
    """Whether the doctor reports nothing to do."""
    return doctor()[0] == 0


def management(trunk: Trunk) -> httpx.Client:
    """The broker's management API, as its administrator."""
    who = (trunk.config["rabbitmq_admin_user"], trunk.config["rabbitmq_admin_password"])
    return httpx.Client(base_url=f"{trunk.config['rabbitmq_management_url']}/api", auth=who, timeout=30)


def evaluate(expression: str) -> None:
    """An expression of Erlang on the broker's node."""
    call = "import sys, pathlib; from devstack.broker_control import run; run(pathlib.Path(sys.argv[1]), sys.argv[2:])"
    run(BIN / "python", "-c", call, STATE, "eval", expression)


@contextmanager
def parked(trunk: Trunk) -> Iterator[str]:
    """A message that the router keeps for an operator, as it writes it down."""
    now, identifier = datetime.now(UTC), secrets.token_hex(16)
    row = {
        "_id": identifier,
        "record_id": identifier,
        "revision": 1,
        "state": "parked",
        "queue": "facts.router.normal",
        "user_id": "intake",
        "reason": "E_FACT",
        "first_failed_at": now,
        "last_failed_at": now,
        "parked_at": now,
    }
    router: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(trunk.config["mongo_uris"]["router"])
    records = router["trunk_router"]["message_records"]
    records.insert_one(row)
    try:
        yield identifier
    finally:
        records.delete_one({"_id": identifier})


def test_a_healthy_trunk_has_nothing_to_do(trunk: Trunk) -> None:
    assert eventually(healthy, 60, 2), bad(doctor()[1])
    code, answers = doctor()
    assert (code, bad(answers)) == (0, {})
    assert {"broker", "database", "object store", "nodes", "topology", "trust", "versions", "clocks"} <= {
        answer["check"] for answer in answers if answer["level"] == "ok"
    }


def test_whoever_only_reads_may_ask(trunk: Trunk) -> None:
    """The reader may do nothing at the broker: what it may not see is skipped, and said."""
    keys = trunk.config["s3_keys"]["reader"]
    code, answers = doctor(
        TRUNK_ROLE="reader",
        TRUNK_AMQP_URL=trunk.login("reader"),
        TRUNK_RABBITMQ_MANAGEMENT_URL=trunk.config["rabbitmq_management_url"],
        TRUNK_RABBITMQ_ADMIN_USER="reader",
        TRUNK_RABBITMQ_ADMIN_PASSWORD=trunk.password("reader"),
        TRUNK_MONGO_URI=trunk.config["mongo_uris"]["operator"],
        TRUNK_S3_ENDPOINT=trunk.config["s3_endpoint"],
        TRUNK_S3_ACCESS_KEY=keys["access"],
        TRUNK_S3_SECRET_KEY=keys["secret"],
    )
    assert (code, bad(answers)) == (0, {})
    assert {"broker rights", "trust"} <= set(bad(answers, "skipped"))
    assert {"buckets", "store keys", "topology", "open packages"} <= {a["check"] for a in answers if a["level"] == "ok"}


def test_a_missing_queue_is_told(trunk: Trunk) -> None:
    with management(trunk) as http:
        http.delete(f"/queues/{VHOST}/{QUEUE}").raise_for_status()
    try:
        code, answers = doctor()
        assert code == 2
        assert f"queue {QUEUE}: missing" in bad(answers, "failed")["topology"]
    finally:
        run(BIN / "trunkctl", "topology", "apply", "--state", STATE)
    assert eventually(healthy, 90, 2), bad(doctor()[1])


def test_a_queue_without_leader_is_named(trunk: Trunk) -> None:
    """Its one member stops while the node runs: the broker's list still shows a leader and a majority."""
    member = f'{{list_to_atom("{VHOST}_{QUEUE}"), node()}}'
    evaluate(f"ra:stop_server(quorum_queues, {member}).")
    try:
        code, answers = doctor()
    finally:
        evaluate(f"ra:restart_server(quorum_queues, {member}).")
    assert code == 2
    assert bad(answers, "failed")["leaders"] == [f"no elected leader: {QUEUE}"]
    assert f"without leader or majority: {QUEUE}" in bad(answers, "failed")["queues"]
    assert eventually(healthy, 90, 2), bad(doctor()[1])


def test_a_stopped_database_hides_nothing_else(trunk: Trunk) -> None:
    trunk.kill_server("mongo")
    try:
        code, answers = doctor()
    finally:
        trunk.revive_server("mongo")
    assert code == 2
    assert "does not answer" in bad(answers, "failed")["database"][0]
    assert {"open packages", "inboxes", "parked"} <= set(bad(answers, "unknown"))
    assert {"broker", "object store", "topology", "queues"} <= {a["check"] for a in answers if a["level"] == "ok"}
    assert eventually(healthy, 90, 2), bad(doctor()[1])


def test_a_parked_message_is_a_warning(trunk: Trunk) -> None:
    with parked(trunk):
        code, answers = doctor()
    assert code == 1
    (line,) = bad(answers)["parked"]
    assert line.startswith("1 parked at router for E_FACT")
