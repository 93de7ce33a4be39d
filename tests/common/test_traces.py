"""Traces leave the process by OTLP; one trace covers announcing, handling, climbing the ladder, and parking."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import aio_pika
import pytest
from faststream.rabbit import RabbitMessage
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from common import headers, topology
from common.domain.names import Lane
from common.domain.reason import Reason
from common.facts import Fact
from common.failure import Permanent, Transient
from common.service import Service

from .conftest import VirtualHost
from .test_chassis import channel, fact, parked

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture
def collector() -> Iterator[tuple[str, list[Any]]]:
    """Address of an OTLP/HTTP receiver, and the (service, span) pairs it got."""
    received: list[Any] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["content-length"])))
            for resource in request.resource_spans:
                names = {a.key: a.value.string_value for a in resource.resource.attributes}
                for scope in resource.scope_spans:
                    received.extend((names["service.name"], span) for span in scope.spans)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", received
    server.shutdown()


@asynccontextmanager
async def running(service: Service) -> AsyncIterator[None]:
    await service.publish_broker.connect()
    await service.consume_broker.start()
    try:
        yield
    finally:
        await service.consume_broker.stop()
        await service.publish_broker.stop()
        await service.flush_traces()


def traced(vhost: VirtualHost, name: str, endpoint: str) -> Service:
    return Service(name, vhost.settings(name).model_copy(update={"otlp_endpoint": endpoint}))


def attributes(span: Any) -> dict[str, Any]:
    return {each.key: each.value.string_value for each in span.attributes}


async def test_one_trace_from_announcement_to_handler(vhost: VirtualHost, collector: tuple[str, list[Any]]) -> None:
    endpoint, received = collector
    done = asyncio.Event()

    async def handle(_: Fact) -> None:
        done.set()

    service = traced(vhost, "archive", endpoint)
    service.on_facts(handle)
    async with running(service):
        await service.announce(fact(8))
        await asyncio.wait_for(done.wait(), 10)
    assert {name for name, _ in received} == {"trunk-archive"}
    assert len({span.trace_id for _, span in received}) == 1
    spans = {span.name: span for _, span in received}
    assert set(spans) == {"package.repeated create", "package.repeated publish", "package.repeated process"}
    for span in spans.values():
        told = attributes(span)
        assert told["trunk.package_id"] == fact(8).package_id
        assert told["trunk.document_id"] == fact(8).document_id
        assert told["trunk.document_key"] == fact(8).subject


async def test_the_ladder_and_the_parking_lot_keep_the_trace(
    vhost: VirtualHost, collector: tuple[str, list[Any]]
) -> None:
    endpoint, received = collector
    failures: list[Exception] = [Transient(Reason.E_UNAVAILABLE), Permanent(Reason.E_FACT)]

    async def handle(_: Fact) -> None:
        raise failures.pop(0)

    service = traced(vhost, "archive", endpoint)
    service.on_facts(handle)
    async with running(service):
        await service.announce(fact(9))
        message = await parked(vhost)
    assert failures == []
    (trace_id,) = {span.trace_id.hex() for _, span in received}
    assert trace_id in str(message.headers["traceparent"])
    names = [span.name for _, span in received]
    assert names.count("package.repeated process") == 2
    assert {"retry 10s publish", "park publish"} <= set(names)


@pytest.mark.parametrize("flags", ["01", "00"], ids=["sampled", "not sampled"])
async def test_a_submission_goes_on_with_the_trace_it_brings(
    vhost: VirtualHost, collector: tuple[str, list[Any]], flags: str
) -> None:
    spans = await submitted(vhost, collector, {"traceparent": f"00-{TRACE}-{SPAN}-{flags}"})
    assert {span.trace_id.hex() for span in spans} == {TRACE}
    assert "submission process" in {span.name for span in spans}


@pytest.mark.parametrize(
    "odd",
    [
        {"traceparent": 5, "tracestate": [1], "baggage": 7},
        {"traceparent": f"00-{TRACE}-{SPAN}-01", "tracestate": 5},
        {"traceparent": "00-zz-zz-01", "baggage": "with_batch=True"},
        {},
    ],
    ids=str,
)
async def test_a_trace_that_is_none_is_begun_anew(
    vhost: VirtualHost, collector: tuple[str, list[Any]], odd: dict[str, Any]
) -> None:
    spans = await submitted(vhost, collector, odd)
    assert len({span.trace_id for span in spans}) == 1
    assert "submission process" in {span.name for span in spans}


async def test_what_a_unit_writes_into_headers_is_neither_a_name_nor_an_id(
    vhost: VirtualHost, collector: tuple[str, list[Any]]
) -> None:
    forged = {headers.PACKAGE_ID: "forged", headers.DOCUMENT_ID: "forged"}
    spans = await submitted(vhost, collector, forged, type="document.verified")
    assert {span.name for span in spans} == {"submission create", "submission process"}
    assert "forged" not in str([attributes(span) for span in spans])


async def submitted(
    vhost: VirtualHost, collector: tuple[str, list[Any]], told: dict[str, Any], **properties: Any
) -> list[Any]:
    """The spans of a submission that intake handles without trouble."""
    endpoint, received = collector
    done = asyncio.Event()

    async def handle(_: bytes, __: RabbitMessage) -> None:
        done.set()

    service = traced(vhost, "intake", endpoint)
    service.on_submissions(handle)
    async with running(service), channel(vhost) as opened:
        exchange = await opened.get_exchange(topology.SUBMIT)
        message = aio_pika.Message(b"<edXML/>", headers=told, **properties)
        await exchange.publish(message, topology.submit_key("A.01", Lane.NORMAL), mandatory=True)
        await asyncio.wait_for(done.wait(), 10)
    return [span for _, span in received]
