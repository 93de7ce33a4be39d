"""The yardstick: the same durable hops with nothing in them, on plain aio-pika.

submit -> intake -> validator -> router -> order to place -> inbox: five quorum queues, every publish confirmed, the
package's bytes on the first and the last hop and a fact's worth of bytes between them, one process a hop, prefetch 8.
"""

import asyncio
import multiprocessing
import sys
import time
from dataclasses import dataclass

import aio_pika

from bench.cpu import process_cpu_seconds

HOPS = ("bench.bare.submit", "bench.bare.verify", "bench.bare.route", "bench.bare.place", "bench.bare.inbox")
FACT_BYTES = 1500
PREFETCH = 8
WINDOW = 50


@dataclass(frozen=True, slots=True)
class BareResult:
    """What the bare pipeline did."""

    documents_per_second: float
    cpu_ms_per_document: float
    """Of the forwarding processes together."""


def run_bare(url: str, count: int, size_bytes: int) -> BareResult:
    """Send ``count`` messages through the bare hops."""
    asyncio.run(_declare(url))
    sizes = [FACT_BYTES] * (len(HOPS) - 2) + [size_bytes]
    workers = [
        multiprocessing.Process(target=_forward_process, args=(url, source, target, size), daemon=True)
        for source, target, size in zip(HOPS, HOPS[1:], sizes, strict=False)
    ]
    for worker in workers:
        worker.start()
    try:
        time.sleep(2)
        before = sum(process_cpu_seconds(worker.pid or 0) for worker in workers)
        seconds = asyncio.run(_drive(url, count, size_bytes))
        spent = sum(process_cpu_seconds(worker.pid or 0) for worker in workers) - before
    finally:
        for worker in workers:
            worker.kill()
        asyncio.run(_delete(url))
    return BareResult(count / seconds, spent / count * 1000)


async def _declare(url: str) -> None:
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        for name in HOPS:
            await channel.declare_queue(name, durable=True, arguments={"x-queue-type": "quorum"})


async def _delete(url: str) -> None:
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        for name in HOPS:
            await channel.queue_delete(name)


async def _drive(url: str, count: int, size_bytes: int) -> float:
    async with await aio_pika.connect(url) as sending, await aio_pika.connect(url) as reading:
        sender, reader = await sending.channel(), await reading.channel()
        arrived = asyncio.Event()
        left = count

        async def take(_: aio_pika.abc.AbstractIncomingMessage) -> None:
            nonlocal left
            left -= 1
            if not left:
                arrived.set()

        await (await reader.get_queue(HOPS[-1])).consume(take, no_ack=True)
        began, window = time.monotonic(), asyncio.Semaphore(WINDOW)
        body = bytes(size_bytes)

        async def send() -> None:
            async with window:
                await sender.default_exchange.publish(aio_pika.Message(body, delivery_mode=2), HOPS[0])

        await asyncio.gather(*[send() for _ in range(count)])
        await asyncio.wait_for(arrived.wait(), 600)
        return time.monotonic() - began


def _forward_process(url: str, source: str, target: str, size_bytes: int) -> None:
    try:
        asyncio.run(_forward(url, source, target, size_bytes))
    except KeyboardInterrupt:
        sys.exit(0)


async def _forward(url: str, source: str, target: str, size_bytes: int) -> None:
    async with await aio_pika.connect(url) as consuming, await aio_pika.connect(url) as publishing:
        incoming, outgoing = await consuming.channel(), await publishing.channel()
        await incoming.set_qos(PREFETCH)
        body = bytes(size_bytes)

        async def handle(message: aio_pika.abc.AbstractIncomingMessage) -> None:
            await outgoing.default_exchange.publish(aio_pika.Message(body, delivery_mode=2), target)
            await message.ack()

        await (await incoming.get_queue(source)).consume(handle)
        await asyncio.Event().wait()
