"""Traces leave the process by OTLP, and one trace covers the announcement and the handling of a fact."""

import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from common.facts import Fact
from common.service import Service

from .conftest import VirtualHost
from .test_chassis import fact


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


async def test_one_trace_from_announcement_to_handler(vhost: VirtualHost, collector: tuple[str, list[Any]]) -> None:
    endpoint, received = collector
    done = asyncio.Event()

    async def handle(_: Fact) -> None:
        done.set()

    service = Service("archive", vhost.settings("archive").model_copy(update={"otlp_endpoint": endpoint}))
    service.on_facts(handle)
    await service.publish_broker.connect()
    await service.consume_broker.start()
    await service.announce(fact(8))
    await asyncio.wait_for(done.wait(), 10)
    await service.consume_broker.stop()
    await service.publish_broker.stop()
    await service.flush_traces()
    assert {name for name, _ in received} == {"trunk-archive"}
    traces = {span.trace_id for _, span in received}
    assert len(traces) == 1
    assert {span.name.rsplit(" ", 1)[1] for _, span in received} >= {"publish", "process"}
