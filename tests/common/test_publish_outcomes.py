"""A refused publish after an attempt with an unknown outcome says that the message may have arrived."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiormq.abc import DeliveredMessage
from aiormq.exceptions import DeliveryError, PublishError
from pamqp.commands import Basic
from pamqp.header import ContentHeader

from common.service.outgoing import Outgoing, PublishRefused
from common.service.publisher import AmqpPublisher

from .conftest import OpenConnection

MESSAGE = Outgoing(exchange="trunk.inbox", routing_key="A.01", body=b"{}", event_id="e", type="test")
LOST = ConnectionResetError("the connection was lost")
FULL = DeliveryError(None, Basic.Nack())
RETURNED = DeliveredMessage(delivery=Basic.Return(), header=ContentHeader(), body=b"", channel=None)
MISSING = PublishError(RETURNED, Basic.Return())


class Publisher(AmqpPublisher):
    """Its channel is at hand without a broker, and each attempt ends as listed."""

    def __init__(self, *ends: Exception) -> None:
        super().__init__("amqp://nobody", "router")
        self.ends = list(ends)
        self.connection = OpenConnection()

    async def basic_publish(self, body: bytes, **_: Any) -> Basic.Ack:
        if self.ends:
            raise self.ends.pop(0)
        return Basic.Ack()

    @asynccontextmanager
    async def _channel(self, exchange: str, *, alone: bool) -> AsyncIterator[Any]:
        yield self


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("common.service.publisher.RECONNECT_SECONDS", 0.0)


@pytest.mark.parametrize(
    ("ends", "may_have_arrived"),
    [((FULL,), False), ((MISSING,), False), ((LOST, FULL), True), ((LOST, MISSING), True), ((LOST, LOST, FULL), True)],
)
async def test_a_refusal_says_whether_an_earlier_attempt_may_have_arrived(
    ends: tuple[Exception, ...], may_have_arrived: bool
) -> None:
    with pytest.raises(PublishRefused) as refusal:
        await Publisher(*ends).publish(MESSAGE)
    assert refusal.value.may_have_arrived is may_have_arrived


async def test_each_publish_is_judged_by_itself() -> None:
    publisher = Publisher(LOST)
    await publisher.publish(MESSAGE)
    publisher.ends = [FULL]
    with pytest.raises(PublishRefused) as refusal:
        await publisher.publish(MESSAGE)
    assert not refusal.value.may_have_arrived
