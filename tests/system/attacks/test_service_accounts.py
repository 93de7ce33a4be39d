"""A stolen account of a service: every fact that it may not publish, and what is promised of those that it may."""

import json
import secrets
from typing import Any

import pytest

from ..conftest import Stock
from ..park import park
from ..trunk import SERVICES, Trunk, eventually, minted
from .aftermath import FACTS, VICTIM, Scene, fact, publish, refused_code

pytestmark = pytest.mark.system

MAKES = {
    "intake": {"package.accepted", "notice.accepted", "package.refused", "package.repeated"},
    "validator": {"document.verified", "document.refused"},
    "router": {
        *("delivery.placed", "delivery.refused", "status.recorded"),
        *("routing.refused", "document.superseded", "document.recalled"),
    },
    "archive": {"document.archived"},
    "notifier": {"notification.sent"},
    "operator": {"operator.requested"},
}
ALL_MAKE = {"message.parked", "operator.acted", "security.noticed"}
TAKEN_BY = {
    "package.accepted": {"validator", "router"},
    "notice.accepted": {"router"},
    "package.refused": {"router", "notifier"},
    "package.repeated": {"router"},
    "document.verified": {"router"},
    "document.refused": {"intake", "router", "notifier"},
    "delivery.placed": {"notifier"},
    "delivery.refused": {"notifier"},
    "status.recorded": {"notifier"},
    "message.parked": {"router"},
    "operator.requested": set(SERVICES),
    "operator.acted": {"router"},
}
"""Besides the archive, which takes all."""
REFERENCE = {"bucket": "content", "key": "0" * 64, "sha256": "0" * 64, "size_bytes": 10}
AT = "2026-11-28T10:00:00+07:00"
PACKAGE = {"package": REFERENCE, "envelope": REFERENCE, "submitted_at": AT}
DELIVERY = {"receiver": VICTIM}
FIELDS: dict[str, dict[str, Any]] = {
    "package.accepted": PACKAGE,
    "notice.accepted": PACKAGE,
    "package.refused": {"reason": "E_XML", "submitted_at": AT},
    "package.repeated": {"accepted": True, "submitted_at": AT},
    "document.verified": {**PACKAGE, "label": "ORIGINAL", "report": REFERENCE, "policy_version": "1"},
    "document.refused": {**PACKAGE, "reason": "E_SIG_DIGEST", "policy_version": "1"},
    "delivery.placed": {**DELIVERY, "submitted_at": AT},
    "delivery.refused": {**DELIVERY, "reason": "E_TO_CLOSED"},
    "status.recorded": {**DELIVERY, "told": VICTIM, "code": "01", "state": "ARRIVED"},
    "routing.refused": {"reason": "E_DUP"},
    "document.superseded": {**DELIVERY, "successor": "x"},
    "document.recalled": {**DELIVERY, "state": "RECALLED"},
    "document.archived": {"record_id": "x", "retain_until": AT},
    "notification.sent": {"unit": VICTIM, "channel": "email", "about_event": "x"},
    "message.parked": {
        **{"record_id": "x", "queue": f"submit.{VICTIM}.normal", "reason": "E_ATTEMPTS", "holds_package": True},
        **{"user": VICTIM},
    },
    "operator.requested": {
        **{"target": "intake", "record_id": "x", "action": "replay", "actor": "A", "purpose": "x"},
    },
    "operator.acted": {
        **{"record_id": "x", "action": "discard", "actor": "A", "purpose": "x", "outcome": "done"},
        **{"user": VICTIM, "holds_package": True},
    },
    "security.noticed": {"kind": "LOGIN_FAILED", "actor": VICTIM, "subject": "security"},
}
"""What each fact needs besides what all need, to be read as one."""
THIEVES = (*SERVICES, "operator")


def made(name: str, speaker: str, **more: Any) -> bytes:
    """A whole fact; of those that all services make, in the name of ``speaker``."""
    own = {"service": speaker} if name in ALL_MAKE else {}
    return fact(name, **{**FIELDS[name], **own, **more})


