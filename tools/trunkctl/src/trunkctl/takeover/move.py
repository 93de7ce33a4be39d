"""Moves messages between queues: each is published with confirm under the name it goes on in, then acknowledged.

Whoever kills this leaves a message in its queue, or in both; the services recognise a copy.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from aiormq.channel import Channel
from aiormq.connection import Connection
from aiormq.exceptions import AMQPError, ChannelNotFoundEntity, DeliveryError, PublishError
from pamqp.commands import Basic

from common.facts.flows import SERVICES
from common.service import tolerant_decoding
from common.service.connection import channel_for_consuming, channel_for_publishing, connected
from common.service.incoming import Death, Incoming, incoming
from trunkctl.broker_admin import BrokerAdmin
from trunkctl.command_error import CommandError
from trunkctl.takeover.one_run import USER, lock, remove_users_of_ended_runs
from trunkctl.takeover.origin import Destination, FormerMessage

BATCH_MESSAGES, BATCH_BYTES = 100, 32 * 1024 * 1024
"""Held at a time."""
ROUNDS_WITHOUT_ROOM = 60
PAUSE_SECONDS = 1.0
PERSISTENT = 2

MARKER = "take-over.marker"
"""Type of a message of our own that shows how recent the broker's figures are."""
FIGURES_SECONDS = 30.0
"""How long is waited for recent figures; the broker renews them every five seconds."""

Decide = Callable[[FormerMessage], Destination]


@dataclass(frozen=True, slots=True)
class Counted:
    """What a queue says about itself."""

    ready: int
    consumers: int


@contextlib.asynccontextmanager
async def mover(url: str, admin: BrokerAdmin, decide: Decide) -> AsyncIterator["Mover"]:
    """A session of the mover. Raises ``CommandError`` if another run is working in the virtual host, and when the
    broker ends the session."""
    tolerant_decoding.install()
    try:
        async with connected(url, "trunkctl takes over") as connection:
            await lock(connection, admin)
            remove_users_of_ended_runs(admin, urlsplit(url).username or "")
            yield Mover(connection, admin, decide)
    except (AMQPError, OSError, RuntimeError) as error:
        raise CommandError(f"The broker ended the session: {error or type(error).__name__}. Run this again.") from error


