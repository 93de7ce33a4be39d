"""The router as it runs: facts come from a real broker, messages lie in real inboxes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date
from typing import Any

import aio_pika
import pytest
from pamqp.commands import Basic

from common import headers
from common.domain.directory import Directory, Unit
from common.domain.envelope import Organization
from common.domain.names import Lane, StatusCode
from common.facts import BaseFact
from common.service.service import Service
from common.topology import FACTS, inbox_queue, place_queue
from router.handlers import Router

from ..common.conftest import VirtualHost
from ..router.conftest import World

HERE, THERE = "A.01", "B.02"


@pytest.fixture
def backing() -> str:
    """Real stores."""
    return "servers"


@asynccontextmanager
async def running(world: World, host: VirtualHost) -> AsyncIterator[Service]:
    """The router's chassis over the stores of ``world``."""
    units = [Unit(code=code, name=code, valid_from=date(2025, 7, 1)) for code in (HERE, THERE)]
    world.directory.current = Directory(units)
    service = host.service("router")
    router = Router(service, world.settings, world.objects, world.store, world.directory)
    service.on_facts(router.handlers)
    for lane in Lane:
        service.on_queue(place_queue(lane), router.placer.take)
    async with service.running():
        yield service


async def until(get: Callable[[], Awaitable[Any]]) -> Any:
    """What ``get`` gives, once it gives something."""
    async with asyncio.timeout(120):
        while True:
            if result := await get():
                return result
            await asyncio.sleep(0.05)


async def test_a_document_goes_out_and_its_status_comes_back(world: World, vhost: VirtualHost) -> None:
    connection = await aio_pika.connect(vhost.url())
    async with connection, running(world, vhost):
        channel = await connection.channel()

        async def publish(fact: BaseFact) -> None:
            maker = {"document.verified": "validator", "notice.accepted": "intake"}[fact.fact]
            async with vhost.channel(maker) as own:
                await own.basic_publish(
                    fact.model_dump_json().encode(),
                    exchange=FACTS,
                    routing_key=fact.routing_key,
                    properties=Basic.Properties(user_id=maker),
                )

        async def take(unit: str) -> Any:
            queue = await channel.get_queue(inbox_queue(unit))
            return await until(lambda: queue.get(no_ack=True, fail=False))

        letter = replace(world.letter(to=(THERE,)), sender=Organization(code=HERE))
        fact = (await world.verified(letter)).model_copy(update={"lane": Lane.URGENT})
        await publish(fact)
        got = await take(THERE)
        assert got.body == await world.objects.get(fact.package)
        assert (got.type, got.content_type, got.user_id) == ("document", "application/edxml+xml", "router")
        assert got.headers[headers.SHA256] == fact.package.sha256
        assert got.headers[headers.LANE] == "urgent"

        assert (await take(HERE)).type == "receipt"
        status = await world.notice(world.status(StatusCode.ARRIVED, by=THERE, to=HERE))
        await publish(status)
        assert (await take(THERE)).type == "receipt"
        back = await take(HERE)
        assert (back.type, back.body) == ("status", await world.objects.get(status.package))