def may(account: str) -> set[str]:
    shared = {"security.noticed"} if account == "operator" else ALL_MAKE
    return MAKES[account] | shared


@pytest.mark.parametrize("account", THIEVES)
def test_the_broker_takes_no_fact_that_is_not_its_own(scene: Scene, account: str) -> None:
    for name in FIELDS.keys() - may(account):
        for lane in ("normal", "urgent"):
            assert refused_code(scene.trunk, account, FACTS, f"{name}.{lane}", made(name, account)) == 403, name
    own = sorted(may(account))[0]
    for header in ("CC", "BCC"):
        copies = {"headers": {header: ["document.verified.normal" if account != "validator" else "x"]}}
        assert refused_code(scene.trunk, account, FACTS, f"{own}.normal", made(own, account), **copies) == 403
    for exchange, key in (("trunk.inbox", VICTIM), ("trunk.place", "place.normal"), ("", f"inbox.{VICTIM}")):
        if (account, exchange) not in (("router", "trunk.inbox"), ("router", "trunk.place")):
            assert refused_code(scene.trunk, account, exchange, key, b"x") == 403, exchange
    scene.event("ACCESS_REFUSED", account)


@pytest.mark.parametrize("account", THIEVES)
def test_with_wider_rights_they_are_quarantined_by_everybody_who_takes_them(scene: Scene, account: str) -> None:
    """The broker's permissions are the first wall; the consumers' own check is the second."""
    before = len(scene.inboxes.items)
    counted = scene.counted("archive", "trunk_messages_total", outcome="quarantined")
    forged = {name: made(name, account) for name in sorted(FIELDS.keys() - may(account))}
    with scene.widened(account):
        for name, body in forged.items():
            publish(scene.trunk, account, FACTS, f"{name}.normal", body)
    for name, body in forged.items():
        records = scene.quarantined(body, "archive", *TAKEN_BY.get(name, set()))
        assert {record["user_id"] for record in records} == {account}, name
    assert scene.event("FORGED_FACT", account)
    scene.event("RIGHTS_CHANGED")
    least = counted + len(forged)
    assert eventually(lambda: scene.counted("archive", "trunk_messages_total", outcome="quarantined") >= least)
    assert eventually(lambda: scene.counted("archive", "trunk_security_events_total", kind="FORGED_FACT") >= 1)
    bodies = {json.loads(body)["package_id"] for body in forged.values()}
    assert not [item for item in scene.inboxes.items[before:] if item.package_id in bodies]


SPEAKING = sorted(ALL_MAKE)


@pytest.mark.parametrize("name", SPEAKING)
def test_it_speaks_for_no_other_service(scene: Scene, name: str) -> None:
    for account in ("notifier", "validator"):
        body = made(name, "router")
        publish(scene.trunk, account, FACTS, f"{name}.normal", body)
        scene.quarantined(body, "archive", *TAKEN_BY.get(name, set()))
        package = json.loads(body)["package_id"]
        assert not scene.inboxes.of(package)


@pytest.mark.parametrize("key", ["security.noticed.urgent", "operator.acted.normal"])
def test_a_fact_under_another_key_is_quarantined(scene: Scene, key: str) -> None:
    body = made("security.noticed", "notifier")
    publish(scene.trunk, "notifier", FACTS, key, body)
    scene.quarantined(body, "archive")


def test_an_anonymous_fact_is_quarantined(scene: Scene) -> None:
    body = made("document.verified", "validator")
    publish(scene.trunk, "validator", FACTS, "document.verified.normal", body, anonymous=True)
    scene.quarantined(body, "archive", "router")


