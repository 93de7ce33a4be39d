"""What waits on a connection of the client library ends when the connection is lost, wherever the library leaves it.

The connections and channels are the library's own, without a broker: their frames go nowhere.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from aiormq.abc import DeliveredMessage
from aiormq.channel import Channel
from aiormq.connection import Connection
from aiormq.exceptions import AMQPConnectionError
from pamqp.commands import Basic
from pamqp.header import ContentHeader

from common.service import publisher as publishing
from common.service.consumer import Consumer
from common.service.outgoing import Outgoing
from common.service.publisher import AmqpPublisher
from common.service.settle import ACKED

from .conftest import OpenConnection

LOST = AMQPConnectionError("lost")
TURNS = 200
"""Turns of the event loop after which what has not ended never will: nothing here takes time."""


class Working(OpenConnection):
    """A connection that takes everything."""

    def __init__(self) -> None:
        self.published: list[str] = []

    @property
    def connection(self) -> "Working":
        return self

    async def ready(self) -> None:
        """At once."""

    async def channel(self, **_: Any) -> Any:
        return self

    async def basic_publish(self, body: bytes, *, routing_key: str, **_: Any) -> None:
        self.published.append(routing_key)


def opened() -> Connection:
    """A connection of the library after its handshake; nobody takes what it writes."""
    connection = Connection("amqp://nobody.invalid")
    connection.connected.set()
    connection.connection_tune = SimpleNamespace(frame_max=131_072, heartbeat=60)  # type: ignore[assignment]
    connection.server_properties = {"capabilities": {"basic.nack": True, "publisher_confirms": True}}
    connection._reader_task = connection._writer_task = asyncio.create_task(asyncio.sleep(3600))  # type: ignore[assignment]
    return connection


def unblocked(connection: Connection) -> Connection:
    """It takes publishes. The name is private to the class."""
    connection._Connection__connection_unblocked.set()  # type: ignore[attr-defined]
    return connection


def full(connection: Connection) -> Connection:
    """Its writer waits for the socket, and as many frames as may wait do."""
    while not connection.write_queue.full():
        connection.write_queue.put_nowait(None)
    return connection


def channel_of(connection: Connection, *, publisher_confirms: bool) -> Channel:
    channel = Channel(connection, 1, publisher_confirms=publisher_confirms)
    connection.channels[1] = channel
    return channel


async def turns(holds: Callable[[], bool]) -> bool:
    for _ in range(TURNS):
        if holds():
            return True
        await asyncio.sleep(0)
    return holds()


def message(event: str = "e") -> Outgoing:
    return Outgoing(exchange="trunk.facts", routing_key=event, body=b"{}", event_id=event, type="test")


@asynccontextmanager
async def publisher_on(monkeypatch: pytest.MonkeyPatch, *connections: Any) -> AsyncIterator[AmqpPublisher]:
    """A publisher that gets these connections, one after the other."""
    waiting = list(connections)

    @asynccontextmanager
    async def connected(*_: Any) -> AsyncIterator[Any]:
        yield waiting.pop(0)

    monkeypatch.setattr(publishing, "connected", connected)
    monkeypatch.setattr(publishing, "RECONNECT_SECONDS", 0.0)
    publisher = AmqpPublisher("amqp://nobody", "router")
    running = asyncio.create_task(publisher.run())
    try:
        yield publisher
    finally:
        running.cancel()
        await publisher.close(within_seconds=0.0)
        await asyncio.wait({running})


def blocked() -> Connection:
    """In an alarm of the broker: ``ready()`` waits."""
    return opened()


def stalled() -> Connection:
    """The broker has stopped reading, and the connection's own queue is full."""
    connection = full(unblocked(opened()))
    channel = channel_of(connection, publisher_confirms=True)

    async def open_channel(**_: Any) -> Channel:
        return channel

    connection.channel = open_channel  # type: ignore[method-assign]
    return connection


@pytest.mark.parametrize("first", [blocked, stalled])
async def test_a_publish_that_waits_on_a_lost_connection_goes_out_by_the_next_one(
    monkeypatch: pytest.MonkeyPatch, first: Callable[[], Connection]
) -> None:
    lost, next_one = first(), Working()
    async with publisher_on(monkeypatch, lost, next_one) as publisher:
        held = [asyncio.create_task(publisher.publish(message(event))) for event in ("a", "b", "c")]
        assert not await turns(lambda: any(task.done() for task in held))
        await lost.close(LOST)
        assert await turns(lambda: all(task.done() for task in held)), "they wait for ever"
        assert sorted(next_one.published) == ["a", "b", "c"]
        assert not publisher._pending
        await publisher.publish(message("a"))


async def test_a_settlement_that_waits_on_a_lost_connection_holds_no_bytes() -> None:
    """Otherwise the bytes of each lost message add up, until the consumer reads no more."""
    connection = full(unblocked(opened()))
    channel = channel_of(connection, publisher_confirms=False)

    async def process(_: Any) -> Any:
        return ACKED

    consumer = Consumer("amqp://nobody", "test", tuple, process, slots=1, prefetch=1)
    header = ContentHeader(properties=Basic.Properties())
    deliver = Basic.Deliver(consumer_tag="q", delivery_tag=1, exchange="x", routing_key="k")
    delivered = DeliveredMessage(delivery=deliver, header=header, body=b"body", channel=channel)
    await consumer._accept(channel, "q", delivered)
    assert not await turns(lambda: not consumer._running)
    await connection.close(LOST)
    assert await turns(lambda: not consumer._running), "it waits for ever"
    assert consumer._held_bytes == 0
