"""Whatever a unit puts on the submit queue: it is answered, or parked with a reason, and the queue goes on moving."""

import json
import random
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from pika.exceptions import ChannelClosedByBroker

from .conftest import Stock
from .inboxes import Inboxes
from .trunk import EDXML, SERVICES, SUBMIT, Trunk, eventually, package_id, sha256, submission

pytestmark = pytest.mark.system

MIB = 1024 * 1024
REFERENCE = "application/vnd.trunk.reference+json"
NOISE = random.Random(1).randbytes(5_000)
UNIT, OTHER = "000.00.12.H29", "H29.901.02"
SHA = "0" * 64


def reference(**changes: Any) -> bytes:
    usual = {"bucket": "uploads", "key": f"{UNIT}/nothing.edxml", "size": 10, "sha256": SHA}
    return json.dumps({**usual, **changes}).encode()


REFUSED: dict[str, tuple[bytes, dict[str, Any], set[str]]] = {
    "noise": (NOISE, {}, {"E_XML"}),
    "empty": (b"", {}, {"E_XML", "E_SIZE"}),
    "eleven MiB of zeros": (bytes(11 * MIB), {}, {"E_XML"}),
    "thirteen MiB of zeros": (bytes(13 * MIB), {}, {"E_SIZE"}),
    "another XML": (b"<invoice><total>1</total></invoice>", {}, {"E_NS", "E_XML"}),
    "a bomb of entities": (
        b'<!DOCTYPE a [<!ENTITY b "' + b"x" * 1000 + b'"><!ENTITY c "' + b"&b;" * 1000 + b'">]><a>&c;</a>',
        {},
        {"E_XML", "E_NS"},
    ),
    "very deep": (b"<a>" * 100_000, {}, {"E_DEPTH", "E_NS", "E_XML", "E_SIZE"}),
    "JSON": (b'{"fact": "document.verified"}', {"content_type": "application/json"}, {"E_XML"}),
    "no content type": (NOISE[1:], {"content_type": None}, {"E_XML"}),
    "a type that is none": (NOISE[2:], {"content_type": "\u2603/;;=" * 20}, {"E_XML"}),
    "gzip, as it says": (NOISE[3:], {"content_encoding": "gzip"}, {"E_XML"}),
    "not JSON as reference": (NOISE[4:], {"content_type": REFERENCE}, {"E_REFERENCE"}),
    "a list as reference": (b"[]", {"content_type": REFERENCE}, {"E_REFERENCE"}),
    "reference to nothing": (reference(), {"content_type": REFERENCE}, {"E_REFERENCE"}),
    "reference to another's upload": (
        reference(key=f"{OTHER}/nothing.edxml"),
        {"content_type": REFERENCE},
        {"E_REFERENCE"},
    ),
    "reference upwards": (reference(key=f"{UNIT}/../{OTHER}/a"), {"content_type": REFERENCE}, {"E_REFERENCE"}),
    "reference into the archive": (reference(bucket="archive"), {"content_type": REFERENCE}, {"E_REFERENCE"}),
    "reference beyond all size": (reference(size=2**60), {"content_type": REFERENCE}, {"E_SIZE"}),
    "a key with a zero": (reference(key=f"{UNIT}/\0"), {"content_type": REFERENCE}, {"E_REFERENCE"}),
    "a key as long as a book": (reference(key=f"{UNIT}/" + "a" * 5_000), {"content_type": REFERENCE}, {"E_REFERENCE"}),
}
"""Body, properties, and the reasons that may be given."""

