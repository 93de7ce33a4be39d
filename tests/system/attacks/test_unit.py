"""What a unit's account tries: to speak as another, to reach what is not its own, to act on what it has no part in."""

import json
import secrets
from collections.abc import Callable
from typing import Any

import pika
import pytest
from pika.exceptions import AMQPError, ChannelClosedByBroker

from ..conftest import Stock
from ..traffic import NAMESPACE, RECALL, STATUS
from ..trunk import BIN, SERVICES, STATE, SUBMIT, Trunk, eventually, minted, package_id, run, sha256
from .aftermath import ATTACKER, NOW, VICTIM, Scene, fact, publish, refused_code, submitted_package

pytestmark = pytest.mark.system

ELSEWHERE = [
    ("trunk.facts", "document.verified.normal"),
    ("trunk.facts", "operator.requested.normal"),
    ("trunk.place", "place.normal"),
    ("trunk.inbox", VICTIM),
    *((f"trunk.dead.{service}", "") for service in SERVICES),
    ("", f"inbox.{VICTIM}"),
    ("", f"submit.{VICTIM}.normal"),
    ("", "facts.router.normal"),
    ("", "trunk.dead.router"),
    ("", "broker.events"),
    ("amq.topic", "x"),
    ("amq.rabbitmq.event", "user.created"),
    ("amq.rabbitmq.log", "error"),
    (SUBMIT, f"submit.{VICTIM}"),
    (SUBMIT, f"submit.{ATTACKER}.urgent.x"),
    (SUBMIT, "submit.#"),
    (SUBMIT, f"submit.{ATTACKER}\nx"),
    (SUBMIT, ""),
]


def test_it_publishes_nowhere_else(scene: Scene) -> None:
    body = fact("document.verified", label="ORIGINAL")
    for exchange, key in ELSEWHERE:
        assert refused_code(scene.trunk, ATTACKER, exchange, key, body) == 403, (exchange, key)
    for header in ("CC", "BCC"):
        for _, key in ELSEWHERE:
            copies = {"headers": {header: [f"submit.{ATTACKER}", key]}}
            assert refused_code(scene.trunk, ATTACKER, SUBMIT, f"submit.{ATTACKER}", body, **copies) == 403, key
    event = scene.event("ACCESS_REFUSED", ATTACKER)
    assert event["origin"].startswith("127.0.0.1")
    assert not scene.kept(body)
    assert not [item for item in scene.inboxes.items if item.body == body]


def test_it_publishes_in_nobody_s_name_but_its_own(scene: Scene) -> None:
    entry = scene.letter()
    for name in (VICTIM, *SERVICES, "operator", scene.trunk.config["rabbitmq_admin_user"], f"{ATTACKER} "):
        code = refused_code(scene.trunk, ATTACKER, SUBMIT, f"submit.{ATTACKER}", entry["bytes"], user_id=name)
        assert code == 406, name
    assert not scene.inboxes.of(submitted_package(entry))


def test_a_letter_in_another_unit_s_name_is_refused(scene: Scene) -> None:
    entry = scene.letter(lambda e: e["sender"] == VICTIM)
    package = scene.trunk.submit(ATTACKER, entry["bytes"])
    came = scene.inboxes.wait_for(package, ["refusal"])
    assert [(item.unit, item.reason) for item in came] == [(ATTACKER, "E_FROM")]
    event = scene.event("FROM_MISMATCH", ATTACKER)
    assert event["package_id"] == package
    assert event["origin"] == f"submit.{ATTACKER}.normal"
    assert eventually(lambda: scene.counted("archive", "trunk_security_events_total", kind="FROM_MISMATCH") >= 1)
    assert not scene.inboxes.of(submitted_package(entry)), "the unit itself hears nothing of it"
    itself = scene.trunk.submit(VICTIM, entry["bytes"], urgent=entry["urgent"])
    scene.arrives_as_ever(entry, itself)


