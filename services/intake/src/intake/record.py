"""The record of one decision, made of what was submitted and what was answered: pure."""

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
    """A submission whose bytes are known, and stored unless they are secret."""

    sender: str
    package: ObjectRef
    lane: Lane
    """Of the queue it came by; a document's own urgency decides later."""
    at: datetime
    """When intake took it."""
    upload: ObjectRef | None = None
    """Where the unit had uploaded the package."""
    trace: dict[str, str] = field(default_factory=dict)
    """W3C trace context of the attempt that took it; what is published about it later belongs to that trace."""

    @property
    def package_id(self) -> str:
        """These bytes from this sender."""
        return ids.package_id(self.sender, self.package.sha256)


class PackageRecord(BaseModel):
    """The decision about one package."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    package_id: str
    subject: str
    """Document key under whose ledger the package is recorded."""
    sender: str
    document_id: str
    kind: PackageKind
    lane: Lane
    arrival_lane: Lane | None = None
    """Of the queue it came by; None in records of earlier releases."""
    submitted_at: datetime
    place: datetime | None = None
    """Its place among the packages about the same documents; None if it was refused, or by an earlier release."""
    target_package: str | None = None
    """Of a recall, an update or a status that was let in: the package that held the DocumentId of its document then."""
    target_packages: dict[str, str] = {}
    """Of a replacement: the same by document key."""
    claims_document_id: bool | None = None
    """Whether it brings a document of its own; None if it was refused, or by an earlier release."""
    package: ObjectRef
    """The bytes as received, in the store or, of a small notice that was let in, here; neither if the reason is
    E_SECRET."""
    upload: ObjectRef | None = None
    envelope: ObjectRef | None = None
    carries_files: bool = False
    reason: Reason | None = None
    detail: Text = ""
    security: SecurityKind | None = None
    """The kind of security event that the refusal was."""
    warnings: tuple[str, ...] = ()
    purge: tuple[ObjectRef, ...] = ()
    """Of a package that the validator found secret: the objects that must be gone."""
    fact_body: bytes | None = None
    """The fact as it was published first, for as long as the package is open; None in records of earlier releases."""
    announced: bool = False
    """Set after the broker confirmed the fact: only then is a further copy a mere repetition."""
    trace: dict[str, str] = {}
    """W3C trace context of the decision; empty in records of earlier releases."""

    @property
    def is_searched_notice(self) -> bool:
        """Whether it is let in without files, and its reader has passed over nothing that the search did not see."""
        return self.reason is None and not self.carries_files and Tolerance.T18 not in self.warnings

    @property
    def is_secret(self) -> bool:
        """Whether intake or the validator found it secret."""
        return self.reason is Reason.E_SECRET or bool(self.purge)


@dataclass(frozen=True, slots=True)
class Stored:
    """A readable package whose parts are stored, as far as they are apart from it."""

    message: Message
    envelope: ObjectRef
    """The parsed message: an object, or carried, or inside of the package and nowhere else."""
    warnings: tuple[str, ...]
    carries_files: bool


def unreadable(arrival: Arrival, refused: Refused) -> PackageRecord:
    """Refused before anything inside could be read: the package is its own subject."""
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
    """Read, and refused."""
    subject = ids.document_key(arrival.sender, document_id_of(message))
    refusal = {"reason": refused.reason, "detail": refused.detail, "security": refused.security}
    return _read(arrival, message, subject).model_copy(update=refusal)


def let_in(
    arrival: Arrival, stored: Stored, subject: str, place: datetime, targets: Mapping[str, str] | None = None
) -> PackageRecord:
    """Read, and accepted. ``targets``: of the documents that it is about, by key, the packages that hold them; of a
    replacement all, of any other the first alone."""
    found: dict[str, Any] = {"envelope": stored.envelope, "warnings": stored.warnings, "place": place}
    if stored.message.kind is PackageKind.REPLACE:
        found["target_packages"] = dict(targets or {})
    else:
        found["target_package"] = next(iter((targets or {}).values()), None)
    found |= {"carries_files": stored.carries_files, "claims_document_id": ids.claims_document_id(stored.message)}
    return _read(arrival, stored.message, subject).model_copy(update=found)


def document_id_of(message: Message) -> str:
    """The DocumentId that the package bears, or that a status answers."""
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
