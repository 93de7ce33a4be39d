"""Acts of issuers. They also apply to units that get the document later, by a package that was submitted earlier."""

from dataclasses import dataclass
from typing import Any

from common.domain.names import UnitCode
from router.delivery_history import DeliveryEvent
from router.delivery_state import EventKind
from router.order import SubmissionOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """A remembered recall, replacement, or delivery of a current version."""

    document_key: str
    receiver: UnitCode | None
    """None = every unit that has the document."""
    event: DeliveryEvent
    """The event for the delivery. ``deliver``: the unit gets the version that was current when this was decided."""
    fact: dict[str, Any]
    """The incoming fact, as JSON."""
    placing: dict[str, Any] | None = None
    """Of a recall: the placing that notifies the unit, as JSON."""
    successor: str | None = None
    """Key of the document that takes the place of this one."""

    @property
    def id(self) -> str:
        """``_id`` of the row: one for each event, document and unit."""
        return f"{self.event.id}/{self.document_key}/{self.receiver or ''}"


def effective(acts: list[Act], opened: SubmissionOrder) -> list[Act]:
    """The recalls and replacements that were submitted after the package by which a unit got the document, in order.

    ``opened``: the place of that package. Deliveries of a version are left out: which content a unit gets follows from
    the versions.
    """
    later = (act for act in acts if act.event.order > opened and act.event.kind is not EventKind.DELIVER)
    return sorted(later, key=lambda act: act.event.order)
