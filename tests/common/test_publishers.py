"""Publishes that nobody waits for: how much of them is kept, and which of two connections has them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from common.service import pending
from common.service import publisher as publishing
from common.service.outgoing import Outgoing
from common.service.publisher import AmqpPublisher
from common.service.publishers import MOST_UNANSWERED, Publishers

from .conftest import OpenConnection


class Broker(OpenConnection):
    """Answers no publish until it is let go."""

    def __init__(self) -> None:
        self.let_go = asyncio.Event()
        self.names: list[str] = []
        self.published: list[tuple[str, str]] = []

    @asynccontextmanager
    async def connected(self, _: str, name: str) -> AsyncIterator[Any]:
        self.names.append(name)
        yield Session(self, name)


class Session(OpenConnection):
    """One connection with its channel."""

    def __init__(self, broker: Broker, name: str) -> None:
        self._broker = broker
        self._name = name

    @property
    def connection(self) -> "Session":
        return self

    async def ready(self) -> None:
        """At once."""

    async def channel(self, **_: Any) -> Any:
        return self

    async def basic_publish(self, body: bytes, *, routing_key: str, **_: Any) -> None:
        self._broker.published.append((self._name, routing_key))
        await self._broker.let_go.wait()


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Broker:
    broker = Broker()
    monkeypatch.setattr(publishing, "connected", broker.connected)
    monkeypatch.setattr(publishing, "RECONNECT_SECONDS", 0.0)
    monkeypatch.setattr(pending, "ABANDONED_BYTES", 100)
    return broker


def message(event: str, size: int = 40, *, is_apart: bool = False, queue: str = "") -> Outgoing:
    about = {"is_apart": True} if is_apart else {}
    return Outgoing(
        exchange="trunk.inbox", routing_key=queue or event, body=bytes(size), event_id=event, type="document", **about
    )


async def turns() -> None:
    for _ in range(100):
        await asyncio.sleep(0)


async def abandon(publisher: Any, *messages: Outgoing) -> None:
    """Begin these publishes one after the other, and stop waiting for each."""
    for each in messages:
        caller = asyncio.create_task(publisher.publish(each))
        await turns()
        caller.cancel()
        await asyncio.wait({caller})
        await turns()


@asynccontextmanager
async def running(publisher: Any) -> AsyncIterator[None]:
    task = asyncio.create_task(publisher.run())
    try:
        yield
    finally:
        await publisher.close(within_seconds=0.0)
        task.cancel()
        await asyncio.wait({task})


async def test_the_oldest_of_what_nobody_waits_for_is_given_up(broker: Broker) -> None:
    publisher = AmqpPublisher("amqp://x", "router")
    async with running(publisher):
        waited_for = asyncio.create_task(publisher.publish(message("waited for", 1000)))
        await abandon(publisher, *(message(event) for event in "abcd"))
        assert [key[-1] for key in publisher._pending] == ["waited for", "c", "d"]
        joined = asyncio.create_task(publisher.publish(message("c")))
        await abandon(publisher, message("e"), message("f"))
        assert [key[-1] for key in publisher._pending] == ["waited for", "c", "e", "f"], "c is waited for again"
        broker.let_go.set()
        await asyncio.gather(waited_for, joined)
        await turns()
        assert not publisher._pending
        assert publisher.oldest_at == 0.0


async def test_what_was_given_up_may_be_published_again(broker: Broker) -> None:
    publisher = AmqpPublisher("amqp://x", "router")
    async with running(publisher):
        await abandon(publisher, message("large", 101))
        assert not publisher._pending
        again = asyncio.create_task(publisher.publish(message("large", 101)))
        await turns()
        broker.let_go.set()
        await again
    assert broker.published == [("router publishes", "large")] * 2


async def test_silent_queues_get_a_connection_of_their_own_when_it_is_needed(broker: Broker) -> None:
    publishers = Publishers("amqp://x", "router")
    async with running(publishers):
        await abandon(publishers, message("first"))
        assert broker.names == ["router publishes"]
        await abandon(publishers, message("first", is_apart=True))
        assert len(broker.published) == 1, "it is joined where it is"
        await abandon(publishers, message("second", is_apart=True), message("second"))
        assert broker.names == ["router publishes", "router publishes to silent queues"]
        assert broker.published[1:] == [("router publishes to silent queues", "second")]
        broker.let_go.set()
        await turns()
        await publishers.publish(message("second"))
        assert broker.published[2:] == [("router publishes", "second")]


async def test_a_queue_that_stays_silent_gets_few_messages_until_it_answers(broker: Broker) -> None:
    """RabbitMQ reads a channel no more that has 32 unanswered publishes to one queue, whichever messages they are."""

    def to_silent(event: object) -> Outgoing:
        return message(str(event), 1, is_apart=True, queue="silent")

    publishers = Publishers("amqp://x", "router")
    async with running(publishers):
        await abandon(publishers, *(to_silent(number) for number in range(MOST_UNANSWERED)))
        refused = asyncio.create_task(publishers.publish(to_silent("more")))
        await turns()
        assert refused.done()
        with pytest.raises(TimeoutError, match="has not answered earlier messages"):
            await refused
        await abandon(publishers, message("other", 1, is_apart=True))
        assert [queue for _, queue in broker.published] == ["silent"] * MOST_UNANSWERED + ["other"]
        joined = asyncio.create_task(publishers.publish(to_silent(0)))
        await turns()
        assert not joined.done()
        broker.let_go.set()
        await joined
        await publishers.publish(to_silent("more"))


async def test_no_publish_is_given_up_for_another_to_a_queue_that_is_silent(broker: Broker) -> None:
    def to_silent(event: str) -> Outgoing:
        return message(event, 40, is_apart=True, queue="silent")

    async def refused(event: str) -> None:
        with pytest.raises(TimeoutError):
            await publishers.publish(to_silent(event))

    publishers = Publishers("amqp://x", "router")
    async with running(publishers):
        await abandon(publishers, to_silent("a"), to_silent("b"))
        third = asyncio.create_task(refused("c"))
        await turns()
        assert third.done()
        await third
        await abandon(publishers, message("other", 40, is_apart=True))
        assert [key[-1] for key in publishers._apart._pending] == ["b", "other"], "a queue's first message goes"
        broker.let_go.set()
        await turns()
        await publishers.publish(to_silent("c"))
