"""Reads the inboxes of all units at once, as each unit, through every interruption; remembers what came."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import pika
from pika.exceptions import AMQPError

from .trunk import PATIENCE_SECONDS, Trunk


@dataclass(frozen=True)
class Item:
    """One message as it came over the wire."""

    unit: str
    """Whose inbox it came from."""
    type: str
    headers: dict[str, Any]
    body: bytes

    @property
    def event_id(self) -> str:
        return str(self.headers["x-event-id"])

    @property
    def package_id(self) -> str:
        return str(self.headers["x-package-id"])

    @property
    def reason(self) -> str:
        return str(self.headers.get("x-reason", ""))


class Inboxes:
    """While entered, every message that any unit gets is taken out of its inbox and kept here."""

    def __init__(self, trunk: Trunk, units: Iterable[str]) -> None:
        self._trunk = trunk
        self._stopped = threading.Event()
        self._changed = threading.Condition()
        self._items: list[Item] = []
        self._threads = [threading.Thread(target=self._read, args=(unit,), daemon=True) for unit in units]

    def __enter__(self) -> "Inboxes":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join(30)

    @property
    def items(self) -> list[Item]:
        """Everything so far, repeats included."""
        with self._changed:
            return list(self._items)

    def of(self, package_id: str, type_: str | None = None) -> list[Item]:
        """What concerns one package."""
        return [item for item in self.items if item.package_id == package_id and type_ in (None, item.type)]

    def wait(self, enough: Callable[[list[Item]], bool], patience_seconds: float = PATIENCE_SECONDS) -> list[Item]:
        """Return as soon as what came is enough, or the deadline has passed."""
        deadline = time.monotonic() + patience_seconds
        with self._changed:
            while not enough(self._items) and (left := deadline - time.monotonic()) > 0:
                self._changed.wait(min(left, 1.0))
            return list(self._items)

    def wait_for(self, package_id: str, types: Iterable[str], patience_seconds: float = PATIENCE_SECONDS) -> list[Item]:
        """What concerns one package, once there is at least one message of each of these types."""
        wanted = set(types)

        def enough(items: list[Item]) -> bool:
            return wanted <= {item.type for item in items if item.package_id == package_id}

        self.wait(enough, patience_seconds)
        return self.of(package_id)

    def wire_repeats(self) -> int:
        """Messages that came more than once under one event id to one unit."""
        counted = Counter((item.unit, item.event_id) for item in self.items)
        return sum(count - 1 for count in counted.values())

    def _read(self, unit: str) -> None:
        while not self._stopped.is_set():
            try:
                self._consume(unit, self._trunk.connect(unit))
            except (AMQPError, OSError):
                time.sleep(0.5)

    def _consume(self, unit: str, connection: pika.BlockingConnection) -> None:
        try:
            channel = connection.channel()
            channel.basic_qos(prefetch_count=32)
            for method, properties, body in channel.consume(f"inbox.{unit}", inactivity_timeout=0.5):
                if method is not None:
                    self._keep(Item(unit, properties.type, dict(properties.headers or {}), body))
                    channel.basic_ack(method.delivery_tag)
                if self._stopped.is_set():
                    return
        finally:
            if connection.is_open:
                connection.close()

    def _keep(self, item: Item) -> None:
        with self._changed:
            self._items.append(item)
            self._changed.notify_all()
