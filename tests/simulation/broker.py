"""A model of the broker: what RabbitMQ 4.3 does with the exchanges, queues, policies and users of the trunk.

Made from the tables of ``common.topology``. Everything here happens at one moment; ``broker_client`` brings frames to
it and answers back, with their latencies. ``test_broker_contract`` holds both, together, to what the real broker does
through the real client library.
"""

import re
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any, Protocol

from common.domain.names import Lane
from common.topology import Arguments, Topology

MAX_MESSAGE_BYTES = 16 * 1024 * 1024
MAX_HEADER_BYTES = 128 * 1024
"""``frame_max``: properties have to fit into one frame."""


class Refused(Exception):
    """The broker closes the channel; ``code`` as in AMQP."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(slots=True)
class Message:
    """One message in one queue."""

    body: bytes
    exchange: str
    routing_key: str
    properties: dict[str, Any]
    headers: dict[str, Any]
    user: str
    """Who published it, for the history of a schedule."""
    number: int
    failures: int = 0
    """``x-delivery-count``."""
    is_redelivered: bool = False

    @property
    def size(self) -> int:
        """Bytes that count for a queue's limit."""
        return len(self.body)


class Reader(Protocol):
    """A consumer, as a queue sees it."""

    @property
    def has_room(self) -> bool:
        """Whether its prefetch lets it take another message."""

    def deliver(self, queue: "Queue", message: Message) -> None:
        """Send a message to the client."""


class Timer(Protocol):
    """Runs something later, on the broker's side."""

    def __call__(self, delay: float, action: Callable[[], None]) -> object: ...


@dataclass(slots=True, eq=False)
class Queue:
    """A quorum queue, or a stream."""

    name: str
    arguments: Arguments
    retry: tuple[float, float] | None
    """Shortest and longest delay of the broker's delayed retry, in seconds."""
    ready: deque[Message] = field(default_factory=deque)
    delayed: dict[int, Message] = field(default_factory=dict)
    unacked: dict[int, Message] = field(default_factory=dict)
    readers: list[Reader] = field(default_factory=list)
    is_silent: bool = False
    """Without a leader: publishes to it get no answer."""
    held_up: list[Callable[[], None]] = field(default_factory=list)
    """What waits for a leader."""
    behind: dict[int, deque[Message]] = field(default_factory=dict)
    """In a stream: what each reader, by its identity, has not got yet."""
    filler: int = 0
    """Messages of nobody, by which a fault fills it."""

    @property
    def count(self) -> int:
        """All messages that count for the limit."""
        return len(self.ready) + len(self.delayed) + len(self.unacked) + self.filler

    @property
    def is_stream(self) -> bool:
        """Every reader gets all that comes from when it began."""
        return self.arguments.get("x-queue-type") == "stream"

    @property
    def drops_oldest(self) -> bool:
        """Whether the oldest message gives way to a further one."""
        return self.arguments.get("x-overflow") == "drop-head"

    @property
    def is_full(self) -> bool:
        """Whether it is at its limit; the real one lets a few more in."""
        length, size = self.arguments.get("x-max-length"), self.arguments.get("x-max-length-bytes")
        if length is not None and self.count >= int(length):
            return True
        if size is None:
            return False
        held = (*self.ready, *self.delayed.values(), *self.unacked.values())
        return sum(message.size for message in held) >= int(size)


@cache
def compiled(expression: str) -> re.Pattern[str]:
    return re.compile(expression)


@cache
def key_matches(pattern: str, key: str) -> bool:
    """Whether a topic exchange routes a key to a binding."""
    if "#" not in pattern and "*" not in pattern:
        return pattern == key
    words = (r"(\.[^.]+)*" if word == "#" else r"\." + ("[^.]+" if word == "*" else re.escape(word))
             for word in pattern.split("."))  # fmt: skip
    return re.fullmatch("".join(words), f".{key}" if key else "") is not None


