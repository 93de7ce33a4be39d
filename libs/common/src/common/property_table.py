"""A message whose properties cannot be decoded is a message without properties, not the end of the connection.

The broker passes on whatever a publisher wrote: texts that are not UTF-8, times beyond reckoning, tables nested two
thousand deep. The client library raises on them in its reader, which closes every channel of the connection; the
message comes back at the next, and takes other units' messages with it to the delivery limit. Read as empty, it lacks
``user_id`` and goes to the parking lot like any other submission that nobody vouches for.

Importing this module is enough.
"""

import logging
from typing import Any

from pamqp.commands import Basic
from pamqp.header import ContentHeader

log = logging.getLogger(__name__)

FIXED_BYTES = 12
"""Class, weight and body size stand in front of the properties; without them the frame is no frame."""

_unmarshal = ContentHeader.unmarshal


def _tolerant(self: ContentHeader, data: bytes) -> Any:
    try:
        return _unmarshal(self, data)
    except Exception as error:
        if len(data) < FIXED_BYTES:
            raise
        log.warning("message with undecodable properties: %s", type(error).__name__)
        self.properties = Basic.Properties()
        return None


ContentHeader.unmarshal = _tolerant  # type: ignore[method-assign]
