"""Hears what passes through a stream, from now on and for itself: every process has all of it, and none takes it away.

Nothing that is heard is promised: what passes while there is no connection is missed.
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
)

log = structlog.get_logger("trunk.listen")

PREFETCH = 200
"""Messages that the broker sends ahead; a stream needs a bound."""
REFUSED = (ChannelAccessRefused, ChannelNotFoundEntity, ChannelPreconditionFailed)
"""No right, no stream, or none of it on this node of the broker."""
REFUSED_SECONDS = 60.0
"""How long the stream is left alone then: an operator has to do something first, and the broker reports refusals."""
FROM_NOW_ON: ArgumentsType = {"x-stream-offset": "next"}

Heard = Callable[[str, str], None]
"""Takes the routing key and the correlation id: bodies are not read."""


class Listener:
    """One connection to one stream. ``run`` keeps it going."""

    def __init__(self, url: str, name: str, stream: str, heard: Heard, is_on: Callable[[bool], None]) -> None:
        """``is_on``: told whenever hearing begins or ends."""
        self._url = url
        self.name = name
        self._stream = stream
        self._heard = heard
        self._is_on = is_on

    async def run(self) -> None:
        """Listen, and start over whenever the connection is lost. Ends only by being cancelled."""
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
        await channel.basic_qos(prefetch_count=PREFETCH)
        cancelled = asyncio.Event()
        channel.on_consumer_cancel_callbacks.add(lambda _: cancelled.set())

        async def accept(delivered: Any) -> None:
            await self._accept(channel, delivered)

        await channel.basic_consume(self._stream, accept, arguments=FROM_NOW_ON, consumer_tag=self._stream)
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
        with contained(self._note):  # the channel is gone: another one begins with what comes next
            await channel.basic_ack(delivered.delivery_tag)

    def _note(self, cause: str) -> None:
        log.info("not heard", stream=self._stream, detail=cause)