ODD: dict[str, dict[str, Any]] = {
    "large headers": {"headers": {f"h{n}": "x" * 900 for n in range(100)}},
    "headers of ours": {
        "headers": {
            "x-user-id": OTHER,
            "x-attempt": 999_999,
            "x-first-failed-at": "yesterday",
            "x-event-id": "forged",
            "x-package-id": "forged",
            "x-death": "none",
            "x-park-queue": "trunk.router.normal",
        }
    },
    "headers of all kinds": {"headers": {"a": None, "b": [1, {"c": True}], "d": b"\xff\xfe", "e": 2**60, "": ""}},
    "reply_to another inbox": {"reply_to": f"inbox.{OTHER}", "correlation_id": "x"},
    "reply_to itself": {"reply_to": "amq.rabbitmq.reply-to.x"},
    "the type of a fact": {"type": "document.verified", "content_type": "application/json"},
    "another content type": {"content_type": "image/png"},
    "gzip, as it says": {"content_encoding": "gzip"},
    "a trace of other types": {"headers": {"traceparent": 5, "tracestate": [1], "baggage": 7}},
    "a trace that is none": {"headers": {"traceparent": "00-zz-zz-01", "tracestate": "=,=", "baggage": "%%%"}},
    "not persistent": {"delivery_mode": 1},
    "long ids": {"message_id": "m" * 255, "correlation_id": "c" * 255, "app_id": "a" * 255},
    "times of long ago": {"timestamp": 0},
}
"""Properties that change nothing about a valid package."""

UNREADABLE: dict[str, dict[str, Any]] = {
    "content type": {"content_type": b"\xff\xfe"},
    "message id": {"message_id": b"\xff\xfe"},
    "header name": {"headers": {b"\xff\xfe": "x"}},
    "year 584556019": {"timestamp": 2**64 - 1},
}
"""Properties that the broker takes and a client may stumble over."""


@pytest.fixture(scope="module", autouse=True)
def nothing_else_is_parked(trunk: Trunk) -> Iterator[None]:
    """What these tests park they also take out again."""
    before = trunk.parked()
    yield
    assert trunk.parked() == before


def goes_on(trunk: Trunk, inboxes: Inboxes, stock: Stock, *, not_of: str = "") -> None:
    """A valid package that comes next arrives, and every service is well."""
    entry = stock.take(lambda entry: entry["sender"] != not_of)
    package = trunk.submit(entry["sender"], entry["bytes"])
    inboxes.wait_for(package, ["receipt", "document"])
    delivered = {item.unit for item in inboxes.of(package, "document")}
    assert delivered
    assert delivered <= set(entry["receivers"])
    assert eventually(lambda: not trunk.not_ready()), trunk.not_ready()


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_a_reason(trunk: Trunk, inboxes: Inboxes, stock: Stock, name: str) -> None:
    body, properties, reasons = REFUSED[name]
    package = trunk.submit(UNIT, body, **properties)
    came = inboxes.wait_for(package, ["refusal"])
    assert {(item.unit, item.type) for item in came} == {(UNIT, "refusal")}
    assert {item.reason for item in came} <= reasons
    assert len({item.event_id for item in came}) == 1
    assert came[0].headers["x-sender"] != UNIT
    assert b"StatusCode>02<" in came[0].body
    assert f"{came[0].reason}: ".encode() in came[0].body
    goes_on(trunk, inboxes, stock)


@pytest.mark.parametrize("name", ODD)
def test_odd_properties_change_nothing(trunk: Trunk, inboxes: Inboxes, stock: Stock, name: str) -> None:
    entry = stock.take(lambda entry: not entry["turned"] and OTHER not in (entry["sender"], *entry["receivers"]))
    package = trunk.submit(entry["sender"], entry["bytes"], **ODD[name])
    expected = {("receipt", entry["sender"]), *(("document", unit) for unit in entry["receivers"])}
    inboxes.wait(lambda items: expected <= {(i.type, i.unit) for i in items if i.package_id == package})
    came = inboxes.of(package)
    assert {(item.type, item.unit) for item in came} == expected
    assert all(item.body == entry["bytes"] for item in came if item.type == "document")
    assert not [item for item in inboxes.items if "forged" in map(str, item.headers.values())]
    goes_on(trunk, inboxes, stock)


