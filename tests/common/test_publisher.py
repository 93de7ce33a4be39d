"""The publisher on a real RabbitMQ: what the broker answers, and what becomes of a publish that nobody answers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from common.service.outgoing import Forbidden, Outgoing, QueueFull, Unroutable
from common.service.publisher import AmqpPublisher
from common.topology import FACTS, INBOX, inbox_queue

from .conftest import Complaints, VirtualHost

OWN_FACT = "delivery.placed.normal"
TAKEN_BY = "facts.notifier.normal"
PATIENCE_SECONDS = 120.0


def message(
    event: str = "e1", exchange: str = FACTS, key: str = OWN_FACT, body: bytes = b"{}", **rest: Any
) -> Outgoing:
    return Outgoing(exchange=exchange, routing_key=key, body=body, event_id=event, type="test", **rest)


def event(number: int) -> Outgoing:
    return message(f"e{number}", headers={"x-event-id": f"e{number}"})


@asynccontextmanager
async def publisher(vhost: VirtualHost, user: str = "router") -> AsyncIterator[AmqpPublisher]:
    opened = AmqpPublisher(vhost.url(user), user)
    running = asyncio.create_task(opened.run())
    try:
        yield opened
    finally:
        await opened.close(0.1)
        running.cancel()
        await asyncio.wait({running})


async def taken(vhost: VirtualHost, queue: str) -> list[Any]:
    """Everything that waits in a queue, taken out."""
    messages = []
    async with vhost.channel() as channel:
        while (got := await channel.basic_get(queue, no_ack=True)).delivery.name == "Basic.GetOk":
            messages.append(got)
    return messages


@pytest.fixture(autouse=True)
async def empty(vhost: VirtualHost) -> None:
    async with vhost.channel() as channel:
        for queue in (TAKEN_BY, "facts.archive.normal", inbox_queue("A.01")):
            await channel.queue_purge(queue)


async def test_what_is_confirmed_bears_the_publisher_s_name(vhost: VirtualHost) -> None:
    async with publisher(vhost) as opened:
        await opened.publish(message(headers={"x-event-id": "e1"}))
    (got,) = await taken(vhost, TAKEN_BY)
    properties = got.header.properties
    assert (properties.user_id, properties.delivery_mode, properties.message_type) == ("router", 2, "test")
    assert properties.headers.keys() - {"traceparent"} == {"x-event-id"}
    assert properties.headers["x-event-id"] == "e1"


async def test_what_reaches_no_queue_is_unroutable(vhost: VirtualHost) -> None:
    async with publisher(vhost) as opened:
        with pytest.raises(Unroutable):
            await opened.publish(message(exchange=INBOX, key="Z.99"))


async def test_a_full_queue_refuses_and_its_neighbours_are_taken(vhost: VirtualHost) -> None:
    vhost.admin.put(
        f"/policies/{vhost.name}/full",
        {"pattern": r"^inbox\.A\.01$", "definition": {"max-length": 1}, "priority": 200, "apply-to": "queues"},
    )
    try:
        async with publisher(vhost) as opened:
            results: list[Any] = []
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not any(isinstance(result, QueueFull) for result in results):
                    number = len(results)
                    publishes = [
                        opened.publish(message(f"{number}-{unit}", INBOX, unit)) for unit in ("A.01", "B.02", "B.02")
                    ]
                    results += await asyncio.gather(*publishes, return_exceptions=True)
            assert all(result is None or isinstance(result, QueueFull) for result in results)
            await opened.publish(message("after", INBOX, "B.02"))
    finally:
        vhost.admin.delete(f"/policies/{vhost.name}/full")


@pytest.mark.parametrize(
    ("user", "exchange", "key"),
    [
        ("router", FACTS, "document.verified.normal"),
        ("notifier", FACTS, OWN_FACT),
        ("notifier", INBOX, "A.01"),
        ("router", "", "facts.archive.normal"),
        ("router", "no.such.exchange", "x"),
        ("router", "trunk.dead.router", ""),
    ],
)
async def test_what_a_service_may_not_publish_is_forbidden_and_fails_alone(
    vhost: VirtualHost, complaints: Complaints, user: str, exchange: str, key: str
) -> None:
    own = {"router": OWN_FACT, "notifier": "notification.sent.normal"}[user]
    async with publisher(vhost, user) as opened:
        bad = opened.publish(message("bad", exchange, key))
        good = [opened.publish(message(f"good-{number}", FACTS, own)) for number in range(10)]
        results = await asyncio.gather(bad, *good, return_exceptions=True)
    assert isinstance(results[0], Forbidden)
    assert results[1:] == [None] * 10, "a refused publish closes the channel; its neighbours are published again"
    assert complaints() == []


async def test_a_lost_connection_loses_nothing(vhost: VirtualHost, complaints: Complaints) -> None:
    async with publisher(vhost) as opened:
        await opened.publish(message("connected"))
        publishes = [asyncio.create_task(opened.publish(event(number))) for number in range(200)]
        await asyncio.sleep(0)
        assert opened._connection is not None
        await opened._connection.close(ConnectionError("cut"))
        await asyncio.gather(*publishes)
    assert {got.header.properties.headers.get("x-event-id") for got in await taken(vhost, TAKEN_BY)} >= {
        f"e{number}" for number in range(200)
    }
    assert complaints() == []


async def test_nothing_is_published_before_the_broker_is_there_and_everything_after(vhost: VirtualHost) -> None:
    opened = AmqpPublisher(vhost.url("router"), "router")
    waiting = asyncio.create_task(opened.publish(message()))
    with pytest.raises(ConnectionError):
        await opened.check()
    await asyncio.sleep(0.05)
    assert not waiting.done()
    running = asyncio.create_task(opened.run())
    await asyncio.wait_for(waiting, PATIENCE_SECONDS)
    await opened.check()
    running.cancel()
    await asyncio.wait({running})


async def test_who_stops_waiting_leaves_the_publish_on_its_way_and_the_next_joins_it(vhost: VirtualHost) -> None:
    """A handler that is redelivered publishes the same event again: there is one copy."""
    opened = AmqpPublisher(vhost.url("router"), "router")
    for _ in range(3):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(opened.publish(message("late")), 0.02)
    last = asyncio.create_task(opened.publish(message("late")))
    running = asyncio.create_task(opened.run())
    await asyncio.wait_for(last, PATIENCE_SECONDS)
    running.cancel()
    await asyncio.wait({running})
    assert len(await taken(vhost, TAKEN_BY)) == 1
