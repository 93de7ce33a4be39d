"""The operator's stolen account: it decides about parked messages, and can neither forge nor hide anything by it."""

import secrets
from typing import Any

import pytest

from ..park import park
from ..trunk import eventually
from .aftermath import ATTACKER, FACTS, VICTIM, Scene, fact, publish, refused_code, submitted_package

pytestmark = pytest.mark.system


def request(record: dict[str, Any], **changes: Any) -> bytes:
    """A decision as ``trunkctl park`` announces it."""
    usual = {"target": record["service"], "record_id": record["_id"], "action": "discard", "actor": "A", "purpose": "x"}
    return fact("operator.requested", subject=record["_id"], **{**usual, **changes})


def ask(scene: Scene, record: dict[str, Any], **changes: Any) -> None:
    publish(scene.trunk, "operator", FACTS, "operator.requested.normal", request(record, **changes))


def state(scene: Scene, record: dict[str, Any]) -> str:
    row = scene.trunk.collection(f"trunk_{record['service']}", "message_records").find_one({"_id": record["_id"]})
    return str(row["state"])


def expired(scene: Scene) -> tuple[dict[str, Any], dict[str, Any]]:
    """A letter that is parked because it ran out of time, and its record."""
    entry = scene.letter(lambda e: not e["urgent"])
    scene.expire((entry["sender"], entry["bytes"], {}))
    assert eventually(lambda: scene.kept(entry["bytes"]))
    return entry, scene.kept(entry["bytes"])[0]


def acted(scene: Scene, record: dict[str, Any]) -> list[str]:
    """Details of the security events about a record."""
    return [e["detail"] for e in scene.events("OPERATOR_ACTED") if record["_id"] in e["detail"]]


def test_two_decisions_under_one_id_leave_two_traces(scene: Scene) -> None:
    (_, first), (_, second) = expired(scene), expired(scene)
    forged = secrets.token_hex(8)
    for record in (first, second):
        ask(scene, record, event_id=forged)
    for record in (first, second):
        assert eventually(lambda record=record: state(scene, record) == "discarded")
        assert eventually(lambda record=record: acted(scene, record)), "each stands in the ledger"


def test_another_decision_under_the_same_id_is_another_decision(scene: Scene) -> None:
    entry, record = expired(scene)
    forged = secrets.token_hex(8)
    ask(scene, record, event_id=forged, action="discard", actor="A")
    assert eventually(lambda: state(scene, record) == "discarded")
    ask(scene, record, event_id=forged, action="restore", actor="B")
    assert eventually(lambda: state(scene, record) == "parked")
    assert eventually(lambda: len(acted(scene, record)) == 2)
    assert {event["actor"] for event in scene.events("OPERATOR_ACTED")} >= {"A", "B"}
    assert not scene.delivered(submitted_package(entry))


def test_what_is_quarantined_is_never_handled(scene: Scene) -> None:
    body = fact("document.verified", label="ORIGINAL")
    admin = scene.trunk.config["rabbitmq_admin_user"]
    publish(scene.trunk, admin, FACTS, "document.verified.normal", body)
    records = scene.quarantined(body, "archive", "router")
    for record in records:
        ask(scene, record, action="replay")
        assert eventually(lambda record=record: acted(scene, record))
        assert "quarantined" in acted(scene, record)[0]
        assert state(scene, record) == "quarantined"


def test_a_replay_is_its_publisher_s_own_and_happens_once(scene: Scene) -> None:
    entry, record = expired(scene)
    for _ in range(3):
        ask(scene, record, action="replay")
    came = scene.arrives_as_ever(entry, submitted_package(entry))
    assert {item.headers["x-sender"] for item in came if item.type == "document"} == {entry["sender"]}
    assert eventually(lambda: len(acted(scene, record)) == 3)
    assert sorted("done" in detail for detail in acted(scene, record)) == [False, False, True]


@pytest.mark.parametrize(
    "change",
    [{"target": "router"}, {"record_id": "0" * 32}, {"record_id": "../x"}, {"action": "delete"}, {"target": VICTIM}],
    ids=str,
)
def test_a_request_about_something_else_changes_nothing(scene: Scene, change: dict[str, Any]) -> None:
    _, record = expired(scene)
    ask(scene, record, **change)
    ask(scene, record, action="restore")
    assert eventually(lambda: acted(scene, record))
    assert state(scene, record) == "parked"


def test_a_message_id_that_its_sender_chose_chooses_no_record(scene: Scene) -> None:
    entry = scene.letter(lambda e: not e["urgent"] and e["sender"] != ATTACKER)
    scene.expire((ATTACKER, secrets.token_bytes(60), {"message_id": entry["document_id"]}))
    assert eventually(lambda: [row for row in scene.trunk.held() if row["_id"] not in scene.held])
    assert "Nothing of that kind" in park("discard", entry["document_id"], code=1)


def test_it_reads_nothing_and_speaks_as_nobody_else(scene: Scene) -> None:
    for exchange, key in (("trunk.inbox", VICTIM), ("trunk.submit", f"submit.{VICTIM}"), ("", f"inbox.{VICTIM}")):
        assert refused_code(scene.trunk, "operator", exchange, key, b"x") == 403
    for name in ("intake", VICTIM):
        code = refused_code(scene.trunk, "operator", FACTS, "operator.requested.normal", b"x", user_id=name)
        assert code == 406
