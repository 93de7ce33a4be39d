"""What a decision orders to be done, one value per receiver: saved, and carried out as often as needed.

``order`` is the word under which the value is saved; like a reason's token it is never renamed.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from common.domain.names import DocumentId, Lane, PackageId, PackageKind, StatusCode, UnitCode
from common.domain.outcome import Refused
from common.domain.reason import Reason
from router.delivery_state import EventKind
from router.versions import NumberedVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliver:
    """Open a delivery of the document and place the package."""

    receiver: UnitCode
    order: Literal["deliver"] = "deliver"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverCurrentVersion:
    """Open a delivery of the document and place the package of its current version: an update added the unit."""

    receiver: UnitCode
    order: Literal["share"] = "share"


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferVersion:
    """Offer the package as the next version of the document."""

    receiver: UnitCode
    order: Literal["revise"] = "revise"


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardPackage:
    """Place the package, nothing else: it has no new content."""

    receiver: UnitCode
    order: Literal["inform"] = "inform"


class Enclosure(StrEnum):
    """What a unit gets when a document is taken back from it."""

    PACKAGE = "package"
    """The sender's package, unchanged."""
    NOTICE = "notice"
    """Status 13 in the trunk's name: the package shows content that the unit shall no longer see."""
    NOTHING = "nothing"
    """The unit is closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdraw:
    """Take the document back from a unit."""

    receiver: UnitCode
    enclosure: Enclosure = Enclosure.PACKAGE
    order: Literal["withdraw"] = "withdraw"


@dataclass(frozen=True, slots=True, kw_only=True)
class Supersede:
    """The delivery of an older document gives way to the document."""

    receiver: UnitCode
    replaced: str
    """Key of the older document."""
    order: Literal["supersede"] = "supersede"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remember:
    """Recall or replace the document at a unit that does not have it yet, in case an earlier package gives it."""

    receiver: UnitCode
    """Empty: every unit that gets it."""
    kind: Literal[EventKind.RECALL, EventKind.TAKE_BACK, EventKind.REPLACE]
    enclosure: Enclosure = Enclosure.NOTHING
    document: str = ""
    """Key of the document, if it is not the one of the decision."""
    order: Literal["remember"] = "remember"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordStatus:
    """Record a status of the delivery and forward it."""

    receiver: UnitCode
    code: StatusCode
    told: UnitCode
    order: Literal["record"] = "record"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefuseReceiver:
    """Nothing is placed at this receiver; the sender is told why."""

    receiver: UnitCode
    reason: Reason
    detail: str
    order: Literal["turn"] = "turn"


Action = (
    Deliver
    | DeliverCurrentVersion
    | OfferVersion
    | ForwardPackage
    | Withdraw
    | Supersede
    | Remember
    | RecordStatus
    | RefuseReceiver
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What was decided about one incoming fact, as saved."""

    event_id: str
    """Of the incoming fact."""
    lane: Lane = Lane.NORMAL
    submitted_at: datetime | None = None
    """When intake took the package; None in decisions of earlier releases."""
    is_document: bool = False
    """The package was validated; else it is a notice."""
    package_id: PackageId
    sender: UnitCode = ""
    """Of the package; empty in decisions of earlier releases, as ``kind`` is None in them."""
    kind: PackageKind | None = None
    at: datetime
    subject: str
    """Key of the document to whose deliveries the orders refer."""
    document_id: DocumentId
    orders: tuple[Action, ...] = ()
    version: NumberedVersion | None = None
    """Of an update: the version that the package brings, or without content the one that further units get. None in
    decisions of earlier releases."""
    refused: Refused | None = None
    """Nothing is done, and the package's sender is told why."""
    carried_out_at: datetime | None = None
    """When all of it was done, for every receiver."""

    @property
    def receivers(self) -> int:
        """Units about which facts are announced that name the package.

        A document that is replaced has its own; what is only remembered has none, unless the unit is refused as well.
        """
        return len({action.receiver for action in self.orders if not isinstance(action, Supersede | Remember)})
