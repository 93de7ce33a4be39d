"""``trunkctl doctor`` on the running trunk: healthy, without a queue, without its database, with a parked message."""

import json
import secrets
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import pymongo
import pytest

from devstack import loopback

from .trunk import BIN, ROOT, STATE, VHOST, Trunk, eventually, run

pytestmark = pytest.mark.system

QUEUE = "facts.notifier.urgent"
WHOLE_SECONDS = 90.0
"""The doctor waits eight seconds for a server that does not answer, and a busy machine starts it slowly."""
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


Answers = list[dict[str, Any]]


@pytest.fixture(autouse=True, scope="module")
def nothing_is_parked(trunk: Trunk) -> None:
    """Other files may have left messages for an operator."""
    trunk.take_parked(lambda _: True)


def asked_until(holds: Callable[[int, Answers], bool], **surroundings: str) -> tuple[int, Answers]:
    """Exit code and answers once this holds of them, or the last ones: a server on a busy machine may answer one of the
    questions too late, and the doctor says so."""
    asked: list[tuple[int, Answers]] = []

    def does() -> bool:
        asked.append(doctor(**surroundings))
        return holds(*asked[-1])

    eventually(does, pause_seconds=2.0)
    return asked[-1]


def has_nothing_to_do(code: int, answers: Answers) -> bool:
    return (code, bad(answers)) == (0, {})


def well(answers: Answers) -> set[str]:
    """Checks that found everything in order."""
    return {answer["check"] for answer in answers if answer["level"] == "ok"}


def is_well_again() -> None:
    code, answers = asked_until(has_nothing_to_do)
    assert (code, bad(answers)) == (0, {})


def management(trunk: Trunk) -> httpx.Client:
    """The broker's management API, as its administrator."""
    who = (trunk.config["rabbitmq_admin_user"], trunk.config["rabbitmq_admin_password"])
    return loopback.client(base_url=f"{trunk.config['rabbitmq_management_url']}/api", auth=who, timeout=30)


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
    code, answers = asked_until(has_nothing_to_do)
    assert (code, bad(answers)) == (0, {})
    assert {"broker", "database", "object store", "nodes", "topology", "trust", "versions", "clocks"} <= well(answers)


def test_whoever_only_reads_may_ask(trunk: Trunk) -> None:
    """The reader may do nothing at the broker: what it may not see is skipped, and said."""
    keys = trunk.config["s3_keys"]["reader"]
    code, answers = asked_until(
        has_nothing_to_do,
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
    assert {"buckets", "store keys", "topology", "open packages"} <= well(answers)


def test_a_missing_queue_is_told(trunk: Trunk) -> None:
    with management(trunk) as http:
        http.delete(f"/queues/{VHOST}/{QUEUE}").raise_for_status()
    finding = f"queue {QUEUE}: missing"
    try:
        code, answers = asked_until(lambda _, answers: finding in bad(answers, "failed").get("topology", ()))
        assert code == 2
        assert finding in bad(answers, "failed")["topology"]
    finally:
        run(BIN / "trunkctl", "topology", "apply", "--state", STATE)
    is_well_again()


def test_a_queue_without_leader_is_named(trunk: Trunk) -> None:
    """Its one member stops while the node runs: the broker's list still shows a leader and a majority."""
    member = f'{{list_to_atom("{VHOST}_{QUEUE}"), node()}}'
    findings = {"leaders": f"no elected leader: {QUEUE}", "queues": f"without leader or majority: {QUEUE}"}

    def are_found(_: int, answers: Answers) -> bool:
        return all(says in bad(answers, "failed").get(check, ()) for check, says in findings.items())

    evaluate(f"ra:stop_server(quorum_queues, {member}).")
    try:
        code, answers = asked_until(are_found)
    finally:
        evaluate(f"ra:restart_server(quorum_queues, {member}).")
    assert code == 2
    assert bad(answers, "failed")["leaders"] == [findings["leaders"]]
    assert findings["queues"] in bad(answers, "failed")["queues"]
    is_well_again()


def test_a_stopped_database_hides_nothing_else(trunk: Trunk) -> None:
    others = {"broker", "object store", "topology", "queues"}
    trunk.kill_server("mongo")
    try:
        code, answers = asked_until(lambda _, answers: others <= well(answers))
    finally:
        trunk.revive_server("mongo")
    assert code == 2
    assert "does not answer" in bad(answers, "failed")["database"][0]
    assert {"open packages", "inboxes", "parked"} <= set(bad(answers, "unknown"))
    assert others <= well(answers)
    is_well_again()


def test_a_parked_message_is_a_warning(trunk: Trunk) -> None:
    with parked(trunk):
        code, answers = asked_until(lambda code, _: code == 1)
    assert code == 1
    (line,) = bad(answers)["parked"]
    assert line.startswith("1 parked at router for E_FACT")