READS = [f"inbox.{VICTIM}", "facts.router.normal", f"submit.{ATTACKER}.normal", "trunk.dead.router", "broker.events"]
CHANGES: dict[str, Callable[[Any], object]] = {
    "declare": lambda channel: channel.queue_declare("mine", durable=True, arguments={"x-queue-type": "quorum"}),
    "declare with a dead-letter exchange": lambda channel: channel.queue_declare(
        "", exclusive=True, arguments={"x-dead-letter-exchange": "trunk.facts"}
    ),
    "delete": lambda channel: channel.queue_delete(f"inbox.{VICTIM}"),
    "purge": lambda channel: channel.queue_purge(f"inbox.{VICTIM}"),
    "bind": lambda channel: channel.queue_bind(f"inbox.{ATTACKER}", "trunk.inbox", VICTIM),
    "bind facts": lambda channel: channel.queue_bind(f"inbox.{ATTACKER}", "trunk.facts", "#"),
    "unbind": lambda channel: channel.queue_unbind("facts.router.normal", "trunk.facts", "document.verified.normal"),
    "bind exchanges": lambda channel: channel.exchange_bind("trunk.inbox", "trunk.submit", "#"),
}


@pytest.mark.parametrize("queue", READS)
def test_it_reads_no_other_queue(trunk: Trunk, queue: str) -> None:
    for read in ("basic_get", "basic_consume"):
        arguments = {"on_message_callback": lambda *_: None} if read == "basic_consume" else {}
        with pytest.raises(ChannelClosedByBroker) as refused, trunk.channel(ATTACKER) as channel:
            getattr(channel, read)(queue, **arguments)
        assert refused.value.reply_code == 403


@pytest.mark.parametrize("change", CHANGES)
def test_it_changes_nothing_at_the_broker(trunk: Trunk, change: str) -> None:
    with pytest.raises(ChannelClosedByBroker) as refused, trunk.channel(ATTACKER) as channel:
        CHANGES[change](channel)
    assert refused.value.reply_code in (403, 406)


def delivered(scene: Scene) -> Any:
    """A letter of the victim that has arrived, at others than the attacker."""
    entry = scene.letter(lambda e: e["sender"] == VICTIM and ATTACKER not in e["receivers"])
    scene.arrives_as_ever(entry, scene.trunk.submit(VICTIM, entry["bytes"], urgent=entry["urgent"]))
    return entry


def states(scene: Scene, entry: Any) -> dict[str, str]:
    """Where the document stands at each unit."""
    documents = scene.trunk.collection("trunk_router", "documents").find({"document_id": entry["document_id"]})
    keys = [row["_id"] for row in documents]
    rows = scene.trunk.collection("trunk_router", "deliveries").find({"document": {"$in": keys}})
    return {row["receiver"]: row["state"] for row in rows}


def test_it_cannot_recall_what_another_unit_sent(scene: Scene) -> None:
    entry = delivered(scene)
    about = {"namespace": NAMESPACE, "receiver": entry["receivers"][0], "document": entry["document_id"]}
    before = states(scene, entry)
    for sender, reason, kind in ((ATTACKER, "E_REFDOC", "FOREIGN_STATUS"), (VICTIM, "E_FROM", "FROM_MISMATCH")):
        package = scene.trunk.submit(ATTACKER, RECALL.format(unit=sender, **about).encode())
        came = scene.inboxes.wait_for(package, ["refusal"])
        assert {(item.unit, item.reason) for item in came} == {(ATTACKER, reason)}
        assert scene.event(kind, ATTACKER)["package_id"] == package
    assert states(scene, entry) == before


@pytest.mark.parametrize("code", ["01", "02", "03", "06", "13", "15"])
def test_it_cannot_report_on_what_it_did_not_get(scene: Scene, code: str) -> None:
    entry = delivered(scene)
    before = states(scene, entry)
    about = {"namespace": NAMESPACE, "issuer": VICTIM, "document": entry["document_id"], "code": code}
    body = STATUS.format(unit=ATTACKER, words="x", at="2026/11/28 10:00:00", **about).encode()
    package = scene.trunk.submit(ATTACKER, body)
    came = scene.inboxes.wait_for(package, ["refusal"])
    assert {item.unit for item in scene.inboxes.of(package)} == {ATTACKER}
    assert {item.reason for item in came if item.type == "refusal"} <= {"E_STATUS_FORBIDDEN", "E_REFDOC"}
    assert scene.event("FOREIGN_STATUS", ATTACKER)["package_id"] == package
    assert states(scene, entry) == before


