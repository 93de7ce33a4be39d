"""Who may do what at the broker: services and units, tried on a real RabbitMQ with the topology applied."""

import aio_pika
import pytest
from aio_pika.exceptions import AMQPError
from aiormq.exceptions import ChannelAccessRefused, ChannelPreconditionFailed

from common import topology
from common.domain.names import Lane

from .conftest import VirtualHost


async def publish(vhost: VirtualHost, user: str, exchange: str, key: str, user_id: str | None = None) -> str:
    """``ok``, or the name of what the broker answered."""
    async with await aio_pika.connect(vhost.url(user)) as connection:
        channel = await connection.channel(on_return_raises=True)
        try:
            target = await channel.get_exchange(exchange, ensure=False) if exchange else channel.default_exchange
            await target.publish(aio_pika.Message(b"x", user_id=user_id), key, mandatory=True, timeout=5)
        except AMQPError as error:
            return type(error).__name__
    return "ok"


async def read(vhost: VirtualHost, user: str, queue: str) -> str:
    async with await aio_pika.connect(vhost.url(user)) as connection:
        channel = await connection.channel()
        try:
            found = await channel.get_queue(queue, ensure=False)
            await found.get(fail=False, no_ack=False, timeout=5)
        except AMQPError as error:
            return type(error).__name__
    return "ok"


UNIT_PUBLISHES = [
    ("A.01", topology.SUBMIT, "submit.A.01", "A.01", "ok"),
    ("A.01", topology.SUBMIT, "submit.A.01.urgent", "A.01", "ok"),
    ("A.01", topology.SUBMIT, "submit.B.02", "A.01", "ChannelAccessRefused"),
    ("A.01", topology.SUBMIT, "submit.A.01.other", "A.01", "ChannelAccessRefused"),
    ("A.01", topology.SUBMIT, "submit.A.01", "B.02", "ChannelPreconditionFailed"),
    ("A.01", topology.FACTS, "document.verified.normal", "A.01", "ChannelAccessRefused"),
    ("A.01", topology.INBOX, "B.02", "A.01", "ChannelAccessRefused"),
    ("A.01", topology.PARK, "", "A.01", "ChannelAccessRefused"),
    ("A.01", "trunk.retry.10s", "trunk.router.normal", "A.01", "ChannelAccessRefused"),
    ("A.01", "", "inbox.B.02", "A.01", "ChannelAccessRefused"),
    ("validator", topology.INBOX, "A.01", "validator", "ChannelAccessRefused"),
    ("validator", topology.SUBMIT, "submit.A.01", "validator", "ChannelAccessRefused"),
    ("validator", topology.FACTS, "document.verified.normal", "validator", "ok"),
    ("router", topology.INBOX, "A.01", "router", "ok"),
    ("router", topology.FACTS, "document.verified.normal", "validator", "ChannelPreconditionFailed"),
]


@pytest.mark.parametrize(("user", "exchange", "key", "user_id", "answer"), UNIT_PUBLISHES)
async def test_publishing(vhost: VirtualHost, user: str, exchange: str, key: str, user_id: str, answer: str) -> None:
    assert await publish(vhost, user, exchange, key, user_id) == answer


READS = [
    ("A.01", "inbox.A.01", "ok"),
    ("A.01", "inbox.B.02", "ChannelAccessRefused"),
    ("A.01", topology.PARK, "ChannelAccessRefused"),
    *(("A.01", name, "ChannelAccessRefused") for name in topology.consumed_queues("router")),
    *((service, name, "ok") for service in topology.SERVICES for name in topology.consumed_queues(service)),
    *((service, "inbox.A.01", "ChannelAccessRefused") for service in topology.SERVICES),
    ("validator", topology.facts_queue("router", Lane.NORMAL), "ChannelAccessRefused"),
]


@pytest.mark.parametrize(("user", "queue", "answer"), READS)
async def test_reading(vhost: VirtualHost, user: str, queue: str, answer: str) -> None:
    assert await read(vhost, user, queue) == answer


@pytest.mark.parametrize("user", ["A.01", *topology.SERVICES])
async def test_nobody_declares(vhost: VirtualHost, user: str) -> None:
    async with await aio_pika.connect(vhost.url(user)) as connection:
        channel = await connection.channel()
        with pytest.raises((ChannelAccessRefused, ChannelPreconditionFailed)):
            await channel.declare_queue("mine", durable=True, arguments={"x-queue-type": "quorum"})
