"""Every exchange, queue, binding and permission of the trunk: data only, declared by ``trunkctl topology apply``.

Services never declare; they consume and publish what stands here. Works on RabbitMQ 3.10 to 4.3.
"""

import re
from dataclasses import dataclass, field

from common.domain.directory import Unit
from common.domain.names import Lane

VHOST = "trunk"

SUBMIT = "trunk.submit"
"""Topic exchange to which units publish, key ``submit.<unit>`` or ``submit.<unit>.urgent``."""
FACTS = "trunk.facts"
"""Topic exchange of facts between services, key ``<fact>.<lane>``."""
INBOX = "trunk.inbox"
"""Direct exchange to the units' inboxes, key = unit code."""
PARK = "trunk.park"
"""Fanout exchange, and the queue behind it, of messages that only a person can help."""

OPERATOR = "operator"
"""Broker user of the people who run the trunk: replays what is parked."""

DELIVERY_LIMIT = 20
PARK_DELIVERY_LIMIT = 1_000_000
"""Looking into the parking lot returns its messages, which counts; behind its limit there is nowhere to go."""
MAX_QUEUE_LENGTH = 500_000

FACTS_TAKEN: dict[str, tuple[str, ...]] = {
    "intake": ("document.refused",),
    "validator": ("package.accepted",),
    "router": (
        "package.accepted",
        "package.refused",
        "package.repeated",
        "notice.accepted",
        "document.verified",
        "document.refused",
    ),
    "archive": ("#",),
    "notifier": (
        "package.refused",
        "document.refused",
        "delivery.placed",
        "delivery.refused",
        "status.recorded",
    ),
}
"""Which facts each service consumes; ``#`` is every fact."""

FACTS_MADE: dict[str, tuple[str, ...]] = {
    "intake": ("package.accepted", "notice.accepted", "package.refused", "package.repeated"),
    "validator": ("document.verified", "document.refused"),
    "router": (
        "delivery.placed",
        "delivery.refused",
        "status.recorded",
        "routing.refused",
        "document.superseded",
        "document.recalled",
    ),
    "archive": ("document.archived",),
    "notifier": ("notification.sent",),
}
"""Which facts each service announces; no fact has two makers."""

SERVICES = tuple(FACTS_TAKEN)


@dataclass(frozen=True, slots=True)
class RetryLevel:
    """One rung of the ladder: messages come back to their queue after a fixed time."""

    name: str
    delay_seconds: int

    @property
    def exchange(self) -> str:
        """Exchange and queue bear the same name."""
        return f"trunk.retry.{self.name}"


RETRY_LADDER = (
    RetryLevel("10s", 10),
    RetryLevel("1m", 60),
    RetryLevel("10m", 600),
    RetryLevel("1h", 3600),
)


@dataclass(frozen=True, slots=True)
class Exchange:
    """A durable exchange."""

    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class Queue:
    """A durable quorum queue and its extra arguments."""

    name: str
    arguments: dict[str, str | int] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Binding:
    """``exchange`` hands messages with ``key`` to ``queue``."""

    exchange: str
    queue: str
    key: str


@dataclass(frozen=True, slots=True)
class User:
    """A broker user and all it may do in the vhost (regular expressions)."""

    name: str
    write: str
    read: str
    configure: str = "^$"
    topic_exchange: str | None = None
    topic_write: str = ""


@dataclass(frozen=True, slots=True)
class Topology:
    """A set of broker objects."""

    exchanges: tuple[Exchange, ...] = ()
    queues: tuple[Queue, ...] = ()
    bindings: tuple[Binding, ...] = ()
    users: tuple[User, ...] = ()

    def __add__(self, other: "Topology") -> "Topology":
        return Topology(
            self.exchanges + other.exchanges,
            self.queues + other.queues,
            self.bindings + other.bindings,
            self.users + other.users,
        )


def facts_queue(service: str, lane: Lane) -> str:
    """The queue from which a service takes facts of one lane; ``trunk.intake.<lane>`` is taken by submissions."""
    return f"trunk.intake.facts.{lane}" if service == "intake" else f"trunk.{service}.{lane}"


