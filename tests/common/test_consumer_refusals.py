"""A queue on which consuming fails is left out for some time, and the others are consumed. Without a broker."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import pytest
from aiormq.exceptions import (
    AMQPConnectionError,
    ChannelAccessRefused,
    ChannelNotFoundEntity,
    ConnectionClosed,
    ConnectionInternalError,
)

from common.service import consumer as consuming
from common.service.consumer import CONSUME_SECONDS, Consumer
from common.service.refusals import FIRST_SECONDS, REFUSED_SECONDS, Refusals, refused_for_seconds

from ..simulation.loop import VirtualLoop
from .conftest import OpenConnection

A, B, C, D = (f"submit.{unit}.normal" for unit in "ABCD")
TURNS = 2_000
Step = Callable[["Broker", Consumer], Awaitable[None]]
Run = Callable[..., None]
"""Takes a step, and the queues."""


class Connection(OpenConnection):
    """One connection with one channel."""

    def __init__(self, broker: "Broker") -> None:
        self.broker = broker
        self.consumed: set[str] = set()
        self.ends = asyncio.Event()
        self.on_consumer_cancel_callbacks: set[Any] = set()

    @property
    def connection(self) -> "Connection":
        return self

    @property
    def is_closed(self) -> bool:  # type: ignore[override]
        return self.ends.is_set()

    @property
    def closing(self) -> "asyncio.Future[None]":
        observer = asyncio.get_running_loop().create_future()
        if self.is_closed:
            observer.set_result(None)
        self.broker.observers.append(observer)
        return observer

    async def channel(self, **_: Any) -> Any:
        return self

    async def basic_qos(self, **_: Any) -> None:
        """Nothing to note."""

    async def queue_declare(self, queue: str, **_: Any) -> None:
        """A queue without a leader exists."""
        if queue in self.broker.missing:
            raise ChannelNotFoundEntity(queue)

    async def close(self) -> None:
        """The channel for looking."""

    async def basic_consume(self, queue: str, *_: Any, **__: Any) -> None:
        self.broker.tries.append(queue)
        if queue in self.broker.silent:
            await asyncio.Event().wait()
        await self.broker.answers.wait()
        if error := self.broker.failing.get(queue):
            if isinstance(error, ConnectionInternalError):
                self.ends.set()
            raise error
        self.consumed.add(queue)


class Broker:
    """What happens at each queue."""

    def __init__(self) -> None:
        self.failing: dict[str, Exception] = {}
        self.silent: set[str] = set()
        self.missing: set[str] = set()
        self.tries: list[str] = []
        self.connections: list[Connection] = []
        self.connected_at: list[float] = []
        self.observers: list[asyncio.Future[None]] = []
        self.answers = asyncio.Event()
        """Whether what the queues answer can be read."""
        self.answers.set()

    @asynccontextmanager
    async def connected(self, *_: Any) -> AsyncIterator[Connection]:
        self.connections.append(Connection(self))
        self.connected_at.append(asyncio.get_running_loop().time())
        yield self.connections[-1]


class Clock:
    """The loop's clock as the consumer reads it."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Broker:
    broker = Broker()
    monkeypatch.setattr(consuming, "connected", broker.connected)
    monkeypatch.setattr(consuming, "RECONNECT_SECONDS", 0.0)
    monkeypatch.setattr(consuming, "RESCAN_SECONDS", 0.0)
    return broker


@asynccontextmanager
async def running(queues: list[str], clock: Callable[[], float]) -> AsyncIterator[Consumer]:
    async def process(_: Any) -> Any:
        raise AssertionError("nothing is delivered")

    consumer = Consumer(
        "amqp://x", "test", lambda: queues, process, slots=1, prefetch=1, may_lack_queues=True, clock=clock
    )
    task = asyncio.create_task(consumer.run())
    try:
        yield consumer
    finally:
        task.cancel()
        await asyncio.wait({task})


async def turns(holds: Callable[[], bool]) -> bool:
    for _ in range(TURNS):
        if holds():
            return True
        await asyncio.sleep(0)
    return holds()


def without_leader(queue: str) -> ConnectionInternalError:
    """What RabbitMQ answers after its own time limit; it ends the connection."""
    return ConnectionInternalError(541, f"timed out consuming from quorum queue '{queue}'")


