"""The consumer on a real RabbitMQ: queues that come and go, bounded work, and what the broker is told."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pamqp.commands import Basic

from common.service import consumer as consuming
from common.service.consumer import Consumer
from common.service.incoming import Incoming
from common.service.settle import ACKED, Disposition, Settlement
from common.topology import Queue

from .conftest import VirtualHost

QUORUM = {"x-queue-type": "quorum"}
PREFIX = "submit.C."
PATIENCE_SECONDS = 120.0


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consuming, "RESCAN_SECONDS", 0.1)


class Handled:
    """Messages in the order in which they were begun, and what becomes of each."""

    def __init__(self, settle: Callable[[Incoming], Settlement] = lambda _: ACKED) -> None:
        self.messages: list[Incoming] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.at_once = self.most_at_once = 0
        self._settle = settle

    async def __call__(self, message: Incoming) -> Settlement:
        self.messages.append(message)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await self.gate.wait()
        self.at_once -= 1
        return self._settle(message)

    def bodies(self) -> list[bytes]:
        return [message.body for message in self.messages]


@asynccontextmanager
async def consuming_from(
    vhost: VirtualHost,
    queues: Callable[[], Iterable[str]],
    process: Callable[[Incoming], Awaitable[Settlement]],
    **options: Any,
) -> AsyncIterator[Consumer]:
    values: dict[str, Any] = {"slots": 4, "prefetch": 2} | options
    consumer = Consumer(vhost.url("intake"), "test", queues, process, **values)
    running = asyncio.create_task(consumer.run())
    try:
        yield consumer
    finally:
        await consumer.stop(5)
        running.cancel()
        await asyncio.wait({running})


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not holds():
            await asyncio.sleep(0.01)


async def ready(consumer: Consumer) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                return await consumer.check()
            except ConnectionError:
                await asyncio.sleep(0.01)


async def put(vhost: VirtualHost, queue: str, *bodies: bytes) -> None:
    async with vhost.channel() as channel:
        for body in bodies:
            await channel.basic_publish(body, routing_key=queue, properties=Basic.Properties(delivery_mode=2))


def declare(vhost: VirtualHost, *queues: str, **arguments: Any) -> list[str]:
    for queue in queues:
        vhost.admin.put(f"/queues/{vhost.name}/{queue}", _body(queue, arguments))
    return list(queues)


def _body(queue: str, arguments: dict[str, Any]) -> dict[str, Any]:
    described = Queue(queue, QUORUM | {name.replace("_", "-"): value for name, value in arguments.items()})
    return {"durable": True, "auto_delete": False, "arguments": described.arguments}


def delete(vhost: VirtualHost, queue: str) -> None:
    vhost.admin.delete(f"/queues/{vhost.name}/{queue}")


async def test_queues_that_come_later_are_consumed_and_missing_ones_are_named(vhost: VirtualHost) -> None:
    first, later = declare(vhost, f"{PREFIX}1.normal")[0], f"{PREFIX}2.normal"
    wanted, handled = [first], Handled()
    async with consuming_from(vhost, lambda: list(wanted), handled) as consumer:
        await ready(consumer)
        wanted.append(later)
        await until(lambda: consumer._missing == {later})
        with pytest.raises(ConnectionError, match="no consumer on " + later.replace(".", r"\.")):
            await consumer.check()
        await put(vhost, first, b"still consumed")
        await until(lambda: handled.bodies() == [b"still consumed"])
        declare(vhost, later)
        await ready(consumer)
        await put(vhost, later, b"later")
        await until(lambda: b"later" in handled.bodies())


async def test_where_queues_may_be_missing_the_service_is_ready_with_the_others(vhost: VirtualHost) -> None:
    """Units are imported before their queues are made, and that harms no other unit."""
    first, later, foreign = declare(vhost, f"{PREFIX}6.normal")[0], f"{PREFIX}7.normal", "facts.router.normal"
    wanted, handled = [first, later], Handled()
    async with consuming_from(vhost, lambda: list(wanted), handled, may_lack_queues=True) as consumer:
        await until(lambda: consumer._missing == {later})
        await ready(consumer)
        await put(vhost, first, b"first")
        await until(lambda: handled.bodies() == [b"first"])
        declare(vhost, later)
        await until(lambda: later in consumer._consumed)
        await ready(consumer)
        wanted.append(foreign)
        await until(lambda: foreign in consumer._missing and consumer._is_connected)
        with pytest.raises(ConnectionError, match="no consumer on facts"):
            await consumer.check()


async def test_a_queue_deleted_under_way_costs_the_others_nothing_and_is_consumed_when_it_is_back(
    vhost: VirtualHost,
) -> None:
    remaining, gone = declare(vhost, f"{PREFIX}3.normal", f"{PREFIX}4.normal")
    handled = Handled()
    async with consuming_from(vhost, lambda: [remaining, gone], handled) as consumer:
        await ready(consumer)
        delete(vhost, gone)
        await until(lambda: gone in consumer._missing)
        await put(vhost, remaining, b"kept")
        await until(lambda: handled.bodies() == [b"kept"])
        declare(vhost, gone)
        await ready(consumer)
        await put(vhost, gone, b"back")
        await until(lambda: b"back" in handled.bodies())


async def test_a_queue_that_may_not_be_read_is_named_and_costs_the_others_nothing(vhost: VirtualHost) -> None:
    own, handled = declare(vhost, f"{PREFIX}5.normal")[0], Handled()
    async with consuming_from(vhost, lambda: [own, "facts.router.normal"], handled) as consumer:
        await until(lambda: own in consumer._consumed)
        await put(vhost, own, b"own")
        await until(lambda: handled.bodies() == [b"own"])


async def test_after_a_lost_connection_everything_is_consumed_again(vhost: VirtualHost) -> None:
    queues = declare(vhost, *(f"{PREFIX}{number}.normal" for number in range(10, 40)))
    handled = Handled()
    async with consuming_from(vhost, lambda: queues, handled) as consumer:
        await ready(consumer)
        await vhost.end_sessions("intake")
        await until(lambda: len(consumer._consumed) < len(queues))
        await ready(consumer)
        for queue in queues:
            await put(vhost, queue, queue.encode())
        await until(lambda: set(handled.bodies()) >= {queue.encode() for queue in queues})


async def test_no_more_is_handled_at_once_than_there_are_slots_and_in_the_order_of_arrival(vhost: VirtualHost) -> None:
    """A long queue has no advantage: one message of each queue is begun before the third of any."""
    long, *short = declare(vhost, *(f"{PREFIX}{number}.normal" for number in range(40, 50)))
    await put(vhost, long, *(b"long" for _ in range(50)))
    for queue in short:
        await put(vhost, queue, queue.encode())
    handled = Handled()
    handled.gate.clear()
    async with consuming_from(vhost, lambda: [long, *short], handled, slots=3) as consumer:
        await ready(consumer)
        await until(lambda: len(handled.messages) == 3)
        await until(lambda: len(consumer._running) == 2 + len(short))  # all that the broker sends ahead
        handled.gate.set()
        await until(lambda: len(handled.messages) == 59)
    assert handled.most_at_once == 3
    begun = handled.bodies()
    assert max(begun.index(queue.encode()) for queue in short) <= 15, begun[:20]


async def test_bodies_beyond_the_limit_are_left_to_the_broker(vhost: VirtualHost) -> None:
    queues = declare(vhost, *(f"{PREFIX}{number}.normal" for number in range(60, 80)))
    for queue in queues:
        await put(vhost, queue, bytes(200_000))
    handled = Handled()
    handled.gate.clear()
    async with consuming_from(vhost, lambda: queues, handled, slots=1, max_bytes=500_000) as consumer:
        await until(lambda: consumer._held_bytes > 500_000)
        await asyncio.sleep(0.5)
        assert consumer._held_bytes <= 500_000 + 2 * 200_000
        handled.gate.set()
        await until(lambda: len(handled.messages) == 20)
        await until(lambda: consumer._held_bytes <= 200_000)  # the one before may not be settled yet


async def test_the_broker_is_told_what_was_decided(vhost: VirtualHost) -> None:
    (queue,) = declare(vhost, f"{PREFIX}90.normal", x_delivery_limit=3, x_dead_letter_exchange="trunk.dead.intake")
    dispositions = {
        b"ack": Settlement(Disposition.ACK, "acked"),
        b"return": Settlement(Disposition.RETURN, "retried"),
        b"count": Settlement(Disposition.COUNT, "redelivered"),
        b"dead": Settlement(Disposition.DEAD, "parked"),
    }
    handled = Handled(lambda message: dispositions[message.body])
    async with consuming_from(vhost, lambda: [queue], handled, slots=8, prefetch=8):
        await put(vhost, queue, *dispositions)
        await until(lambda: Counter(handled.bodies())[b"return"] >= 8)
        await until(lambda: vhost.depth("trunk.dead.intake") == 2)
    seen = Counter(handled.bodies())
    assert (seen[b"ack"], seen[b"dead"], seen[b"count"]) == (1, 1, 4)
    returned = [message for message in handled.messages if message.body == b"return"]
    assert {message.failures for message in returned} == {0}, "a returned message is not counted"


async def test_stopping_finishes_what_has_begun_and_gives_back_the_rest(vhost: VirtualHost) -> None:
    (queue,) = declare(vhost, f"{PREFIX}91.normal")
    await put(vhost, queue, *(b"%d" % number for number in range(8)))
    handled = Handled()
    handled.gate.clear()
    async with consuming_from(vhost, lambda: [queue], handled, slots=2, prefetch=8) as consumer:
        await until(lambda: len(handled.messages) == 2)
        stopping = asyncio.create_task(consumer.stop(10))
        await asyncio.sleep(0.05)
        handled.gate.set()
        await stopping
        await until(lambda: vhost.depth(queue) == 6)
    assert len(handled.messages) == 2
    again = Handled()
    async with consuming_from(vhost, lambda: [queue], again, slots=8, prefetch=8):
        await until(lambda: len(again.messages) == 6)
    assert {message.failures for message in again.messages} == {0}, "a restart burns no attempt"


async def test_while_paused_nothing_is_begun_and_nothing_counts(vhost: VirtualHost) -> None:
    (queue,) = declare(vhost, f"{PREFIX}92.normal")
    handled = Handled()
    async with consuming_from(vhost, lambda: [queue], handled) as consumer:
        await ready(consumer)
        consumer.pause(is_paused=True)
        await until(lambda: not consumer._consumed)
        await put(vhost, queue, b"waits")
        await consumer.check()
        assert handled.messages == []
        consumer.pause(is_paused=False)
        await until(lambda: handled.bodies() == [b"waits"])
    assert handled.messages[0].failures == 0


@pytest.mark.parametrize(
    "odd",
    [
        Basic.Properties(headers={"deep": None}),
        Basic.Properties(message_type="x" * 255, headers={"n": 2**62, "f": 1.5, "t": [1, [2, [3]]]}),
    ],
    ids=["plain", "odd"],
)
async def test_odd_properties_arrive(vhost: VirtualHost, odd: Basic.Properties) -> None:
    (queue,) = declare(vhost, f"{PREFIX}93.normal")
    handled = Handled()
    async with consuming_from(vhost, lambda: [queue], handled), vhost.channel() as channel:
        await channel.basic_publish(b"odd", routing_key=queue, properties=odd)
        await until(lambda: handled.bodies() == [b"odd"])


class Outside(BaseException):
    """No subclass of Exception."""


@pytest.mark.parametrize("error", [KeyError("x"), Outside("panicked"), StopIteration()], ids=repr)
async def test_a_message_whose_processing_raises_holds_no_slot(vhost: VirtualHost, error: BaseException) -> None:
    """It is counted by the broker and comes again; others are handled meanwhile."""
    (queue,) = declare(vhost, f"{PREFIX}1.normal")
    failing = [True]
    seen: list[bytes] = []

    async def process(message: Incoming) -> Settlement:
        if message.body == b"odd" and failing[0]:
            raise error
        seen.append(message.body)
        return ACKED

    async with consuming_from(vhost, lambda: [queue], process, slots=1, prefetch=1) as consumer:
        await ready(consumer)
        await put(vhost, queue, b"odd", b"even")
        await until(lambda: b"even" in seen)
        failing[0] = False
        await until(lambda: b"odd" in seen)


class OneQueueWaits:
    """A line in which the messages of one queue wait until they are let in."""

    def __init__(self, queue: str) -> None:
        self._queue = queue
        self.go = asyncio.Event()
        self.waiting = 0

    @asynccontextmanager
    async def turn(self, queue: str) -> AsyncIterator[None]:
        if queue == self._queue:
            self.waiting += 1
            await self.go.wait()
        yield

    def dismiss(self) -> None:
        self.go.set()


async def test_who_waits_for_a_turn_takes_no_slot(vhost: VirtualHost) -> None:
    busy, other = declare(vhost, f"{PREFIX}94.normal", f"{PREFIX}95.normal")
    handled, line = Handled(), OneQueueWaits(busy)
    async with consuming_from(vhost, lambda: [busy, other], handled, slots=1, line=line):
        await put(vhost, busy, b"waits", b"waits, too", b"is not sent ahead")
        await until(lambda: line.waiting == 2)
        await put(vhost, other, b"1", b"2", b"3")
        await until(lambda: handled.bodies() == [b"1", b"2", b"3"])
        line.go.set()
        await until(lambda: len(handled.messages) == 6)


@pytest.mark.parametrize("ends", ["pause", "stop"])
async def test_who_waits_for_a_turn_is_given_back(vhost: VirtualHost, ends: str) -> None:
    (queue,) = declare(vhost, f"{PREFIX}96.{ends}.normal")
    handled, line = Handled(), OneQueueWaits(queue)
    await put(vhost, queue, b"1", b"2", b"3")
    async with consuming_from(vhost, lambda: [queue], handled, line=line) as consumer:
        await until(lambda: line.waiting == 2)
        if ends == "stop":
            await consumer.stop(5)
        else:
            consumer.pause(is_paused=True)
        await until(lambda: vhost.depth(queue) == 3 and not consumer._running)
    assert handled.messages == []


async def test_who_waits_when_the_connection_is_lost_is_let_go_and_handled_once(vhost: VirtualHost) -> None:
    """It comes again by the next connection. The one that waited has nothing to settle any more, and holds no bytes."""
    (queue,) = declare(vhost, f"{PREFIX}97.normal")
    handled, line = Handled(), OneQueueWaits(queue)
    await put(vhost, queue, b"1", b"2")
    async with consuming_from(vhost, lambda: [queue], handled, slots=4, line=line):
        await until(lambda: line.waiting == 2)
        await vhost.end_sessions("intake")
        await until(lambda: len(handled.messages) >= 2)
    assert sorted(handled.bodies()) == [b"1", b"2"]
