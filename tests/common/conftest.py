"""A virtual host of its own for each test module, with the trunk's topology and retries a thousand times faster."""

import asyncio
import gc
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import date
from types import SimpleNamespace
from urllib.parse import quote

import aiormq
import httpx
import pytest
from aiormq.abc import AbstractChannel
from pydantic import SecretStr

from common.buckets import make_missing
from common.database import Database
from common.domain.directory import Unit
from common.objects import Objects
from common.service.service import Service
from common.settings import ServiceSettings
from common.telemetry import setup_logs
from common.topology import Topology, static_topology, unit_topology
from trunkctl.broker_admin import BrokerAdmin

from ..harness import broker_users
from ..harness.topology import without_reports

setup_logs("test", "CRITICAL")

Complaints = Callable[[], list[str]]
"""What the event loop has said of exceptions that nobody took."""
UNITS = tuple(Unit(code=code, name=code, valid_from=date(2025, 7, 1)) for code in ("A.01", "B.02"))
FASTER = 1000


@dataclass(frozen=True)
class VirtualHost:
    """A virtual host with the topology applied."""

    name: str
    address: str
    passwords: dict[str, str]
    admin_user: str
    admin_password: str
    topology: Topology
    admin: BrokerAdmin
    stack: SimpleNamespace

    def url(self, user: str | None = None) -> str:
        """AMQP address for a user of the topology, or for the administrator."""
        who = f"{user}:{self.passwords[user]}" if user else f"{self.admin_user}:{self.admin_password}"
        return f"amqp://{who}@{self.address}/{self.name}"

    def settings(self, user: str) -> ServiceSettings:
        """Settings of a service in this virtual host, over a database of its own."""
        return ServiceSettings(
            amqp_url=SecretStr(self.url(user)),
            mongo_uri=SecretStr(self.stack.mongo_uri),
            s3_endpoint=self.stack.s3_endpoint,
            s3_access_key=SecretStr(self.stack.s3_access_key),
            s3_secret_key=SecretStr(self.stack.s3_secret_key),
            handler_seconds=5.0,
            drain_seconds=5.0,
        )

    def service(self, name: str, **changes: object) -> Service:
        """A service, not running yet."""
        settings = self.settings(name).model_copy(update=changes)
        return Service(name, settings, Database(settings, f"{self.name}_{name}"), Objects(settings))

    @asynccontextmanager
    async def channel(self, user: str | None = None) -> AsyncIterator[AbstractChannel]:
        """A channel with confirms; returned messages raise."""
        connection = await aiormq.connect(self.url(user))
        try:
            yield await connection.channel(publisher_confirms=True, on_return_raises=True)
        finally:
            await connection.close()

    def apply(self) -> None:
        """What ``trunkctl topology apply`` does."""
        self.admin.apply(self.topology, self.passwords)

    async def end_sessions(self, user: str) -> None:
        """Have the broker close the user's sessions in this virtual host, each once: other tests have sessions of the
        same user at the same time.

        A session can be closed by its name only seconds after it is listed, and one that has ended stays listed for a
        while: what is listed is asked for again as long as none could be closed.
        """
        async with asyncio.timeout(120):
            while not sum(map(self._ended, await asyncio.to_thread(self._sessions, user))):
                await asyncio.sleep(0.1)

    def _sessions(self, user: str) -> list[str]:
        listed = self.admin.get(f"/connections/username/{user}")
        return [row["name"] for row in listed if row["vhost"] == self.name]

    def _ended(self, name: str) -> bool:
        return bool(self.admin.http.delete(f"/connections/{quote(name, safe='')}").is_success)

    def depth(self, queue: str) -> int:
        """Messages in a queue, delayed ones included."""
        row = self.admin.get(f"/queues/{quote(self.name)}/{quote(queue)}")
        return int(row.get("messages", 0))


@pytest.fixture
async def complaints() -> AsyncIterator[Complaints]:
    """Asked at the end of a test: what nobody holds any more is collected first."""
    said: list[str] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: said.append(str(context["message"])))

    def collected() -> list[str]:
        gc.collect()
        return said

    yield collected
    loop.set_exception_handler(None)


@pytest.fixture(scope="module")
def vhost(stack: SimpleNamespace) -> Iterator[VirtualHost]:
    """Made for the module, deleted after it."""
    with virtual_host(stack) as host:
        host.apply()
        with management(host) as http:
            http.put(
                f"/permissions/{host.name}/{host.admin_user}", json={"configure": ".*", "write": ".*", "read": ".*"}
            )
        yield host


@pytest.fixture
def absent(stack: SimpleNamespace) -> Iterator[VirtualHost]:
    """One that is not there yet."""
    with virtual_host(stack) as host:
        yield host


@contextmanager
def virtual_host(stack: SimpleNamespace) -> Iterator[VirtualHost]:
    """A virtual host that is described, and deleted in the end."""
    name = f"test-{secrets.token_hex(4)}"
    topology = for_tests(static_topology() + unit_topology(UNITS[0]) + unit_topology(UNITS[1]))
    who = (stack.rabbitmq_admin_user, stack.rabbitmq_admin_password)
    admin = BrokerAdmin(stack.rabbitmq_management_url, *who, vhost=name)
    passwords = broker_users.made(admin, topology)
    make_missing(
        Objects(
            ServiceSettings(
                s3_endpoint=stack.s3_endpoint,
                s3_access_key=SecretStr(stack.s3_access_key),
                s3_secret_key=SecretStr(stack.s3_secret_key),
            )
        ).client
    )
    host = VirtualHost(name, f"{stack.amqp_host}:{stack.amqp_port}", passwords, *who, topology, admin, stack)
    try:
        yield host
    finally:
        with management(host) as http:
            http.delete(f"/vhosts/{name}")


def management(host: VirtualHost) -> httpx.Client:
    """The broker's management API; removing a virtual host with all its queues takes seconds on a busy broker."""
    who = (host.admin_user, host.admin_password)
    return httpx.Client(base_url=f"{host.stack.rabbitmq_management_url}/api", auth=who, timeout=120)


def for_tests(topology: Topology) -> Topology:
    """The same objects with quick retries; the broker's own exchanges exist in the trunk's virtual host only."""
    policies = tuple(
        replace(
            policy,
            definition={
                name: int(value) // FASTER if isinstance(value, int) else value
                for name, value in policy.definition.items()
            },
        )
        for policy in topology.policies
    )
    return replace(without_reports(topology), policies=policies)


class OpenConnection:
    """A connection that never closes."""

    is_closed = False

    @property
    def closing(self) -> "asyncio.Future[None]":
        """An observer of its own for everybody who asks, as in the library."""
        return asyncio.get_running_loop().create_future()
