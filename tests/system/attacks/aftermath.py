"""Checks that must hold after any attack: nothing crashed, and a legitimate letter of another unit arrives."""

import contextlib
import json
import os
import re
import secrets
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pika
from pika.exceptions import AMQPError, ChannelClosedByBroker

from devstack import loopback

from ..conftest import Entry, Stock
from ..inboxes import Inboxes, Item
from ..trunk import SERVICES, VHOST, Trunk, eventually, package_id, sha256

FACTS = "trunk.facts"
ATTACKER, VICTIM = "H29.901.02", "000.00.12.H29"
NOW = "2026-11-28T10:00:00+07:00"
Row = dict[str, Any]


@dataclass
class Scene:
    """The running trunk under attack, and its state before."""

    trunk: Trunk
    inboxes: Inboxes
    stock: Stock
    pids: dict[str, int] = field(default_factory=dict)
    known_event_ids: set[str] = field(default_factory=set)
    held: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.pids = {service: self.trunk.pid(service) for service in SERVICES}
        self.known_event_ids = {row["_id"] for row in self._security_events()}
        self.held = {row["_id"] for row in self.trunk.held()}

    def letter(self, suits: Callable[[Entry], bool] = lambda _: True) -> Entry:
        """A valid letter to other units."""
        return self.stock.take(lambda e: bool(e["receivers"]) and not e["turned"] and suits(e))

    # the ledger of security events

    def _security_events(self) -> list[Row]:
        return list(self.trunk.collection("trunk_archive", "ledger").find({"subject": "security"}))

    def events(self, kind: str, actor: str | None = None) -> list[Row]:
        """Security events of this kind since the beginning, as the archive keeps them."""
        events = [json.loads(row["body"]) for row in self._security_events() if row["_id"] not in self.known_event_ids]
        return [event for event in events if event.get("kind") == kind and actor in (None, event.get("actor"))]

    def event(self, kind: str, actor: str | None = None) -> Row:
        """Waits for the first such event, and returns it."""
        events = eventually(lambda: self.events(kind, actor))
        assert events, f"no {kind} of {actor} in the ledger"
        return events[0]

    def broker_s_reports_are_read(self, name: str = "") -> None:
        """Returns when the archive has consumed the broker's reports up to now, as a failed log-in made here shows."""
        user = f"{name}{secrets.token_hex(4)}"
        parameters = pika.URLParameters(self.trunk.address)
        parameters.credentials = pika.PlainCredentials(user, "wrong")
        with contextlib.suppress(AMQPError):
            pika.BlockingConnection(parameters)
        self.event("LOGIN_FAILED", user)

    # what is held

    def kept(self, body: bytes) -> list[Row]:
        """Records of a message, by service."""
        return [row for row in self.trunk.held() if row.get("message") and row["message"]["sha256"] == sha256(body)]

    def quarantined(self, body: bytes, *services: str) -> list[Row]:
        """The records that each of these services must keep of a forged message, in quarantine."""
        wanted = set(services)
        is_quarantined = eventually(lambda: wanted <= {row["service"] for row in self.kept(body)})
        rows = self.kept(body)
        assert is_quarantined, f"kept by {[row['service'] for row in rows]}, not {wanted}"
        assert {(row["state"], row["is_quarantined"], row["reason"]) for row in rows} == {
            ("quarantined", True, "E_FORGED")
        }
        return rows

    def parked(self, body: bytes, reason: str = "") -> Row:
        """The one record of a message that is parked and not quarantined."""
        records = eventually(lambda: self.kept(body))
        assert [row["state"] for row in records] == ["parked"], records
        assert reason in ("", records[0]["reason"])
        return records[0]

    def forget(self) -> None:
        """Remove the records that the test made."""
        self.trunk.take_parked(lambda row: row["_id"] not in self.held)

    # metrics

    def counted(self, service: str, name: str, **labels: str) -> float:
        """Sum of a metric of a service over the series that have these labels."""
        text = loopback.get(
            f"http://127.0.0.1:{self.trunk.services[service]['http_port']}/metrics", timeout=20, follow_redirects=True
        ).text
        lines = re.findall(rf"^{name}(?:\{{(.*)\}})? (\S+)$", text, re.MULTILINE)
        wanted = {f'{label}="{value}"' for label, value in labels.items()}
        return sum(float(value) for present, value in lines if wanted <= set(present.split(",")))

    # afterwards

    def holds(self) -> None:
        """Asserts that the same processes are ready, nothing waits, and a legitimate letter of a third unit arrives."""
        entry = self.stock.take(lambda e: e["sender"] not in (ATTACKER, VICTIM) and not e["turned"] and e["receivers"])
        package = self.trunk.submit(entry["sender"], entry["bytes"], urgent=entry["urgent"])
        self.inboxes.wait(lambda _: self.delivered(package) == set(entry["receivers"]))
        assert self.delivered(package) == set(entry["receivers"])
        assert {item.body for item in self.inboxes.of(package, "document")} == {entry["bytes"]}
        assert eventually(lambda: not self.trunk.not_ready()), self.trunk.not_ready()
        assert {service: self.trunk.pid(service) for service in SERVICES} == self.pids
        assert all(alive(pid) for pid in self.pids.values())

    def delivered(self, package: str) -> set[str]:
        """Units that have a document of this package."""
        return {item.unit for item in self.inboxes.of(package, "document")}

    def arrives_as_ever(self, entry: Entry, package: str) -> list[Item]:
        """A valid letter had exactly its usual effect: one receipt, one document a receiver, nothing for others."""
        expected = sorted([("receipt", entry["sender"]), *(("document", unit) for unit in entry["receivers"])])
        self.inboxes.wait(lambda _: len(self.inboxes.of(package)) >= len(expected))
        came = self.inboxes.of(package)
        distinct = {(item.unit, item.event_id): item for item in came}.values()
        assert sorted((item.type, item.unit) for item in distinct) == expected
        assert {item.headers["x-sender"] for item in came if item.type == "document"} == {entry["sender"]}
        assert all(item.body == entry["bytes"] for item in came if item.type == "document")
        return came

    # the dead letters

    @contextmanager
    def sleeping(self, service: str) -> Iterator[None]:
        """Stops the process (SIGSTOP) inside the block; it keeps the messages that it has taken."""
        os.kill(self.trunk.pid(service), signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.trunk.pid(service), signal.SIGCONT)

    def expire(self, *letters: tuple[str, bytes, dict[str, Any]]) -> None:
        """Submit what then runs out of time in its queue, as happens whenever intake is busy: unit, body, properties.

        Intake has two messages of each queue in its hands, so that these wait. Returns when they are dead letters.
        """
        units = {unit for unit, _, _ in letters}
        with self.sleeping("intake"):
            for unit in units:
                self.trunk.submit(unit, secrets.token_bytes(50))
                self.trunk.submit(unit, secrets.token_bytes(50))
            for unit, body, properties in letters:
                self.trunk.submit(unit, body, expiration="1", **properties)
            for unit in units:
                assert eventually(lambda unit=unit: self.ready(f"submit.{unit}.normal") == 0)

    def ready(self, queue: str) -> int:
        """Messages that wait in a queue."""
        with self.trunk.channel(self.trunk.config["rabbitmq_admin_user"]) as channel:
            return int(channel.queue_declare(queue, passive=True).method.message_count)

    # rights

    @contextmanager
    def widened(self, user: str) -> Iterator[None]:
        """Gives this account the right to publish anything to the exchange of facts, and to all others."""
        with self.trunk.management() as http:
            path, topic = f"/permissions/{VHOST}/{user}", f"/topic-permissions/{VHOST}/{user}"
            before = http.get(path).raise_for_status().json()
            topics = http.get(topic).raise_for_status().json()
            http.put(path, json={"configure": before["configure"], "write": ".*", "read": before["read"]})
            for each in topics:
                http.put(topic, json={"exchange": each["exchange"], "write": ".*", "read": ".*"})
            try:
                yield
            finally:
                http.put(path, json={name: before[name] for name in ("configure", "write", "read")})
                for each in topics:
                    http.put(topic, json={name: each[name] for name in ("exchange", "write", "read")})


