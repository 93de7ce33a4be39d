"""A small OTLP/HTTP receiver: keeps every span with the service that sent it."""

import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True)
class Span:
    """What matters of a span."""

    service: str
    name: str
    trace_id: str
    attributes: dict[str, str]


class Collector:
    """While entered, takes spans at ``url``."""

    def __init__(self) -> None:
        self._spans: list[Span] = []
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "Collector":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()

    def of_trace(self, trace_id: str) -> list[Span]:
        """Every span of one trace so far."""
        with self._lock:
            return [span for span in self._spans if span.trace_id == trace_id]

    def about(self, package_id: str) -> list[Span]:
        """Every span that names a package so far."""
        with self._lock:
            return [span for span in self._spans if span.attributes.get("trunk.package_id") == package_id]

    def take(self, body: bytes) -> None:
        """One export request."""
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            service = _texts(resource.resource.attributes)["service.name"]
            spans = [
                Span(service, span.name, span.trace_id.hex(), _texts(span.attributes))
                for scope in resource.scope_spans
                for span in scope.spans
            ]
            with self._lock:
                self._spans += spans

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        collector = self

        class Receiver(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                collector.take(self.rfile.read(int(self.headers["content-length"])))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                return

        return Receiver


def _texts(attributes: Any) -> dict[str, str]:
    return {each.key: each.value.string_value for each in attributes}
