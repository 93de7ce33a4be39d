"""Logs as JSON lines with the ids of trace and document, and traces by OTLP if a collector's address is set.

How to read them: docs/operations/traces.md.
"""

import asyncio
import contextlib
import logging
import sys
import threading
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import structlog
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased

from common.settings import ServiceSettings

FLUSH_SECONDS = 3.0
"""How long a process may take at its end to send the spans that it still has."""
NOISY_LOGGERS = ("aiormq", "pymongo", "urllib3", "uvicorn")

ABOUT = ("package_id", "document_id", "document_key", "sender", "reason")
DOCUMENT_ATTRIBUTES = {name: f"trunk.{name}" for name in ABOUT}
"""Attributes of a span about a document, by the name of the field in the log."""


_trace_of_work: ContextVar[int] = ContextVar("trace_of_work", default=0)


class RepeatableTraceIds(RandomIdGenerator):
    """Generates random ids, except inside ``trace_begun_by``, so that all attempts at a message have one trace."""

    def generate_trace_id(self) -> int:
        """The id set by ``trace_begun_by``; without one, a random id."""
        return _trace_of_work.get() or super().generate_trace_id()

    def is_trace_id_random(self) -> bool:
        """False, because an id derived from a message is not random (W3C Trace Context Level 2, random-trace-id
        flag)."""
        return False


@contextmanager
def trace_begun_by(key: str) -> Iterator[None]:
    """Traces that begin in the block have an id derived from ``key`` (at least 32 hex digits)."""
    token = _trace_of_work.set(int(key[:32], 16))
    try:
        yield
    finally:
        _trace_of_work.reset(token)


def setup_logs(service: str, level: str) -> None:
    """Log JSON lines to standard output. Call it once, in ``main``."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_formatter(service))
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for name in NOISY_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*_shared(service), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def setup_traces(service: str, settings: ServiceSettings) -> TracerProvider:
    """The tracer provider of this process. It sends spans only if the address of a collector is set."""
    resource = Resource.create({"service.name": f"trunk-{service}", "service.version": settings.version})
    # A unit may send its own trace context, but not decide that the trace is not sampled.
    sampler = ParentBased(ALWAYS_ON, remote_parent_not_sampled=ALWAYS_ON)
    provider = TracerProvider(
        resource=resource,
        sampler=sampler,
        id_generator=RepeatableTraceIds(),
        shutdown_on_exit=False,  # it would wait for the collector for as long as 30 seconds; flush_traces comes before
    )
    if settings.otlp_endpoint:
        # Two large libraries, protobuf and requests, which a process needs only to send.
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        exporter = OTLPSpanExporter(f"{settings.otlp_endpoint.rstrip('/')}/v1/traces")
        provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


async def flush_traces(provider: TracerProvider, within_seconds: float = FLUSH_SECONDS) -> bool:
    """Send the remaining spans. Returns False if the collector has not taken them in time.

    The SDK's ``force_flush`` ignores its time limit. It runs in a daemon thread here, because a process waits for every
    other thread before it ends: a collector that never answers would delay that until SIGKILL.
    """
    loop, is_done = asyncio.get_running_loop(), asyncio.Event()

    def flush() -> None:
        try:
            provider.force_flush()
        finally:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nothing waits any more
                loop.call_soon_threadsafe(is_done.set)

    threading.Thread(target=flush, name="flush of traces", daemon=True).start()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(within_seconds):
            await is_done.wait()
    return is_done.is_set()


def about_document(**identifiers: str | None) -> None:
    """Add ids of the document to the log lines and the span of the current message. ``identifiers``: by the names in
    ``ABOUT``; empty ones are left out."""
    present = {name: value for name, value in identifiers.items() if value}
    structlog.contextvars.bind_contextvars(**present)
    trace.get_current_span().set_attributes({DOCUMENT_ATTRIBUTES[name]: value for name, value in present.items()})


@contextmanager
def span(name: str, **attributes: str) -> Iterator[None]:
    """A span in the trace of the current message. ``attributes``: set as ``trunk.<name>``."""
    tracer = trace.get_tracer("trunk")
    prefixed = {f"trunk.{key}": value for key, value in attributes.items()}
    with tracer.start_as_current_span(name, kind=trace.SpanKind.CLIENT, attributes=prefixed):
        yield


def _formatter(service: str) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_shared(service),
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    )


def _shared(service: str) -> list[Any]:
    def add_service(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        return {"service": service, **event}

    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_trace,
        add_service,
    ]


def _add_trace(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = f"{context.trace_id:032x}"
    return event