class Mover:
    """Counts and moves messages over one connection."""

    def __init__(self, connection: Connection, admin: BrokerAdmin, decide: Decide) -> None:
        self._connection = connection
        self._admin = admin
        self._decide = decide

    async def counted(self, queue: str) -> Counted:
        """Messages ready and consumers, as the queue itself answers; of a queue that does not exist, none."""
        channel = await channel_for_consuming(self._connection)
        try:
            answer = await channel.queue_declare(queue, passive=True)
        except ChannelNotFoundEntity:
            return Counted(0, 0)
        await channel.close()
        return Counted(answer.message_count or 0, answer.consumer_count or 0)

    async def empty(self, queue: str) -> int:
        """Move all messages of a queue. Returns how many. Raises ``CommandError`` when a queue takes none any more."""
        source = await channel_for_consuming(self._connection)
        target = await channel_for_publishing(self._connection)
        moved = rounds_without_room = 0
        while batch := await _fetched(source, queue):
            took = await asyncio.gather(*(self._pass_on(target, queue, each) for each in batch))
            for delivered, is_taken in zip(batch, took, strict=True):
                await _settle(source, delivered.delivery_tag, is_taken=is_taken)
            moved += sum(took) - sum(_is_marker(incoming(queue, each)) for each in batch)
            rounds_without_room = 0 if any(took) else rounds_without_room + 1
            if rounds_without_room == ROUNDS_WITHOUT_ROOM:
                raise CommandError(f"{queue}: the queues that its messages belong to are full. Run this again later.")
            if not all(took):
                await asyncio.sleep(PAUSE_SECONDS)
        await source.close()
        await target.close()
        return moved

    async def not_empty(self, queues: Collection[str]) -> set[str]:
        """Those of the queues that hold anything, also what nobody can take: messages on their way to dead letters.

        Only the broker's figures count those, and they are late. So, once they show nothing, a marker is put into each
        queue: figures that show it, and nothing else, are recent. Whoever asks must have made sure that nobody
        publishes to these queues.
        """
        holding = await self._unlike(queues, messages=0)
        channel = await channel_for_publishing(self._connection)
        marked = sorted(set(queues) - holding)
        for queue in marked:
            marker = Basic.Properties(message_type=MARKER, user_id=USER, delivery_mode=PERSISTENT)
            await channel.basic_publish(b"", routing_key=queue, properties=marker)
        await channel.close()
        holding |= await self._unlike(marked, messages=1)
        return holding | {queue for queue in marked if await self._has_more_than_markers(queue)}

    async def _unlike(self, queues: Collection[str], messages: int) -> set[str]:
        """Those of which the figures do not come to show so many messages, all of them ready."""
        unlike = set(queues)
        deadline = time.monotonic() + FIGURES_SECONDS
        while True:
            figures = self._admin.queues()
            unlike -= {queue for queue in unlike if _totals(figures[queue]) == (messages, messages)}
            if not unlike or time.monotonic() > deadline:
                return unlike
            await asyncio.sleep(PAUSE_SECONDS)

    async def _has_more_than_markers(self, queue: str) -> bool:
        """Take the markers out again; whatever else lies there stays."""
        channel = await channel_for_consuming(self._connection)
        batch = await _fetched(channel, queue)
        markers = [_is_marker(incoming(queue, delivered)) for delivered in batch]
        for delivered, is_marker in zip(batch, markers, strict=True):
            await _settle(channel, delivered.delivery_tag, is_taken=is_marker)
        await channel.close()
        return not all(markers)

    async def _pass_on(self, target: Channel, queue: str, delivered: Any) -> bool:
        """Publish; False = no room there now. Raises ``CommandError`` when the queue does not exist."""
        message = incoming(queue, delivered)
        if _is_marker(message):
            return True
        headers = delivered.header.properties.headers or {}
        former = FormerMessage(queue=queue, routing_key=message.routing_key, user_id=message.user_id, headers=headers)
        destination = self._decide(former)
        exchange, key = destination.address
        try:
            await target.basic_publish(
                message.body,
                exchange=exchange,
                routing_key=key,
                properties=_properties(message, destination),
                mandatory=True,
            )
        except PublishError as error:
            raise CommandError(f"There is no {exchange or key}: run `trunkctl topology apply` first.") from error
        except DeliveryError:
            return False
        return True


async def _fetched(channel: Channel, queue: str) -> list[Any]:
    batch: list[Any] = []
    size = 0
    while len(batch) < BATCH_MESSAGES and size < BATCH_BYTES:
        delivered = await channel.basic_get(queue)
        if isinstance(delivered.delivery, Basic.GetEmpty):
            break
        batch.append(delivered)
        size += len(delivered.body)
    return batch


def _totals(row: Mapping[str, Any]) -> tuple[int, int]:
    return row.get("messages", -1), row.get("messages_ready", -1)


def _is_marker(message: Incoming) -> bool:
    return (message.user_id, message.type) == (USER, MARKER)


async def _settle(channel: Channel, tag: int, *, is_taken: bool) -> None:
    if is_taken:
        await channel.basic_ack(tag)
    else:
        await channel.basic_nack(tag, requeue=True)


def _properties(message: Incoming, destination: Destination) -> Basic.Properties:
    """What the services of this release read, and nothing else that the sender wrote."""
    labels = message.labels if destination.user_id in SERVICES else {}
    table: dict[str, Any] = {**message.trace, **labels}
    if destination.death:
        table["x-death"] = [_entry(destination.death)]
    return Basic.Properties(
        content_type=message.content_type or None,
        headers=table,
        delivery_mode=PERSISTENT,
        correlation_id=message.correlation_id or None,
        message_id=message.message_id or None,
        timestamp=message.published_at,
        message_type=message.type or None,
        user_id=destination.user_id,
    )


def _entry(death: Death) -> dict[str, Any]:
    """As the broker writes it."""
    return {
        "queue": death.queue,
        "exchange": death.exchange,
        "routing-keys": [death.routing_key],
        "reason": death.reason,
        "count": 1,
    }
