"""The port through which everything is published, and what may go wrong there. Tests use one that records."""

from dataclasses import dataclass, field, replace
from typing import Protocol

from common import headers
from common.facts import FACT, BaseFact, PackageFact
from common.metrics.messages import PublishOutcome
from common.topology import FACTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One message to be published."""

    exchange: str
    routing_key: str
    body: bytes
    event_id: str
    """Identifies the event; a message with the same id to the same place is the same message."""
    type: str
    content_type: str = headers.JSON_TYPE
    headers: dict[str, str] = field(default_factory=dict)
    correlation_id: str | None = None


class PublishRefused(Exception):
    """The broker answered, and did not take the message. Nobody has it, unless an earlier attempt may have arrived."""

    outcome: PublishOutcome
    may_have_arrived: bool = False
    """The connection was lost in an earlier attempt at the same publish, and nobody knows what became of that one."""


class QueueFull(PublishRefused):
    """A queue that the message is for has reached its limit."""

    outcome: PublishOutcome = "nacked"


class Unroutable(PublishRefused):
    """No queue is bound for the message."""

    outcome: PublishOutcome = "returned"


class Forbidden(PublishRefused):
    """The broker does not let this user publish this message: a right is missing, or a limit is exceeded."""

    outcome: PublishOutcome = "forbidden"


class Publisher(Protocol):
    """Publishes messages."""

    async def publish(self, message: Outgoing) -> None:
        """Return when the broker has taken responsibility. Raises ``PublishRefused``.

        While the broker is away or takes nothing, this waits. A cancelled caller does not cancel the publish; the
        next call with the same event id joins it.
        """


class Announcer(Protocol):
    """Announces facts."""

    async def announce(self, fact: BaseFact) -> None:
        """Publish a fact, and return when the broker has confirmed it. Raises ``Outage``."""


class SavingAnnouncer(Announcer, Protocol):
    """Announces facts, also as they were saved."""

    async def announce_saved(self, body: bytes) -> None:
        """Publish a fact byte for byte as it was saved, and return when the broker has confirmed it.

        Raises ``Outage``.
        """


def saved_fact_message(body: bytes) -> Outgoing:
    """A fact as it was saved, as a message. A later release would perhaps write other bytes for the same event."""
    return replace(fact_message(FACT.validate_json(body)), body=body)


def fact_message(fact: BaseFact) -> Outgoing:
    """A fact as a message. Raises ``ValueError`` for a fact over its limit: texts are cut where facts are made."""
    body = fact.model_dump_json(exclude_none=True).encode()
    if len(body) > fact.MAX_BYTES:
        raise ValueError(f"{fact.fact} is {len(body)} bytes, more than {fact.MAX_BYTES}")
    names = {headers.EVENT_ID: fact.event_id, headers.DOCUMENT_KEY: fact.subject}
    if isinstance(fact, PackageFact):
        names |= {headers.PACKAGE_ID: fact.package_id, headers.DOCUMENT_ID: fact.document_id}
    return Outgoing(
        exchange=FACTS,
        routing_key=fact.routing_key,
        body=body,
        event_id=fact.event_id,
        type=fact.fact,
        headers=names,
        correlation_id=names.get(headers.PACKAGE_ID),
    )
