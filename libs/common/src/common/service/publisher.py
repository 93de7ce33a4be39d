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
from common.service.tracing import publishing

log = structlog.get_logger("trunk.publish")

PERSISTENT = 2
REFUSED = (ChannelAccessRefused, ChannelNotFoundEntity, ChannelPreconditionFailed)
"""Errors that close the channel, so that every other publish on its way on the channel fails, too."""

Key = tuple[str, str, str]


class AmqpPublisher:
    """Publishes over one connection, with a channel for each exchange. ``run`` keeps the connection open."""

    def __init__(self, url: str, service: str, new_id: Callable[[], str] = lambda: uuid.uuid4().hex) -> None:
        self._url = url
        self._service = service
        self._new_id = new_id
        self._connection: Connection | None = None
        self._is_connected = asyncio.Event()
        self._channels: dict[str, Channel] = {}
        self._opening = asyncio.Lock()
        self._pending: dict[Key, asyncio.Task[None]] = {}
        self._begun_at: dict[Key, float] = {}
        """When each pending publish began (Unix time); the oldest first."""

    async def run(self) -> None:
        """Connect, and connect again whenever the connection is lost. Ends only when it is cancelled."""
        while True:
            try:
                with reasonless_as_lost():
                    async with connected(self._url, f"{self._service} publishes") as connection:
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

    async def measure(self) -> None:
        """Record since when the oldest publish waits for its confirm. A queue without a leader never confirms."""
        set_unconfirmed_since(self._service, next(iter(self._begun_at.values()), 0.0))

    async def close(self, within_seconds: float = 5.0) -> None:
        """Wait for publishes on their way, then cancel them. The messages that caused them are redelivered."""
        pending = list(self._pending.values())
        if pending:
            await asyncio.wait(pending, timeout=within_seconds)
        for task in pending:
            task.cancel()

    async def publish(self, message: Outgoing) -> None:
        """Publish a message, and return when the broker has confirmed it. Raises ``PublishRefused``, and
        ``ConnectionError`` if the publisher is closed meanwhile."""
        key = (message.exchange, message.routing_key, message.event_id)
        task = self._pending.get(key)
        if task is None:
            task = asyncio.create_task(self._publish(message))
            self._pending[key] = task
            self._begun_at[key] = time.time()
            task.add_done_callback(lambda ended: self._end(key, ended))
        await asyncio.wait({task})
        if task.cancelled():
            raise ConnectionError("the publisher was closed")
        task.result()

    def _end(self, key: Key, ended: "asyncio.Task[None]") -> None:
        """Forget a publish that has ended. Its exception is retrieved here, because its caller may have been
        cancelled."""
        self._pending.pop(key, None)
        self._begun_at.pop(key, None)
        if not ended.cancelled():
            ended.exception()

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
