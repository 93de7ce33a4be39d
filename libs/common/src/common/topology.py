"""Every exchange, queue, binding, policy, user and permission of the trunk. Data only.

``trunkctl topology apply`` declares them; services declare nothing. Needs RabbitMQ 4.3 or later for delayed retry.

Longer than 250 lines: a queue, who may use it, and what the broker does with its messages are reviewed together.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from common.domain.directory import BrokerLogin, Unit
from common.domain.names import Lane
from common.facts.flows import OPERATOR, PASSING, RECORDER, SERVICES, made_by, taken_by

OLDEST_RABBITMQ = (4, 3)
VHOST = "trunk"

SUBMIT = "trunk.submit"
"""Topic exchange to which units publish, key ``submit.<unit>`` or ``submit.<unit>.urgent``."""
FACTS = "trunk.facts"
"""Topic exchange of facts between services, key ``<fact>.<lane>``."""
PLACE = "trunk.place"
"""Topic exchange of the router's own orders to place a message in one inbox, key ``place.<lane>``."""
INBOX = "trunk.inbox"
"""Direct exchange to the units' inboxes, key = unit code."""

MARK = "trunk.mark"
"""Queue with one message of the router, which nobody reads. If the message is missing, the broker has lost its data."""
MARK_KEY = "mark"

PROGRESS = "trunk.progress"
"""Stream of facts about the progress of packages. Every process of intake reads all of it from the moment when it
connects; delivery is not guaranteed."""
PROGRESS_SEGMENT_BYTES = 1024 * 1024
"""The broker removes whole segments, so it keeps a few of these."""

BROKER_EVENTS = "broker.events"
"""Queue of the broker's own reports: failed log-ins, refused accesses, changes of rights."""
EVENT_EXCHANGE = "amq.rabbitmq.event"
LOG_EXCHANGE = "amq.rabbitmq.log"
"""Exchanges that the broker feeds (plugin rabbitmq_event_exchange; ``log.exchange = true``)."""
BROKER_EVENT_KEYS = ("user.#", "permission.#", "topic.permission.#", "policy.#", "parameter.#", "vhost.#")
BROKER_LOG_KEYS = ("error", "warning")

DELIVERY_LIMIT = 20
"""After so many failures of its handler by a bug or a crash, the broker dead-letters a message."""
NO_LIMIT = -1
MIB = 1024 * 1024
SUBMIT_LENGTH, SUBMIT_BYTES = 5_000, 256 * MIB
"""How much one unit may have waiting in one lane; beyond that, its publishes are refused."""
INBOX_LENGTH, INBOX_BYTES = 20_000, 256 * MIB
"""How much may wait in one inbox; beyond that, the router keeps the deliveries until there is room."""
BROKER_EVENTS_LENGTH = 100_000
UNIT_CONNECTIONS, UNIT_CHANNELS = 16, 64
"""How many connections and channels one unit may have, so that no unit exhausts those of the broker."""
READER = "reader"
"""The broker user of a person who only looks, for example with ``trunkctl doctor``."""
NOTHING = "^$"
"""A regular expression that no exchange, queue or key matches."""

RETRY_DELAYS_SECONDS: dict[Lane, tuple[int, int]] = {Lane.NORMAL: (10, 600), Lane.URGENT: (2, 60)}
"""Shortest and longest time until the broker delivers a returned message again."""


Arguments = dict[str, str | int]


