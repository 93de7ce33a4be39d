"""Listening to a stream on a real RabbitMQ: from now on, by several at once, and without taking anything away."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest
from aiormq.exceptions import (
    AMQPConnectionError,
    ChannelAccessRefused,
    ChannelNotFoundEntity,
    ChannelPreconditionFailed,
)
from pamqp.commands import Basic

from common.service import listener as listening
from common.service.listener import Listener
from common.topology import FACTS, PROGRESS

from .conftest import VirtualHost


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "RECONNECT_SECONDS", 0.05)
    monkeypatch.setattr(listening, "REFUSED_SECONDS", 0.06)


class Ear:
    """What one listener hears, and whether it can."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []
        self.states: list[bool] = []

    def hear(self, key: str, package: str) -> None:
        self.heard.append((key, package))
        if package == "raises":
            raise KeyError(package)

    def note(self, is_on: bool) -> None:
        self.states.append(is_on)


@asynccontextmanager
async def hearing(vhost: VirtualHost, user: str = "intake", stream: str = PROGRESS) -> AsyncIterator[Ear]:
    ear = Ear()
    running = asyncio.create_task(Listener(vhost.url(user), "test hears", stream, ear.hear, ear.note).run())
    try:
        yield ear
    finally:
        running.cancel()
        await asyncio.wait({running})


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(120):
        while not holds():
            await asyncio.sleep(0.01)


async def route(vhost: VirtualHost, *packages: str) -> None:
    async with vhost.channel("router") as channel:
        for package in packages:
            properties = Basic.Properties(correlation_id=package, delivery_mode=2, user_id="router")
            await channel.basic_publish(
                b"{}", exchange=FACTS, routing_key="package.routed.normal", properties=properties, mandatory=True
            )


async def test_all_hear_everything_from_now_on(vhost: VirtualHost) -> None:
    await route(vhost, "before")
    async with hearing(vhost) as first:
        await until(lambda: first.states == [True])
        await route(vhost, "1")
        async with hearing(vhost) as second:
            await until(lambda: second.states == [True])
            await route(vhost, "2", "raises", "3")
            await until(lambda: len(first.heard) == 4 and len(second.heard) == 3)
    key = "package.routed.normal"
    assert first.heard == [(key, "1"), (key, "2"), (key, "raises"), (key, "3")]
    assert second.heard == first.heard[1:]


async def test_more_than_the_broker_sends_ahead(vhost: VirtualHost) -> None:
    async with hearing(vhost) as ear:
        await until(lambda: ear.states == [True])
        names = [str(number) for number in range(listening.PREFETCH * 2)]
        await route(vhost, *names)
        await until(lambda: len(ear.heard) == len(names))
    assert [package for _, package in ear.heard] == names


async def test_what_passes_without_a_connection_is_missed_and_said_so(vhost: VirtualHost) -> None:
    async with hearing(vhost) as ear:
        await until(lambda: ear.states == [True])
        await vhost.end_sessions("intake")
        await until(lambda: ear.states == [True, False, True])
        await route(vhost, "later")
        await until(lambda: ear.heard == [("package.routed.normal", "later")])
    assert ear.states == [True, False, True, False]


@pytest.mark.parametrize(("user", "stream"), [("router", PROGRESS), ("intake", "trunk.none")])
async def test_without_the_right_or_the_stream_it_tries_on(vhost: VirtualHost, user: str, stream: str) -> None:
    async with hearing(vhost, user, stream) as ear:
        await until(lambda: len(ear.states) >= 3)
        assert set(ear.states) == {False}


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (ChannelAccessRefused, 0.06),  # before ``topology apply`` has given the right
        (ChannelNotFoundEntity, 0.06),
        (ChannelPreconditionFailed, 0.06),
        (AMQPConnectionError, 0.05),
        (TimeoutError, 0.05),
    ],
)
async def test_who_is_refused_leaves_the_stream_alone_for_longer(
    error: type[Exception], seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broker reports each refusal, and it becomes a security event."""
    pauses: list[float] = []

    def fails(*_: object) -> None:
        raise error

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        raise asyncio.CancelledError

    monkeypatch.setattr(listening, "connected", fails)
    monkeypatch.setattr(asyncio, "sleep", sleep)
    ear = Ear()
    with suppress(asyncio.CancelledError):
        await Listener("amqp://broker", "test hears", PROGRESS, ear.hear, ear.note).run()
    assert (pauses, ear.states) == ([seconds], [False])