@pytest.mark.parametrize("how", ["closes the connection", "refuses"])
async def test_a_queue_that_cannot_be_consumed_costs_the_others_nothing(broker: Broker, how: str) -> None:
    broker.failing[B] = without_leader(B) if how == "closes the connection" else ChannelAccessRefused("no right")
    async with running([A, B, C, D], Clock()) as consumer:
        assert await turns(lambda: consumer._consumed == {A, C, D}), broker.tries
        assert broker.tries.count(B) == 1
        with pytest.raises(ConnectionError, match="no consumer on submit"):
            await consumer.check()


@pytest.fixture
def in_virtual_time(monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Runs a step on virtual time, in which pauses and limits pass as they are."""
    loop = VirtualLoop()

    async def run(step: Step, queues: Sequence[str]) -> None:
        broker = Broker()
        monkeypatch.setattr(consuming, "connected", broker.connected)
        async with running(list(queues), loop.time) as consumer:
            await step(broker, consumer)

    yield lambda step, queues=(A, B, C, D): loop.run_until_complete(run(step, queues))
    assert not loop.errors


def test_a_queue_that_does_not_answer_costs_the_others_nothing(in_virtual_time: Run) -> None:
    async def step(broker: Broker, consumer: Consumer) -> None:
        broker.silent.add(B)
        await asyncio.sleep(CONSUME_SECONDS + 2)
        assert consumer._consumed == {A, C, D}
        assert (broker.tries.count(B), len(broker.connections)) == (1, 2)

    in_virtual_time(step)


@pytest.mark.parametrize(
    "breaks",
    [[(0, 60)], [(0, CONSUME_SECONDS - 1)], [(5, 10)], [(5, 60)], [(3, 2), (2, 2), (2, 2)]],
    ids=["from the start, beyond the limit", "from the start", "during the limit", "beyond it", "again and again"],
)
def test_time_in_which_nothing_is_read_is_not_held_against_a_queue(
    in_virtual_time: Run, breaks: list[tuple[float, float]]
) -> None:
    """``breaks``: for so many seconds the connection is read, then for so many it is not. Two seconds after the last
    break the answer has been read."""

    async def step(broker: Broker, consumer: Consumer) -> None:
        broker.answers.clear()
        for read_seconds, full_seconds in breaks:
            await asyncio.sleep(read_seconds)
            consumer._hold(consuming.MAX_BYTES + 1)
            await asyncio.sleep(full_seconds)
            consumer._hold(-consuming.MAX_BYTES - 1)
        await asyncio.sleep(2)
        broker.answers.set()
        await asyncio.sleep(1)
        assert consumer._consumed == {A, B, C, D}
        assert (broker.tries, len(broker.connections)) == ([A, B, C, D], 1)

    in_virtual_time(step)


def test_after_a_break_a_queue_has_its_time_again_and_no_more(in_virtual_time: Run) -> None:
    async def step(broker: Broker, consumer: Consumer) -> None:
        broker.silent.add(A)
        await asyncio.sleep(1)
        consumer._hold(consuming.MAX_BYTES + 1)
        await asyncio.sleep(1)
        consumer._hold(-consuming.MAX_BYTES - 1)
        await asyncio.sleep(2 * CONSUME_SECONDS)
        assert consumer._consumed == {B, C, D}

    in_virtual_time(step)


async def test_it_is_tried_again_after_the_others_with_growing_pauses_and_is_consumed_when_it_answers(
    broker: Broker,
) -> None:
    clock = Clock()
    broker.failing[A] = without_leader(A)
    async with running([A, B, C], clock) as consumer:
        for number, seconds in enumerate((60.0, 120.0, 240.0), start=2):
            assert await turns(lambda number=number: len(broker.connections) == number)  # type: ignore[misc]
            assert await turns(lambda: consumer._consumed == {B, C})
            broker.tries.clear()
            clock.now += seconds - 1
            assert not await turns(lambda: A in broker.tries), seconds
            clock.now += 1
            assert await turns(lambda: A in broker.tries), seconds
        assert await turns(lambda: len(broker.connections) == 5)
        assert await turns(lambda: consumer._consumed == {B, C})
        broker.failing.clear()
        clock.now += REFUSED_SECONDS
        assert await turns(lambda: consumer._consumed == {A, B, C})
        assert broker.tries[-1] == A
        await consumer.check()


async def test_when_the_connection_is_lost_meanwhile_it_is_begun_last(broker: Broker) -> None:
    clock = Clock()
    broker.failing[A] = without_leader(A)
    async with running([A, B, C], clock) as consumer:
        assert await turns(lambda: consumer._consumed == {B, C})
        broker.tries.clear()
        clock.now += 60.0
        broker.connections[-1].ends.set()
        for observer in broker.observers:
            if not observer.done():
                observer.set_result(None)
        assert await turns(lambda: len(broker.tries) >= 3)
        assert broker.tries[:3] == [B, C, A]


MANY = [f"submit.U{number:02}.normal" for number in range(30)]


def test_however_many_queues_have_no_leader_the_others_have_a_minute_between_two_of_them(in_virtual_time: Run) -> None:
    async def step(broker: Broker, consumer: Consumer) -> None:
        broker.failing = {queue: without_leader(queue) for queue in MANY}
        await asyncio.sleep(FIRST_SECONDS)
        assert consumer._consumed == {A, B}
        assert len(broker.connections) == len(MANY) + 1, "each had to be met once"
        broker.tries.clear()
        broker.connected_at.clear()
        await asyncio.sleep(len(MANY) * (FIRST_SECONDS + 5))
        assert {broker.tries.count(queue) for queue in MANY} <= {1, 2}, "each has its turn"
        pauses = [after - before for before, after in pairwise(broker.connected_at)]
        assert min(pauses) >= FIRST_SECONDS
        assert consumer._consumed == {A, B}

    in_virtual_time(step, [A, B, *MANY])


def test_queues_that_have_a_leader_again_are_consumed_one_after_the_other_without_a_pause(in_virtual_time: Run) -> None:
    async def step(broker: Broker, consumer: Consumer) -> None:
        broker.failing = {queue: without_leader(queue) for queue in MANY}
        await asyncio.sleep(FIRST_SECONDS)
        broker.failing.clear()
        await asyncio.sleep(FIRST_SECONDS)
        assert consumer._consumed == {A, B, *MANY}
        assert len(broker.connections) == len(MANY) + 1

    in_virtual_time(step, [A, B, *MANY])


def test_a_queue_that_failed_and_exists_no_more_keeps_no_other_from_its_turn(in_virtual_time: Run) -> None:
    async def step(broker: Broker, consumer: Consumer) -> None:
        broker.failing = {queue: without_leader(queue) for queue in (A, B)}
        await asyncio.sleep(5)
        broker.missing.add(A)
        broker.failing.clear()
        await asyncio.sleep(FIRST_SECONDS + 10)
        assert consumer._consumed == {B, C, D}

    in_virtual_time(step)


@pytest.mark.parametrize(
    ("failures", "seconds"), [(1, 60.0), (2, 120.0), (3, 240.0), (4, 300.0), (1000, 300.0), (0, 0.0)]
)
def test_pauses_grow_to_a_limit(failures: int, seconds: float) -> None:
    assert refused_for_seconds(failures) == seconds


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (ConnectionClosed(320, "the node is shut down"), [0.0, 60.0, 120.0]),
        (ConnectionResetError(), [0.0, 60.0, 120.0]),
        (Exception(), [0.0, 60.0, 120.0]),
        (without_leader(A), [60.0, 120.0, 240.0]),
        (TimeoutError(), [60.0, 120.0, 240.0]),
        (ChannelNotFoundEntity("no leader"), [60.0, 120.0, 240.0]),
        (ChannelAccessRefused("no right"), [300.0, 300.0, 300.0]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_loss_that_may_be_chance_only_puts_a_queue_last_the_first_time(
    error: Exception, seconds: list[float]
) -> None:
    clock = Clock()
    refusals, lost = Refusals(clock), ConnectionError("the connection was lost")
    lost.__cause__ = error
    for pause in seconds:
        refusals.note(A, lost if isinstance(error, AMQPConnectionError) else error)
        assert refusals.to_begin([A, B]) == [B, A]
        assert refusals.now() == ({A} if pause else set())
        clock.now += pause
        assert refusals.now() == set()
