"""The chassis on a real RabbitMQ: what becomes of a message whose handler fails, and of a publish nobody takes."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import aio_pika
import pytest
from opentelemetry import trace

from common import topology
from common.domain.names import Lane, PackageKind
from common.domain.reason import Reason
from common.facts import Fact, PackageRepeated
from common.failure import Permanent, Transient
from common.metrics import REGISTRY
from common.service import Service
from common.service.confirm import Unconfirmed

from .conftest import VirtualHost

QUEUE = topology.facts_queue("archive", Lane.NORMAL)


def fact(number: int = 1) -> PackageRepeated:
    return PackageRepeated(
        event_id=f"e{number}",
        occurred_at=datetime.now(UTC),
        subject="d" * 32,
        package_id="p" * 32,
        sender="A.01",
        document_id="A.01,2026/11/22,1/TB",
        kind=PackageKind.NEW,
        lane=Lane.NORMAL,
        accepted=True,
        submitted_at=datetime.now(UTC),
    )


@asynccontextmanager
async def running(vhost: VirtualHost, handler: Callable[[Fact], Awaitable[None]]) -> AsyncIterator[Service]:
    service = Service("archive", vhost.settings("archive"))
    service.on_facts(handler)
    await service.publish_broker.connect()
    await service.consume_broker.start()
    try:
        yield service
    finally:
        await service.consume_broker.stop()
        await service.publish_broker.stop()


@asynccontextmanager
async def channel(vhost: VirtualHost) -> AsyncIterator[aio_pika.abc.AbstractChannel]:
    async with await aio_pika.connect(vhost.url()) as connection, connection.channel() as opened:
        yield opened


async def parked(vhost: VirtualHost, within_seconds: float = 10.0) -> aio_pika.abc.AbstractIncomingMessage:
    async with channel(vhost) as opened:
        queue = await opened.get_queue(topology.PARK)
        async with asyncio.timeout(within_seconds):
            while True:
                if (message := await queue.get(fail=False, no_ack=True)) is not None:
                    return message
                await asyncio.sleep(0.05)


async def raw(vhost: VirtualHost, body: bytes, **properties: Any) -> None:
    async with channel(vhost) as opened:
        message = aio_pika.Message(body, delivery_mode=2, **properties)
        await opened.default_exchange.publish(message, QUEUE, mandatory=True)


def seen_by(store: list[Any], *failures: Exception | None) -> Callable[[Fact], Awaitable[None]]:
    """A handler that remembers facts and fails as told, run by run."""
    plan = list(failures)

    async def handle(fact: Fact) -> None:
        store.append(fact)
        if plan and (failure := plan.pop(0)):
            raise failure

    return handle


async def until(condition: Callable[[], bool], within_seconds: float = 10.0) -> None:
    async with asyncio.timeout(within_seconds):
        while not condition():
            await asyncio.sleep(0.02)


async def test_a_fact_announced_is_handled(vhost: VirtualHost) -> None:
    seen: list[Any] = []
    async with running(vhost, seen_by(seen)) as service:
        await service.announce(fact())
        await until(lambda: len(seen) == 1)
    assert seen[0].event_id == "e1"
    assert isinstance(seen[0], PackageRepeated)


async def test_transient_trouble_climbs_the_ladder_and_comes_back(vhost: VirtualHost) -> None:
    seen: list[Any] = []
    trouble = Transient(Reason.E_SIG_REVOCATION_UNKNOWN, "CRL is stale")
    async with running(vhost, seen_by(seen, trouble, trouble)) as service:
        await service.announce(fact(2))
        await until(lambda: len(seen) == 3)
    assert {f.event_id for f in seen} == {"e2"}


async def test_permanent_trouble_is_parked_with_its_reason(vhost: VirtualHost) -> None:
    seen: list[Any] = []
    async with running(vhost, seen_by(seen, Permanent(Reason.E_REFDOC, "no such document"))) as service:
        await service.announce(fact(3))
        message = await parked(vhost)
    assert message.headers["x-park-reason"] == "E_REFDOC"
    assert message.headers["x-park-detail"] == "no such document"
    assert message.headers["x-park-queue"] == QUEUE
    assert json.loads(message.body)["event_id"] == "e3"
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("body", "properties"),
    [
        (b"{", {"content_type": "application/json"}),
        (b"\xff\xfe\x00", {}),
        (b"", {}),
        (b'{"fact": "no.such.fact"}', {"content_type": "application/json"}),
        (b'{"fact": "package.repeated"}', {"content_type": "application/json"}),
        (b"null", {"content_type": "application/json"}),
        (b"plain", {"content_type": "text/plain"}),
        (b"[1,2", {"content_type": "application/json", "reply_to": "trunk.park"}),
        (b"{", {"content_type": "application/json", "headers": {"x-attempt": "not a number", "big": "h" * 9000}}),
    ],
)
async def test_poison_is_parked_at_first_delivery_and_the_queue_moves_on(
    vhost: VirtualHost, body: bytes, properties: dict[str, Any]
) -> None:
    seen: list[Any] = []
    async with running(vhost, seen_by(seen)) as service:
        await raw(vhost, body, **properties)
        message = await parked(vhost)
        assert message.headers["x-park-reason"] == "E_FACT"
        assert message.body == body
        await service.announce(fact(4))
        await until(lambda: len(seen) == 1)


async def test_a_bug_is_redelivered_to_the_limit_and_then_parked(vhost: VirtualHost) -> None:
    seen: list[Any] = []
    async with running(vhost, seen_by(seen, *[RuntimeError("bug")] * 50)) as service:
        await service.announce(fact(5))
        message = await parked(vhost, within_seconds=30)
    assert json.loads(message.body)["event_id"] == "e5"
    assert len(seen) == topology.DELIVERY_LIMIT + 1


async def test_a_publish_that_reaches_no_queue_is_not_confirmed(vhost: VirtualHost) -> None:
    async with running(vhost, seen_by([])) as service:
        with pytest.raises(Unconfirmed):
            await service._send_once(topology.FACTS, "unbound", b"x", "document", {}, "text/plain")


async def test_each_attempt_that_is_not_confirmed_is_told_until_one_is(vhost: VirtualHost) -> None:
    told: list[None] = []
    inbox = topology.inbox_queue("A.01")
    async with channel(vhost) as opened:
        service = Service("router", vhost.settings("router"))
        await service.publish_broker.connect()
        queue = await opened.get_queue(inbox)
        await queue.unbind(topology.INBOX, "A.01")
        sending = asyncio.create_task(
            service.send(topology.INBOX, "A.01", b"x", kind="document", extra={}, unconfirmed=lambda: told.append(None))
        )
        await until(lambda: len(told) == 2)
        await queue.bind(topology.INBOX, "A.01")
        await asyncio.wait_for(sending, 10)
        await service.publish_broker.stop()
        assert (await queue.get(no_ack=True)).body == b"x"


async def test_a_message_is_held_while_the_ladder_takes_nothing(vhost: VirtualHost) -> None:
    """A broker that refuses copies for a while must not use up the message's redeliveries."""
    seen: list[Any] = []
    lowest = topology.RETRY_LADDER[0].exchange
    async with channel(vhost) as opened:
        exchange, queue = await opened.get_exchange(lowest), await opened.get_queue(lowest)
        await queue.unbind(exchange, "")
        async with running(vhost, seen_by(seen, Transient(Reason.E_UNAVAILABLE, "once"))) as service:
            await service.announce(fact(8))
            await until(lambda: len(seen) == 1)
            await asyncio.sleep(1.5)
            assert len(seen) == 1
            await queue.bind(exchange, "")
            await until(lambda: len(seen) == 2)


