"""One trace covers publishing, handling, and handling again; what a unit writes becomes no name and no attribute."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from pamqp.commands import Basic

from common import topology
from common.domain.names import Lane
from common.facts import FACT_TYPES, BaseFact
from common.failure import Outage
from common.service.incoming import Incoming
from common.service.service import Service

from ..harness.spans import exporter, spans, trace_of
from .conftest import VirtualHost
from .test_chassis import fact, until

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture(autouse=True)
def forget() -> None:
    exporter.clear()


def archive(vhost: VirtualHost, handler: Callable[[BaseFact], Any]) -> Service:
    service = vhost.service("archive")
    service.on_facts(dict.fromkeys(FACT_TYPES, handler))
    return service


async def test_one_trace_from_publishing_to_handling_and_handling_again(vhost: VirtualHost) -> None:
    failures = [Outage("database", "away")]

    async def handler(_: BaseFact) -> None:
        if failures:
            raise failures.pop()

    router = vhost.service("router")
    router.tasks.keep("publisher", router.publisher.run)
    async with archive(vhost, handler).running():
        placed = fact("traced").model_copy(update={"fact": "routing.refused"})
        await router.announce(placed)
        await until(lambda: len(spans("routing.refused process")) == 2)
    await router.tasks.stop()
    (published,) = spans("routing.refused publish")
    handled = spans("routing.refused process")
    assert {trace_of(span) for span in (published, *handled)} == {trace_of(published)}
    for span in (published, *handled):
        attributes = dict(span.attributes or {})
        assert attributes["trunk.package_id"] == "p" * 32
        assert attributes["trunk.document_key"] == "d" * 32


@pytest.mark.parametrize("flags", ["01", "00"], ids=["sampled", "not sampled"])
async def test_a_submission_goes_on_with_the_trace_it_brings(vhost: VirtualHost, flags: str) -> None:
    await submitted(vhost, {"traceparent": f"00-{TRACE}-{SPAN}-{flags}"})
    assert [trace_of(span) for span in spans("submission process")] == [TRACE]


@pytest.mark.parametrize(
    "odd",
    [
        {"traceparent": 5, "tracestate": [1], "baggage": 7},
        {"traceparent": f"00-{TRACE}-{SPAN}-01", "tracestate": 5},
        {"traceparent": "00-zz-zz-01", "baggage": "with_batch=True"},
        {"traceparent": "x" * 70_000},
        {},
    ],
    ids=range(5),
)
async def test_what_is_no_trace_begins_one(vhost: VirtualHost, odd: dict[str, Any]) -> None:
    await submitted(vhost, odd)
    assert len(spans("submission process")) == 1


async def test_attempts_at_a_submission_that_brings_no_trace_are_one_trace(vhost: VirtualHost) -> None:
    await submitted(vhost, {}, failures=[Outage("object_store", "away"), Outage("object_store", "away")])
    first, *others = [trace_of(span) for span in spans("submission process")]
    assert others == [first, first]


async def test_what_a_unit_writes_into_headers_is_neither_a_name_nor_an_id(vhost: VirtualHost) -> None:
    await submitted(vhost, {"x-package-id": "forged", "x-document-id": "forged"}, message_type="document.verified")
    (span,) = exporter.get_finished_spans()
    assert span.name == "submission process"
    assert "forged" not in str(span.attributes)


async def submitted(
    vhost: VirtualHost, headers: dict[str, Any], failures: Sequence[Exception] = (), **properties: Any
) -> None:
    """A submission of A.01 at which intake fails as often as told, and which it handles then."""
    done, remaining = asyncio.Event(), list(failures)

    async def handle(_: Incoming) -> None:
        if remaining:
            raise remaining.pop()
        done.set()

    queue = topology.submit_queue("A.01", Lane.NORMAL)
    service = vhost.service("intake")
    service.on_queues("submissions", lambda: [queue], "submit.", handle)
    async with service.running(), vhost.channel("A.01") as channel:
        await channel.basic_publish(
            b"<edXML/>",
            exchange=topology.SUBMIT,
            routing_key=topology.submit_key("A.01", Lane.NORMAL),
            properties=Basic.Properties(headers=headers, **properties),
        )
        await asyncio.wait_for(done.wait(), 20)
        await until(lambda: len(spans("submission process")) == len(failures) + 1)
