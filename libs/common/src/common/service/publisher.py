"""Publishes with confirms: each event once, waiting for its confirm however late it comes.

A publish that has timed out may still arrive, so repeating it makes copies; during an alarm of the broker that would be
one copy a second. Therefore a publish waits for its own confirm. Only when its outcome cannot be known, because the
connection was lost, the same event is published again; receivers recognise the copy by the event id.
"""

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

import structlog
from aiormq.channel import Channel
from aiormq.connection import Connection
from aiormq.exceptions import (
    AMQPError,
    ChannelAccessRefused,
    ChannelNotFoundEntity,
    ChannelPreconditionFailed,
    DeliveryError,
    PublishError,
)
from pamqp.commands import Basic

from common.metrics import record_publish, set_unconfirmed_since
from common.metrics.messages import PublishOutcome
from common.service.connection import (
    RECONNECT_SECONDS,
    channel_for_publishing,
    closed,
    connected,
    reasonless_as_lost,
    while_open,
)
from common.service.outgoing import Forbidden, Outgoing, QueueFull, Unroutable
from common.service.pending import Key, Pending
from common.service.tracing import publishing

log = structlog.get_logger("trunk.publish")

PERSISTENT = 2
REFUSED = (ChannelAccessRefused, ChannelNotFoundEntity, ChannelPreconditionFailed)
"""Errors that close the channel, so that every other publish on its way on the channel fails, too."""