class Broker:
    """All queues, and who may use them."""

    def __init__(self, later: Timer) -> None:
        self.queues: dict[str, Queue] = {}
        self.is_alarmed = False
        """Memory or disk alarm: no publish is read."""
        self.is_down = False
        self.published: Callable[[Message, list[str]], None] = lambda message, queues: None
        """Told of each message and the queues that took it."""
        self.lateness: Callable[[Queue], float] = lambda queue: 0.0
        """Seconds by which a message comes into a queue late, behind others: as after a return to the queue."""
        self.now: Callable[[], datetime] = lambda: datetime.now(UTC)
        """The broker's clock."""
        self._kinds: dict[str, str] = {}
        self._bindings: dict[str, list[tuple[str, str]]] = {}
        self._policies: list[tuple[re.Pattern[str], Arguments]] = []
        self._users: dict[str, Any] = {}
        self._later = later
        self._count = 0
        self._unblock: list[Callable[[], None]] = []

    def apply(self, topology: Topology) -> None:
        """Declare what is missing."""
        self._policies += [(compiled(policy.pattern), policy.definition) for policy in topology.policies]
        for exchange in topology.exchanges:
            self._kinds[exchange.name] = exchange.kind
        for queue in topology.queues:
            if queue.name not in self.queues:
                self.queues[queue.name] = Queue(queue.name, queue.arguments, self._retry(queue.name))
        for binding in topology.bindings:
            bound = self._bindings.setdefault(binding.exchange, [])
            if (binding.key, binding.queue) not in bound:
                bound.append((binding.key, binding.queue))
        self._users |= {user.name: user for user in topology.users}

    def _retry(self, name: str) -> tuple[float, float] | None:
        for pattern, definition in self._policies:
            if pattern.search(name) and definition.get("delayed-retry-type") == "all":
                return int(definition["delayed-retry-min"]) / 1000, int(definition["delayed-retry-max"]) / 1000
        return None

    # publishing

    def check_publish(self, user: str, exchange: str, key: str, properties: dict[str, Any], size: int) -> None:
        """Raise ``Refused`` unless this user may publish this."""
        rights = self._users[user]
        if not compiled(rights.write).search(exchange):
            raise Refused(403, f"ACCESS_REFUSED - write to '{exchange}' refused for user '{user}'")
        if exchange not in self._kinds:
            raise Refused(404, f"NOT_FOUND - no exchange '{exchange}'")
        if self._kinds[exchange] == "topic":
            for topic in rights.topics:
                if topic.exchange == exchange and not compiled(topic.write).search(key):
                    raise Refused(403, f"ACCESS_REFUSED - write to topic '{key}' refused for user '{user}'")
        if properties.get("user_id") not in (None, user):
            raise Refused(406, "PRECONDITION_FAILED - user_id property set to another user")
        if size > MAX_MESSAGE_BYTES:
            raise Refused(406, "PRECONDITION_FAILED - message too large")

    def route(self, exchange: str, key: str) -> list[Queue]:
        """The queues that a message is for, in the order of their bindings."""
        kind, bound = self._kinds[exchange], self._bindings.get(exchange, ())
        names = dict.fromkeys(
            queue
            for pattern, queue in bound
            if kind == "fanout" or (kind == "topic" and key_matches(pattern, key)) or pattern == key
        )
        return [self.queues[name] for name in names if name in self.queues]

    def publish(
        self, user: str, exchange: str, key: str, body: bytes, properties: dict[str, Any], headers: dict[str, Any]
    ) -> tuple[bool, list[Queue], list[Queue]]:
        """Whether the message is confirmed, the queues that it was for, and those of them without a leader.

        Where one queue is full the publish is refused, and the others have the message all the same.
        """
        queues = self.route(exchange, key)
        full = [queue for queue in queues if queue.is_full and not queue.drops_oldest]
        taken = [queue for queue in queues if queue not in full]
        for queue in taken:
            self._count += 1
            message = Message(body, exchange, key, properties, headers, user, self._count)
            if queue.is_silent:
                queue.held_up.append(lambda queue=queue, message=message: self._enqueue(queue, message))  # type: ignore[misc]
            else:
                self._enqueue(queue, message)
        if taken:
            published = Message(body, exchange, key, properties, headers, user, self._count)
            self.published(published, [queue.name for queue in taken])
        return not full, queues, [queue for queue in taken if queue.is_silent]

    def _enqueue(self, queue: Queue, message: Message) -> None:
        if queue.is_stream:
            for reader in queue.readers:
                queue.behind.setdefault(id(reader), deque()).append(message)
            self.dispatch(queue)
            return
        while queue.ready and queue.is_full and queue.drops_oldest:
            queue.ready.popleft()
        if late := self.lateness(queue):
            queue.delayed[message.number] = message
            self._later(late, lambda: self._return(queue, message))
        else:
            queue.ready.append(message)
            self.dispatch(queue)

    # reading

    def check_read(self, user: str, name: str) -> Queue:
        """The queue. Raises ``Refused`` when it is missing or the user may not read it."""
        if not compiled(self._users[user].read).search(name):
            raise Refused(403, f"ACCESS_REFUSED - read from '{name}' refused for user '{user}'")
        return self._existing(name)

    def check_seen(self, user: str, name: str) -> Queue:
        """The queue, for a passive declaration: any right will do."""
        rights = self._users[user]
        if not any(compiled(right).search(name) for right in (rights.read, rights.write, rights.configure)):
            raise Refused(403, f"ACCESS_REFUSED - configure '{name}' refused for user '{user}'")
        return self._existing(name)

    def _existing(self, name: str) -> Queue:
        if name not in self.queues:
            raise Refused(404, f"NOT_FOUND - no queue '{name}' in vhost 'trunk'")
        return self.queues[name]

    def dispatch(self, queue: Queue) -> None:
        """Deliver what can be delivered, to the consumers in turn."""
        if queue.is_stream:
            self._pass_on(queue)
            return
        while queue.ready and queue.readers and not self.is_down:
            reader = next((each for each in queue.readers if each.has_room), None)
            if reader is None:
                return
            queue.readers.remove(reader)
            queue.readers.append(reader)
            message = queue.ready.popleft()
            queue.unacked[message.number] = message
            reader.deliver(queue, message)

    def _pass_on(self, queue: Queue) -> None:
        queue.behind = {id(reader): queue.behind.get(id(reader), deque()) for reader in queue.readers}
        for reader in queue.readers:
            behind = queue.behind[id(reader)]
            while behind and reader.has_room and not self.is_down:
                reader.deliver(queue, behind.popleft())

    def ack(self, queue: Queue, message: Message) -> None:
        """It is done."""
        queue.unacked.pop(message.number, None)
        self.dispatch(queue)

    def give_back(self, queue: Queue, message: Message, *, counts: bool) -> None:
        """Returned by its consumer, or lost with its session: which ``counts``."""
        if queue.unacked.pop(message.number, None) is None:
            return
        again = replace(message, failures=message.failures + counts, is_redelivered=True)
        limit = int(queue.arguments.get("x-delivery-limit", -1))
        if 0 <= limit < again.failures:
            self._die(queue, again, "delivery_limit")
        elif queue.retry is None:
            queue.ready.appendleft(again)
        else:
            shortest, longest = queue.retry
            delay = min(shortest * max(1, again.failures), longest) if counts else shortest
            queue.delayed[again.number] = again
            self._later(delay, lambda: self._return(queue, again))
        self.dispatch(queue)

    def _return(self, queue: Queue, message: Message) -> None:
        if queue.delayed.pop(message.number, None) is not None:
            queue.ready.append(message)
            self.dispatch(queue)

    def kill(self, queue: Queue, message: Message) -> None:
        """Rejected for good."""
        if queue.unacked.pop(message.number, None) is not None:
            self._die(queue, message, "rejected")
            self.dispatch(queue)

    def _die(self, queue: Queue, message: Message, reason: str) -> None:
        exchange = str(queue.arguments.get("x-dead-letter-exchange", ""))
        if exchange not in self._kinds:
            return
        death = {
            "queue": queue.name,
            "reason": reason,
            "exchange": message.exchange,
            "routing-keys": [message.routing_key],
            "count": 1,
            "time": timestamp(self.now()),
        }
        headers = {name: value for name, value in message.headers.items() if name != "x-delivery-count"}
        for target in self.route(exchange, message.routing_key):
            self._count += 1
            dead = replace(
                message,
                exchange=exchange,
                headers=headers | {"x-death": [death, *headers.get("x-death", ())]},
                number=self._count,
                failures=message.failures + (reason == "rejected"),
                is_redelivered=True,
            )
            self._enqueue(target, dead)

    # faults

    def when_unblocked(self, action: Callable[[], None]) -> None:
        """Run something when the alarm is over."""
        self._unblock.append(action)

    def set_alarm(self, *, is_on: bool) -> None:
        """Memory or disk alarm."""
        self.is_alarmed = is_on
        if not is_on:
            waiting, self._unblock = self._unblock, []
            for action in waiting:
                action()

    def lead(self, queue: Queue, *, is_silent: bool) -> None:
        """Take the leader from a queue, or give it one."""
        queue.is_silent = is_silent
        if not is_silent:
            waiting, queue.held_up = queue.held_up, []
            for action in waiting:
                action()

    def waiting(self, ours: Callable[[str], bool] = lambda name: True) -> int:
        """Messages in the queues that are not inboxes."""
        return sum(
            len(queue.ready) + len(queue.delayed) + len(queue.unacked) + len(queue.held_up)
            for name, queue in self.queues.items()
            if not name.startswith("inbox.") and ours(name)
        )


def urgent_first(names: Iterable[str]) -> list[str]:
    """Queues of the urgent lane before the others, each by name."""
    return sorted(names, key=lambda name: (not name.endswith(f".{Lane.URGENT}"), name))


def headers_size(headers: dict[str, Any], properties: dict[str, Any]) -> int:
    """About what the properties take in their frame."""
    return sum(len(str(name)) + len(str(value)) + 6 for name, value in {**properties, **headers}.items())


def timestamp(value: datetime | None) -> datetime | None:
    """As it travels: whole seconds."""
    return value.replace(microsecond=0) if value else None