def submit_queue(lane: Lane) -> str:
    """The queue from which intake takes what units submit."""
    return f"trunk.intake.{lane}"


def consumed_queues(service: str, lane: Lane | None = None) -> tuple[str, ...]:
    """Every queue a service consumes, of one lane or of both, urgent first."""
    lanes = [lane] if lane else list(reversed(Lane))
    own = [facts_queue(service, lane) for lane in lanes]
    return (*[submit_queue(lane) for lane in lanes], *own) if service == "intake" else tuple(own)


SUBMIT_QUEUES = frozenset(submit_queue(lane) for lane in Lane)
"""Queues whose messages units wrote; also their routing keys when they come back from the ladder or the parking lot."""


def inbox_queue(unit: str) -> str:
    """The queue that only this unit reads."""
    return f"inbox.{unit}"


def submit_key(unit: str, lane: Lane) -> str:
    """The routing key with which a unit submits."""
    return f"submit.{unit}" + (".urgent" if lane is Lane.URGENT else "")


SAFE: dict[str, str | int] = {
    "x-queue-type": "quorum",
    "x-delivery-limit": DELIVERY_LIMIT,
    "x-overflow": "reject-publish",
    "x-dead-letter-strategy": "at-least-once",
}
WORK_ARGUMENTS: dict[str, str | int] = {
    **SAFE,
    "x-dead-letter-exchange": PARK,
    "x-max-length": MAX_QUEUE_LENGTH,
}
"""Arguments of every queue that is consumed: nothing is dropped, a full queue refuses the publisher."""


def _retry(level: RetryLevel) -> Topology:
    arguments: dict[str, str | int] = {
        **SAFE,
        "x-message-ttl": level.delay_seconds * 1000,
        "x-dead-letter-exchange": "",
    }
    return Topology(
        (Exchange(level.exchange, "fanout"),),
        (Queue(level.exchange, arguments),),
        (Binding(level.exchange, level.exchange, ""),),
    )


def _service(service: str) -> Topology:
    queues = consumed_queues(service)
    bindings = tuple(
        Binding(FACTS, facts_queue(service, lane), f"{fact}.{lane}") for lane in Lane for fact in FACTS_TAKEN[service]
    )
    exchanges = [FACTS, PARK, *(level.exchange for level in RETRY_LADDER)]
    exchanges += [INBOX] if service == "router" else []
    return Topology(
        queues=tuple(Queue(name, WORK_ARGUMENTS) for name in queues),
        bindings=bindings,
        users=(User(service, write=_only(*exchanges), read=_only(*queues)),),
    )


def _only(*names: str) -> str:
    return "^(" + "|".join(re.escape(name) for name in names) + ")$"


def static_topology() -> Topology:
    """Everything that does not depend on which units exist."""
    whole = Topology(
        exchanges=(
            Exchange(SUBMIT, "topic"),
            Exchange(FACTS, "topic"),
            Exchange(INBOX, "direct"),
            Exchange(PARK, "fanout"),
        ),
        queues=(Queue(PARK, {**SAFE, "x-delivery-limit": PARK_DELIVERY_LIMIT}),),
        bindings=(Binding(PARK, PARK, ""),),
        users=(User(OPERATOR, write=".*", read=".*"),),
    )
    for level in RETRY_LADDER:
        whole += _retry(level)
    for service in SERVICES:
        whole += _service(service)
    return whole


def unit_topology(unit: Unit) -> Topology:
    """What one unit needs: its inbox, its two submit keys, its user that may do nothing else."""
    inbox = inbox_queue(unit.code)
    return Topology(
        queues=(Queue(inbox, WORK_ARGUMENTS),),
        bindings=(
            Binding(INBOX, inbox, unit.code),
            *(Binding(SUBMIT, submit_queue(lane), submit_key(unit.code, lane)) for lane in Lane),
        ),
        users=(
            User(
                unit.user,
                write=_only(SUBMIT),
                read=_only(inbox),
                topic_exchange=SUBMIT,
                topic_write=f"^submit\\.{re.escape(unit.code)}(\\.urgent)?$",
            ),
        ),
    )