def test_a_message_that_expires_is_handled_or_parked(trunk: Trunk, inboxes: Inboxes, stock: Stock) -> None:
    entry = stock.take()
    package = trunk.submit(entry["sender"], entry["bytes"], expiration="0")

    def parked() -> bool:
        return bool(trunk.take_parked(lambda row: row["message"]["sha256"] == sha256(entry["bytes"])))

    assert eventually(lambda: inboxes.of(package, "document") or parked())
    goes_on(trunk, inboxes, stock)


def test_without_user_id_nobody_can_be_told(trunk: Trunk, inboxes: Inboxes, stock: Stock) -> None:
    """Only an administrator can write here besides units; a unit may leave its name out."""
    for user in ("unit", "administrator"):
        entry = stock.take()
        name = trunk.config["rabbitmq_admin_user"] if user == "administrator" else entry["sender"]
        with trunk.channel(name) as channel:
            channel.basic_publish(
                SUBMIT, f"submit.{entry['sender']}", entry["bytes"], submission("", user_id=None), mandatory=True
            )
        parked_for(trunk, entry["bytes"], "E_SENDER_UNKNOWN")
        assert not inboxes.of(package_id(entry["sender"], entry["bytes"]))
    goes_on(trunk, inboxes, stock)


@pytest.mark.parametrize("user", [*SERVICES, "operator"])
def test_nobody_but_its_unit_writes_into_a_submit_queue(trunk: Trunk, stock: Stock, user: str) -> None:
    entry = stock.take()
    for exchange, key in ((SUBMIT, f"submit.{entry['sender']}"), ("", f"submit.{entry['sender']}.normal")):
        with pytest.raises(ChannelClosedByBroker) as refused, trunk.channel(user) as channel:
            channel.basic_publish(exchange, key, entry["bytes"], submission(user), mandatory=True)
        assert refused.value.reply_code == 403


@pytest.mark.parametrize("name", UNREADABLE)
def test_unreadable_properties_stop_nobody(trunk: Trunk, inboxes: Inboxes, stock: Stock, name: str) -> None:
    """Answered or parked, and other units notice nothing: theirs arrive and are not parked."""
    entry = stock.take()
    package = trunk.submit(entry["sender"], entry["bytes"], **UNREADABLE[name])
    goes_on(trunk, inboxes, stock, not_of=entry["sender"])
    answered_or_parked(trunk, inboxes, package, entry["bytes"])


def test_nested_headers_stop_nobody(trunk: Trunk, inboxes: Inboxes, stock: Stock) -> None:
    """A table in a table in a table, deeper than a recursive reader can follow."""
    entry = stock.take()
    nested: dict[str, Any] = {}
    for _ in range(2_000):
        nested = {"a": nested}
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(20_000)
    try:
        package = trunk.submit(entry["sender"], entry["bytes"], headers=nested, content_type=EDXML)
    finally:
        sys.setrecursionlimit(limit)
    goes_on(trunk, inboxes, stock, not_of=entry["sender"])
    answered_or_parked(trunk, inboxes, package, entry["bytes"])


def answered_or_parked(trunk: Trunk, inboxes: Inboxes, package: str, body: bytes) -> None:
    """Whichever comes; a record of it is removed."""

    def of_ours(row: dict[str, Any]) -> bool:
        return bool(row["message"]["sha256"] == sha256(body))

    assert eventually(lambda: inboxes.of(package) or any(map(of_ours, trunk.held()))), "neither answered nor parked"
    if not inboxes.of(package):
        parked_for(trunk, body)


def parked_for(trunk: Trunk, body: bytes, reason: str | None = None) -> None:
    """Our message is parked at intake, with this reason; its record is removed."""
    records = eventually(lambda: trunk.take_parked(lambda row: row["message"]["sha256"] == sha256(body)))
    assert [row["service"] for row in records] == ["intake"]
    if reason:
        assert records[0]["reason"] == reason
