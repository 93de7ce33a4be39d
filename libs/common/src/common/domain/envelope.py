"""The content of an edXML 102 package, without the bytes of its attachments (QCVN 102:2016/BTTTT).

Optional texts are ``None`` when absent or empty. Dates are local dates of Ho Chi Minh City; times carry their offset.
"""

from dataclasses import dataclass, field
from datetime import date, datetime

from common.domain.names import DocumentId, PackageKind, Priority, Sha256, StatusCode, UnitCode

UNKNOWN_DATE = date.min
"""Promulgation date of a recall that does not repeat it; other kinds always have one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """A unit as a header describes it; only ``code`` decides anything."""

    code: UnitCode
    in_charge: str | None = None
    name: str | None = None
    address: str | None = None
    email: str | None = None
    telephone: str | None = None
    fax: str | None = None
    website: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """The signer that the header names (SignerInfo); never taken as proof."""

    full_name: str
    competence: str | None = None
    position: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentType:
    """Kind of document; ``name`` is the only reliable field (tolerance T20)."""

    name: str
    type: int = 2
    detail: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseFor:
    """The document that is being answered."""

    unit: UnitCode
    document_id: DocumentId
    code: str | None = None
    """``number/notation`` in one string."""
    promulgation_date: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Staff:
    """The clerk in charge (văn thư)."""

    department: str | None = None
    department_id: str | None = None
    name: str | None = None
    id: str | None = None
    email: str | None = None
    mobile: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One station of the package's way (TraceHeader)."""

    unit: UnitCode | None
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverChange:
    """A unit that an update adds as a receiver, or from which it takes the document (ReceiverType 1 / 0)."""

    unit: UnitCode
    added: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """A replaced document, and the units for which it is replaced."""

    document_id: DocumentId
    units: tuple[UnitCode, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Business:
    """The effect of the package on documents sent earlier (TraceHeaderList/Bussiness)."""

    kind: PackageKind = PackageKind.NEW
    reason: str | None = None
    target: DocumentId | None = None
    """The document recalled or updated."""
    paper: bool = False
    document_changed: bool = False
    receivers_changed: bool = False
    receiver_changes: tuple[ReceiverChange, ...] = ()
    replacements: tuple[Replacement, ...] = ()
    staff: Staff | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherInfo:
    """Circulation details (OtherInfo)."""

    priority: Priority = Priority.NORMAL
    sphere: str | None = None
    typist: str | None = None
    copies: int = 1
    pages: int = 1
    direction: bool = False
    reply_fors: str | None = None
    reference_codes: str | None = None
    appendixes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """One attachment as it was unwrapped: its name and what its bytes are."""

    content_id: str
    """Without the ``cid:`` prefix."""
    name: str
    """Cleaned file name: no path, at most 200 characters."""
    content_type: str
    """Media type by the magic bytes where they are known, else as declared."""
    size_bytes: int
    sha256: Sha256
    """Of the unwrapped bytes, those a reader opens."""
    declared_type: str | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """The header of a document package (kinds new, recall, update, replace) and its attachments' names.

    A recall may name only the document that it takes back. Then ``number``, ``notation``, ``subject``, ``type.name``
    and ``signer.full_name`` are empty, and ``promulgation_date`` is ``UNKNOWN_DATE``.
    """

    sender: Organization
    receivers: tuple[Organization, ...]
    document_id: DocumentId
    number: str
    notation: str
    promulgation_date: date
    type: DocumentType
    subject: str
    signer: Signer
    place: str | None = None
    content: str | None = None
    due_date: date | None = None
    other: OtherInfo = field(default_factory=OtherInfo)
    response_for: tuple[ResponseFor, ...] = ()
    steering_type: int | None = None
    task_codes: tuple[str, ...] = ()
    application_type: int | None = None
    to_places: tuple[str, ...] = ()
    business: Business = field(default_factory=Business)
    hops: tuple[Hop, ...] = ()
    attachments: tuple[Attachment, ...] = ()

    @property
    def kind(self) -> PackageKind:
        """The kind of the package."""
        return self.business.kind


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReport:
    """A status package: a receiver reports on a document, or the sender asks for it back (13)."""

    sender: Organization
    response_for: ResponseFor
    code: StatusCode
    at: datetime
    description: str | None = None
    staff: Staff | None = None

    @property
    def kind(self) -> PackageKind:
        """Always a status."""
        return PackageKind.STATUS


Message = Envelope | StatusReport
"""The content of a package."""
