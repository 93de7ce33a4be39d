"""Spans in the field's words, under one trace a package from its submission on.

The trace travels in the header ``traceparent``: a unit may bring its own, else intake begins one. Copies up the ladder,
into the parking lot and back keep it. A unit cannot keep its packages out of our traces, nor bring anything else along.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, get_args

from faststream import BaseMiddleware
from faststream.opentelemetry.middleware import TelemetryMiddleware
from faststream.rabbit.opentelemetry.provider import RabbitTelemetrySettingsProvider
from faststream.rabbit.response import RabbitPublishCommand
from opentelemetry.sdk.trace import TracerProvider

from common import headers, topology
from common.facts import Fact
from common.telemetry import DOCUMENT_ATTRIBUTES

FACTS = frozenset(kind.model_fields["fact"].default for kind in get_args(get_args(Fact)[0]))
RUNGS = {level.exchange: level.name for level in topology.RETRY_LADDER}


class Names(RabbitTelemetrySettingsProvider):
    """What spans are called and what they bear; types that others wrote never become names."""

    def get_consume_destination_name(self, msg: Any) -> str:
        """``submission``, the fact's name, or ``unknown``."""
        if _is_submission(msg):
            return "submission"
        kind = msg.raw_message.type
        return kind if kind in FACTS else "unknown"

    def get_publish_destination_name(self, cmd: RabbitPublishCommand) -> str:
        """The fact's name, ``inbox document``, ``retry 10s``, ``park``."""
        kind = str(cmd.message_options.get("message_type") or "")
        match cmd.exchange.name:
            case topology.INBOX:
                return f"inbox {kind}"
            case topology.PARK:
                return "park"
            case name if name in RUNGS:
                return f"retry {RUNGS[name]}"
            case _:
                return kind

    def get_consume_attrs_from_message(self, msg: Any) -> dict[str, Any]:
        """The framework's, and which document it is about; of a submission intake has to find that out."""
        about = {} if _is_submission(msg) else _about(msg.headers)
        return super().get_consume_attrs_from_message(msg) | about

    def get_publish_attrs_from_cmd(self, cmd: RabbitPublishCommand) -> dict[str, Any]:
        """The framework's, and which document it is about; of a copy the handling span says it."""
        about = _about(cmd.headers) if cmd.exchange.name in (topology.FACTS, topology.INBOX) else {}
        return super().get_publish_attrs_from_cmd(cmd) | about


class Clean(BaseMiddleware[Any, Any]):
    """Goes before all that reads a trace: what is no text would be an error there, and baggage is not carried."""

    async def consume_scope(self, call_next: Callable[[Any], Awaitable[Any]], msg: Any) -> Any:
        """Handle the message without them."""
        for name in ("traceparent", "tracestate"):
            if not isinstance(msg.headers.get(name, ""), str):
                del msg.headers[name]
        msg.headers.pop("baggage", None)
        return await call_next(msg)


def traces(provider: TracerProvider) -> TelemetryMiddleware[RabbitPublishCommand]:
    """The framework's middleware with our names."""
    return TelemetryMiddleware(settings_provider_factory=lambda _: Names(), tracer_provider=provider)


def _is_submission(msg: Any) -> bool:
    raw = msg.raw_message
    return raw.exchange == topology.SUBMIT or raw.routing_key in topology.SUBMIT_QUEUES


def _about(told: Mapping[str, Any]) -> dict[str, str]:
    found = {"package_id": headers.PACKAGE_ID, "document_id": headers.DOCUMENT_ID, "document_key": headers.DOCUMENT_KEY}
    return {DOCUMENT_ATTRIBUTES[name]: str(told[header]) for name, header in found.items() if told.get(header)}
