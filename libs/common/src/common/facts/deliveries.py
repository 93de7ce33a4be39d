"""Facts about deliveries: what a document's receivers got, and what they say about it."""

from typing import Literal

from pydantic import AwareDatetime

from common.domain.names import Label, StatusCode, UnitCode
from common.domain.reason import Reason
from common.facts.base import PackageFact, Text


class DeliveryPlaced(PackageFact):
    """A package lies in a unit's inbox."""

    fact: Literal["delivery.placed"] = "delivery.placed"
    receiver: UnitCode
    subject_text: Text = ""
    """What the document is about, for the notice to the receiver."""
    label: Label | None = None
    submitted_at: AwareDatetime


class DeliveryRefused(PackageFact):
    """A named receiver does not exist or is closed; the other receivers are not affected."""

    fact: Literal["delivery.refused"] = "delivery.refused"
    receiver: UnitCode
    reason: Reason
    detail: Text = ""


class DeliveryWaiting(PackageFact):
    """Asked again about a package, the router says that messages of it wait in its database: for room in an inbox, or
    for the answer to a recall. Nothing of it is lost. Not kept in the ledger."""

    fact: Literal["delivery.waiting"] = "delivery.waiting"


class StatusRecorded(PackageFact):
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
    description: Text = ""


class RoutingRefused(PackageFact):
    """The router turned a whole package away: a status that is not the unit's to give, a document given twice."""

    fact: Literal["routing.refused"] = "routing.refused"
    reason: Reason
    detail: Text = ""


class DocumentSuperseded(PackageFact):
    """One receiver's delivery was replaced by a newer document."""

    fact: Literal["document.superseded"] = "document.superseded"
    receiver: UnitCode
    successor: str
    """Document key of the newer document."""


class DocumentRecalled(PackageFact):
    """A recall reached one receiver's delivery."""

    fact: Literal["document.recalled"] = "document.recalled"
    receiver: UnitCode
    state: str
