"""Random messages for a unit's submit queue: any property, any table of headers, bodies that are no packages.

Pure, and the same for the same number. ``tests/system/attacks/fuzzer.py`` throws them at a running trunk.
"""

import json
import random
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

UNITS = ("000.00.12.H29", "H29.901.02", "000.00.14.H29", "H29.905.01")
EDXML = "application/edxml+xml"
REFERENCE = "application/vnd.trunk.reference+json"
NAMES = (
    *(b"x-death", b"x-first-death-queue", b"x-first-death-reason", b"x-last-death-exchange", b"x-delivery-count"),
    *(b"x-acquired-count", b"x-user-id", b"x-park-queue", b"x-event-id", b"x-package-id", b"x-document-key"),
    *(b"x-document-id", b"x-sender", b"x-label", b"x-reason", b"x-attempt", b"x-trunk-user", b"x-stream-offset"),
    *(b"traceparent", b"tracestate", b"baggage", b"CC", b"BCC", b"x-delay", b"x-opt-deaths", b"deaths", b"", b"\xff"),
)
WORDS = (
    *("document.verified", "ORIGINAL", "facts.router.normal", "trunk.facts", "inbox.000.00.12.H29", "router", "admin"),
    *("submit.H29.901.02", "#", "../../x", "[/red]", "\u202e", "\x00", "\x9b2J", "'; drop", "00-" + "a" * 32, "ệ" * 80),
)
MAX_SHORT = 255


class Dice(random.Random):
    """Draws bytes that are text in most messages: with others, a client may be unable to read anything of it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.is_text = self.random() < 0.75

    def some_bytes(self, most: int) -> bytes:
        """Up to ``most`` bytes."""
        data = self.randbytes(self.randint(0, most))
        return data.hex().encode()[:most] if self.is_text else data


@dataclass(frozen=True, slots=True)
class Case:
    """One message."""

    unit: str
    key: str
    body: bytes
    properties: dict[str, Any]
    table: bytes
    """The fields of the header table as they go over the wire."""


def case(number: int, run: str = "") -> Case:
    """The message of this number. ``run`` makes the bodies of one run differ from those of another."""
    dice = Dice(number)
    unit = dice.choice(UNITS)
    properties = {name: make(dice) for name, make in PROPERTIES.items() if dice.random() < 0.25}
    properties |= {"user_id": dice.choices([unit, None, dice.choice(UNITS)], [90, 6, 4])[0]}
    properties |= {"content_type": dice.choices([EDXML, REFERENCE, None, _short(dice)], [70, 15, 5, 10])[0]}
    key = f"submit.{unit}" + dice.choice(["", ".urgent"])
    return Case(unit, key, _body(dice, f"{run} {number}"), properties, table(dice))


def table(dice: Dice) -> bytes:
    """Fields of a table: mostly well-formed, of every type that the broker knows."""
    if not dice.is_text and dice.random() < 0.1:
        return dice.randbytes(dice.randint(1, 300))
    count = dice.choices([0, dice.randint(1, 8), dice.randint(100, 3_000)], [30, 65, 5])[0]
    return (
        b"".join(_field(dice, dice.randint(0, 4)) for _ in range(count))[:120_000]
        if count < 100
        else _many(dice, count)
    )


def _many(dice: Dice, count: int) -> bytes:
    return b"".join(
        _named(f"h{number}".encode(), b"I", struct.pack(">i", dice.randrange(2**31))) for number in range(count)
    )


def _named(name: bytes, kind: bytes, value: bytes) -> bytes:
    return bytes([len(name)]) + name + kind + value


def _field(dice: Dice, depth: int) -> bytes:
    name = dice.choice(NAMES[: None if not dice.is_text else -1]) if dice.random() < 0.7 else dice.some_bytes(40)
    return _named(name, *_value(dice, depth))


def _value(dice: Dice, depth: int) -> tuple[bytes, bytes]:
    if depth and dice.random() < 0.35:
        if dice.random() < 0.5:
            inner = b"".join(_field(dice, depth - 1) for _ in range(dice.randint(0, 4)))
            return b"F", _long(inner)
        items = (_value(dice, depth - 1) for _ in range(dice.randint(0, 4)))
        return b"A", _long(b"".join(kind + value for kind, value in items))
    kind, make = dice.choice(KINDS)
    return kind, make(dice)


def _long(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def _bits(size: int) -> Callable[[Dice], bytes]:
    def make(dice: Dice) -> bytes:
        return dice.choice([b"\xff" * size, b"\x00" * size, b"\x7f" + b"\xff" * (size - 1), dice.randbytes(size)])

    return make


def _string(dice: Dice) -> bytes:
    plain = dice.choice(WORDS).encode() * dice.randint(1, 40)
    return _long(dice.choice([plain, dice.some_bytes(2_000)]))


KINDS: tuple[tuple[bytes, Callable[[Dice], bytes]], ...] = (
    *((b"t", _bits(1)), (b"b", _bits(1)), (b"B", _bits(1)), (b"s", _bits(2)), (b"u", _bits(2))),
    *((b"I", _bits(4)), (b"i", _bits(4)), (b"l", _bits(8)), (b"T", _bits(8)), (b"D", _bits(5))),
    (b"f", lambda dice: struct.pack(">f", dice.uniform(-1e30, 1e30))),
    (b"d", lambda dice: struct.pack(">d", dice.choice([1e300, -0.0, 5e-324, dice.random()]))),
    *((b"V", lambda _: b""), (b"S", _string), (b"x", _string)),
)


def _short(dice: Dice) -> bytes:
    word = dice.choice([*WORDS, *UNITS, "x" * MAX_SHORT])
    return dice.choice([word.encode(), dice.some_bytes(MAX_SHORT)])


PROPERTIES: dict[str, Callable[[Dice], Any]] = {
    "content_encoding": _short,
    "delivery_mode": lambda dice: dice.choice([1, 2, 0, 255]),
    "priority": lambda dice: dice.randrange(256),
    "correlation_id": _short,
    "reply_to": lambda dice: dice.choice([f"inbox.{UNITS[0]}", "facts.router.normal", _short(dice)]),
    "expiration": lambda dice: dice.choice(["0", "1", "50", "86400000", "3600000", "x", "-1"]),
    "message_id": _short,
    "timestamp": lambda dice: dice.choice([0, 1, 2**31, 2**32, 2**63, 2**64 - 1, dice.randrange(2**64)]),
    "type": _short,
    "app_id": _short,
    "cluster_id": _short,
}


def _body(dice: Dice, mark: str) -> bytes:
    """Unique by its mark, and never a valid package: whatever is delivered was believed by mistake."""
    noise = dice.randbytes(dice.choice([0, 10, 1_000, 70_000]))
    xml = f"<edXML xmlns='http://www.mic.gov.vn/TBT/QCVN_102_2016'><!-- {mark} --></edXML>".encode()
    named = {"bucket": dice.choice(["uploads", "content"]), "key": f"{dice.choice(UNITS)}/{mark}", "size": 10}
    reference = json.dumps({**named, "sha256": "0" * 64, "mark": mark}).encode()
    forged = json.dumps(
        {"fact": "document.verified", "event_id": mark, "lane": "normal", "subject": "security"}
    ).encode()
    return dice.choice([mark.encode() + noise, xml, reference, forged])
