"""The servers that the contracts are asked of: those the environment names, else this checkout's own.

They stay: other processes of the same run of tests use them at the same time.
"""

import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

import aio_pika
import httpx
import pytest
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorCollection, AsyncIOMotorDatabase

from devstack import addresses as kept_addresses
from devstack import servers
from devstack.servers import Addresses

# Motor runs each operation in a thread: enough of them for fifty racers at the same moment.
os.environ.setdefault("MOTOR_MAX_WORKERS", "64")

STATE_DIR = Path(__file__).resolve().parents[2] / ".devstack"
NAMED_BY = {"rabbitmq": "TRUNK_DEV_AMQP_URL", "mongo": "TRUNK_DEV_MONGO_URI", "s3": "TRUNK_DEV_S3_ENDPOINT"}


@pytest.fixture(scope="session")
def addresses(stack: SimpleNamespace) -> Addresses:
    """Where the servers are; started when they do not run."""
    addresses = kept_addresses.load(STATE_DIR)
    assert addresses
    return addresses


@pytest.fixture
def spare(tmp_path: Path) -> Iterator[Callable[[str], Addresses]]:
    """Start one server apart from the checkout's, on ports of its own: it may be killed.

    Skips where the environment names a server: that one is not ours to kill.
    """

    started: list[str] = []

    def start(server: str) -> Addresses:
        if NAMED_BY[server] in os.environ:
            pytest.skip(f"{NAMED_BY[server]} is set: that server is not ours to kill")
        started.append(server)
        return servers.start(tmp_path, only=[server])

    yield start
    for server in started:
        servers.kill(tmp_path, server)
    servers.stop(tmp_path)


@pytest.fixture
def name() -> str:
    """A name that nothing else uses."""
    return f"contract-{uuid4().hex[:12]}"


@pytest.fixture
async def database(addresses: Addresses, name: str) -> AsyncIterator[AsyncIOMotorDatabase]:
    """An empty database, dropped afterwards."""
    client = AsyncIOMotorClient(addresses.mongo_uri, tz_aware=True, maxPoolSize=64)
    yield client[name]
    await client.drop_database(name)
    client.close()


@pytest.fixture
def documents(database: AsyncIOMotorDatabase) -> AsyncIOMotorCollection:
    """An empty collection."""
    return database["documents"]


@pytest.fixture
async def connection(addresses: Addresses) -> AsyncIterator[aio_pika.abc.AbstractConnection]:
    """A connection of the administrator to the virtual host `trunk`."""
    async with await aio_pika.connect(addresses.amqp_url) as opened:
        yield opened


@pytest.fixture
async def channel(
    connection: aio_pika.abc.AbstractConnection,
) -> AsyncIterator[aio_pika.abc.AbstractChannel]:
    """A channel with publisher confirms on which a returned message is an error."""
    async with connection.channel(on_return_raises=True) as opened:
        yield opened


@pytest.fixture
async def management(addresses: Addresses) -> AsyncIterator[httpx.AsyncClient]:
    """The broker's management interface, as the administrator."""
    who = (addresses.rabbitmq_admin_user, addresses.rabbitmq_admin_password)
    async with httpx.AsyncClient(base_url=addresses.rabbitmq_management_url, auth=who, timeout=120) as client:
        yield client


@pytest.fixture
async def declare(connection: aio_pika.abc.AbstractConnection, name: str) -> AsyncIterator[Callable[..., object]]:
    """Declare a quorum queue `<name>.<suffix>`; deleted afterwards, whatever became of the test's channel."""
    queue_names: list[str] = []

    async def queue(
        channel: aio_pika.abc.AbstractChannel, suffix: str, **arguments: object
    ) -> aio_pika.abc.AbstractQueue:
        further = {key.replace("_", "-"): value for key, value in arguments.items()}
        queue_names.append(f"{name}.{suffix}")
        return await channel.declare_queue(
            queue_names[-1], durable=True, arguments={"x-queue-type": "quorum", **further}
        )

    yield queue
    async with connection.channel() as cleaner:
        for queue_name in queue_names:
            await cleaner.queue_delete(queue_name)
