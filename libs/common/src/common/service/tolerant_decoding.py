"""Lets a connection survive a message whose properties cannot be decoded.

The broker passes on whatever a publisher wrote: text that is not UTF-8, times out of range, tables nested two thousand
deep. The client library raises on them while reading, which closes the connection with all its channels; the message
comes back at the next connection, and pushes its neighbours towards the delivery limit. With this in place such a
message arrives without properties, so also without ``user_id``, and is parked as anonymous. A routing key that is no
text arrives with its bytes spelled out.
"""

import logging
import struct
from typing import Any

from pamqp.commands import Basic
from pamqp.header import ContentHeader

log = logging.getLogger(__name__)

FIXED_BYTES = 12
"""Class, weight and body size stand before the properties; a frame without them is broken."""

_unmarshal = ContentHeader.unmarshal
_unmarshal_delivery = Basic.Deliver.unmarshal


def install() -> None:
    """Replace the library's decoding of properties by the tolerant one; calling it again changes nothing."""
    ContentHeader.unmarshal = _tolerant  # type: ignore[method-assign]
    Basic.Deliver.unmarshal = _tolerant_delivery  # type: ignore[method-assign, assignment]


def _tolerant(self: ContentHeader, data: bytes) -> Any:
    try:
        return _unmarshal(self, data)
    except Exception as error:
        if len(data) < FIXED_BYTES:
            raise
        log.warning("message with undecodable properties: %s", type(error).__name__)
        self.properties = Basic.Properties()
        return None


def _tolerant_delivery(self: Basic.Deliver, data: bytes) -> None:
    try:
        _unmarshal_delivery(self, data)
    except UnicodeDecodeError:
        self.consumer_tag, rest = _short_text(data)
        self.delivery_tag, self.redelivered = struct.unpack_from(">Q?", rest)
        self.exchange, rest = _short_text(rest[9:])
        self.routing_key, _ = _short_text(rest)


def _short_text(data: bytes) -> tuple[str, bytes]:
    """A short string, and what follows it."""
    end = 1 + data[0]
    return data[1:end].decode(errors="backslashreplace"), data[end:]
