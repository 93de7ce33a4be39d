"""A virtual host of its own in which the former release has declared everything, on the real broker."""

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import TypeVar

import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import AMQPError

from common.domain.directory import Directory, Unit
from common.facts.flows import OPERATOR, SERVICES
from common.topology import INBOX, Binding, Queue, Topology, User
from tests.harness import broker_users
from tests.harness.topology import without_reports
from trunkctl.broker_admin import BrokerAdmin
from trunkctl.takeover import former
from trunkctl.takeover.job import TakeOver, remains
from trunkctl.takeover.move import Decide, mover
from trunkctl.takeover.one_run import temporary_user
from trunkctl.takeover.origin import destination
from trunkctl.takeover.remains import Remains, beside
from trunkctl.topology_job import whole_topology
from trunkctl.users import PEOPLE

UNIT, OTHER = (Unit(code=code, name=code, valid_from=date(2025, 7, 1)) for code in ("U.1", "U.2"))
DIRECTORY = Directory([UNIT, OTHER])
Result = TypeVar("Result")


@dataclass
class FormerTrunk:
    """The virtual host, and sessions in it."""

    admin: BrokerAdmin
    topology: Topology
    """In force."""
    passwords: dict[str, str]
    address: str
    admin_of: Callable[[str], BrokerAdmin]
    """The administrator's session of another virtual host."""
    said: list[str] = field(default_factory=list)
    sessions: list[pika.BlockingConnection] = field(default_factory=list)

    def channel(self, user: str, vhost: str | None = None) -> BlockingChannel:
        """Of a session that lives as long as the test; publishes are confirmed."""
        url = f"amqp://{user}:{self.passwords[user]}@{self.address}/{vhost or self.admin.vhost}"
        self.sessions.append(pika.BlockingConnection(pika.URLParameters(url)))
        channel = self.sessions[-1].channel()
        channel.confirm_delivery()
        return channel

    def publish(self, user: str, exchange: str, key: str, body: str, **more: object) -> None:
        """Persistent, in the user's own name."""
        properties = pika.BasicProperties(**{"user_id": user, "delivery_mode": 2} | more)
        self.channel(user).basic_publish(exchange, key, body.encode(), properties, mandatory=True)

    def bodies(self, queue: str) -> list[str]:
        """What lies in a queue; it stays there."""
        return [body for body, _ in self.messages(queue)]

    def messages(self, queue: str) -> list[tuple[str, pika.BasicProperties]]:
        """Bodies and properties."""
        channel, messages = self.channel("admin"), []
        while (got := channel.basic_get(queue))[0]:
            messages.append((got[2].decode(), got[1]))
        channel.connection.close()
        return messages

    def close_sessions(self) -> None:
        """What was fetched and not acknowledged lies in its queue again."""
        for session in self.sessions:
            with suppress(AMQPError):  # some were closed by the broker
                session.close()
        self.sessions.clear()

    def read(self, service: str) -> BlockingChannel:
        """The service of this release reads its queues: what it gets is not acknowledged."""
        channel = self.channel(service)
        queues = [q.name for q in self.topology.queues if q.name.startswith(f"facts.{service}.")]
        queues += [q.name for q in self.topology.queues if q.name.startswith("submit.") and service == "intake"]
        channel.basic_qos(prefetch_count=1)
        for queue in queues:
            channel.basic_consume(queue, lambda *_: None)
        return channel

    def apply(self, left: Remains | None = None) -> None:
        """As ``trunkctl topology apply``."""
        self.admin.apply(beside(self.topology, remains(self.admin) if left is None else left), self.passwords)

    async def _apply(self, left: Remains) -> None:
        self.apply(left)

    def differences(self) -> list[str]:
        """As ``trunkctl topology check``, but for what is to go."""
        return self.admin.differences(beside(self.topology, remains(self.admin)))

    def take_over(
        self, act: Callable[[TakeOver], Awaitable[Result]] = TakeOver.run, decide: Decide | None = None
    ) -> Result:
        """One round."""
        return asyncio.run(self._take_over(act, decide or partial(destination, directory=DIRECTORY)))

    async def _take_over(self, act: Callable[[TakeOver], Awaitable[Result]], decide: Decide) -> Result:
        self.apply()
        with temporary_user(self.admin, f"amqp://nobody@{self.address}/") as url:
            async with mover(url, self.admin, decide) as moving:
                job = TakeOver(self.admin, self.topology, DIRECTORY, self._apply, moving, self.said.append)
                return await act(job)


@pytest.fixture
def trunk(stack: SimpleNamespace) -> Iterator[FormerTrunk]:
    """Made for one test, deleted after it. Passwords are those of the checkout's trunk: users belong to the broker."""
    vhost, who = f"test-{secrets.token_hex(4)}", (stack.rabbitmq_admin_user, stack.rabbitmq_admin_password)
    admin = BrokerAdmin(stack.rabbitmq_management_url, *who, vhost=vhost)
    topology = without_reports(whole_topology(DIRECTORY))
    passwords = {**broker_users.made(admin, topology), "admin": stack.rabbitmq_admin_password}
    admin.make_vhost()
    _declare_former(admin, passwords)
    address = f"{stack.amqp_host}:{stack.amqp_port}"
    admin_of = partial(BrokerAdmin, stack.rabbitmq_management_url, *who)
    former_trunk = FormerTrunk(admin, topology, passwords, address, lambda vhost: admin_of(vhost=vhost))
    try:
        yield former_trunk
    finally:
        former_trunk.close_sessions()
        admin.delete(f"/vhosts/{vhost}")


@pytest.fixture
def other_virtual_host(trunk: FormerTrunk) -> Iterator[str]:
    """The name of a second one on the same broker, in which the services may open sessions."""
    name = f"{trunk.admin.vhost}-other"
    trunk.admin.put(f"/vhosts/{name}", {})
    for service in SERVICES:
        trunk.admin.put(f"/permissions/{name}/{service}", {"configure": "", "write": "", "read": ""})
    yield name
    trunk.admin.delete(f"/vhosts/{name}")


def _declare_former(admin: BrokerAdmin, passwords: dict[str, str]) -> None:
    """With the rights that were recorded."""
    units = tuple(DIRECTORY.units)
    inboxes = Topology(
        exchanges=tuple(e for e in whole_topology(DIRECTORY).exchanges if not e.name.startswith("trunk.dead")),
        queues=tuple(Queue(f"inbox.{unit}", former.WORK_ARGUMENTS) for unit in units),
        bindings=tuple(Binding(INBOX, f"inbox.{unit}", unit) for unit in units),
    )
    admin.declare(inboxes)
    admin.declare(former.topology(units))
    recorded = json.loads((Path(__file__).parent / "former_definitions.json").read_text())["permissions"]
    for user in (*SERVICES, OPERATOR, *units):
        rights = recorded.get(user) or {"configure": "^$", "write": r"^trunk\.submit$", "read": rf"^inbox\.{user}$"}
        tags = "monitoring" if user in PEOPLE else ""
        admin.apply_user(User(user, rights["write"], rights["read"], rights["configure"], tags=tags), passwords[user])
