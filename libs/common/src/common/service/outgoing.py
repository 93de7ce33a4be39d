"""The interface for publishing: messages, and the ways in which the broker refuses one."""

from dataclasses import dataclass, field, replace
from typing import Protocol

from common import headers
from common.facts import FACT, BaseFact, PackageFact
from common.metrics.messages import PublishOutcome
from common.topology import FACTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One message to publish."""

    exchange: str
    routing_key: str
    body: bytes
    event_id: str
    """Identifies the event. Two messages with the same id, exchange and routing key are the same message."""
    type: str
    content_type: str = headers.JSON_TYPE
    headers: dict[str, str] = field(default_factory=dict)
    correlation_id: str | None = None
    is_apart: bool = False
    """Whether to publish over the connection for queues that may not answer. Then publishing raises ``TimeoutError``
    while several earlier messages to the queue are unanswered."""


class PublishRefused(Exception):
    """The broker answered, and did not take the message. It is in no queue, unless an earlier attempt arrived."""

    outcome: PublishOutcome
    may_have_arrived: bool = False
    """Whether the outcome of an earlier attempt at the same publish is unknown, because the connection was lost."""


class QueueFull(PublishRefused):
    """A queue to which the message is bound has reached its limit."""

    outcome: PublishOutcome = "nacked"


class Unroutable(PublishRefused):
    """No queue is bound for the message."""

    outcome: PublishOutcome = "returned"


class Forbidden(PublishRefused):
    """The broker forbids this user to publish this message: a right is missing, or a limit is exceeded."""

    outcome: PublishOutcome = "forbidden"


class Publisher(Protocol):
    """Publishes messages."""

    async def publish(self, message: Outgoing) -> None:
        """Publish a message, and return when the broker has confirmed it. Raises ``PublishRefused``.

        Waits while the broker is unavailable or blocks publishing. Cancelling the caller does not cancel the publish;
        the next call for the same message joins it.
        """


class Announcer(Protocol):
    """Announces facts."""

    async def announce(self, fact: BaseFact) -> None:
        """Publish a fact, and return when the broker has confirmed it. Raises ``Outage``."""


class SavingAnnouncer(Announcer, Protocol):
    """Announces facts, also saved ones."""

    async def announce_saved(self, body: bytes) -> None:
        """Publish a saved fact byte for byte, and return when the broker has confirmed it. Raises ``Outage``."""


def saved_fact_message(body: bytes) -> Outgoing:
    """The message of a saved fact, with the saved bytes: this release might write other bytes for the same event."""
    return replace(fact_message(FACT.validate_json(body)), body=body)


def fact_message(fact: BaseFact) -> Outgoing:
    """The message of a fact. Raises ``ValueError`` for a fact over ``MAX_BYTES``, which cannot happen as long as texts
    are cut when facts are made."""
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