def alive(pid: int) -> bool:
    """Whether the process runs."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def publish(
    trunk: Trunk, user: str, exchange: str, key: str, body: bytes, *, anonymous: bool = False, **properties: Any
) -> None:
    """As any account, whatever; raises what the broker answers."""
    named = {"delivery_mode": 2, **({} if anonymous else {"user_id": user}), **properties}
    with trunk.channel(user) as channel:
        channel.basic_publish(exchange, key, body, pika.BasicProperties(**named), mandatory=True)


def refused_code(trunk: Trunk, user: str, exchange: str, key: str, body: bytes, **properties: Any) -> int:
    """The broker's answer to a publish: 403 or 406; 0 = it was accepted."""
    try:
        publish(trunk, user, exchange, key, body, **properties)
    except ChannelClosedByBroker as closed:
        return int(closed.reply_code)
    except AMQPError as error:
        return int(getattr(error, "reply_code", -1))
    return 0


def fact(name: str, **fields: Any) -> bytes:
    """The body of a fact with everything that any fact must have, about a package that does not exist."""
    made = {
        "fact": name,
        "event_id": secrets.token_hex(8),
        "occurred_at": NOW,
        "subject": secrets.token_hex(16),
        "lane": "normal",
        "package_id": secrets.token_hex(16),
        "sender": VICTIM,
        "document_id": f"{VICTIM},2026/11/28,{secrets.token_hex(3)}",
        "kind": "new",
    }
    return json.dumps(made | fields).encode()


def submitted_package(entry: Entry) -> str:
    """Its id."""
    return package_id(entry["sender"], entry["bytes"])
