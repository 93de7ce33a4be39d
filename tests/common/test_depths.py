"""Depths of queues: an unknown depth is never taken for zero."""

import asyncio
from collections.abc import Callable, Coroutine
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest
from pamqp.commands import Basic

from common.failure import Outage
from common.service import depths as module
from common.service.depths import QueueDepths
from devstack.ports import LOOPBACK

from .conftest import VirtualHost

HOUR_MS = 3_600_000
QUEUES = ("facts.archive.normal", "place.urgent")


async def test_intake_may_ask_for_the_depths_behind_it(vhost: VirtualHost) -> None:
    asking = QueueDepths(vhost.url("intake"), "test")
    assert await asking.ask(QUEUES) == dict.fromkeys(QUEUES, 0)
    async with vhost.channel() as channel:
        for _ in range(3):
            await channel.basic_publish(b"x", routing_key=QUEUES[0], properties=Basic.Properties(delivery_mode=2))
    assert (await asking.ask(QUEUES))[QUEUES[0]] == 3
    await asking.close()
    assert (await asking.ask(QUEUES))[QUEUES[0]] == 3, "a closed connection is opened again"
    await asking.close()


async def test_what_waits_for_its_next_attempt_is_not_counted(vhost: VirtualHost) -> None:
    """So documents that wait for a revocation list keep neither the door closed nor lost packages from coming again."""
    delays = {"delayed-retry-type": "all", "delayed-retry-min": HOUR_MS, "delayed-retry-max": HOUR_MS}
    vhost.admin.put(f"/policies/{quote(vhost.name)}/slow", {"pattern": "^slow$", "definition": delays, "priority": 9})
    asking = QueueDepths(vhost.url(), "test")
    async with vhost.channel() as channel:
        await channel.queue_declare("slow", durable=True, arguments={"x-queue-type": "quorum"})
        for _ in range(3):
            await channel.basic_publish(b"x", routing_key="slow", properties=Basic.Properties(delivery_mode=2))
        for message in [await channel.basic_get("slow") for _ in range(3)]:
            await channel.basic_nack(message.delivery_tag or 0, requeue=True)
        assert isinstance((await channel.basic_get("slow")).delivery, Basic.GetEmpty), "all three wait"
        assert await asking.ask(["slow"]) == {"slow": 0}
        await channel.basic_publish(b"x", routing_key="slow", properties=Basic.Properties(delivery_mode=2))
        assert await asking.ask(["slow"]) == {"slow": 1}
        await channel.queue_delete("slow")
    await asking.close()


@pytest.mark.parametrize("queue", ["no.such.queue", "inbox.A.01"])
async def test_what_cannot_be_told_is_an_outage_and_the_next_question_is_answered(
    vhost: VirtualHost, queue: str
) -> None:
    asking = QueueDepths(vhost.url("intake"), "test")
    with pytest.raises(Outage):
        await asking.ask([QUEUES[1], queue])
    assert await asking.ask([QUEUES[1]]) == {QUEUES[1]: 0}
    await asking.close()


async def test_no_broker_is_an_outage() -> None:
    with pytest.raises(Outage):
        await QueueDepths(f"amqp://x:y@{LOOPBACK}:1/trunk", "test").ask(QUEUES)


async def test_the_router_asks_for_inboxes_and_leaves_out_what_does_not_exist(vhost: VirtualHost) -> None:
    asking = QueueDepths(vhost.url("router"), "test")
    queues = ["inbox.no.such.unit", "trunk.mark", "inbox.neither"]
    assert await asking.ask_existing(queues) == {"trunk.mark": 0}
    await asking.close()


async def test_no_broker_is_an_outage_for_existing_queues_too() -> None:
    with pytest.raises(Outage):
        await QueueDepths(f"amqp://x:y@{LOOPBACK}:1/trunk", "test").ask_existing(QUEUES)


async def silent(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
    """Takes the connection and says nothing."""
    await asyncio.Event().wait()


async def closing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Hangs up at once."""
    writer.close()


async def of_a_proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers as a gateway whose broker is gone."""
    await reader.read(8)
    writer.write(b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n")
    await writer.drain()
    writer.close()


@pytest.mark.parametrize("answer", [silent, closing, of_a_proxy])
async def test_an_answer_that_is_none_is_an_outage_and_no_zero(
    answer: Callable[..., Coroutine[Any, Any, None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CONNECT_TIMEOUT_SECONDS", 0.3)
    monkeypatch.setattr(module, "ANSWER_SECONDS", 0.2)
    server = await asyncio.start_server(answer, LOOPBACK, 0)
    port = server.sockets[0].getsockname()[1]
    for ask in (QueueDepths.ask, QueueDepths.ask_existing):
        asking = QueueDepths(f"amqp://x:y@{LOOPBACK}:{port}/trunk", "test")
        with pytest.raises(Outage):
            await ask(asking, QUEUES)
    server.close()


class Channel:
    """A broker that knows the queue and leaves its count out."""

    is_closed = False

    async def channel(self, **_: Any) -> "Channel":
        return self

    async def queue_declare(self, queue: str, **_: Any) -> SimpleNamespace:
        return SimpleNamespace(queue=queue, message_count=None)

    async def close(self) -> None:
        """Nothing is open."""


async def test_a_count_that_is_left_out_is_an_outage_and_no_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    async def connect(*_: Any, **__: Any) -> Channel:
        return Channel()

    monkeypatch.setattr(module.aiormq, "connect", connect)
    with pytest.raises(Outage):
        await QueueDepths("amqp://nowhere", "test").ask(QUEUES)
    with pytest.raises(Outage):
        await QueueDepths("amqp://nowhere", "test").ask_existing(QUEUES)
