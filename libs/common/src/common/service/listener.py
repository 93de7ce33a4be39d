"""Reads a stream from the moment of connecting. Every process gets all messages, and none removes them.

Delivery is not guaranteed: messages that pass while there is no connection are missed.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import structlog
from aiormq.abc import ArgumentsType
from aiormq.channel import Channel
from aiormq.connection import Connection
from aiormq.exceptions import (
    AMQPError,
    ChannelAccessRefused,
    ChannelNotFoundEntity,
    ChannelPreconditionFailed,
)

from common.containment import contained
from common.service.connection import (
    RECONNECT_SECONDS,
    channel_for_consuming,
    closed,
    connected,
    reasonless_as_lost,
    while_open,
)

log = structlog.get_logger("trunk.listen")

PREFETCH = 200
"""Prefetch of the stream, which a stream requires."""
REFUSED = (ChannelAccessRefused, ChannelNotFoundEntity, ChannelPreconditionFailed)
"""Errors when the user may not read the stream, or there is none, or this node of the broker has no replica of it."""
REFUSED_SECONDS = 60.0
"""Pause after such an error. An operator must act first, and the broker reports each refusal as a security event."""
FROM_NOW_ON: ArgumentsType = {"x-stream-offset": "next"}

Heard = Callable[[str, str], None]
"""Called for each message with its routing key and correlation id; bodies are not read."""


class Listener:
    """Reads one stream over one connection. ``run`` keeps it going."""

    def __init__(self, url: str, name: str, stream: str, heard: Heard, is_on: Callable[[bool], None]) -> None:
        """``is_on``: called with True when reading begins, and with False when it ends."""
        self._url = url
        self.name = name
        self._stream = stream
        self._heard = heard
        self._is_on = is_on

    async def run(self) -> None:
        """Read, and start again whenever the connection is lost. Ends only when it is cancelled."""
        while True:
            pause_seconds = RECONNECT_SECONDS
            try:
                with reasonless_as_lost():
                    async with connected(self._url, self.name) as connection:
                        await self._listen(connection)
            except (AMQPError, OSError, TimeoutError) as error:
                if isinstance(error, REFUSED):
                    pause_seconds = REFUSED_SECONDS
                log.warning("not listening", stream=self._stream, detail=str(error) or type(error).__name__)
            finally:
                self._is_on(False)
            await asyncio.sleep(pause_seconds)

    async def _listen(self, connection: Connection) -> None:
        channel = await channel_for_consuming(connection)
        await while_open(connection, channel.basic_qos(prefetch_count=PREFETCH))
        cancelled = asyncio.Event()
        channel.on_consumer_cancel_callbacks.add(lambda _: cancelled.set())

        async def accept(delivered: Any) -> None:
            await self._accept(channel, delivered)

        begun = channel.basic_consume(self._stream, accept, arguments=FROM_NOW_ON, consumer_tag=self._stream)
        await while_open(connection, begun)
        self._is_on(True)
        ends = [asyncio.create_task(closed(connection, channel)), asyncio.create_task(cancelled.wait())]
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in ends:
                end.cancel()

    async def _accept(self, channel: Channel, delivered: Any) -> None:
        with contained(self._note):
            self._heard(str(delivered.routing_key or ""), str(delivered.header.properties.correlation_id or ""))
        with contained(self._note):  # without its channel, reading begins again with the next message
            await while_open(channel.connection, channel.basic_ack(delivered.delivery_tag))

    def _note(self, cause: str) -> None:
        log.info("not heard", stream=self._stream, detail=cause)
