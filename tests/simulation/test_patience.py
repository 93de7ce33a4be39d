"""A message whose handler fails before it has written anything: 72 hours and more on virtual time.

The real processor settles it, and the model of the broker, which ``test_broker_contract`` holds to the real one, brings
it back. However the handler fails, the message is a dead letter within a stated time and after a stated number of
attempts, so that it is parked and its sender is told. It circles for ever only while nothing at all succeeds and no
record of the attempts can be kept, and then at a stated rate.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from common.domain.names import Lane
from common.domain.reason import Reason
from common.failure import Transient
from common.service import process
from common.service.incoming import Incoming
from common.service.process import Processor
from common.service.settle import Disposition
from common.topology import DELIVERY_LIMIT, RETRY_DELAYS_SECONDS, facts_queue, static_topology
from tests.simulation.broker import Broker, Message, Queue
from tests.simulation.loop import VirtualLoop

from ..harness.memory import MemoryRecords, delivery

START = datetime(2026, 11, 28, 8, 0, tzinfo=UTC)
HOUR = 3600.0
FOR_ALL_TIME = 150 * HOUR
BUG = RuntimeError("a bug")
COUNTED = DELIVERY_LIMIT + 1
"""Attempts until the broker's limit."""
POISON, GOOD = b"poison", b"good"


@dataclass
class Circle:
    """One service, one queue, and the broker that brings back what is returned."""

    lane: Lane
    error: BaseException | None
    records: MemoryRecords = field(default_factory=MemoryRecords)
    attempts: list[float] = field(default_factory=list)
    """When the handler was run with the poison; seconds."""
    deliveries: int = 0
    """Of the poison."""
    died_at: float | None = None

    def __post_init__(self) -> None:
        self.loop = VirtualLoop()
        self.broker = Broker(lambda delay, action: self.loop.call_later(delay, action))
        self.broker.apply(static_topology())
        self.queue = self.broker.queues[facts_queue("router", self.lane)]
        self.dead = self.broker.queues["trunk.dead.router"]
        self.queue.readers.append(self)
        self.processor = Processor(
            "router",
            self.records,
            patience=timedelta(hours=72),
            handler_seconds=600.0,
            slots=8,
            on_security=self._noticed,
            now=lambda: START + timedelta(seconds=self.loop.time()),
        )

    has_room = True

    def deliver(self, queue: Queue, message: Message) -> None:
        self.deliveries += message.body == POISON
        self.loop.create_task(self._settle(queue, message))

    def publish(self, body: bytes) -> None:
        key = f"document.verified.{self.lane}"
        self.broker.publish("validator", "trunk.facts", key, body, {"user_id": "validator"}, {})

    def run(self, seconds: float) -> None:
        """Until the poison is a dead letter, or so much time has passed."""
        self.publish(POISON)
        self.loop.run_until(lambda: bool(self.dead.ready), self.loop.time() + seconds)
        if self.dead.ready:
            self.died_at = self.loop.time()
        assert self.loop.errors == []

    def others_succeed_every(self, seconds: float) -> None:
        self.publish(GOOD)
        self.loop.call_later(seconds, lambda: self.others_succeed_every(seconds))

    async def _settle(self, queue: Queue, message: Message) -> None:
        arrived = delivery(queue.name, message.body, is_redelivered=message.is_redelivered, failures=message.failures)
        match (await self.processor.process(arrived, self._handle)).disposition:
            case Disposition.ACK:
                self.broker.ack(queue, message)
            case Disposition.DEAD:
                self.broker.kill(queue, message)
            case disposition:
                self.broker.give_back(queue, message, counts=disposition is Disposition.COUNT)

    async def _handle(self, message: Incoming) -> None:
        if message.body == POISON:
            self.attempts.append(self.loop.time())
            if self.error is None:
                await asyncio.Event().wait()
            raise self.error or BUG

    async def _noticed(self, _: Any) -> None:
        raise AssertionError("no security event")


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of attempts: neither logged nor measured."""
    monkeypatch.setattr(process, "log", Silent())


class Silent:
    def __getattr__(self, _: str) -> Callable[..., None]:
        return lambda *_, **__: None


Change = Callable[[Circle], object]


def alone(_: Circle) -> None:
    """No other message."""


def beside_others(circle: Circle) -> None:
    circle.others_succeed_every(60.0)


def beside_few(circle: Circle) -> None:
    """Half of the time another message has succeeded within ten minutes."""
    circle.others_succeed_every(1200.0)


def without_records(circle: Circle) -> None:
    """Others succeed; whatever is kept about failures cannot be."""
    beside_others(circle)
    circle.records.failure = RuntimeError("cannot be written")


@pytest.mark.parametrize(
    ("lane", "error", "around", "hours", "attempts"),
    [
        (Lane.NORMAL, BUG, alone, 72.2, 438),
        (Lane.NORMAL, BUG, beside_others, 0.6, COUNTED),
        (Lane.URGENT, BUG, beside_others, 0.2, COUNTED),
        (Lane.NORMAL, BUG, beside_few, 144.0, 460),
        (Lane.NORMAL, BUG, without_records, 0.6, COUNTED),
        (Lane.URGENT, BUG, without_records, 0.2, COUNTED),
        (Lane.NORMAL, None, beside_others, 4.2, COUNTED),
        (Lane.NORMAL, Transient(Reason.E_REFDOC, "not there"), beside_others, 72.2, 438),
    ],
    ids=["bug", "bug-others", "urgent", "bug-few", "no-records", "urgent-no-records", "hangs", "undecided"],
)
def test_it_is_a_dead_letter_in_time(
    lane: Lane, error: BaseException | None, around: Change, hours: float, attempts: int
) -> None:
    circle = Circle(lane, error)
    around(circle)
    circle.run(FOR_ALL_TIME)
    assert circle.died_at is not None
    assert circle.died_at <= hours * HOUR
    assert len(circle.attempts) <= attempts
    shortest, _ = RETRY_DELAYS_SECONDS[lane]
    assert circle.deliveries <= circle.died_at / shortest + 1, "the broker's shortest delay is between any two"


def test_while_nothing_succeeds_and_nothing_can_be_kept_it_circles_at_the_broker_s_pace() -> None:
    circle, hours = Circle(Lane.NORMAL, BUG), 72.0
    circle.records.failure = RuntimeError("cannot be written")
    circle.run(hours * HOUR)
    assert circle.died_at is None
    shortest, _ = RETRY_DELAYS_SECONDS[Lane.NORMAL]
    assert hours * HOUR / shortest * 0.9 <= circle.deliveries <= hours * HOUR / shortest + 1
    beside_others(circle)
    circle.loop.run_until(lambda: bool(circle.dead.ready), circle.loop.time() + HOUR)
    assert circle.dead.ready, "once others succeed it is the message's own failure, and counted"
