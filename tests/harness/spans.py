"""The spans that this process has made, kept in memory. Importing this sets the process's one tracer provider."""

from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from common.settings import ServiceSettings
from common.telemetry import setup_traces

exporter = InMemorySpanExporter()
_provider = setup_traces("test", ServiceSettings())
_provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(_provider)


def spans(name: str) -> list[ReadableSpan]:
    """Those of one name, in the order in which they ended."""
    return [span for span in exporter.get_finished_spans() if span.name == name]


def trace_of(span: ReadableSpan) -> str:
    """The trace that it belongs to: 32 hex digits."""
    assert span.context is not None
    return f"{span.context.trace_id:032x}"
