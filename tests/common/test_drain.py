"""SIGTERM lets running handlers finish, publish and ack; nothing is lost, nothing handled is handled again."""

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

import aio_pika
import httpx

from common import topology
from common.domain.names import Lane
from common.service import Service

from .conftest import VirtualHost
from .test_chassis import fact, until

SCRIPT = Path(__file__).with_name("drained_service.py")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


PORT = free_port()


async def start(vhost: VirtualHost, marks: Path) -> asyncio.subprocess.Process:
    told = os.environ | {
        "TRUNK_AMQP_URL": vhost.url("archive"),
        "TRUNK_HTTP_PORT": str(PORT),
        "TRUNK_DRAIN_SECONDS": "15",
    }
    return await asyncio.create_subprocess_exec(
        sys.executable, SCRIPT, marks, env=told, stdout=asyncio.subprocess.DEVNULL
    )


async def ready() -> bool:
    async with httpx.AsyncClient() as http:
        try:
            return (await http.get(f"http://127.0.0.1:{PORT}/readyz")).status_code == 200
        except httpx.HTTPError:
            return False


async def left_in_queue(vhost: VirtualHost) -> list[str]:
    async with await aio_pika.connect(vhost.url()) as connection:
        channel = await connection.channel()
        queue = await channel.get_queue(topology.facts_queue("archive", Lane.NORMAL))
        found = []
        while message := await queue.get(fail=False):
            found.append(str(message.headers["x-event-id"]))
            await message.ack()
        return found


async def test_sigterm_in_the_middle_of_work(vhost: VirtualHost, tmp_path: Path) -> None:
    process = await start(vhost, tmp_path)
    async with asyncio.timeout(30):
        while not await ready():
            await asyncio.sleep(0.1)
    publisher = Service("router", vhost.settings("router"))
    await publisher.publish_broker.connect()
    for number in range(4):
        await publisher.announce(fact(number))
    await publisher.publish_broker.stop()
    await until(lambda: len(list(tmp_path.glob("*.begun"))) == 4)
    process.send_signal(signal.SIGTERM)
    await asyncio.wait_for(process.wait(), 20)
    assert len(list(tmp_path.glob("*.done"))) == 4
    left = await left_in_queue(vhost)
    assert sorted(left) == [f"e{number}-after" for number in range(4)]
