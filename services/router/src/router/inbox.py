"""Messages for inboxes: a package unchanged, a reference to a large one, or a message of the trunk itself."""

import json
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Protocol

from common import headers
from common.domain.envelope import Organization
from common.domain.names import DocumentId, Label, Lane, PackageId, PackageKind, UnitCode
from common.domain.reason import Reason
from common.facts import ObjectPlace, ObjectRef
from common.service.outgoing import Outgoing
from common.topology import INBOX
from router.compose import Answer, receipt, refusal
from router.placing import LOST_AFTER, MessageType, Placing
from router.settings import RouterSettings

RENEWAL_MARGIN = timedelta(days=1)
"""How long before an address expires the next one is issued; half of its life, if that is shorter."""
CACHED_BYTES = 32 * 1024 * 1024
"""Size of the packages kept in memory for their next receivers, in total."""


class Contents(Protocol):
    """The part of the object store that the router uses. All methods raise ``Outage`` while it is unavailable."""

    async def get(self, ref: ObjectRef) -> bytes:
        """The bytes of an object, checked against size and digest. Raises ``ObjectMissing`` or ``ObjectAltered``."""

    async def presigned_get(self, ref: ObjectRef, expires: timedelta) -> str:
        """An address from which the object can be fetched until it expires."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageHeaders:
    """The values of the headers of an inbox message."""

    package_id: PackageId
    document_key: str
    document_id: DocumentId
    sender: UnitCode
    kind: PackageKind
    lane: Lane
    label: Label | None = None
    unsigned_annexes: int = 0
    reason: Reason | None = None

    def amqp(self, event_id: str, package_sha256: str) -> dict[str, str]:
        """The AMQP headers; empty values are left out."""
        values = {
            headers.EVENT_ID: event_id,
            headers.PACKAGE_ID: self.package_id,
            headers.DOCUMENT_KEY: self.document_key,
            headers.DOCUMENT_ID: self.document_id,
            headers.SENDER: self.sender,
            headers.SHA256: package_sha256,
            headers.KIND: self.kind,
            headers.LANE: self.lane,
            headers.LABEL: self.label,
            headers.UNSIGNED_ANNEXES: self.unsigned_annexes,
            headers.REASON: self.reason,
        }
        return {name: str(value) for name, value in values.items() if value}


class Inbox:
    """Makes placings of answers, and messages of placings."""

    def __init__(self, objects: Contents, settings: RouterSettings, now: Callable[[], datetime]) -> None:
        self._objects = objects
        self._inline_limit_bytes = settings.inline_limit_bytes
        self._reference_life = timedelta(days=settings.reference_days)
        self._now = now
        self._packages: OrderedDict[str, bytes] = OrderedDict()
        self.trunk = Organization(code=settings.trunk_unit_code, name=settings.trunk_unit_name)

    def is_by_reference(self, placing: Placing) -> bool:
        """Whether the message holds the package's address instead of the package."""
        return placing.body is None and placing.package is not None and self._is_large(placing.package)

    def renewal_of(self, placing: Placing, placed_at: datetime) -> datetime | None:
        """When to issue the address of a placing again; None = it has no address, or is not a delivery."""
        if not placing.delivery or not self.is_by_reference(placing):
            return None
        return placed_at + self._reference_life - min(RENEWAL_MARGIN, self._reference_life / 2)

    async def message(self, placing: Placing) -> Outgoing:
        """The message that the receiver gets. Each attempt has a new address of a large package. Raises ``ValueError``
        for a placing without content, and what ``Contents`` raises."""
        body, content_type = await self._content(placing)
        return Outgoing(
            exchange=INBOX,
            routing_key=placing.receiver,
            body=body,
            event_id=placing.id,
            type=placing.type.value,
            content_type=content_type,
            headers=placing.headers,
            correlation_id=placing.headers.get(headers.PACKAGE_ID),
        )

    def answer(self, answer: Answer) -> Placing:
        """The placing of an answer to the sender of a package."""
        if answer.is_receipt:
            body, content_type, kind = receipt(answer), headers.JSON_TYPE, MessageType.RECEIPT
            digest = answer.sha256
        else:
            body, content_type, kind = refusal(answer, self.trunk), headers.EDXML_TYPE, MessageType.REFUSAL
            digest = sha256(body).hexdigest()
        about = MessageHeaders(
            package_id=answer.package_id,
            document_key=answer.document_key,
            document_id=answer.document_id,
            sender=self.trunk.code,
            kind=answer.kind,
            lane=answer.lane,
            reason=answer.reason,
        )
        opened_at = self._now()
        return Placing(
            id=answer.event_id,
            receiver=answer.to,
            lane=answer.lane,
            type=kind,
            headers=about.amqp(answer.event_id, digest),
            content_type=content_type,
            body=body,
            sha256=digest,
            opened_at=opened_at,
            next_attempt_at=opened_at + LOST_AFTER,
        )

    async def _content(self, placing: Placing) -> tuple[bytes, str]:
        if placing.body is not None:
            return placing.body, placing.content_type
        package = placing.package
        if package is None:
            raise ValueError(f"{placing.id} has neither body nor package")
        if not self._is_large(package):
            return await self._package(package), headers.EDXML_TYPE
        expires_at = self._now() + self._reference_life
        reference = package.model_dump(include=set(ObjectPlace.model_fields)) | {
            "url": await self._objects.presigned_get(package, self._reference_life),
            "expires_at": expires_at.isoformat(timespec="seconds"),
        }
        return json.dumps(reference).encode(), headers.REFERENCE_TYPE

    def _is_large(self, package: ObjectRef) -> bool:
        """Bytes that came with their reference lie in no bucket, and have no address."""
        return package.packed is None and package.size_bytes > self._inline_limit_bytes

    async def _package(self, package: ObjectRef) -> bytes:
        """The bytes of a package, which are kept in memory for the next receivers of the document."""
        if package.sha256 in self._packages:
            self._packages.move_to_end(package.sha256)
            return self._packages[package.sha256]
        body = await self._objects.get(package)
        self._packages[package.sha256] = body
        while sum(map(len, self._packages.values())) > CACHED_BYTES:
            self._packages.popitem(last=False)
        return body
