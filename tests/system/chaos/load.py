"""Units at work: letters good and bad, reports, recalls, each sent until the broker has confirmed it."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pika
from pika.exceptions import AMQPError

from ..inboxes import Inboxes
from ..sending import Entry, wanted
from ..traffic import NAMESPACE, RECALL, STATUS
from ..trunk import SUBMIT, Trunk, package_id, submission

REPORT_EACH, RECALL_EACH = 4, 15
"""Every fourth delivered letter is reported on by its first receiver, every fifteenth is recalled by its sender."""

Message = tuple[str, str, str, str]
"""Package, unit, type, reason."""


class Load:
    """All units: a thread for each that has letters to send, and one for reports and recalls."""

    def __init__(self, trunk: Trunk, inboxes: Inboxes, entries: list[Entry], pause_seconds: float) -> None:
        self._trunk = trunk
        self._inboxes = inboxes
        self._pause_seconds = pause_seconds
        self._may_send = threading.Event()
        self._may_send.set()
        self._sending = 0
        self._lock = threading.Condition()
        self._hurry = threading.Event()
        self.began_at = time.time()
        self.resent = 0
        self.kinds: Counter[str] = Counter(_kind(entry) for entry in entries)
        self.must = wanted(entries)
        """Every message that must come, each exactly once."""
        self.packages = {package_id(entry["sender"], entry["bytes"]): entry["bytes"] for entry in entries}
        self.letters = {package_id(e["sender"], e["bytes"]): e for e in entries if e["expected"] == "delivered"}
        by_unit: dict[str, list[Entry]] = {}
        for entry in entries:
            by_unit.setdefault(entry["sender"], []).append(entry)
        self._threads = [threading.Thread(target=self._send_all, args=each, daemon=True) for each in by_unit.items()]
        self._clerk = threading.Thread(target=self._answer_all, daemon=True)

    def start(self) -> None:
        """Begin to send."""
        for thread in (*self._threads, self._clerk):
            thread.start()

    def finish(self, patience_seconds: float) -> bool:
        """No pauses from now on; return when everything is sent and confirmed. False = it took too long."""
        self._hurry.set()
        deadline = time.monotonic() + patience_seconds
        for thread in (*self._threads, self._clerk):
            thread.join(max(0.1, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in (*self._threads, self._clerk))

    @contextmanager
    def held(self) -> Iterator[None]:
        """Nobody submits meanwhile."""
        self._may_send.clear()
        with self._lock:
            assert self._lock.wait_for(lambda: self._sending == 0, 120.0), "a submission is never confirmed"
        try:
            yield
        finally:
            self._may_send.set()

    def _send_all(self, unit: str, entries: list[Entry]) -> None:
        for entry in entries:
            self._send(unit, entry["bytes"], urgent=entry["urgent"])
            self._hurry.wait(self._pause_seconds)

    def _answer_all(self) -> None:
        """Report on letters and recall letters, as soon as they have arrived everywhere."""
        chosen = [each for each in self.letters.items() if each[1]["receivers"] and not each[1]["turned"]]
        waiting = {
            package: (entry, number % RECALL_EACH == 0)
            for number, (package, entry) in enumerate(chosen)
            if number % RECALL_EACH == 0 or number % REPORT_EACH == 0
        }
        while waiting:
            arrived = Counter(item.package_id for item in self._inboxes.items if item.type == "document")
            ready = [package for package in waiting if arrived[package] >= len(waiting[package][0]["receivers"])]
            for package in ready:
                entry, is_recall = waiting.pop(package)
                self._recall(entry) if is_recall else self._report(entry)
            time.sleep(1.0)

    def _report(self, entry: Entry) -> None:
        unit, at = entry["receivers"][0], time.strftime("%Y/%m/%d %H:%M:%S")
        fields = {"unit": unit, "issuer": entry["sender"], "document": entry["document_id"], "code": "03"}
        body = STATUS.format(namespace=NAMESPACE, words="Đã tiếp nhận", at=at, **fields).encode()
        self.kinds["status"] += 1
        self._expect(unit, body, {entry["sender"]: "status"})

    def _recall(self, entry: Entry) -> None:
        receiver = entry["receivers"][0]
        fields = {"unit": entry["sender"], "receiver": receiver, "document": entry["document_id"]}
        body = RECALL.format(namespace=NAMESPACE, **fields).encode()
        self.kinds["recall"] += 1
        self._expect(entry["sender"], body, {receiver: "document"})

    def _expect(self, unit: str, body: bytes, messages: dict[str, str]) -> None:
        package = package_id(unit, body)
        self.packages[package] = body
        for receiver, type_ in messages.items():
            self.must[package, receiver, type_, ""] += 1
        self._send(unit, body, urgent=False)

    def _send(self, unit: str, body: bytes, *, urgent: bool) -> None:
        """Until the broker has confirmed it."""
        while True:
            self._may_send.wait()
            with self._lock:
                self._sending += 1
            try:
                self._publish(unit, body, urgent=urgent)
                return
            except (AMQPError, OSError):
                self.resent += 1
                time.sleep(0.5)
            finally:
                with self._lock:
                    self._sending -= 1
                    self._lock.notify_all()

    def _publish(self, unit: str, body: bytes, *, urgent: bool) -> None:
        connection: pika.BlockingConnection = self._trunk.connect(unit)
        try:
            channel = connection.channel()
            channel.confirm_delivery()
            key = f"submit.{unit}" + (".urgent" if urgent else "")
            channel.basic_publish(SUBMIT, key, body, submission(unit), mandatory=True)
        finally:
            if connection.is_open:
                connection.close()


def _kind(entry: Entry) -> str:
    if entry["expected"] != "delivered":
        return "refused letter"
    return "urgent letter" if entry["urgent"] else "letter"
