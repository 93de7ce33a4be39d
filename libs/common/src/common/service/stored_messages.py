"""Stores messages for their records: small bodies in the record, large ones in the object store."""

import hashlib
from typing import Protocol

from common.domain.reason import Reason
from common.facts import ObjectRef
from common.failure import Permanent
from common.service.incoming import Incoming
from common.service.records import MessageRecord, StoredMessage

INLINE_BYTES = 64 * 1024
"""Bodies up to this size are kept in the record, larger ones in the object store."""


class Bodies(Protocol):
    """Stores large bodies."""

    async def put(self, key: str, body: bytes) -> ObjectRef:
        """Store a body under a key. Idempotent."""

    async def get(self, ref: ObjectRef) -> bytes:
        """The body, checked against its digest."""


class StoredMessages:
    """The messages that one service stores."""

    def __init__(self, service: str, bodies: Bodies) -> None:
        self._service = service
        self._bodies = bodies

    async def keep(self, message: Incoming) -> StoredMessage:
        """Store a message. Returns the part of it for the record. Idempotent. Raises ``Outage``."""
        is_small = len(message.body) <= INLINE_BYTES
        body_ref = None if is_small else await self._bodies.put(f"{self._service}/{message.key}", message.body)
        return StoredMessage(
            exchange=message.exchange,
            routing_key=message.routing_key,
            type=message.type,
            content_type=message.content_type,
            message_id=message.message_id,
            correlation_id=message.correlation_id,
            published_at=message.published_at,
            trace=dict(message.trace),
            labels=dict(message.labels),
            size_bytes=len(message.body),
            sha256=hashlib.sha256(message.body).hexdigest(),
            body=message.body if is_small else None,
            body_ref=body_ref,
        )

    async def message_of(self, record: MessageRecord) -> Incoming:
        """The message of a record, as it was delivered. Raises ``Permanent`` if it was not stored, and ``Outage``."""
        stored = record.message
        if stored is None:
            raise Permanent(Reason.E_OBJECT, "the message was not kept")
        body = await self._bodies.get(stored.body_ref) if stored.body_ref else stored.body or b""
        return Incoming(
            queue=record.queue,
            exchange=stored.exchange,
            routing_key=stored.routing_key,
            body=body,
            user_id=record.user_id,
            type=stored.type,
            content_type=stored.content_type,
            message_id=stored.message_id,
            correlation_id=stored.correlation_id,
            published_at=stored.published_at,
            trace=stored.trace,
            labels=stored.labels,
            is_redelivered=True,
        )