def test_a_document_that_the_validator_refused_is_not_delivered(scene: Scene, trunk: Trunk, stock: Stock) -> None:
    """The stolen account of the notifier, with rights it should not have, declares a forged letter valid."""
    wrong = next(e for e in minted(trunk, stock.folder / "wrong", 40, wrong=30, seed=73) if "E_SIG" in e["expected"])
    package = trunk.submit(wrong["sender"], wrong["bytes"], urgent=wrong["urgent"])
    scene.inboxes.wait_for(package, ["refusal"])
    ledger = trunk.collection("trunk_archive", "ledger")

    def refusals() -> list[Any]:
        bodies = [row["body"] for row in ledger.find({"fact": "document.refused"})]
        return [json.loads(body) for body in bodies if package in body]

    (refusal,) = eventually(refusals)  # the sender may hear of it before the archive
    verdict = {name: value for name, value in refusal.items() if name not in ("reason", "detail")}
    verdict |= {"fact": "document.verified", "label": "ORIGINAL", "report": verdict["package"], "policy_version": "1"}
    for account in ("notifier", "intake", "archive", "router"):
        body = json.dumps({**verdict, "event_id": secrets.token_hex(8)}).encode()
        with scene.widened(account):
            publish(trunk, account, FACTS, f"document.verified.{verdict['lane']}", body)
        scene.quarantined(body, "archive", "router")
    assert not scene.delivered(package)
    assert {item.unit for item in scene.inboxes.of(package)} == {wrong["sender"]}


def test_an_order_to_place_a_message_by_another_service_is_quarantined(scene: Scene) -> None:
    before = {(item.unit, item.event_id) for item in scene.inboxes.items}
    placing = scene.trunk.collection("trunk_router", "placings").find_one({"type": "document"})
    assert placing
    body = json.dumps({"placing_id": placing["_id"], "again": True}).encode()
    for account in ("intake", "notifier"):
        with scene.widened(account):
            publish(scene.trunk, account, "trunk.place", "place.normal", body)
    scene.quarantined(body, "router")
    assert not [i for i in scene.inboxes.items if i.event_id == placing["_id"] and (i.unit, i.event_id) not in before]


# What a service's account may say about documents it has nothing to do with, and what is promised then.


def test_intake_s_account_may_invent_a_refusal_and_nothing_more(scene: Scene) -> None:
    """Not prevented: the unit that it names is told of a package which it never sent."""
    body = made("package.refused", "intake")
    refusal = json.loads(body)
    publish(scene.trunk, "intake", FACTS, "package.refused.normal", body)
    came = scene.inboxes.wait_for(refusal["package_id"], ["refusal"])
    assert {(item.unit, item.type) for item in came} == {(VICTIM, "refusal")}
    stands_alone(scene, refusal["subject"], "package.refused")


@pytest.mark.parametrize(
    ("account", "name"),
    [("intake", "notice.accepted"), ("intake", "package.accepted"), ("validator", "document.verified")],
)
def test_an_invented_package_needs_bytes_that_are_there(scene: Scene, account: str, name: str) -> None:
    """Its parts are named by their digests; what cannot be fetched is parked, and nobody gets a document."""
    body = made(name, account)
    publish(scene.trunk, account, FACTS, f"{name}.normal", body)
    taker = "validator" if name == "package.accepted" else "router"
    rows = eventually(lambda: [row for row in scene.kept(body) if row["service"] == taker])
    assert {(row["reason"], row["state"]) for row in rows} == {("E_OBJECT", "parked")}
    assert not scene.delivered(json.loads(body)["package_id"])


@pytest.mark.parametrize(
    ("account", "name"),
    [("notifier", "notification.sent"), ("archive", "document.archived"), ("router", "delivery.placed")],
)
def test_other_inventions_stand_in_the_ledger_only(scene: Scene, account: str, name: str) -> None:
    body = made(name, account)
    publish(scene.trunk, account, FACTS, f"{name}.normal", body)
    invented = json.loads(body)
    stands_alone(scene, invented["subject"], name)
    assert not scene.inboxes.of(invented["package_id"])


def test_a_service_may_say_that_it_holds_a_package_of_anybody(scene: Scene) -> None:
    """Not prevented: a receipt that says ``held``; no document moves, and no record stands behind it."""
    body = made("message.parked", "notifier")
    publish(scene.trunk, "notifier", FACTS, "message.parked.normal", body)
    parked = json.loads(body)
    came = scene.inboxes.wait_for(parked["package_id"], ["receipt"])
    assert {(item.unit, item.type) for item in came} == {(VICTIM, "receipt")}
    stands_alone(scene, parked["subject"], "message.parked")


