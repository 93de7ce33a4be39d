"""Facts about deliveries: what the receivers of a document got, and what they report about it."""

from typing import Literal

from pydantic import AwareDatetime

from common.domain.names import Label, StatusCode, UnitCode
from common.domain.reason import Reason
from common.facts.base import PackageFact, Text


class DeliveryPlaced(PackageFact):
    """A package was placed in a unit's inbox."""

    fact: Literal["delivery.placed"] = "delivery.placed"
    receiver: UnitCode
    subject_text: Text = ""
    """Subject of the document (trích yếu), for the notification of the receiver."""
    label: Label | None = None
    submitted_at: AwareDatetime


class DeliveryRefused(PackageFact):
    """One receiver gets nothing: it is unknown or closed, or the document was taken back before.

    Other receivers are not affected.
    """

    fact: Literal["delivery.refused"] = "delivery.refused"
    receiver: UnitCode
    reason: Reason
    detail: Text = ""


class DeliveryWaiting(PackageFact):
    """Messages of a package wait in the router's database, for room in an inbox or for the answer to a recall.

    The router announces this when the fact of an open package is published again, to report that nothing is lost. Not
    recorded in the ledger.
    """

    fact: Literal["delivery.waiting"] = "delivery.waiting"


class StatusRecorded(PackageFact):
    """A status was recorded for one delivery, and forwarded."""

    fact: Literal["status.recorded"] = "status.recorded"
    receiver: UnitCode
    """The unit of the delivery concerned."""
    told: UnitCode
    """The unit to which the status was forwarded."""
    code: StatusCode
    state: str
    """State of the delivery afterwards."""
    changed: bool = True
    """Whether the status changed the delivery. False = it was repeated, late or impossible."""
    description: Text = ""


class RoutingRefused(PackageFact):
    """The router refused a whole package.

    For example a status from a unit that may not give it, or a document under a DocumentId that another package holds.
    """

    fact: Literal["routing.refused"] = "routing.refused"
    reason: Reason
    detail: Text = ""


class DocumentSuperseded(PackageFact):
    """In one receiver's delivery, a newer document took the place of the document."""

    fact: Literal["document.superseded"] = "document.superseded"
    receiver: UnitCode
    successor: str
    """Document key of the newer document."""


class DocumentRecalled(PackageFact):
    """A recall was recorded for one receiver's delivery."""

    fact: Literal["document.recalled"] = "document.recalled"
    receiver: UnitCode
    state: str
    """State of the delivery afterwards."""