async def test_the_trace_goes_on_through_the_ladder(vhost: VirtualHost) -> None:
    traces: list[int] = []

    async def handle(fact: Fact) -> None:
        traces.append(trace.get_current_span().get_span_context().trace_id)
        if len(traces) == 1:
            raise Transient(Reason.E_UNAVAILABLE, "once")

    async with running(vhost, handle) as service:
        await service.announce(fact(6))
        await until(lambda: len(traces) == 2)
    assert traces[0] == traces[1] != 0


async def test_patience_ends_in_the_parking_lot(vhost: VirtualHost) -> None:
    settings = vhost.settings("archive").model_copy(update={"patience_hours": -1.0})
    service = Service("archive", settings)
    service.on_facts(seen_by([], Transient(Reason.E_UNAVAILABLE, "for ever")))
    await service.publish_broker.connect()
    await service.consume_broker.start()
    await service.announce(fact(7))
    message = await parked(vhost)
    await service.consume_broker.stop()
    await service.publish_broker.stop()
    assert message.headers["x-park-reason"] == "E_ATTEMPTS"


def test_every_consumed_queue_can_lose_nothing() -> None:
    for service in topology.SERVICES:
        for name in topology.consumed_queues(service):
            queue = next(q for q in topology.static_topology().queues if q.name == name)
            assert queue.arguments["x-queue-type"] == "quorum"
            assert queue.arguments["x-delivery-limit"] == 20
            assert queue.arguments["x-overflow"] == "reject-publish"
            assert queue.arguments["x-dead-letter-strategy"] == "at-least-once"
            assert queue.arguments["x-dead-letter-exchange"] == topology.PARK


