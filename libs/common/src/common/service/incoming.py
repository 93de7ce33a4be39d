"""A message as handlers see it: the body, what the broker vouches for, and an allow-list of properties.

Anybody can write any header, so headers of units do not reach a handler. Trusted are ``user_id``, which the broker
compares with the log-in of the publisher; ``x-delivery-count`` of a redelivered message; and ``x-death`` in a queue
that only dead-lettering feeds.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from common import headers
from common.domain.ids import digest_id
from common.domain.names import Lane
from common.facts.flows import SERVICES
from common.topology import BROKER_EVENTS, dead_letters, lane_of

MAX_TEXT_BYTES = 255
"""Longest text taken from a property, in bytes: the limit of AMQP's short strings."""
MAX_LOG_BYTES = 16_000
"""Longest text taken from a message of the broker's log. A client can have a name of some thousand characters written
before the part that matters."""
OWN_LABELS = (headers.EVENT_ID, headers.PACKAGE_ID, headers.DOCUMENT_KEY, headers.DOCUMENT_ID, headers.SENDER)
DEAD_QUEUES = frozenset(dead_letters(service) for service in SERVICES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Death:
    """From where and why the broker moved a message to the dead letters."""

    queue: str
    exchange: str
    routing_key: str
    reason: str
    """``rejected``, ``delivery_limit``, ``expired`` or ``maxlen``."""
    at: datetime | None = None
    """When it was moved, in whole seconds of the broker's clock. It is the same at every delivery of the dead
    letter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """One delivery of one message."""

    queue: str
    """The queue from which it was taken."""
    exchange: str = ""
    """The exchange to which it was published."""
    routing_key: str = ""
    body: bytes
    user_id: str | None = None
    """The broker user who published it; None = the broker does not vouch for any."""
    type: str = ""
    content_type: str = ""
    message_id: str = ""
    correlation_id: str = ""
    published_at: datetime | None = None
    trace: Mapping[str, str] = field(default_factory=dict)
    """W3C trace context from the headers."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """The trunk's own headers, if a service published the message; otherwise empty."""
    is_redelivered: bool = False
    failures: int = 0
    """How often the broker has counted a failed attempt at this message."""
    death: Death | None = None
    """Set only for a message in a queue of dead letters."""
    report: Mapping[str, str] = field(default_factory=dict)
    """The fields of a report of the broker, in the queue of reports; only the broker can publish to that queue."""

    @property
    def lane(self) -> Lane:
        """The lane of its queue."""
        return lane_of(self.queue)

    @property
    def key(self) -> str:
        """Identifies the message. The same body of the same publisher in the same queue has the same key."""
        if self.report:
            return digest_id("report", *(f"{name}={value}" for name, value in sorted(self.report.items())))
        return message_key(self.queue, self.user_id, self.body)

    @property
    def before_death(self) -> "Incoming":
        """The message as it was in the queue from which the broker moved it to the dead letters."""
        if self.death is None:
            return self
        death = self.death
        return replace(self, queue=death.queue, exchange=death.exchange, routing_key=death.routing_key, death=None)


def message_key(queue: str, user_id: str | None, body: bytes) -> str:
    """The key of a message: 32 hex digits. It depends on nothing that a publisher can choose except the body, so no
    publisher can produce the key of another one's message."""
    return digest_id("message", queue, user_id or "", hashlib.sha256(body).hexdigest())


def incoming(queue: str, delivered: Any) -> Incoming:
    """The message in a delivery of the client library. ``delivered``: an ``aiormq.abc.DeliveredMessage``."""
    properties = delivered.header.properties
    table: Mapping[str, Any] = properties.headers if isinstance(properties.headers, Mapping) else {}
    user_id = _text(properties.user_id) or None
    is_redelivered = bool(delivered.redelivered)
    return Incoming(
        queue=queue,
        exchange=delivered.exchange or "",
        routing_key=delivered.routing_key or "",
        body=bytes(delivered.body),
        user_id=user_id,
        type=_text(properties.message_type),
        content_type=_text(properties.content_type),
        message_id=_text(properties.message_id),
        correlation_id=_text(properties.correlation_id),
        published_at=_time(properties.timestamp),
        trace=_texts(table, (headers.TRACEPARENT, headers.TRACESTATE)),
        labels=_texts(table, OWN_LABELS) if user_id in SERVICES else {},
        is_redelivered=is_redelivered,
        failures=_count(table.get("x-delivery-count")) if is_redelivered else 0,
        death=_death(table) if queue in DEAD_QUEUES else None,
        report=_report(delivered, table) if queue == BROKER_EVENTS else {},
    )


def _death(table: Mapping[str, Any]) -> Death:
    """The newest entry of ``x-death``, which the broker puts first; empty if the properties cannot be decoded."""
    deaths = table.get("x-death")
    newest = deaths[0] if isinstance(deaths, list) and deaths and isinstance(deaths[0], Mapping) else {}
    keys = newest.get("routing-keys")
    return Death(
        queue=_text(newest.get("queue")),
        exchange=_text(newest.get("exchange")),
        routing_key=_text(keys[0]) if isinstance(keys, list) and keys else "",
        reason=_text(newest.get("reason")),
        at=_time(newest.get("time")),
    )


def _report(delivered: Any, table: Mapping[str, Any]) -> dict[str, str]:
    """The numbers and texts of an event, or the text of the broker's log; with exchange and name of the event."""
    values = {name: str(value)[:MAX_TEXT_BYTES] for name, value in table.items() if isinstance(value, str | int)}
    text = bytes(delivered.body)[:MAX_LOG_BYTES].decode(errors="replace")
    return {**values, "exchange": delivered.exchange or "", "event": delivered.routing_key or "", "text": text}


def _texts(table: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, str]:
    return {name: text for name in names if (text := _text(table.get(name)))}


def _text(value: object) -> str:
    """A text that can be stored, logged and sent again; empty for any other value."""
    if not isinstance(value, str) or not value.isprintable():
        return ""
    try:
        return value if len(value.encode()) <= MAX_TEXT_BYTES else ""
    except UnicodeEncodeError:
        return ""


def _time(value: object) -> datetime | None:
    if not isinstance(value, datetime):
        return None
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0
