"""Units that send under load, and what must come of it: every message exactly once."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pika
from pika.exceptions import AMQPError

from .inboxes import Item
from .trunk import SUBMIT, Trunk, package_id, submission

PAUSE_SECONDS = 4.0
"""Pause between two packages of one unit, until the sender stops pausing."""
PATIENCE_SECONDS = 300.0

Entry = dict[str, Any]


class Publisher(threading.Thread):
    """One unit's system: sends its packages one by one, and each until the broker has confirmed it."""

    def __init__(
        self, trunk: Trunk, unit: str, entries: list[Entry], hurry: threading.Event, pause_seconds: float
    ) -> None:
        super().__init__(daemon=True)
        self._hurry = hurry
        self._pause_seconds = pause_seconds
        self._trunk = trunk
        self._unit = unit
        self._entries = entries
        self.resent = 0

    def run(self) -> None:
        connection = None
        for entry in self._entries:
            while True:
                try:
                    if connection is None or not connection.is_open:
                        connection = self._trunk.connect(self._unit)
                    self._publish(connection, entry)
                    break
                except (AMQPError, OSError):
                    self.resent += 1
                    connection = None
                    time.sleep(0.5)

    def _publish(self, connection: pika.BlockingConnection, entry: Entry) -> None:
        channel = connection.channel()
        channel.confirm_delivery()
        key = f"submit.{self._unit}" + (".urgent" if entry["urgent"] else "")
        channel.basic_publish(SUBMIT, key, entry["bytes"], submission(self._unit), mandatory=True)
        channel.close()
        until = time.monotonic() + self._pause_seconds
        while time.monotonic() < until and not self._hurry.is_set():
            connection.sleep(0.5)


@contextmanager
def sending(trunk: Trunk, entries: list[Entry], pause_seconds: float = PAUSE_SECONDS) -> Iterator[list[Publisher]]:
    """Every unit sends its share; at the end of the block all of it is sent."""
    by_unit: dict[str, list[Entry]] = {}
    for entry in entries:
        by_unit.setdefault(entry["sender"], []).append(entry)
    hurry = threading.Event()
    publishers = [Publisher(trunk, unit, share, hurry, pause_seconds) for unit, share in by_unit.items()]
    for publisher in publishers:
        publisher.start()
    yield publishers
    hurry.set()
    for publisher in publishers:
        publisher.join(PATIENCE_SECONDS)
        assert not publisher.is_alive()


def wanted(entries: list[Entry]) -> Counter[tuple[str, str, str, str]]:
    """Package, unit, type and reason of every message that must come, each exactly once."""
    expected: Counter[tuple[str, str, str, str]] = Counter()
    for entry in entries:
        package, sender = package_id(entry["sender"], entry["bytes"]), entry["sender"]
        if entry["expected"] != "delivered":
            expected[package, sender, "refusal", entry["expected"]] += 1
        for receiver in entry["receivers"]:
            expected[package, receiver, "document", ""] += 1
        for reason in entry["turned"].values():
            expected[package, sender, "refusal", reason] += 1
    return expected


def told_once(items: list[Item], packages: set[str]) -> Counter[tuple[str, str, str, str]]:
    """The messages about these packages, without receipts, each counted once per event id."""
    distinct = {(item.unit, item.event_id): item for item in items if item.package_id in packages}
    return Counter((i.package_id, i.unit, i.type, i.reason) for i in distinct.values() if i.type != "receipt")
