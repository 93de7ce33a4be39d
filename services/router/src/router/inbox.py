"""What goes into a unit's inbox, and how: packages unchanged, or a reference to a large one; answers of the trunk."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any, Protocol

from common import headers
from common.domain.envelope import Organization
from common.domain.ids import event_id
from common.domain.names import DocumentId, Label, Lane, PackageId, PackageKind, UnitCode
from common.domain.reason import Reason
from common.facts import BaseFact, ObjectRef
from common.topology import INBOX
from router.compose import Answer, receipt, refusal
from router.settings import RouterSettings

JSON = "application/json"


class MessageType(StrEnum):
    """The AMQP ``type`` of an inbox message."""

    DOCUMENT = "document"
    STATUS = "status"
    REFUSAL = "refusal"
    RECEIPT = "receipt"


class Sender(Protocol):
    """What the router asks of the chassis; tests pass one that remembers."""

    async def announce(self, fact: BaseFact) -> None:
        """Publish a fact, and return when the broker has confirmed."""

    async def send(
        self,
        exchange: str,
        routing_key: str,
        body: bytes,
        *,
        kind: str,
        extra: dict[str, Any],
        content_type: str = "application/json",
        unconfirmed: Callable[[], None] = ...,
    ) -> None:
        """Publish bytes, and return when the broker has confirmed; tells of each attempt that it has not."""


class Contents(Protocol):
    """What the router asks of the object store."""

    async def get(self, ref: ObjectRef) -> bytes:
        """The bytes, checked."""

    async def presigned_get(self, ref: ObjectRef, expires: timedelta) -> str:
        """An address to fetch them from."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """A message body, made once for all receivers."""

    body: bytes
    content_type: str
    sha256: str
    """Of the package bytes, whether they are the body or lie in the object store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slip:
    """What the headers of an inbox message say."""

    type: MessageType
    event_id: str
    package_id: PackageId
    document_key: str
    document_id: DocumentId
    sender: UnitCode
    kind: PackageKind
    lane: Lane
    label: Label | None = None
    unsigned_annexes: int = 0
    reason: Reason | None = None

    def headers(self, sha256: str) -> dict[str, str]:
        """AMQP headers; what is not known is left out."""
        named = {
            headers.EVENT_ID: self.event_id,
            headers.PACKAGE_ID: self.package_id,
            headers.DOCUMENT_KEY: self.document_key,
            headers.DOCUMENT_ID: self.document_id,
            headers.SENDER: self.sender,
            headers.SHA256: sha256,
            headers.KIND: self.kind,
            headers.LANE: self.lane,
            headers.LABEL: self.label,
            headers.UNSIGNED_ANNEXES: self.unsigned_annexes,
            headers.REASON: self.reason,
        }
        return {name: str(value) for name, value in named.items() if value}


class Inbox:
    """Places messages into inboxes."""

    def __init__(self, sender: Sender, objects: Contents, settings: RouterSettings) -> None:
        self._sender = sender
        self._objects = objects
        self._inline_limit_bytes = settings.inline_limit_bytes
        self._reference_life = timedelta(days=settings.reference_days)
        self.trunk = Organization(code=settings.trunk_unit_code, name=settings.trunk_unit_name)

    async def parcel(self, package: ObjectRef) -> Parcel:
        """The package as a body: its bytes, or where a large one can be fetched."""
        if package.size_bytes <= self._inline_limit_bytes:
            return Parcel(await self._objects.get(package), headers.EDXML_TYPE, package.sha256)
        reference = package.model_dump() | {
            "url": await self._objects.presigned_get(package, self._reference_life),
            "expires_at": (datetime.now(UTC) + self._reference_life).isoformat(timespec="seconds"),
        }
        return Parcel(json.dumps(reference).encode(), headers.REFERENCE_TYPE, package.sha256)

    async def place(
        self, unit: UnitCode, parcel: Parcel, slip: Slip, unconfirmed: Callable[[], None] = lambda: None
    ) -> None:
        """Return when the unit's inbox holds the message; tells of each attempt at which it did not take it."""
        await self._sender.send(
            INBOX,
            unit,
            parcel.body,
            kind=slip.type.value,
            extra=slip.headers(parcel.sha256),
            content_type=parcel.content_type,
            unconfirmed=unconfirmed,
        )

    async def answer(self, answer: Answer) -> None:
        """Place what the trunk itself has to say to the sender of a package."""
        if answer.reason is None:
            parcel, kind = Parcel(receipt(answer), JSON, answer.sha256), MessageType.RECEIPT
        else:
            parcel, kind = edxml_parcel(refusal(answer, self.trunk)), MessageType.REFUSAL
        slip = Slip(
            type=kind,
            event_id=event_id(answer.package_id, answer.step),
            package_id=answer.package_id,
            document_key=answer.document_key,
            document_id=answer.document_id,
            sender=self.trunk.code,
            kind=answer.kind,
            lane=answer.lane,
            reason=answer.reason,
        )
        await self.place(answer.to, parcel, slip)


def edxml_parcel(package: bytes) -> Parcel:
    """A package that the trunk wrote itself."""
    return Parcel(package, headers.EDXML_TYPE, sha256(package).hexdigest())