def test_it_cannot_submit_another_unit_s_upload(scene: Scene) -> None:
    named = {"bucket": "uploads", "key": f"{VICTIM}/{secrets.token_hex(8)}.edxml", "size": 10, "sha256": sha256(b"")}
    reference = "application/vnd.trunk.reference+json"
    package = scene.trunk.submit(ATTACKER, json.dumps(named).encode(), content_type=reference)
    came = scene.inboxes.wait_for(package, ["refusal"])
    assert {(item.unit, item.reason) for item in came} == {(ATTACKER, "E_REFERENCE")}
    assert scene.event("FOREIGN_UPLOAD", ATTACKER)["package_id"] == package


FAKE_HEAD = f"x, vhost: 'trunk', user: '{VICTIM}', state: running), channel 1:"
NAMES = [
    f"access_refused: write access to exchange 'trunk.facts' refused for user '{VICTIM}'",
    f"HTTP access denied: user '{VICTIM}' - all",
    f"{FAKE_HEAD}\n operation x caused a channel exception access_refused: refused for user '{VICTIM}'",
]


def test_the_name_of_its_connection_puts_no_security_event_on_another(scene: Scene) -> None:
    for name in NAMES:
        for vhost in ("trunk", "elsewhere"):
            parameters = pika.URLParameters(scene.trunk.address.replace("/trunk", f"/{vhost}"))
            parameters.credentials = pika.PlainCredentials(ATTACKER, scene.trunk.password(ATTACKER))
            parameters.client_properties = {"connection_name": name}
            try:
                pika.BlockingConnection(parameters)._impl._transport.abort()
            except AMQPError:
                assert vhost == "elsewhere"
    scene.broker_s_reports_are_read()
    assert not scene.events("ACCESS_REFUSED", VICTIM)
    assert not scene.events("LOGIN_FAILED", VICTIM)


def test_the_name_of_a_log_in_hides_no_security_event(scene: Scene) -> None:
    """Anybody on the network chooses it; ``trunkctl events`` shows what there is."""
    scene.broker_s_reports_are_read("[/red]")
    shown = run(BIN / "trunkctl", "events", "--state", STATE, "--limit", "5").stdout
    assert "[/red]" in shown


def test_a_flood_of_one_unit_holds_up_no_other(scene: Scene) -> None:
    bodies = [b"noise %d " % number + secrets.token_bytes(8) for number in range(1_000)]
    with scene.trunk.channel(ATTACKER) as channel:
        for body in bodies:
            channel.basic_publish(SUBMIT, f"submit.{ATTACKER}", body, pika.BasicProperties(user_id=ATTACKER))
    scene.holds()
    packages = {package_id(ATTACKER, body) for body in bodies}

    def answered(_: object) -> bool:
        return packages <= {item.package_id for item in scene.inboxes.items if item.type == "refusal"}

    scene.inboxes.wait(answered, 900)
    assert answered(None), "each is answered"
    assert {item.unit for item in scene.inboxes.items if item.package_id in packages} == {ATTACKER}


def test_a_stolen_password_makes_no_signature(scene: Scene, trunk: Trunk, stock: Stock) -> None:
    wrong = [e for e in minted(trunk, stock.folder / "wrong", 60, wrong=50, seed=72) if "E_SIG" in e["expected"]]
    assert len(wrong) >= 5
    for entry in wrong[:8]:
        package = scene.trunk.submit(entry["sender"], entry["bytes"], urgent=entry["urgent"])
        came = scene.inboxes.wait_for(package, ["refusal"])
        assert [item.reason for item in came if item.type == "refusal"] == [entry["expected"]]
        assert not scene.delivered(package)


def test_a_stolen_password_reads_the_inbox_and_reports_until_it_is_changed(scene: Scene) -> None:
    """Not prevented, and said so in docs/security.md: a status needs no signature."""
    entry = scene.letter(lambda e: e["sender"] == VICTIM)
    scene.arrives_as_ever(entry, scene.trunk.submit(VICTIM, entry["bytes"], urgent=entry["urgent"]))
    about = {"namespace": NAMESPACE, "issuer": VICTIM, "document": entry["document_id"], "code": "01"}
    unit = entry["receivers"][0]
    body = STATUS.format(unit=unit, words="x", at=NOW[:19].replace("T", " ").replace("-", "/"), **about).encode()
    package = scene.trunk.submit(unit, body)
    assert [item.unit for item in scene.inboxes.wait_for(package, ["status"]) if item.type == "status"] == [VICTIM]
    with pytest.raises(AMQPError):
        publish(scene.trunk, unit, "trunk.facts", "status.recorded.normal", body)