# The ledger of security events.


@pytest.mark.parametrize("subject", ["security", "security/99999998", "security/00000001", "", "x" * 200])
def test_nothing_else_enters_the_ledger_of_security_events(scene: Scene, subject: str) -> None:
    body = made("notification.sent", "notifier", subject=subject)
    publish(scene.trunk, "notifier", FACTS, "notification.sent.normal", body)
    assert eventually(lambda: scene.kept(body))
    assert {row["reason"] for row in scene.kept(body)} <= {"E_FORGED", "E_FACT"}
    scene.broker_s_reports_are_read()
    rows = scene.trunk.collection("trunk_archive", "ledger").find({"_id": {"$gte": "security/", "$lt": "security0"}})
    assert {row["fact"] for row in rows if row["_id"] not in scene.known_event_ids} == {"security.noticed"}


@pytest.mark.parametrize(
    "change",
    [{"subject": "elsewhere"}, {"count": -1}, {"count": 10**30}, {"occurred_at": AT[:19]}, {"event_id": "e" * 5_000}],
    ids=str,
)
def test_a_security_event_that_would_spoil_what_is_made_of_it_is_none(scene: Scene, change: dict[str, Any]) -> None:
    body = made("security.noticed", "notifier", **change)
    publish(scene.trunk, "notifier", FACTS, "security.noticed.normal", body)
    assert eventually(lambda: scene.kept(body))
    assert not scene.events("LOGIN_FAILED", VICTIM)


def test_a_fact_of_any_size_stops_nobody(scene: Scene) -> None:
    body = made("notification.sent", "notifier", about_event="x" * 15_000_000)
    publish(scene.trunk, "notifier", FACTS, "notification.sent.normal", body)
    assert eventually(lambda: scene.kept(body))
    assert {row["reason"] for row in scene.kept(body)} == {"E_FACT"}


def test_an_event_id_that_was_used_hides_nothing(scene: Scene) -> None:
    first = made("security.noticed", "notifier", event_id=f"x{secrets.token_hex(8)}", kind="FROM_MISMATCH")
    publish(scene.trunk, "notifier", FACTS, "security.noticed.normal", first)
    scene.event("FROM_MISMATCH", VICTIM)
    second = json.dumps({**json.loads(first), "kind": "SECRET_CONTENT", "service": "intake"}).encode()
    publish(scene.trunk, "intake", FACTS, "security.noticed.normal", second)
    (record,) = scene.quarantined(second, "archive")
    assert "bears the id of another event" in park("show", record["_id"])
    assert scene.event("FORGED_FACT", "intake")


def in_ledger(scene: Scene, subject: str) -> list[str]:
    """Facts that the archive keeps of a subject."""
    rows = scene.trunk.collection("trunk_archive", "ledger").find({"subject": subject}).sort("_id", 1)
    return [row["fact"] for row in rows]


def stands_alone(scene: Scene, subject: str, fact: str) -> None:
    """The archive keeps the fact, and nothing else of its subject but that somebody was notified of it: both come in
    their own time, and in either order."""
    assert eventually(lambda: fact in in_ledger(scene, subject)), f"no {fact} of {subject} in the ledger"
    assert set(in_ledger(scene, subject)) <= {fact, "notification.sent"}


def test_what_cannot_be_read_is_quarantined_by_its_key(scene: Scene) -> None:
    body = b"no fact at all " + secrets.token_hex(8).encode()
    with scene.widened("notifier"):
        publish(scene.trunk, "notifier", FACTS, "document.verified.normal", body)
    scene.quarantined(body, "archive", "router")
    admin = scene.trunk.config["rabbitmq_admin_user"]
    publish(scene.trunk, admin, FACTS, "document.verified.urgent", body)
    scene.event("FORGED_FACT", admin)
    scene.quarantined(body, "archive", "router")
