"""The units' side of a measurement: submit letters, read every inbox, and note when each document arrived."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager

from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from bench.packages import Letter
from common import headers, topology
from common.domain.directory import Unit
from mint.city import City
from trunkctl import broker, submission
from trunkctl.command_error import CommandError
from trunkctl.trunk_file import TrunkFile, passwords

WINDOW = 50
"""Submissions that wait for their confirm at the same time."""
FULL_PAUSE_SECONDS, FULL_ATTEMPTS = 0.2, 9_000
"""Until a submission is published again that the broker refused because the unit's queue is full; for half an hour."""


class Post:
    """Sessions of all units; ``arrived`` holds the arrival time of each DocumentId."""

    def __init__(self, channels: dict[str, AbstractChannel], units: dict[str, Unit]) -> None:
        self._channels = channels
        self._units = units
        self.sent: dict[str, float] = {}
        self.arrived: dict[str, float] = {}
        self.refused: list[str] = []
        self._window = asyncio.Semaphore(WINDOW)

    async def submit(self, letters: Iterable[Letter]) -> None:
        """Submit all, with confirms, a window at a time."""
        await asyncio.gather(*[self._submit(letter) for letter in letters])

    async def wait_for(self, document_ids: Iterable[str], seconds: float) -> None:
        """Until all have arrived. Raises ``TimeoutError`` with the number that did not."""
        missing, deadline = set(document_ids), time.monotonic() + seconds
        while missing := {one for one in missing if one not in self.arrived}:
            if self.refused or time.monotonic() > deadline:
                raise TimeoutError(f"{len(missing)} documents did not arrive; refused: {self.refused[:3]}")
            await asyncio.sleep(0.005)

    async def take(self, message: AbstractIncomingMessage) -> None:
        """Note one inbox message."""
        document_id = str(message.headers.get(headers.DOCUMENT_ID, ""))
        if message.type == "document":
            self.arrived.setdefault(document_id, time.monotonic())
        elif message.type == "refusal" and document_id in self.sent:  # an inbox may hold what others left
            self.refused.append(f"{document_id}: {message.headers.get(headers.REASON)!r}")

    async def _submit(self, letter: Letter) -> None:
        async with self._window:
            for _ in range(FULL_ATTEMPTS):
                try:
                    return await self._publish(letter)
                except CommandError as error:  # most likely a full queue; anything else is refused again and again
                    refusal = error
                await asyncio.sleep(FULL_PAUSE_SECONDS)
            raise refusal

    async def _publish(self, letter: Letter) -> None:
        """Time counts from the publish that was taken."""
        unit = self._units[letter.sender]
        self.sent[letter.document_id] = time.monotonic()
        await broker.publish(
            self._channels[letter.sender],
            topology.SUBMIT,
            submission.routing_key(unit, letter.lane),
            submission.inline(unit, letter.body),
        )


@asynccontextmanager
async def post(trunk: TrunkFile, city: City) -> AsyncIterator[Post]:
    """Every open unit connected, its inbox being read."""
    known = passwords(trunk.users_file)
    async with AsyncExitStack() as stack:
        channels = {}
        for code in city.codes:
            user = city[code].unit.user
            url = f"amqp://{user}:{known[user]}@{trunk.amqp_host}:{trunk.amqp_port}/{trunk.vhost}"
            channels[code] = await stack.enter_async_context(broker.session(url))
        opened = Post(channels, {code: city[code].unit for code in city.codes})
        for code, channel in channels.items():
            inbox = await broker.queue(channel, topology.inbox_queue(code))
            await inbox.consume(opened.take, no_ack=True)
        yield opened
