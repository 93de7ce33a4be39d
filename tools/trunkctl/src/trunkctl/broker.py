"""AMQP sessions of units and of the operator: every publish confirmed and routed, or an exception."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from urllib.parse import urlsplit

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue
from aio_pika.exceptions import AMQPException, ChannelNotFoundEntity, DeliveryError
from aiormq.exceptions import ChannelAccessRefused

from common.service import tolerant_decoding
from common.service.outgoing import Outgoing
from trunkctl.command_error import CommandError

TIMEOUT_SECONDS = 15.0


@asynccontextmanager
async def session(url: str) -> AsyncIterator[AbstractChannel]:
    """A channel with publisher confirms. Raises ``CommandError`` if the broker is away or refuses the log-in."""
    tolerant_decoding.install()
    place = urlsplit(url)
    try:
        connection = await aio_pika.connect(url, timeout=TIMEOUT_SECONDS)
    except (AMQPException, OSError) as error:
        why = str(error) or type(error).__name__
        raise CommandError(
            f"No session as {place.username} at the broker {place.hostname}:{place.port}: {why}. "
            "`trunkctl up` starts a trunk on this machine; TRUNK_AMQP_URL names another one."
        ) from error
    async with connection:
        try:
            yield await connection.channel(publisher_confirms=True, on_return_raises=True)
        except (ChannelAccessRefused, ChannelNotFoundEntity) as error:
            raise CommandError(f"The broker refused {place.username}: {error}") from error


async def publish(channel: AbstractChannel, exchange: str, key: str, message: aio_pika.Message) -> None:
    """Returns when the broker has confirmed. Raises ``CommandError`` if it cannot route the message or refuses it."""
    target = await channel.get_exchange(exchange, ensure=False) if exchange else channel.default_exchange
    try:
        await target.publish(message, key, mandatory=True, timeout=TIMEOUT_SECONDS)
    except DeliveryError as error:
        raise CommandError(f"The broker did not take the message for {exchange or 'queue'} {key}: {error}") from error


async def publish_outgoing(channel: AbstractChannel, outgoing: Outgoing, user: str) -> None:
    """Publishes an outgoing message of the trunk's own code, as this user. Raises ``CommandError``."""
    message = aio_pika.Message(
        outgoing.body,
        headers=dict(outgoing.headers),
        content_type=outgoing.content_type,
        correlation_id=outgoing.correlation_id,
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        message_id=uuid.uuid4().hex,
        timestamp=datetime.now(UTC),
        type=outgoing.type,
        user_id=user,
    )
    await publish(channel, outgoing.exchange, outgoing.routing_key, message)


async def queue(channel: AbstractChannel, name: str) -> AbstractQueue:
    """A queue that exists; nothing is declared."""
    return await channel.get_queue(name, ensure=False)


async def ready(channel: AbstractChannel, name: str) -> int:
    """Number of messages in a queue that are ready for a consumer, by a passive declaration."""
    answer = (await channel.declare_queue(name, passive=True)).declaration_result
    if answer.message_count is None:
        raise CommandError(f"The broker did not say how many messages wait in {name}.")
    return answer.message_count


@asynccontextmanager
async def waiting(channel: AbstractChannel, name: str, limit: int) -> AsyncIterator[list[AbstractIncomingMessage]]:
    """Up to ``limit`` messages that wait in a queue now; those not acked inside return to it.

    They are given back by name: RabbitMQ 4.3 does not count that against the queue's delivery limit, as it does
    when a session just ends, so that looking does not wear a message out.
    """
    source = await queue(channel, name)
    messages: list[AbstractIncomingMessage] = []
    while len(messages) < limit and (message := await source.get(fail=False, timeout=TIMEOUT_SECONDS)):
        messages.append(message)
    try:
        yield messages
    finally:
        for message in messages:
            if not message.processed:
                await message.nack(requeue=True)
