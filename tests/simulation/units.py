"""The units' own systems: they submit until the broker confirms, read their inboxes, and answer what they read."""

import asyncio
import hashlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from aiormq.exceptions import AMQPError
from pamqp.commands import Basic

from common.domain.directory import Unit
from common.domain.ids import package_id
from common.service.connection import reasonless_as_lost
from common.topology import SUBMIT, inbox_queue, submit_key
from tests.simulation.broker_client import Channel
from tests.simulation.packages import Package
from tests.simulation.world import World

PAUSE_SECONDS = 2.0


@dataclass(slots=True)
class Submitted:
    """One package that a unit has handed over."""

    package: Package
    package_id: str
    begun_at: float
    confirmed_at: float | None = None
    copies: int = 0
    """Times that it was published."""


@dataclass(slots=True)
class Item:
    """One message as a unit took it out of its inbox."""

    at: float
    type: str
    headers: dict[str, Any]
    sha256: str
    body: bytes

    @property
    def event_id(self) -> str:
        return str(self.headers.get("x-event-id", ""))

    @property
    def package_id(self) -> str:
        return str(self.headers.get("x-package-id", ""))


React = Callable[["UnitSystem", Item], None]


@dataclass(slots=True, eq=False)
class UnitSystem:
    """One unit."""

    world: World
    unit: Unit
    react: React
    """Called with each message that it had not seen before."""
    rejects: Callable[[Any], bool] = lambda delivered: False
    """Whether it turns a message away for good."""
    submitted: list[Submitted] = field(default_factory=list)
    inbox: list[Item] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)

    def begin(self) -> None:
        """Read the inbox from now on."""
        self.world.spawn(self.unit.code, self._read())

    def submit(self, package: Package, delay: float = 0.0) -> None:
        """Hand over a package after a while."""
        self.world.spawn(f"{self.unit.code} submits", self._submit(package, delay))

    async def _submit(self, package: Package, delay: float) -> None:
        await asyncio.sleep(delay)
        identifier = package_id(self.unit.code, hashlib.sha256(package.body).hexdigest())
        entry = Submitted(package, identifier, self.world.loop.time())
        self.submitted.append(entry)
        self.world.tell(f"submits {package.name}: {identifier[:8]}")
        while True:
            with suppress(AMQPError, OSError), reasonless_as_lost():
                connection = await self._connect("submits")
                channel = await connection.channel()
                entry.copies += 1
                await self._publish(channel, package)
                entry.confirmed_at = self.world.loop.time()
                await connection.close()
                return
            await asyncio.sleep(PAUSE_SECONDS)

    async def _publish(self, channel: Channel, package: Package) -> None:
        await channel.basic_publish(
            package.body,
            exchange=SUBMIT,
            routing_key=submit_key(self.unit.code, package.lane),
            properties=Basic.Properties(user_id=self.unit.user, delivery_mode=2),
            mandatory=True,
        )

    async def _read(self) -> None:
        while True:
            with suppress(AMQPError, OSError), reasonless_as_lost():
                connection = await self._connect("reads")
                channel = await connection.channel(publisher_confirms=False)
                await channel.basic_qos(prefetch_count=10)
                queue = inbox_queue(self.unit.code)
                await channel.basic_consume(queue, partial(self._take, channel), consumer_tag="inbox")
                await connection.closing
            await asyncio.sleep(PAUSE_SECONDS)

    async def _take(self, channel: Channel, delivered: Any) -> None:
        if channel.is_closed:
            return
        if self.rejects(delivered):
            await channel.basic_reject(delivered.delivery_tag, requeue=False)
            return
        properties, body = delivered.header.properties, delivered.body
        item = Item(
            self.world.loop.time(),
            str(properties.message_type),
            dict(properties.headers),
            hashlib.sha256(body).hexdigest(),
            body,
        )
        self.inbox.append(item)
        await channel.basic_ack(delivered.delivery_tag)
        if item.event_id not in self._seen:
            self._seen.add(item.event_id)
            self.react(self, item)

    async def _connect(self, what: str) -> Any:
        url = f"amqp://{self.unit.user}:secret@broker/trunk"
        return await self.world.network.connect(url, client_properties={"connection_name": f"{self.unit.code} {what}"})
