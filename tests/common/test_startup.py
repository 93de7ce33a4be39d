"""Services start in any order: what is away is named by readiness, waited for, and used once it is there."""

import asyncio
import importlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr

from common.facts import FACT_TYPES, BaseFact
from common.facts.flows import SERVICES
from common.service import health
from common.service.service import Service

from ..ports import free_ports
from .conftest import VirtualHost
from .test_chassis import announce, fact

NOBODY = "127.0.0.1:1"
"""An address where nothing listens."""
SERVERS = {"rabbitmq", "mongodb", "object_store"}
LOADED = {
    "intake": {"directory"},
    "validator": {"directory", "trust"},
    "router": {"directory"},
    "archive": set[str](),
    "notifier": {"directory"},
}
"""What each service loads from the servers, besides reaching them."""


async def missing(service: Service) -> set[str]:
    """What readiness names."""
    return {name for name, answer in (await service.readiness.report()).items() if answer != "ok"}


async def until(service: Service, holds: Callable[[set[str]], bool]) -> None:
    async with asyncio.timeout(120):
        while not holds(await missing(service)):
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("name", SERVICES)
async def test_a_service_without_any_server_runs_and_says_what_it_lacks(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """No task of it ends, and nothing but the named dependencies keeps it from being ready."""
    monkeypatch.setattr(health, "CHECK_TIMEOUT_SECONDS", 0.2)
    monkeypatch.setenv("TRUNK_AMQP_URL", f"amqp://guest:guest@{NOBODY}/trunk")
    monkeypatch.setenv("TRUNK_MONGO_URI", f"mongodb://{NOBODY}/")
    monkeypatch.setenv("TRUNK_S3_ENDPOINT", NOBODY)
    monkeypatch.setenv("TRUNK_TRUST_DIR", str(tmp_path))
    service: Service = importlib.import_module(f"{name}.main").build()
    async with service.running():
        assert await missing(service) == SERVERS | LOADED[name]


@pytest.mark.parametrize("is_allowed", [False, True], ids=["no virtual host", "rights and no queues"])
async def test_a_service_that_starts_before_the_topology_works_once_it_is_there(
    absent: VirtualHost, is_allowed: bool
) -> None:
    if is_allowed:
        absent.admin.make_vhost()
        absent.admin.declare(replace(absent.topology, queues=(), bindings=()))
        for user in absent.topology.users:
            absent.admin.apply_user(user, absent.passwords[user.name])
    handled: list[BaseFact] = []

    async def handle(fact: BaseFact) -> None:
        handled.append(fact)

    service = absent.service("archive")
    service.on_facts(dict.fromkeys(FACT_TYPES, handle))
    async with service.running():
        await until(service, lambda lacks: lacks == {"rabbitmq"})
        await asyncio.to_thread(absent.apply)
        await until(service, lambda lacks: not lacks)
        await announce(absent, fact("after"))
        async with asyncio.timeout(120):
            while not handled:
                await asyncio.sleep(0.05)


async def test_a_service_whose_database_and_store_come_later_gets_ready(vhost: VirtualHost) -> None:
    stack, ports = vhost.stack, free_ports(2)
    database, store = urlsplit(stack.mongo_uri), stack.s3_endpoint
    account, at, _ = database.netloc.rpartition("@")
    later = {
        "mongo_uri": SecretStr(database._replace(netloc=f"{account}{at}127.0.0.1:{ports[0]}").geturl()),
        "s3_endpoint": f"127.0.0.1:{ports[1]}",
    }
    service = vhost.service("router", **later)
    service.on_queue("facts.router.normal", handles_nothing)
    async with service.running():
        await until(service, lambda lacks: lacks == {"mongodb", "object_store"})
        async with forwarded(ports[0], database.netloc), forwarded(ports[1], store):
            await until(service, lambda lacks: not lacks)


async def handles_nothing(_: object) -> None:
    """Nothing comes."""


@asynccontextmanager
async def forwarded(port: int, target: str) -> AsyncIterator[None]:
    """From now on, what connects to the port reaches the server at ``target``."""
    host, _, target_port = target.rpartition("@")[2].partition(":")

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(host, int(target_port))
        await asyncio.gather(pump(reader, back), pump(there, writer), return_exceptions=True)

    server = await asyncio.start_server(take, "127.0.0.1", port)
    try:
        yield
    finally:
        server.close()
