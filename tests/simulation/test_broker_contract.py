"""The model of the broker against RabbitMQ, both through a client of the shape of ``aiormq``: the same scenarios."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import aiormq
import pytest
from pamqp.commands import Basic

from common import topology
from common.service.listener import FROM_NOW_ON
from common.topology import Binding, Exchange, Queue, Topology
from tests.common.conftest import UNITS, VirtualHost, for_tests, vhost  # noqa: F401 - a fixture
from tests.simulation.broker import Broker
from tests.simulation.broker_client import Network
from tests.simulation.loop import VirtualLoop

FACT, TAKEN_BY = "delivery.placed.normal", "facts.notifier.normal"
EXTRA = Topology(
    exchanges=(Exchange("extra", "topic"), Exchange("extra.dead", "fanout")),
    queues=(
        Queue("extra.roomy", {"x-queue-type": "quorum"}),
        Queue("extra.full", {"x-queue-type": "quorum", "x-max-length": 1, "x-overflow": "reject-publish"}),
        Queue("extra.last", {"x-queue-type": "quorum", "x-max-length": 1, "x-overflow": "drop-head"}),
        Queue(
            "extra.limited",
            {
                "x-queue-type": "quorum",
                "x-delivery-limit": 3,
                "x-overflow": "reject-publish",
                "x-dead-letter-exchange": "extra.dead",
                "x-dead-letter-strategy": "at-least-once",
            },
        ),
        Queue("extra.dead", {"x-queue-type": "quorum"}),
    ),
    bindings=(
        Binding("extra", "extra.roomy", "both.#"),
        Binding("extra", "extra.full", "both.#"),
        Binding("extra", "extra.last", "last"),
        Binding("extra", "extra.limited", "limited.*"),
        Binding("extra.dead", "extra.dead", ""),
    ),
)
SETTLED_SECONDS = 0.3
"""By then the real broker has done what it is going to do; only in asking whether nothing more comes."""


@dataclass
class Side:
    """The model, or the real broker."""

    connect: Callable[[str], Awaitable[Any]]
    admin: str
    connections: list[Any] = field(default_factory=list)

    async def channel(self, user: str, *, confirms: bool = True) -> Any:
        """A channel of a connection of its own."""
        connection = await self.connect(user)
        self.connections.append(connection)
        return await connection.channel(publisher_confirms=confirms, on_return_raises=confirms)

    async def publish(self, channel: Any, key: str, body: bytes = b"{}", exchange: str = "extra", **given: Any) -> str:
        """What comes of it: ``ok`` or the name of the error."""
        properties = Basic.Properties(message_id=body.decode()[:9], delivery_mode=2, **given)
        return await outcome(
            channel.basic_publish(body, exchange=exchange, routing_key=key, properties=properties, mandatory=True)
        )

    async def reader(self, user: str, queue: str, prefetch: int = 10, **given: Any) -> "Reader":
        """Consumes a queue."""
        channel = await self.channel(user, confirms=False)
        reader = Reader(channel)
        await channel.basic_qos(prefetch_count=prefetch)
        await channel.basic_consume(queue, reader.take, consumer_tag="reader", **given)
        return reader


class Reader:
    """What a consumer gets."""

    def __init__(self, channel: Any) -> None:
        self.channel = channel
        self.taken: asyncio.Queue[Any] = asyncio.Queue()

    async def take(self, delivered: Any) -> None:
        self.taken.put_nowait(delivered)

    async def next(self) -> Any:
        async with asyncio.timeout(15):
            return await self.taken.get()

    async def next_with(self, body: bytes) -> Any:
        """The next with this body; what another scenario has left may come before it."""
        while (delivered := await self.next()).body != body:
            pass
        return delivered

    async def waiting(self) -> int:
        """How many more have come after a moment."""
        await asyncio.sleep(SETTLED_SECONDS)
        return self.taken.qsize()


async def outcome(request: Awaitable[Any]) -> str:
    try:
        async with asyncio.timeout(15):
            await request
    except Exception as error:
        return type(error).__name__
    return "ok"


def shown(delivered: Any) -> tuple[Any, ...]:
    """All that handlers believe of a delivery."""
    properties = delivered.header.properties
    headers = properties.headers or {}
    deaths = [(d["queue"], d["reason"], d["exchange"], d["routing-keys"]) for d in headers.get("x-death", ())]
    count = int(headers.get("x-delivery-count", 0)) if delivered.redelivered else 0
    return (
        delivered.body,
        delivered.exchange,
        delivered.routing_key,
        delivered.redelivered,
        count,
        properties.user_id,
        deaths,
    )


async def answers_to_publishes(side: Side) -> Any:
    tries = (
        ("router", topology.FACTS, FACT, {"user_id": "router"}),
        ("router", topology.FACTS, "document.verified.normal", {"user_id": "router"}),
        ("router", topology.FACTS, FACT, {"user_id": "intake"}),
        ("router", topology.INBOX, "nobody", {}),
        ("router", topology.INBOX, UNITS[0].code, {}),
        ("router", "no.such", "x", {}),
        (UNITS[0].user, topology.SUBMIT, f"submit.{UNITS[0].code}.urgent", {"user_id": UNITS[0].user}),
        (UNITS[0].user, topology.SUBMIT, f"submit.{UNITS[1].code}", {"user_id": UNITS[0].user}),
        (UNITS[0].user, topology.INBOX, UNITS[1].code, {}),
    )
    return [
        await side.publish(await side.channel(user), key, b"1", exchange, **given)
        for user, exchange, key, given in tries
    ]


async def a_refusal_fails_the_neighbours(side: Side) -> Any:
    channel = await side.channel("router")
    outcomes = await asyncio.gather(
        side.publish(channel, "document.verified.normal", b"bad", topology.FACTS),
        side.publish(channel, "document.verified.normal", b"bad", topology.FACTS),
    )
    return outcomes, channel.is_closed, await side.publish(channel, FACT, b"later", topology.FACTS)


async def one_full_queue_of_two(side: Side) -> Any:
    channel = await side.channel(side.admin)
    outcomes = {await side.publish(channel, "both.x", b"%d" % number) for number in range(8)}
    roomy, full = await side.reader(side.admin, "extra.roomy", 20), await side.reader(side.admin, "extra.full", 20)
    return outcomes, [(await roomy.next()).body for _ in range(8)], await full.waiting() < 5


async def the_oldest_gives_way(side: Side) -> Any:
    channel = await side.channel(side.admin)
    outcomes = [await side.publish(channel, "last", b"%d" % number) for number in range(4)]
    reader = await side.reader(side.admin, "extra.last")
    return outcomes, (await reader.next()).body, await reader.waiting()


async def order_and_prefetch(side: Side) -> Any:
    channel = await side.channel("router")
    for number in range(5):
        await side.publish(channel, FACT, b"%d" % number, topology.FACTS, user_id="router")
    reader = await side.reader("notifier", TAKEN_BY, prefetch=2)
    first = [await reader.next(), await reader.next()]
    more = await reader.waiting()
    await reader.channel.basic_ack(first[0].delivery_tag)
    third = await reader.next()
    return [shown(each) for each in (*first, third)], more, await reader.waiting()


async def rejects_count_and_returns_do_not(side: Side) -> Any:
    channel = await side.channel("router")
    await side.publish(channel, FACT, b"again", topology.FACTS, user_id="router")
    reader = await side.reader("notifier", TAKEN_BY)
    deliveries = []
    for settle in ("nack", "reject", "nack", "reject"):
        delivered = await reader.next()
        deliveries.append(shown(delivered))
        if settle == "nack":
            await reader.channel.basic_nack(delivered.delivery_tag, requeue=True)
        else:
            await reader.channel.basic_reject(delivered.delivery_tag, requeue=True)
    last = await reader.next()
    await reader.channel.basic_ack(last.delivery_tag)
    return deliveries, shown(last), await reader.waiting()


async def dead_letters(side: Side) -> Any:
    channel = await side.channel(side.admin)
    await side.publish(channel, "limited.a", b"limit", user_id=side.admin)
    reader = await side.reader(side.admin, "extra.limited")
    deliveries = 0
    dead = await side.reader(side.admin, "extra.dead")
    while dead.taken.empty():
        with suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                delivered = await reader.taken.get()
                deliveries += 1
                await reader.channel.basic_reject(delivered.delivery_tag, requeue=True)
    first = await dead.next()
    await side.publish(channel, "limited.b", b"gone", user_id=side.admin)
    await reader.channel.basic_reject((await reader.next()).delivery_tag, requeue=False)
    second = await dead.next()
    users = [each.header.properties.user_id == side.admin for each in (first, second)]
    return (
        deliveries,
        [(each.body, shown(each)[6], each.redelivered, shown(each)[4]) for each in (first, second)],
        users,
    )


async def a_dead_letter_comes_again_as_it_was(side: Side) -> Any:
    """By when it died it is told from others with the same body, whatever became of its reader."""
    await side.publish(await side.channel(side.admin), "limited.a", b"again", user_id=side.admin)
    reader = await side.reader(side.admin, "extra.limited")
    await reader.channel.basic_reject((await reader.next_with(b"again")).delivery_tag, requeue=False)
    first = await (await side.reader(side.admin, "extra.dead")).next_with(b"again")
    await side.connections[-1].close()
    again = await (await side.reader(side.admin, "extra.dead")).next_with(b"again")
    deaths = [each.header.properties.headers["x-death"] for each in (first, again)]
    return shown(first)[6], deaths[0] == deaths[1], isinstance(deaths[0][0]["time"], datetime), again.redelivered


async def a_lost_session_counts(side: Side) -> Any:
    channel = await side.channel("router")
    await side.publish(channel, FACT, b"lost", topology.FACTS, user_id="router")
    reader = await side.reader("notifier", TAKEN_BY)
    first = await reader.next()
    await side.connections[-1].close()
    again = await (await side.reader("notifier", TAKEN_BY)).next()
    return shown(first), shown(again)


async def who_may_look_and_read(side: Side) -> Any:
    looks = []
    for user, queue in (
        ("intake", TAKEN_BY),
        ("notifier", TAKEN_BY),
        ("notifier", "place.normal"),
        ("notifier", "none"),
    ):
        looks.append(await outcome((await side.channel(user, confirms=False)).queue_declare(queue, passive=True)))
    reads = []
    for user, queue in (("notifier", TAKEN_BY), ("intake", TAKEN_BY), ("notifier", "none")):
        channel = await side.channel(user, confirms=False)
        reads.append(await outcome(channel.basic_consume(queue, Reader(channel).take, consumer_tag="x")))
        reads.append(channel.is_closed)
    return looks, reads


async def a_cancelled_consumer_gets_nothing_more(side: Side) -> Any:
    reader = await side.reader("notifier", TAKEN_BY)
    await reader.channel.basic_cancel("reader")
    channel = await side.channel("router")
    await side.publish(channel, FACT, b"1", topology.FACTS, user_id="router")
    nothing = await reader.waiting()
    declared = await (await side.channel("notifier", confirms=False)).queue_declare(TAKEN_BY, passive=True)
    return nothing, declared.message_count


async def a_stream_is_heard_by_all_and_from_now_on(side: Side) -> Any:
    """Each reader has all of it from when it began, however much another one holds, and nothing comes again."""
    key, channel = "package.routed.normal", await side.channel("router")

    async def put(body: bytes) -> None:
        await side.publish(channel, key, body, topology.FACTS, user_id="router")

    await put(b"before")
    slow = await side.reader("intake", topology.PROGRESS, prefetch=1, arguments=FROM_NOW_ON)
    await put(b"1")
    quick = await side.reader("intake", topology.PROGRESS, arguments=FROM_NOW_ON)
    await put(b"2")
    shown_messages = [shown(await slow.next()), shown(await quick.next())]
    more = [await slow.waiting(), await quick.waiting()]
    await slow.channel.basic_ack(1)
    shown_messages.append(shown(await slow.next()))
    await side.connections[-1].close()
    late = await side.reader("intake", topology.PROGRESS, arguments=FROM_NOW_ON)
    nothing = await late.waiting()
    await put(b"3")
    shown_messages.append(shown(await late.next()))
    refused = await side.channel("router", confirms=False)
    return (
        *shown_messages,
        more,
        nothing,
        await outcome(refused.basic_consume(topology.PROGRESS, late.take, arguments=FROM_NOW_ON, consumer_tag="x")),
    )


async def a_closed_channel_takes_nothing(side: Side) -> Any:
    channel = await side.channel("router")
    await channel.close()
    return (
        await side.publish(channel, FACT, b"1", topology.FACTS),
        await outcome(channel.basic_ack(1)),
        channel.is_closed,
    )


SCENARIOS = (
    answers_to_publishes,
    a_refusal_fails_the_neighbours,
    one_full_queue_of_two,
    the_oldest_gives_way,
    order_and_prefetch,
    rejects_count_and_returns_do_not,
    dead_letters,
    a_dead_letter_comes_again_as_it_was,
    a_lost_session_counts,
    who_may_look_and_read,
    a_cancelled_consumer_gets_nothing_more,
    a_closed_channel_takes_nothing,
    a_stream_is_heard_by_all_and_from_now_on,
)
Scenario = Callable[[Side], Awaitable[Any]]


async def modelled(scenario: Scenario, loop: VirtualLoop) -> Any:
    """The scenario on the model."""
    broker = Broker(loop.call_later)
    whole = topology.static_topology()
    for unit in UNITS:
        whole += topology.unit_topology(unit)
    broker.apply(for_tests(whole) + EXTRA)
    broker._users["admin"] = topology.User("admin", write=".*", read=".*", configure=".*")
    network = Network(loop, broker, lambda: 0.0005)
    return await scenario(Side(lambda user: network.connect(f"amqp://{user}:x@broker/test"), "admin"))


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.__name__)
async def test_model_and_broker_do_the_same(scenario: Scenario, vhost: VirtualHost) -> None:  # noqa: F811
    loop = VirtualLoop()
    expected = await asyncio.to_thread(loop.run_until_complete, modelled(scenario, loop))
    vhost.admin.apply(EXTRA, {})
    for queue in (TAKEN_BY, *(each.name for each in EXTRA.queues)):
        vhost.admin.delete(f"/queues/{vhost.name}/{queue}/contents")

    async def connect(user: str) -> Any:
        return await aiormq.connect(vhost.url(None if user == vhost.admin_user else user))

    side = Side(connect, vhost.admin_user)
    try:
        assert await scenario(side) == expected
    finally:
        for connection in side.connections:
            await connection.close()
