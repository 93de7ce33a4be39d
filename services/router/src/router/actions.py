"""The actions of a decision, each for one receiver. They are saved with it, and carrying them out is idempotent.

``order`` is the name under which an action is saved. Like the token of a reason, it is never renamed.
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
    """Open a delivery of the document, and place the package of its current version: an update has added the unit."""

    receiver: UnitCode
    order: Literal["share"] = "share"


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferVersion:
    """Offer the package as the next version of the document."""

    receiver: UnitCode
    order: Literal["revise"] = "revise"


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardPackage:
    """Place the package only, because it brings no content."""

    receiver: UnitCode
    order: Literal["inform"] = "inform"


class Enclosure(StrEnum):
    """The message that is placed at a unit from which a document is taken back."""

    PACKAGE = "package"
    """The sender's package, unchanged."""
    NOTICE = "notice"
    """Status 13 in the trunk's name, because the package has content that the unit must not see any more."""
    NOTHING = "nothing"
    """Nothing: the unit is closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdraw:
    """Take the document back from a unit."""

    receiver: UnitCode
    enclosure: Enclosure = Enclosure.PACKAGE
    order: Literal["withdraw"] = "withdraw"


@dataclass(frozen=True, slots=True, kw_only=True)
class Supersede:
    """Replace an older document by this one, in a unit's delivery of the older one."""

    receiver: UnitCode
    replaced: str
    """Key of the older document."""
    order: Literal["supersede"] = "supersede"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remember:
    """Remember a recall or a replacement for a unit that does not have the document, in case a package that was
    submitted earlier gives it the document later."""

    receiver: UnitCode
    """Empty = every unit that gets the document."""
    kind: Literal[EventKind.RECALL, EventKind.TAKE_BACK, EventKind.REPLACE]
    enclosure: Enclosure = Enclosure.NOTHING
    document: str = ""
    """Key of the document, if it is not the one of the decision."""
    order: Literal["remember"] = "remember"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordStatus:
    """Record a status of a delivery, and forward it."""

    receiver: UnitCode
    """The unit whose delivery it is."""
    code: StatusCode
    told: UnitCode
    """The unit to which the status is forwarded."""
    order: Literal["record"] = "record"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefuseReceiver:
    """Place nothing at this receiver, and send the reason to the sender."""

    receiver: UnitCode
    reason: Reason
    detail: str
    successor: UnitCode = ""
    """The unit that has the document in place of this receiver, which is noted in that unit's delivery; empty = there
    is none. Empty in decisions of earlier releases."""
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

ON_DELIVERY = (Deliver, DeliverCurrentVersion, OfferVersion, ForwardPackage, Withdraw, RecordStatus)
"""Actions on a receiver's delivery of the decision's document. A decision has at most one of them for each receiver."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The saved decision about one incoming fact."""

    event_id: str
    """Of the incoming fact."""
    lane: Lane = Lane.NORMAL
    submitted_at: datetime | None = None
    """When intake took the package; None in decisions of earlier releases."""
    is_document: bool = False
    """Whether the package was validated; otherwise it is a notice."""
    package_id: PackageId
    sender: UnitCode = ""
    """Of the package; empty in decisions of earlier releases."""
    kind: PackageKind | None = None
    """Of the package; None in decisions of earlier releases."""
    at: datetime
    subject: str
    """Key of the document to whose deliveries the orders refer."""
    document_id: DocumentId
    orders: tuple[Action, ...] = ()
    version: NumberedVersion | None = None
    """Of an update: the version that it brings; of an update without content, the version that added units get. None in
    decisions of earlier releases."""
    refused: Refused | None = None
    """Why the whole package is refused; None = it is not."""
    carried_out_at: datetime | None = None
    """When all of it had been done for every receiver; None = not yet."""

    @property
    def receivers(self) -> int:
        """Number of units about which a fact is announced that names the package.

        ``Supersede`` does not count, because its fact is about the replaced document. Neither does ``Remember``; if its
        unit is refused as well, that action counts.
        """
        return len({action.receiver for action in self.orders if not isinstance(action, Supersede | Remember)})
