"""The units at the broker: each with its own user, its own connection, and nothing that its user may not do."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from common import headers
from common.domain.directory import Unit
from common.domain.names import Lane, UnitCode
from common.objects import Objects
from common.topology import SUBMIT, inbox_queue
from trunkctl import broker, submission, uploads
from trunkctl.inbox_item import Item, item
from trunkctl.settings import ControlSettings

UNACKED = 32
"""Inbox messages in hand at a time."""

Seeing = Callable[[UnitCode, Item], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Desk:
    """One unit's session."""

    unit: Unit
    channel: AbstractChannel
    objects: Objects
    """The operator's, who hands out addresses for uploads; the unit itself has none."""

    async def message(self, package: bytes, foreign: UnitCode | None = None) -> aio_pika.Message:
        """What to publish. Large packages are uploaded first; ``foreign``: refer to an upload of that unit."""
        if foreign is None and len(package) <= headers.SUBMIT_INLINE_LIMIT_BYTES:
            return submission.inline(self.unit, package)
        key = uploads.key_for(foreign or self.unit.code, "package.edxml")
        await uploads.upload(await uploads.put_address(self.objects, key), package)
        return submission.by_reference(self.unit, key, package)

    async def submit(self, message: aio_pika.Message, lane: Lane) -> None:
        """Return when the broker has confirmed."""
        await broker.publish(self.channel, SUBMIT, submission.routing_key(self.unit, lane), message)

    async def listen(self, see: Seeing) -> None:
        """Hand every message of the inbox to ``see``, and ack it afterwards."""

        async def take(message: AbstractIncomingMessage) -> None:
            await see(self.unit.code, item(message))
            await message.ack()

        await self.channel.set_qos(prefetch_count=UNACKED)
        await (await broker.queue(self.channel, inbox_queue(self.unit.code))).consume(take)


@asynccontextmanager
async def open_desks(settings: ControlSettings, units: Iterable[Unit]) -> AsyncIterator[dict[UnitCode, Desk]]:
    """A desk for each unit."""
    objects = Objects(settings)
    async with AsyncExitStack() as stack:
        desks = {}
        for unit in units:
            channel = await stack.enter_async_context(broker.session(settings.broker_url(unit.user)))
            desks[unit.code] = Desk(unit, channel, objects)
        yield desks
