"""The record of one decision: what was submitted, and how it was answered. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from common.domain import ids
from common.domain.envelope import Envelope, Message
from common.domain.names import Lane, PackageKind
from common.domain.outcome import Refused
from common.domain.reason import Reason
from common.domain.security import SecurityKind
from common.edxml import Tolerance
from common.facts import ObjectRef, Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A submission whose bytes have been read and digested."""

    sender: str
    package: ObjectRef
    lane: Lane
    """Of the queue that it came from. The lane of the package follows from its own priority."""
    at: datetime
    """When intake took the submission."""
    upload: ObjectRef | None = None
    """The unit's upload, if the package was submitted by reference."""
    trace: dict[str, str] = field(default_factory=dict)
    """W3C trace context of the attempt that took it. Later messages about the package belong to that trace."""

    @property
    def package_id(self) -> str:
        """Identifies these bytes of this sender."""
        return ids.package_id(self.sender, self.package.sha256)


class PackageRecord(BaseModel):
    """The decision about one package."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    package_id: str
    subject: str
    """Document key under which the ledger records the package."""
    sender: str
    document_id: str
    kind: PackageKind
    lane: Lane
    arrival_lane: Lane | None = None
    """Of the queue that it came from; None in records of earlier releases."""
    submitted_at: datetime
    place: datetime | None = None
    """Its place in the order of submission (``intake.order``); None if it was refused, and in records of earlier
    releases."""
    target_package: str | None = None
    """Of an accepted recall, update or status: the package that then held the DocumentId which it is about."""
    target_packages: dict[str, str] = {}
    """Of an accepted replacement: the same for each of its documents, by document key."""
    claims_document_id: bool | None = None
    """Whether it brings a document of its own; None if it was refused, and in records of earlier releases."""
    package: ObjectRef
    """Reference to the bytes as received. They are in the store; a small notice that was let in is carried by the
    reference itself. If the reason is E_SECRET, the bytes are kept nowhere."""
    upload: ObjectRef | None = None
    envelope: ObjectRef | None = None
    carries_files: bool = False
    reason: Reason | None = None
    detail: Text = ""
    security: SecurityKind | None = None
    """The kind of security event, if the refusal was one."""
    warnings: tuple[str, ...] = ()
    purge: tuple[ObjectRef, ...] = ()
    """Of a package that the validator found secret: the objects that must be removed."""
    is_purged: bool | None = None
    """Whether all of ``purge`` has been removed; None if nothing must be, and in records of earlier releases."""
    fact_body: bytes | None = None
    """The fact as it was first published, while the package is open; None in records of earlier releases."""
    announced: bool = False
    """Set once the broker has confirmed the fact. Only then is a further copy of the package a repetition."""
    trace: dict[str, str] = {}
    """W3C trace context of the decision; empty in records of earlier releases."""

    @property
    def is_searched_notice(self) -> bool:
        """Whether the package was let in without files, and the parser ignored no unknown element. Its bytes are then
        searched for anything else that the parser ignored (``intake.reading.is_searched``)."""
        return self.reason is None and not self.carries_files and Tolerance.T18 not in self.warnings

    @property
    def is_secret(self) -> bool:
        """Whether intake or the validator found the package secret."""
        return self.reason is Reason.E_SECRET or bool(self.purge)


@dataclass(frozen=True, slots=True)
class Stored:
    """A parsed package, after those of its parts that are stored apart from it have been stored."""

    message: Message
    envelope: ObjectRef
    """The parsed message: an object of its own, carried by the reference itself, or only inside the package."""
    warnings: tuple[str, ...]
    carries_files: bool


def unreadable(arrival: Arrival, refused: Refused) -> PackageRecord:
    """The record of a package that was refused before anything in it could be read. Its subject is the package id."""
    return PackageRecord(
        package_id=arrival.package_id,
        subject=arrival.package_id,
        sender=arrival.sender,
        document_id="",
        kind=PackageKind.NEW,
        lane=arrival.lane,
        arrival_lane=arrival.lane,
        submitted_at=arrival.at,
        package=arrival.package,
        upload=arrival.upload,
        trace=arrival.trace,
        reason=refused.reason,
        detail=refused.detail,
        security=refused.security,
    )


def turned_away(arrival: Arrival, message: Message, refused: Refused) -> PackageRecord:
    """The record of a package that was read and refused."""
    subject = ids.document_key(arrival.sender, document_id_of(message))
    refusal = {"reason": refused.reason, "detail": refused.detail, "security": refused.security}
    return _read(arrival, message, subject).model_copy(update=refusal)


def let_in(
    arrival: Arrival, stored: Stored, subject: str, place: datetime, targets: Mapping[str, str] | None = None
) -> PackageRecord:
    """The record of a package that was read and accepted.

    ``targets``: by document key, the packages that hold the documents which it is about: for a replacement all of them,
    for any other package the first.
    """
    accepted: dict[str, Any] = {"envelope": stored.envelope, "warnings": stored.warnings, "place": place}
    if stored.message.kind is PackageKind.REPLACE:
        accepted["target_packages"] = dict(targets or {})
    else:
        accepted["target_package"] = next(iter((targets or {}).values()), None)
    accepted |= {"carries_files": stored.carries_files, "claims_document_id": ids.claims_document_id(stored.message)}
    return _read(arrival, stored.message, subject).model_copy(update=accepted)


def document_id_of(message: Message) -> str:
    """The DocumentId of the package; of a status, that of the document which it answers."""
    return message.document_id if isinstance(message, Envelope) else message.response_for.document_id


def _read(arrival: Arrival, message: Message, subject: str) -> PackageRecord:
    lane = message.other.priority.lane if isinstance(message, Envelope) else arrival.lane
    return PackageRecord(
        package_id=arrival.package_id,
        subject=subject,
        sender=arrival.sender,
        document_id=document_id_of(message),
        kind=message.kind,
        lane=lane,
        arrival_lane=arrival.lane,
        submitted_at=arrival.at,
        package=arrival.package,
        upload=arrival.upload,
        trace=arrival.trace,
    )
