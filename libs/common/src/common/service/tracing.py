"""Spans of messages. All spans about a package, from its submission on, belong to one trace.

The trace travels in the headers ``traceparent`` and ``tracestate``. A unit may send its own; otherwise intake begins
one, whose id is derived from the message, so that all attempts at a redelivered message belong to one trace. Baggage is
not propagated.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from opentelemetry import trace
from opentelemetry.context import attach, detach
from opentelemetry.trace import SpanKind, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from common import headers
from common.service.incoming import Incoming
from common.service.outgoing import Outgoing
from common.telemetry import DOCUMENT_ATTRIBUTES, trace_begun_by
from common.topology import INBOX, unit_of_submit_queue

_W3C = TraceContextTextMapPropagator()
DOCUMENT_LABELS = {
    headers.PACKAGE_ID: DOCUMENT_ATTRIBUTES["package_id"],
    headers.DOCUMENT_ID: DOCUMENT_ATTRIBUTES["document_id"],
    headers.DOCUMENT_KEY: DOCUMENT_ATTRIBUTES["document_key"],
}


@contextmanager
def publishing(message: Outgoing) -> Iterator[dict[str, str]]:
    """A span around a publish, such as ``<fact> publish`` or ``inbox document publish``. Yields the headers to send."""
    name = f"inbox {message.type}" if message.exchange == INBOX else message.type
    with _tracer().start_as_current_span(
        f"{name} publish", kind=SpanKind.PRODUCER, attributes=_attributes(message.headers, message.exchange)
    ):
        carrier: dict[str, str] = {}
        _W3C.inject(carrier)
        yield carrier


@contextmanager
def processing(message: Incoming, fact_names: frozenset[str]) -> Iterator[None]:
    """A span around the handling of a message, such as ``<fact> process`` or ``submission process``.

    ``fact_names``: the types that may appear in its name. Others could be any text of a publisher.
    """
    if unit_of_submit_queue(message.queue):
        name = "submission"
    else:
        name = message.type if message.type in fact_names else "unknown"
    context = _W3C.extract(dict(message.trace))
    begun = trace.get_current_span(context).get_span_context().is_valid
    with (
        nullcontext() if begun else trace_begun_by(message.key),
        _tracer().start_as_current_span(
            f"{name} process",
            context=context,
            kind=SpanKind.CONSUMER,
            attributes=_attributes(dict(message.labels), message.queue),
        ),
    ):
        yield


def carried() -> dict[str, str]:
    """The current trace context, to be saved with work that is done later."""
    carrier: dict[str, str] = {}
    _W3C.inject(carrier)
    return carrier


@contextmanager
def resumed(carrier: dict[str, str]) -> Iterator[None]:
    """Continue a saved trace in the block. ``carrier``: as returned by ``carried``."""
    token = attach(_W3C.extract(carrier))
    try:
        yield
    finally:
        detach(token)


def _tracer() -> Tracer:
    return trace.get_tracer("trunk")


def _attributes(labels: dict[str, str], destination: str) -> dict[str, str]:
    document = {DOCUMENT_LABELS[name]: value for name, value in labels.items() if name in DOCUMENT_LABELS}
    return {"messaging.system": "rabbitmq", "messaging.destination.name": destination, **document}
