"""Asks the broker how many messages are ready in queues."""

import asyncio
import contextlib
from collections.abc import Iterable

import aiormq
from aiormq.abc import AbstractConnection
from aiormq.exceptions import ChannelNotFoundEntity

from common.failure import Outage
from common.service.connection import CONNECT_TIMEOUT_SECONDS, client_properties, reasonless_as_lost

ANSWER_SECONDS = 5.0


class QueueDepths:
    """Asks over a connection of its own, which it keeps open."""

    def __init__(self, url: str, name: str) -> None:
        self._url = url
        self._name = name
        self._connection: AbstractConnection | None = None

    async def ask(self, queues: Iterable[str]) -> dict[str, int]:
        """Messages ready in each queue. Raises ``Outage`` if one of them is unknown.

        An answer without a number is not taken for zero: no caller may mistake a silent broker for an empty one.
        """
        try:
            with reasonless_as_lost():
                async with asyncio.timeout(CONNECT_TIMEOUT_SECONDS + ANSWER_SECONDS):
                    return await self._ask(queues)
        except Exception as error:
            await self.close()
            raise Outage("broker", f"depths not told: {type(error).__name__}") from error

    async def ask_existing(self, queues: Iterable[str]) -> dict[str, int]:
        """The same for those of the queues that exist. They are asked for one after the other."""
        counts: dict[str, int] = {}
        for queue in queues:
            try:
                counts |= await self.ask((queue,))
            except Outage as error:
                if not isinstance(error.__cause__, ChannelNotFoundEntity):
                    raise
        return counts

    async def close(self) -> None:
        """Close the connection. The next question opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(Exception):
                await connection.close()

    async def _ask(self, queues: Iterable[str]) -> dict[str, int]:
        if self._connection is None or self._connection.is_closed:
            self._connection = await aiormq.connect(self._url, client_properties=client_properties(self._name))
        channel = await self._connection.channel(publisher_confirms=False)
        counts: dict[str, int] = {}
        for queue in queues:
            answer = await channel.queue_declare(queue, passive=True)
            if answer.message_count is None:
                raise Outage("broker", f"no depth of {queue}")
            counts[queue] = answer.message_count
        await channel.close()
        return counts
