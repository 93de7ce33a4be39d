"""A publish whose caller was cancelled leaves no exception that is never retrieved."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiormq.exceptions import ChannelAccessRefused
from pamqp.commands import Basic

from common.service.outgoing import Forbidden, Outgoing
from common.service.publisher import AmqpPublisher

from .conftest import Complaints, OpenConnection


class RefusingChannel:
    """Refuses every publish once it is let go."""

    def __init__(self) -> None:
        self.connection = OpenConnection()
        self.let_go = asyncio.Event()
        self.publishes = 0

    async def basic_publish(self, body: bytes, **_: Any) -> Basic.Ack:
        self.publishes += 1
        await self.let_go.wait()
        raise ChannelAccessRefused("ACCESS_REFUSED")


class Publisher(AmqpPublisher):
    """Its channel is at hand without a broker."""

    def __init__(self, channel: RefusingChannel) -> None:
        super().__init__("amqp://nobody", "router")
        self.channel: Any = channel

    @asynccontextmanager
    async def _channel(self, exchange: str, *, alone: bool) -> AsyncIterator[Any]:
        yield self.channel


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("common.service.publisher.RECONNECT_SECONDS", 0.0)


MESSAGE = Outgoing(exchange="trunk.facts", routing_key="k", body=b"{}", event_id="e", type="test")


async def until_over(publisher: AmqpPublisher) -> None:
    while publisher._pending:
        await asyncio.sleep(0)


async def test_a_refusal_after_the_caller_has_gone_is_nobody_s_lost_exception(complaints: Complaints) -> None:
    channel = RefusingChannel()
    publisher = Publisher(channel)
    caller = asyncio.create_task(publisher.publish(MESSAGE))
    while not channel.publishes:
        await asyncio.sleep(0)
    caller.cancel()
    await asyncio.wait({caller})
    del caller  # it holds on to what it waited for
    channel.let_go.set()
    await until_over(publisher)
    assert complaints() == []


async def test_a_caller_that_waits_is_told_of_the_refusal(complaints: Complaints) -> None:
    channel = RefusingChannel()
    channel.let_go.set()
    publisher = Publisher(channel)
    with pytest.raises(Forbidden):
        await publisher.publish(MESSAGE)
    await until_over(publisher)
    assert complaints() == []
