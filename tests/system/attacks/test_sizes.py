"""At the limits: bodies, keys, dead letters with as many headers as fit, and what the broker's administrator can do."""

import secrets
import struct

import pytest
from pika.exceptions import AMQPError, ChannelClosedByBroker, UnroutableError

from ..park import park
from ..trunk import SUBMIT, eventually, package_id, submission
from ..wire import field
from .aftermath import FACTS, VICTIM, Scene, fact, publish, submitted_package

pytestmark = pytest.mark.system

MIB = 1024 * 1024
INLINE_LIMIT = 12 * MIB
MESSAGE_LIMIT = 16 * MIB
UNIT = "H29.905.01"


@pytest.mark.parametrize(
    ("size", "reason"),
    [(INLINE_LIMIT, "E_XML"), (INLINE_LIMIT + 1, "E_SIZE"), (MESSAGE_LIMIT, "E_SIZE")],
)
def test_bodies_at_a_limit(scene: Scene, size: int, reason: str) -> None:
    body = secrets.token_bytes(16) + bytes(size - 16)
    package = scene.trunk.submit(UNIT, body)
    came = scene.inboxes.wait_for(package, ["refusal"])
    assert {(item.unit, item.reason) for item in came} == {(UNIT, reason)}


def test_one_byte_more_than_a_message_may_have(scene: Scene) -> None:
    body = bytes(MESSAGE_LIMIT + 1)
    with pytest.raises(AMQPError):
        scene.trunk.submit(UNIT, body)
    assert not scene.inboxes.of(package_id(UNIT, body))


def test_a_large_body_with_large_headers_by_way_of_the_dead_letters(scene: Scene) -> None:
    """The broker adds its own headers to a table that fills a frame already; the body goes to the object store."""
    body = secrets.token_bytes(16) + bytes(11 * MIB)
    scene.expire((UNIT, body, {"headers": {"x": "x" * 130_700}}))
    record = eventually(lambda: scene.kept(body))[0]
    assert (record["service"], record["user_id"], record["queue"]) == ("intake", UNIT, f"submit.{UNIT}.normal")
    assert record["message"]["body"] is None
    assert park("replay", record["_id"]) == "1 of 1: replay done"
    came = scene.inboxes.wait_for(package_id(UNIT, body), ["refusal"])
    assert {item.unit for item in came} == {UNIT}


KEYS = [b"submit.H29.905.01\xff", b"\xff\xfe", b"submit.H29.905.01.urgent\x00", b"x" * 255]


@pytest.mark.parametrize("key", KEYS)
def test_keys_that_are_no_text(scene: Scene, key: bytes) -> None:
    entry = scene.letter(lambda e: e["sender"] == UNIT)
    with pytest.raises(AMQPError), scene.trunk.channel(UNIT) as channel:
        channel.basic_publish(SUBMIT, key, entry["bytes"], submission(UNIT), mandatory=True)
    copy = b"S" + struct.pack(">I", len(key)) + key
    copies = submission(UNIT, headers=field(b"CC", b"A", struct.pack(">I", len(copy)) + copy))
    with pytest.raises(ChannelClosedByBroker), scene.trunk.channel(UNIT) as channel:
        channel.basic_publish(SUBMIT, f"submit.{UNIT}", entry["bytes"], copies, mandatory=True)
    assert not scene.inboxes.of(submitted_package(entry))


def test_a_key_that_ends_in_a_newline_reaches_nobody(scene: Scene) -> None:
    """The broker's expressions let it pass, as ``$`` stands before a last newline as well; no queue is bound to it."""
    entry = scene.letter(lambda e: e["sender"] == UNIT)
    with pytest.raises(UnroutableError), scene.trunk.channel(UNIT) as channel:
        channel.basic_publish(SUBMIT, f"submit.{UNIT}\n", entry["bytes"], submission(UNIT), mandatory=True)
    assert not scene.inboxes.of(submitted_package(entry))


@pytest.mark.parametrize(
    "properties", [{}, {"expiration": "1"}, {"headers": {"CC": ["document.verified.normal"]}}], ids=str
)
def test_the_administrator_s_own_facts_are_quarantined(scene: Scene, properties: dict[str, object]) -> None:
    admin, body = scene.trunk.config["rabbitmq_admin_user"], fact("document.verified", label="ORIGINAL")
    publish(scene.trunk, admin, FACTS, "document.verified.normal", body, **properties)
    scene.quarantined(body, "archive", "router")
    scene.event("FORGED_FACT", admin)
    scene.broker_s_reports_are_read()
    assert not [item for item in scene.inboxes.items if item.body == body]


@pytest.mark.parametrize("key", [b"\xff.normal", b"document.verified\xff.normal", b"\xc3\x28.normal"])
def test_a_key_of_the_administrator_that_is_no_text_stops_nobody(scene: Scene, key: bytes) -> None:
    """Every fact goes to the archive, whatever its key; a client that cannot decode it must not end."""
    admin, body = scene.trunk.config["rabbitmq_admin_user"], fact("document.verified", label="ORIGINAL")
    publish(scene.trunk, admin, FACTS, key, body)
    scene.quarantined(body, "archive")


def test_a_dead_letter_put_there_by_the_administrator_is_nobody_s_order(scene: Scene) -> None:
    """Who writes into the dead letters chooses where they seem to come from, and still speaks for nobody else."""
    admin, body = scene.trunk.config["rabbitmq_admin_user"], fact("document.verified", label="ORIGINAL")
    death = {"queue": f"submit.{VICTIM}.normal", "reason": "rejected", "exchange": SUBMIT, "routing-keys": ["x"]}
    publish(scene.trunk, admin, "trunk.dead.intake", "", body, headers={"x-death": [death]})
    record = eventually(lambda: scene.kept(body))[0]
    assert record["user_id"] == admin
    park("replay", record["_id"], code=1)
    assert not scene.inboxes.of(package_id(VICTIM, body))
