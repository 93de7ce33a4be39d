"""SIGTERM lets running handlers finish, publish and ack; nothing is lost, nothing handled is handled again."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import httpx
import pytest

from common import topology
from common.domain.names import Lane
from tests.ports import free_ports

from .conftest import VirtualHost
from .test_chassis import announce, fact, until

SCRIPT = Path(__file__).with_name("drained_service.py")
QUEUE = topology.facts_queue("archive", Lane.NORMAL)


[PORT] = free_ports(1)


async def start(vhost: VirtualHost, marks: Path, **more: str) -> asyncio.subprocess.Process:
    settings = os.environ | {
        "TRUNK_AMQP_URL": vhost.url("archive"),
        "TRUNK_MONGO_URI": vhost.stack.mongo_uri,
        "TRUNK_S3_ENDPOINT": vhost.stack.s3_endpoint,
        "TRUNK_S3_ACCESS_KEY": vhost.stack.s3_access_key,
        "TRUNK_S3_SECRET_KEY": vhost.stack.s3_secret_key,
        "TRUNK_HTTP_PORT": str(PORT),
        "TRUNK_DRAIN_SECONDS": "15",
        **more,
    }
    command = [sys.executable, str(SCRIPT), str(marks), f"{vhost.name}_drain"]
    return await asyncio.create_subprocess_exec(*command, env=settings, stdout=asyncio.subprocess.DEVNULL)


async def ready() -> bool:
    async with httpx.AsyncClient() as http:
        try:
            return (await http.get(f"http://127.0.0.1:{PORT}/readyz")).status_code == 200
        except httpx.HTTPError:
            return False


async def test_sigterm_in_the_middle_of_work(vhost: VirtualHost, tmp_path: Path) -> None:
    process = await start(vhost, tmp_path)
    async with asyncio.timeout(120):
        while not await ready():
            await asyncio.sleep(0.1)
    await announce(vhost, *(fact(f"e{number}") for number in range(4)))
    await until(lambda: len(list(tmp_path.glob("*.begun"))) == 4)
    process.send_signal(signal.SIGTERM)
    await asyncio.wait_for(process.wait(), GRACE_SECONDS)
    assert len(list(tmp_path.glob("*.done"))) == 4
    async with vhost.channel() as channel:
        event_ids = []
        while (delivered := await channel.basic_get(QUEUE, no_ack=True)).delivery.name == "Basic.GetOk":
            event_ids.append(delivered.header.properties.headers["x-event-id"])
    assert sorted(event_ids) == [f"e{number}-after" for number in range(4)]


GRACE_SECONDS = 40
"""What ``docs/operations/upgrade.md`` gives a service: 25 seconds to drain, and 15 more."""


async def silent(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
    """Take a request and never answer."""
    await asyncio.Event().wait()


async def endless(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer one byte a second: no time limit of a single read ever passes."""
    while True:
        writer.write(b"H")
        await asyncio.sleep(1)


@pytest.mark.parametrize("collector", [silent, endless])
async def test_a_collector_that_never_answers_holds_up_no_exit(
    vhost: VirtualHost, tmp_path: Path, collector: Callable[..., Coroutine[Any, Any, None]]
) -> None:
    was_asked = asyncio.Event()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        was_asked.set()
        await collector(reader, writer)

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    process = await start(vhost, tmp_path, TRUNK_OTLP_ENDPOINT=f"http://127.0.0.1:{port}")
    async with asyncio.timeout(120):
        while not await ready():
            await asyncio.sleep(0.1)
    await announce(vhost, fact(f"traced-{collector.__name__}"))
    await until(lambda: (tmp_path / f"traced-{collector.__name__}.done").exists())
    process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(process.wait(), GRACE_SECONDS) == 0
    assert was_asked.is_set(), "spans were on their way to it"
    server.close()
