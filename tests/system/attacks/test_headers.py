"""A unit's own message with any property and any header, straight and through the dead letters: none is believed."""

import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from pika.exceptions import AMQPError

from ..conftest import Entry, Stock
from ..inboxes import Inboxes
from ..park import park
from ..trunk import Trunk, eventually, submission
from ..wire import double, field
from .aftermath import VICTIM, Scene, submitted_package

pytestmark = pytest.mark.system

FORGED = "f0" * 16
DEATH = {
    "count": 1,
    "exchange": "trunk.facts",
    "queue": "facts.router.normal",
    "reason": "expired",
    "routing-keys": ["document.verified.normal"],
}


def deep(levels: int) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for _ in range(levels):
        nested = {"a": nested}
    return nested


HEADERS: dict[str, dict[Any, Any] | bytes] = {
    "the names of the trunk": {
        "x-user-id": VICTIM,
        "x-park-queue": f"inbox.{VICTIM}",
        "x-sender": VICTIM,
        "x-package-id": FORGED,
        "x-event-id": FORGED,
        "x-document-key": FORGED,
        "x-document-id": FORGED,
        "x-label": "ORIGINAL",
        "x-reason": "E_DUP",
        "x-trunk-user": VICTIM,
        "x-trunk-queue": "facts.router.normal",
        "x-attempt": 999,
    },
    "a death": {"x-death": [DEATH], "x-first-death-queue": DEATH["queue"], "x-last-death-queue": DEATH["queue"]},
    "deaths that are none": {"x-death": "none"},
    "deaths of numbers": {"x-death": [1, None, "x"]},
    "a death of other types": {"x-death": [{"queue": 5, "reason": True, "count": "x", "routing-keys": "z"}]},
    "counts": {"x-delivery-count": 19, "x-acquired-count": 10**12, "x-delivery-limit": 1},
    "a negative count": {"x-delivery-count": -(2**63)},
    "a trace": {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01", "tracestate": "x=y", "baggage": f"user={VICTIM}"},
    "a trace of other types": {"traceparent": 5, "tracestate": [1], "baggage": {"a": 1}},
    "a copy for itself": {"CC": ["submit.SENDER"], "BCC": ["submit.SENDER"]},
    "copies of numbers": {"CC": [1, None], "BCC": [2]},
    "thousands": {f"h{number}": number for number in range(5_000)},
    "nested 100 deep": deep(100),
    "a number that cannot be written again": double("x", 1e300),
    "the same name twice": field(b"x", b"t", b"\x01") + field(b"x", b"t", b"\x00"),
    "no UTF-8": {"x": b"\xff\xfe", b"\xff\xfe": "x", "x-user-id": b"\xff"},
    "nearly as much as a frame holds": {"x": "x" * 130_000},
}
PROPERTIES: dict[str, dict[str, Any]] = {
    "app_id": {"app_id": "router"},
    "type": {"type": "document.verified"},
    "message_id": {"message_id": FORGED},
    "correlation_id": {"correlation_id": FORGED},
    "reply_to": {"reply_to": f"inbox.{VICTIM}"},
    "priority": {"priority": 255},
    "delivery_mode": {"delivery_mode": 1},
    "delivery_mode that is none": {"delivery_mode": 77},
    "timestamp of 1970": {"timestamp": 0},
    "timestamp of 2106": {"timestamp": 2**32},
    "content_encoding": {"content_encoding": "gzip"},
    "content_type of a fact": {"content_type": "application/json"},
    "cluster_id": {"cluster_id": "x" * 255},
    "no UTF-8": {"type": b"\xff", "app_id": b"\xff", "message_id": b"\xff"},
}
FRAME_MAX, FRAME_OVERHEAD = 131_072, 8 + 12
"""Agreed with the broker; what a frame and a content header have around the properties."""


@contextmanager
def recursion(levels: int) -> Iterator[None]:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(levels)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


BROKEN: dict[str, bytes] = {
    "no number": double("x", math.nan),
    "infinity": double("x", -math.inf),
    "a type that does not exist": field(b"x", b"?", b""),
    "a string longer than the table": field(b"x", b"S", b"\x7f\xff\xff\xff"),
    "a table that does not end": field(b"x", b"F", b"\x00\x00\x00\xff"),
}
"""Tables that the broker cannot read: it ends the sender's connection."""
CASES: dict[str, dict[str, Any]] = {
    **{f"header: {name}": {"headers": headers} for name, headers in HEADERS.items()},
    **{f"property: {name}": properties for name, properties in PROPERTIES.items()},
}
UNREADABLE = ("header: no UTF-8", "property: no UTF-8")
"""A client may be unable to decode them, and loses ``user_id`` with them: then it is parked as nobody's."""


@pytest.fixture(scope="module")
def scene(trunk: Trunk, inboxes: Inboxes, stock: Stock) -> Iterator[Scene]:
    """One for all cases, which are sent together: what they do to each other counts as well."""
    made = Scene(trunk, inboxes, stock)
    yield made
    try:
        assert not [item for item in inboxes.items if FORGED in map(str, item.headers.values())]
        made.holds()
    finally:
        made.forget()


@pytest.fixture(scope="module")
def submitted(scene: Scene) -> dict[str, Entry]:
    """A valid letter with each of the cases."""
    letters = {name: scene.letter() for name in CASES}
    with recursion(20_000):
        for name, entry in letters.items():
            scene.trunk.submit(entry["sender"], entry["bytes"], urgent=entry["urgent"], **case(name, entry))
    return letters


@pytest.fixture(scope="module")
def replayed(scene: Scene) -> dict[str, Entry]:
    """A letter with each of the cases, which ran out of time, and which an operator had handled again."""
    letters = {name: scene.letter(lambda e: not e["urgent"]) for name in CASES}
    with recursion(20_000):
        scene.expire(*((entry["sender"], entry["bytes"], case(name, entry)) for name, entry in letters.items()))
    assert eventually(lambda: all(scene.kept(entry["bytes"]) for entry in letters.values()))
    for entry in letters.values():
        assert not scene.inboxes.of(submitted_package(entry), "document")
    known = [name for name in CASES if name not in UNREADABLE]
    records = {name: scene.kept(letters[name]["bytes"])[0] for name in known}
    assert {record["service"] for record in records.values()} == {"intake"}
    for name, record in records.items():
        sender = letters[name]["sender"]
        assert (record["user_id"], record["queue"]) == (sender, f"submit.{sender}.normal")
    output = park("replay", *(record["_id"] for record in records.values()))
    assert output == f"{len(known)} of {len(known)}: replay done"
    return letters


def case(name: str, entry: Entry) -> dict[str, Any]:
    """The properties of a case, for the sender of a letter."""
    properties = CASES[name]
    if name != "header: a copy for itself":
        return properties
    return {"headers": {key: [f"submit.{entry['sender']}"] for key in properties["headers"]}}


def nobody_s(scene: Scene, entry: Entry) -> bool:
    """Whether the letter is parked as nobody's; then nobody can be made its author afterwards."""
    package = submitted_package(entry)
    assert eventually(lambda: scene.inboxes.of(package, "document") or scene.kept(entry["bytes"]))
    if scene.inboxes.of(package, "document"):
        return False
    record = scene.parked(entry["bytes"])
    if record["user_id"] is not None:
        assert park("replay", record["_id"]) == "1 of 1: replay done"
        return False
    scene.event("ANONYMOUS_MESSAGE")
    assert "anonymous" in park("replay", record["_id"], code=1)
    assert not scene.inboxes.of(package)
    return True


@pytest.mark.parametrize("name", CASES)
def test_it_changes_nothing(scene: Scene, submitted: dict[str, Entry], name: str) -> None:
    entry = submitted[name]
    if name not in UNREADABLE or not nobody_s(scene, entry):
        scene.arrives_as_ever(entry, submitted_package(entry))


@pytest.mark.parametrize("name", CASES)
def test_it_changes_nothing_by_way_of_the_dead_letters(scene: Scene, replayed: dict[str, Entry], name: str) -> None:
    """What was parked is handled in the name of who sent it and in the queue where it died, whatever a header says."""
    entry = replayed[name]
    if name not in UNREADABLE or not nobody_s(scene, entry):
        scene.arrives_as_ever(entry, submitted_package(entry))


@pytest.mark.parametrize("more", [0, 10, 1_000])
def test_headers_as_large_as_a_frame_and_larger(scene: Scene, more: int) -> None:
    """The broker takes such a frame, or ends the sender's connection and nobody else's."""
    entry = scene.letter()
    fixed = b"".join(submission(entry["sender"], headers={"x": ""}).encode())
    size = FRAME_MAX - FRAME_OVERHEAD - len(fixed) + more
    try:
        scene.trunk.submit(entry["sender"], entry["bytes"], urgent=entry["urgent"], headers={"x": "x" * size})
    except AMQPError:
        assert more, "a frame of the agreed size is taken"
        assert not scene.inboxes.of(submitted_package(entry))
    else:
        scene.arrives_as_ever(entry, submitted_package(entry))


@pytest.mark.parametrize("name", BROKEN)
def test_what_the_broker_cannot_read_ends_the_connection_of_its_sender(scene: Scene, name: str) -> None:
    entry = scene.letter()
    with pytest.raises(AMQPError):
        scene.trunk.submit(entry["sender"], entry["bytes"], headers=BROKEN[name])
    assert eventually(lambda: not scene.trunk.not_ready()), scene.trunk.not_ready()
    assert not scene.inboxes.of(submitted_package(entry))
    package = scene.trunk.submit(entry["sender"], entry["bytes"], urgent=entry["urgent"])
    scene.arrives_as_ever(entry, package)