class AmqpPublisher:
    """Publishes over one connection, with a channel for each exchange. ``run`` keeps the connection open."""

    def __init__(
        self, url: str, service: str, new_id: Callable[[], str] = lambda: uuid.uuid4().hex, *, name: str = ""
    ) -> None:
        """``name``: of the connection, shown in the broker's management."""
        self._url = url
        self._service = service
        self._name = name or f"{service} publishes"
        self._new_id = new_id
        self._connection: Connection | None = None
        self._is_connected = asyncio.Event()
        self._channels: dict[str, Channel] = {}
        self._opening = asyncio.Lock()
        self._pending = Pending()

    async def run(self) -> None:
        """Connect, and connect again whenever the connection is lost. Ends only when it is cancelled."""
        while True:
            try:
                with reasonless_as_lost():
                    async with connected(self._url, self._name) as connection:
                        self._connection = connection
                        self._is_connected.set()
                        await closed(connection)
            except (AMQPError, OSError, TimeoutError) as error:
                log.warning("not connected to the broker", detail=str(error) or type(error).__name__)
            finally:
                self._is_connected.clear()
                self._connection = None
                self._channels.clear()
            await asyncio.sleep(RECONNECT_SECONDS)

    async def check(self) -> None:
        """Raises ``ConnectionError`` while nothing can be published."""
        if self._connection is None:
            raise ConnectionError("publisher is not connected")
        try:
            async with asyncio.timeout(1.0):
                await self._connection.ready()
        except TimeoutError:
            raise ConnectionError("the broker has blocked publishing (memory or disk alarm)") from None

    @property
    def oldest_at(self) -> float:
        """When the oldest publish without a confirm began (Unix time); 0 = there is none. A queue without a leader
        never confirms."""
        return self._pending.oldest_at

    async def measure(self) -> None:
        """Record since when the oldest publish waits for its confirm."""
        set_unconfirmed_since(self._service, self.oldest_at)

    def is_publishing(self, message: Outgoing) -> bool:
        """Whether a publish of the same message is on its way, so that another one would join it."""
        return _key(message) in self._pending

    def unanswered(self, message: Outgoing) -> int:
        """How many publishes with the message's exchange and routing key wait for their confirms."""
        return sum(key[:2] == _key(message)[:2] for key in self._pending)

    def has_room(self, message: Outgoing) -> bool:
        """Whether nobody need wait for a publish of the message, because it can be kept without giving up another."""
        return self._pending.has_room(len(message.body))

    async def close(self, within_seconds: float = 5.0) -> None:
        """Wait for publishes on their way, then cancel them. The messages that caused them are redelivered."""
        await self._pending.close(within_seconds)

    async def publish(self, message: Outgoing) -> None:
        """Publish a message, and return when the broker has confirmed it. Raises ``PublishRefused``, and
        ``ConnectionError`` if the publisher is closed meanwhile."""
        task = await self._pending.ended(_key(message), len(message.body), lambda: self._publish(message))
        if task.cancelled():
            raise ConnectionError("the publisher was closed")
        task.result()

    async def _publish(self, message: Outgoing) -> None:
        has_failed_alone = may_have_arrived = False
        while True:
            began = time.monotonic()
            try:
                outcome = await self._attempt(message, alone=has_failed_alone)
            except (QueueFull, Unroutable, Forbidden) as error:
                record_publish(self._service, error.outcome, time.monotonic() - began)
                error.may_have_arrived = may_have_arrived
                raise
            record_publish(self._service, outcome, time.monotonic() - began)
            if outcome == "confirmed":
                return
            has_failed_alone = outcome == "failed"
            may_have_arrived |= outcome == "unknown"
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _attempt(self, message: Outgoing, *, alone: bool) -> PublishOutcome:
        """Publish once. Returns ``confirmed``; ``failed`` if the broker refused something on the channel; or
        ``unknown`` if the outcome cannot be known.

        A refusal closes the channel and does not say which publish it was about. So the next attempt uses a channel of
        its own (``alone``). If that is refused as well, it is about this message: raises ``Forbidden``. Also raises
        ``Unroutable`` and ``QueueFull``.
        """
        try:
            async with self._channel(message.exchange, alone=alone) as channel:
                with reasonless_as_lost(), publishing(message) as trace:
                    sent = channel.basic_publish(
                        message.body,
                        exchange=message.exchange,
                        routing_key=message.routing_key,
                        properties=self._properties(message, trace),
                        mandatory=True,
                    )
                    await while_open(channel.connection, sent)
            return "confirmed"
        except PublishError as error:
            raise Unroutable(f"{message.exchange} {message.routing_key}") from error
        except DeliveryError as error:
            raise QueueFull(f"{message.exchange} {message.routing_key}") from error
        except REFUSED as error:
            if alone:
                raise Forbidden(f"{message.exchange} {message.routing_key}: {error}") from error
            return "failed"
        except asyncio.CancelledError:
            # The client library cancels its own futures when a channel closes; only our own cancellation goes on.
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            return "unknown"
        except (AMQPError, RuntimeError, OSError) as error:
            log.warning("outcome of a publish unknown", exchange=message.exchange, detail=type(error).__name__)
            return "unknown"

    def _properties(self, message: Outgoing, trace: dict[str, str]) -> Basic.Properties:
        return Basic.Properties(
            content_type=message.content_type,
            headers={**message.headers, **trace},
            delivery_mode=PERSISTENT,
            correlation_id=message.correlation_id,
            message_id=self._new_id(),
            timestamp=datetime.now(UTC),
            message_type=message.type,
            user_id=self._service,
            app_id=self._service,
        )

    @contextlib.asynccontextmanager
    async def _channel(self, exchange: str, *, alone: bool) -> AsyncIterator[Channel]:
        """The shared channel for an exchange, or one for this use only. Waits until the broker takes publishes."""
        await self._is_connected.wait()
        connection = self._connection
        if connection is None:
            raise ConnectionError("connection lost")
        await while_open(connection, connection.ready())
        if alone:
            channel = await channel_for_publishing(connection)
            try:
                yield channel
            finally:
                with contextlib.suppress(Exception):
                    await channel.close()
        else:
            yield await self._shared(connection, exchange)

    async def _shared(self, connection: Connection, exchange: str) -> Channel:
        async with self._opening:
            channel = self._channels.get(exchange)
            if channel is None or channel.is_closed:
                channel = await channel_for_publishing(connection)
                self._channels[exchange] = channel
            return channel


def _key(message: Outgoing) -> Key:
    return message.exchange, message.routing_key, message.event_id
