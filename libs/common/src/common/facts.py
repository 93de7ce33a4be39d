"""Facts that travel between services: past tense, frozen, additive, at most 16 KiB, never document bytes.

New fields get defaults, unknown fields are ignored, so that releases can work side by side.
"""

from datetime import datetime
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from common.domain.names import DocumentId, Label, Lane, PackageKind, StatusCode, UnitCode
from common.domain.reason import Reason


class ObjectRef(BaseModel):
    """Where bytes lie in the object store, and which bytes they must be."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    bucket: str
    key: str
    sha256: str
    size_bytes: int


class BaseFact(BaseModel):
    """What every fact tells."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    MAX_BYTES: ClassVar[int] = 16 * 1024

    fact: str
    """Name of the fact; the routing key is ``<fact>.<lane>``."""
    event_id: str
    """Derived from subject, step and version: a repeat of the same event bears the same id."""
    occurred_at: datetime
    subject: str
    """Document key: whose ledger this fact belongs to (``common.domain.ids.document_key``)."""
    package_id: str
    """The submitted package that set this off."""
    sender: UnitCode
    document_id: DocumentId
    kind: PackageKind
    lane: Lane

    @property
    def routing_key(self) -> str:
        """Key at the exchange of facts."""
        return f"{self.fact}.{self.lane}"


class CarriesPackage(BaseFact):
    """A fact about a package that was read and stored."""

    package: ObjectRef
    """The edXML bytes as received."""
    envelope: ObjectRef
    """The parsed message as JSON (``common.envelopes``); attachments lie in the content store by their digest."""
    submitted_at: datetime
    """When intake took the package."""


class PackageAccepted(CarriesPackage):
    """Intake let in a package that carries files: the validator looks at it next."""

    fact: Literal["package.accepted"] = "package.accepted"


class NoticeAccepted(CarriesPackage):
    """Intake let in a package without files: a recall, a status, a change of receivers."""

    fact: Literal["notice.accepted"] = "notice.accepted"


class PackageRefused(BaseFact):
    """Intake turned a package away; nothing of it is delivered."""

    fact: Literal["package.refused"] = "package.refused"
    reason: Reason
    detail: str = ""
    package: ObjectRef | None = None
    submitted_at: datetime


class PackageRepeated(BaseFact):
    """The same bytes were submitted again: the sender gets the stored answer again."""

    fact: Literal["package.repeated"] = "package.repeated"
    accepted: bool
    reason: Reason | None = None
    detail: str = ""
    submitted_at: datetime
    """When the first copy was submitted."""


class DocumentVerified(CarriesPackage):
    """The validator found the document valid."""

    fact: Literal["document.verified"] = "document.verified"
    label: Label
    unsigned_annexes: int = 0
    """Further PDFs of the package that bear no signature at all; the label does not speak for them."""
    report: ObjectRef
    policy_version: str


class DocumentRefused(CarriesPackage):
    """The validator found the document not valid: it is not delivered, the sender is told."""

    fact: Literal["document.refused"] = "document.refused"
    reason: Reason
    detail: str = ""
    report: ObjectRef | None = None
    policy_version: str


class DeliveryPlaced(BaseFact):
    """A package lies in a unit's inbox."""

    fact: Literal["delivery.placed"] = "delivery.placed"
    receiver: UnitCode
    subject_text: str = ""
    """What the document is about, for the notice to the receiver."""
    label: Label | None = None
    submitted_at: datetime


class DeliveryRefused(BaseFact):
    """A named receiver does not exist or is closed; the other receivers are not affected."""

    fact: Literal["delivery.refused"] = "delivery.refused"
    receiver: UnitCode
    reason: Reason
    detail: str = ""


class StatusRecorded(BaseFact):
    """A status was recorded for one delivery and forwarded."""

    fact: Literal["status.recorded"] = "status.recorded"
    receiver: UnitCode
    """The unit of the delivery concerned."""
    told: UnitCode
    """The unit to whom the status was forwarded."""
    code: StatusCode
    state: str
    """State of the delivery afterwards."""
    changed: bool = True
    """False: a repeat, a late or an impossible status that left the state as it was."""
    description: str = ""


class RoutingRefused(BaseFact):
    """The router turned a whole package away: a status that is not the unit's to give, a document given twice."""

    fact: Literal["routing.refused"] = "routing.refused"
    reason: Reason
    detail: str = ""


class DocumentSuperseded(BaseFact):
    """One receiver's delivery was replaced by a newer document."""

    fact: Literal["document.superseded"] = "document.superseded"
    receiver: UnitCode
    successor: str
    """Document key of the newer document."""


class DocumentRecalled(BaseFact):
    """A recall reached one receiver's delivery."""

    fact: Literal["document.recalled"] = "document.recalled"
    receiver: UnitCode
    state: str


class DocumentArchived(BaseFact):
    """The archive holds the package, its files and its verdict under object lock."""

    fact: Literal["document.archived"] = "document.archived"
    record_id: str
    retain_until: datetime


class NotificationSent(BaseFact):
    """Somebody was told something."""

    fact: Literal["notification.sent"] = "notification.sent"
    unit: UnitCode
    channel: Literal["email", "webhook"]
    about_event: str


Fact = Annotated[
    PackageAccepted
    | NoticeAccepted
    | PackageRefused
    | PackageRepeated
    | DocumentVerified
    | DocumentRefused
    | DeliveryPlaced
    | DeliveryRefused
    | StatusRecorded
    | RoutingRefused
    | DocumentSuperseded
    | DocumentRecalled
    | DocumentArchived
    | NotificationSent,
    Field(discriminator="fact"),
]
"""Any fact, told apart by its name."""

FACT: TypeAdapter[Fact] = TypeAdapter(Fact)