@dataclass(frozen=True, slots=True)
class Exchange:
    """A durable exchange."""

    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class Queue:
    """A durable queue and its arguments: a quorum queue, or one stream."""

    name: str
    arguments: Arguments = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Binding:
    """``exchange`` hands messages with ``key`` to ``queue``."""

    exchange: str
    queue: str
    key: str


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy for all quorum queues whose names match ``pattern``. Exactly one policy applies to a queue."""

    name: str
    pattern: str
    definition: Arguments = field(hash=False)
    priority: int = 100


@dataclass(frozen=True, slots=True)
class TopicPermission:
    """Which keys a user may publish to a topic exchange (regular expression)."""

    exchange: str
    write: str


@dataclass(frozen=True, slots=True)
class User:
    """A broker user and all it may do in the virtual host (regular expressions over names)."""

    name: str
    write: str
    read: str
    configure: str = "^$"
    topics: tuple[TopicPermission, ...] = ()
    """A user with the right to write to a topic exchange and without an entry here could publish with any key."""
    tags: str = ""
    has_password: bool = True
    """Whether a password opens a session. False = only a client certificate does, if the limits allow a session."""
    limits: dict[str, int] = field(default_factory=dict, hash=False)
    """``max-connections`` and ``max-channels``."""


@dataclass(frozen=True, slots=True)
class Topology:
    """A set of broker objects."""

    exchanges: tuple[Exchange, ...] = ()
    queues: tuple[Queue, ...] = ()
    bindings: tuple[Binding, ...] = ()
    policies: tuple[Policy, ...] = ()
    users: tuple[User, ...] = ()

    def __add__(self, other: "Topology") -> "Topology":
        return Topology(
            self.exchanges + other.exchanges,
            self.queues + other.queues,
            self.bindings + other.bindings,
            self.policies + other.policies,
            self.users + other.users,
        )

    @property
    def size(self) -> int:
        """Number of objects."""
        return sum(map(len, (self.exchanges, self.queues, self.bindings, self.policies, self.users)))


def facts_queue(service: str, lane: Lane) -> str:
    """The queue from which a service takes facts of one lane."""
    return f"facts.{service}.{lane}"


def place_queue(lane: Lane) -> str:
    """The queue from which the router takes its own orders to place messages in inboxes."""
    return f"place.{lane}"


def submit_queue(unit: str, lane: Lane) -> str:
    """The queue of what one unit submits in one lane."""
    return f"submit.{unit}.{lane}"


def unit_of_submit_queue(queue: str) -> str:
    """The unit whose submissions lie in this queue; empty for any other queue."""
    prefix, _, rest = queue.partition(".")
    unit, _, lane = rest.rpartition(".")
    return unit if prefix == "submit" and lane in set(Lane) else ""


INBOX_PREFIX = "inbox."


def inbox_queue(unit: str) -> str:
    """The queue that only this unit reads."""
    return f"{INBOX_PREFIX}{unit}"


def unit_of_inbox(queue: str) -> str:
    """The unit that reads this queue; empty for any other queue."""
    prefix, _, unit = queue.partition(".")
    return unit if prefix == "inbox" else ""


def dead_letters(service: str) -> str:
    """Name of the fanout exchange for the dead letters of a service, and of the queue behind it. Only the broker
    publishes there."""
    return f"trunk.dead.{service}"


def lane_of(queue: str) -> Lane:
    """The lane of a queue, by its name."""
    return Lane.URGENT if queue.endswith(f".{Lane.URGENT}") else Lane.NORMAL


def submit_key(unit: str, lane: Lane) -> str:
    """The routing key with which a unit submits."""
    return f"submit.{unit}" + (".urgent" if lane is Lane.URGENT else "")


def place_key(lane: Lane) -> str:
    """The routing key of an order to place a message."""
    return f"place.{lane}"


def static_topology() -> Topology:
    """Everything that does not depend on which units exist."""
    kinds = {SUBMIT: "topic", FACTS: "topic", PLACE: "topic", INBOX: "direct"}
    whole = Topology(
        exchanges=tuple(Exchange(name, kind) for name, kind in kinds.items()),
        queues=tuple(Queue(place_queue(lane), _safe("router")) for lane in Lane),
        bindings=tuple(Binding(PLACE, place_queue(lane), place_key(lane)) for lane in Lane),
        policies=tuple(_retry_policies()),
        users=(_operator(), _reader()),
    )
    for service in SERVICES:
        whole += _service(service)
    return whole + _mark() + _progress() + _broker_events()


def unit_topology(unit: Unit, *, is_disabled: bool = False) -> Topology:
    """The topology of one unit: its inbox, its submit queues, and its user, which has no other rights.

    The user of a disabled unit has no rights at all; its queues and their messages stay.
    """
    inbox = inbox_queue(unit.code)
    waiting: Arguments = {"x-max-length": SUBMIT_LENGTH, "x-max-length-bytes": SUBMIT_BYTES}
    unread: Arguments = {"x-max-length": INBOX_LENGTH, "x-max-length-bytes": INBOX_BYTES}
    return Topology(
        queues=(
            Queue(inbox, _safe("router") | unread),
            *(Queue(submit_queue(unit.code, lane), _safe("intake") | waiting) for lane in Lane),
        ),
        bindings=(
            Binding(INBOX, inbox, unit.code),
            *(Binding(SUBMIT, submit_queue(unit.code, lane), submit_key(unit.code, lane)) for lane in Lane),
        ),
        users=(_disabled_user(unit) if is_disabled else _unit_user(unit),),
    )


def _unit_user(unit: Unit) -> User:
    return User(
        unit.user,
        write=_only(SUBMIT),
        read=_only(inbox_queue(unit.code)),
        topics=(TopicPermission(SUBMIT, f"^submit\\.{re.escape(unit.code)}(\\.urgent)?$"),),
        has_password=unit.broker_login is BrokerLogin.PASSWORD,
        limits={"max-connections": UNIT_CONNECTIONS, "max-channels": UNIT_CHANNELS},
    )


def _disabled_user(unit: Unit) -> User:
    """The user of a disabled unit: no password, no sessions even with a certificate, and no rights."""
    topics = (TopicPermission(SUBMIT, NOTHING),)
    limits = {"max-connections": 0, "max-channels": 0}
    return User(unit.user, write=NOTHING, read=NOTHING, topics=topics, has_password=False, limits=limits)


def _safe(service: str) -> Arguments:
    """Arguments of a queue that loses no message: those not handled go to the dead letters of ``service``."""
    return {
        "x-queue-type": "quorum",
        "x-delivery-limit": DELIVERY_LIMIT,
        "x-overflow": "reject-publish",
        "x-dead-letter-exchange": dead_letters(service),
        "x-dead-letter-strategy": "at-least-once",
    }


def _service(service: str) -> Topology:
    dead = dead_letters(service)
    facts = ("#",) if service == RECORDER else taken_by(service)
    lanes = {lane: facts_queue(service, lane) for lane in Lane}
    return Topology(
        exchanges=(Exchange(dead, "fanout"),),
        queues=(
            *(Queue(queue, _safe(service)) for queue in lanes.values()),
            Queue(dead, {"x-queue-type": "quorum", "x-delivery-limit": NO_LIMIT}),
        ),
        bindings=(
            *(Binding(FACTS, queue, f"{fact}.{lane}") for lane, queue in lanes.items() for fact in facts),
            Binding(dead, dead, ""),
        ),
        users=(_service_user(service, [*lanes.values(), dead]),),
    )


def _service_user(service: str, own_queues: list[str]) -> User:
    topics = [TopicPermission(FACTS, _keys(made_by(service)))]
    write, read = [re.escape(FACTS)], [re.escape(queue) for queue in own_queues]
    match service:
        case "intake":
            # Read: what any unit submits. Write on other services' queues lets it ask for their depth, nothing else:
            # a binding also needs the right to read an exchange.
            read += [r"submit\..+\.(normal|urgent)", re.escape(PROGRESS)]
            write += [r"facts\.[a-z]+\.(normal|urgent)", r"place\.(normal|urgent)"]
        case "router":
            read += [re.escape(place_queue(lane)) for lane in Lane]
            # Write on queues lets it ask for their depth, nothing else, as with intake.
            write += [re.escape(PLACE), re.escape(INBOX), r"inbox\..+", re.escape(MARK)]
            topics.append(TopicPermission(PLACE, rf"^(place\.(normal|urgent)|{MARK_KEY})$"))
        case "archive":
            read.append(re.escape(BROKER_EVENTS))
    return User(service, write=_any_of(write), read=_any_of(read), topics=tuple(topics))


def _operator() -> User:
    """The operators' user: may publish requests and security events, and read figures of the management API."""
    topics = (TopicPermission(FACTS, _keys(made_by(OPERATOR))),)
    return User(OPERATOR, write=_only(FACTS), read="^$", topics=topics, tags="monitoring")