def test_every_subscriber_is_guarded(vhost: VirtualHost) -> None:
    service = Service("archive", vhost.settings("archive"))
    service.on_facts(seen_by([]))
    channels = [subscriber.channel for subscriber in service.consume_broker.subscribers]
    assert len({id(c) for c in channels}) == len(channels) == 2
    for subscriber in service.consume_broker.subscribers:
        assert subscriber._no_reply
        assert subscriber.channel.prefetch_count <= 20
        assert subscriber.channel.on_return_raises


async def test_a_fact_larger_than_the_limit_is_a_bug(vhost: VirtualHost) -> None:
    service = Service("archive", vhost.settings("archive"))
    with pytest.raises(ValueError, match="bytes"):
        await service.announce(fact().model_copy(update={"detail": "x" * 20_000}))


async def test_dependencies_are_asked_for_also_when_nobody_asks_whether_the_service_is_ready(
    vhost: VirtualHost,
) -> None:
    settings = vhost.settings("archive").model_copy(update={"gauges_refresh_seconds": 0.05})
    service, answers = Service("archive", settings), [ConnectionError("away"), None]

    async def check() -> None:
        if answer := answers[0]:
            raise answer

    service.needs("something", check)
    for start in service._on_startup:
        await start()
    try:
        await _until(lambda: _up("something") == 0)
        assert _up("rabbitmq") == 0
        answers.pop(0)
        await _until(lambda: _up("something") == 1)
    finally:
        for stop in service._on_shutdown:
            await stop()


def _up(dependency: str) -> float | None:
    return REGISTRY.get_sample_value("trunk_dependency_up", {"service": "archive", "dependency": dependency})


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.01)


def test_what_runs_and_by_which_settings_is_told(vhost: VirtualHost) -> None:
    changes = {"version": "1.4.0", "revision": "abc123", "budget_urgent_seconds": 61.0}
    Service("archive", vhost.settings("archive").model_copy(update=changes))
    build = {"service": "archive", "version": "1.4.0", "revision": "abc123"}
    assert REGISTRY.get_sample_value("trunk_build_info", build) == 1
    assert REGISTRY.get_sample_value("trunk_urgency_budget_seconds", {"urgency": "urgent"}) == 61
    assert REGISTRY.get_sample_value("trunk_urgency_budget_seconds", {"urgency": "normal"}) == 900
    assert (REGISTRY.get_sample_value("trunk_schema_version", {"service": "archive"}) or 0) >= 1
