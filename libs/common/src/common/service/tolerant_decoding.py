"""Decodes messages whose properties the client library cannot decode, so that they do not close the connection.

The broker passes on whatever a publisher wrote: text that is not UTF-8, times out of range, tables nested two thousand
levels deep. The client library raises an error while reading them, which closes the connection with all its channels.
The message is delivered again on the next connection, and each time its neighbours come closer to the delivery limit.
With ``install``, such a message arrives without properties, so also without ``user_id``, and is parked as anonymous. A
routing key that is not UTF-8 arrives with its bytes escaped.
"""

import logging
import struct
from typing import Any

from pamqp.commands import Basic
from pamqp.header import ContentHeader

log = logging.getLogger(__name__)

FIXED_BYTES = 12
"""Length of class, weight and body size, which precede the properties. A shorter frame is malformed."""

_unmarshal = ContentHeader.unmarshal
_unmarshal_delivery = Basic.Deliver.unmarshal


def install() -> None:
    """Replace the library's decoding by the tolerant one in this process. Idempotent."""
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
    """The short string at the beginning, and the bytes after it."""
    end = 1 + data[0]
    return data[1:end].decode(errors="backslashreplace"), data[end:]