def _reader() -> User:
    """The user of a person who only looks: may read figures of the management API, and has no other right."""
    return User(READER, write=NOTHING, read=NOTHING, tags="monitoring")


def _retry_policies() -> Iterable[Policy]:
    """Policies of delayed retry: the delay grows with the count of failures. Exactly one applies to each queue."""
    slow = {Lane.NORMAL: r"|trunk\.dead\..+|broker\.events", Lane.URGENT: ""}
    for lane, (shortest, longest) in RETRY_DELAYS_SECONDS.items():
        pattern = rf"^((facts|submit)\..+\.{lane}|place\.{lane}{slow[lane]})$"
        delays = {"delayed-retry-min": shortest * 1000, "delayed-retry-max": longest * 1000}
        yield Policy(f"trunk-retry-{lane}", pattern, {"delayed-retry-type": "all", **delays})


def _mark() -> Topology:
    """The queue of the mark. It keeps the newest message, so the mark may be set again at any time."""
    arguments: Arguments = {"x-queue-type": "quorum", "x-max-length": 1, "x-overflow": "drop-head"}
    return Topology(queues=(Queue(MARK, arguments),), bindings=(Binding(PLACE, MARK, MARK_KEY),))


def _progress() -> Topology:
    """The stream of progress. The oldest segments are dropped, whether or not they were read."""
    arguments: Arguments = {
        "x-queue-type": "stream",
        "x-max-length-bytes": 4 * PROGRESS_SEGMENT_BYTES,
        "x-stream-max-segment-size-bytes": PROGRESS_SEGMENT_BYTES,
    }
    keys = [f"{fact}.{lane}" for fact, lanes in PASSING.items() for lane in lanes]
    return Topology(queues=(Queue(PROGRESS, arguments),), bindings=tuple(Binding(FACTS, PROGRESS, key) for key in keys))


def _broker_events() -> Topology:
    """The queue of the broker's reports. If nobody reads it, the oldest reports are dropped."""
    arguments: Arguments = {"x-queue-type": "quorum", "x-max-length": BROKER_EVENTS_LENGTH}
    return Topology(
        queues=(Queue(BROKER_EVENTS, arguments | {"x-delivery-limit": NO_LIMIT, "x-overflow": "drop-head"}),),
        bindings=(
            *(Binding(EVENT_EXCHANGE, BROKER_EVENTS, key) for key in BROKER_EVENT_KEYS),
            *(Binding(LOG_EXCHANGE, BROKER_EVENTS, key) for key in BROKER_LOG_KEYS),
        ),
    )


def _keys(facts: tuple[str, ...]) -> str:
    return "^(" + "|".join(re.escape(fact) for fact in facts) + r")\.(normal|urgent)$"


def _only(*names: str) -> str:
    return _any_of(re.escape(name) for name in names)


def _any_of(expressions: Iterable[str]) -> str:
    return "^(" + "|".join(expressions) + ")$"
