"""Our publisher during an alarm, on a broker of its own: an alarm holds up everybody who publishes to the broker."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aio_pika

from common.service.outgoing import Outgoing
from common.service.publisher import AmqpPublisher
from devstack import broker_control
from devstack.servers import Addresses

EXCHANGE, QUEUE, KEY = "alarm", "alarm.taken", "key"
PATIENCE_SECONDS = 120.0
TINY, USUAL = 0.0000001, 0.6
"""Fractions of the memory: with the smallest, the broker is above its limit at once."""


def event(name: str) -> Outgoing:
    return Outgoing(exchange=EXCHANGE, routing_key=KEY, body=b"{}", event_id=name, type="test")


async def test_during_an_alarm_a_publish_waits_for_its_own_confirm(
    spare: Callable[[str], Addresses], tmp_path: Path
) -> None:
    """The broker blocks publishing; each event is there once when the alarm is over."""
    broker = spare("rabbitmq")
    await declare(broker.amqp_url)
    opened = AmqpPublisher(broker.amqp_url, broker.rabbitmq_admin_user)
    running = asyncio.create_task(opened.run())
    try:
        await opened.publish(event("before"))
        await asyncio.to_thread(set_memory_limit, tmp_path, TINY)
        try:
            publishes = await published_until_blocked(opened)
            for number in range(20):
                publishes.append(asyncio.create_task(opened.publish(event(f"e{number}"))))
                await gives_up_waiting(opened.publish(event(f"e{number}")))
            assert "blocked" in await problem(opened)
        finally:
            await asyncio.to_thread(set_memory_limit, tmp_path, USUAL)
        await asyncio.wait_for(asyncio.gather(*publishes), PATIENCE_SECONDS)
    finally:
        await opened.close(0.1)
        running.cancel()
        await asyncio.wait({running})
    assert await count(broker.amqp_url) == 1 + len(publishes)


async def declare(url: str) -> None:
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        exchange = await channel.declare_exchange(EXCHANGE, "topic", durable=True)
        queue = await channel.declare_queue(QUEUE, durable=True, arguments={"x-queue-type": "quorum"})
        await queue.bind(exchange, KEY)


async def count(url: str) -> int:
    """Everything that waits in the queue, taken out."""
    async with await aio_pika.connect(url) as connection:
        queue = await (await connection.channel()).get_queue(QUEUE)
        message_count = 0
        while await queue.get(fail=False, no_ack=True):
            message_count += 1
        return message_count


async def published_until_blocked(opened: AmqpPublisher) -> list[asyncio.Task[None]]:
    """The broker tells of an alarm when somebody publishes, a moment after it has begun."""
    publishes: list[asyncio.Task[None]] = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not is_blocked(opened):
            publishes.append(asyncio.create_task(opened.publish(event(f"early {len(publishes)}"))))
            await asyncio.sleep(0.1)
    return publishes


async def gives_up_waiting(publish: Any) -> None:
    """As a handler does whose time is over."""
    done, _ = await asyncio.wait({waiting := asyncio.ensure_future(publish)}, timeout=0.01)
    assert not done
    waiting.cancel()
    await asyncio.wait({waiting})


async def problem(opened: AmqpPublisher) -> str:
    """What readiness says."""
    try:
        await opened.check()
    except ConnectionError as error:
        return str(error)
    return ""


def is_blocked(opened: AmqpPublisher) -> bool:
    connection: Any = opened._connection
    return connection is not None and not connection._Connection__connection_unblocked.is_set()


def set_memory_limit(state: Path, fraction: float) -> None:
    broker_control.run(state, ["set_vm_memory_high_watermark", str(fraction)])
