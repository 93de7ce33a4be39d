"""Acts of an issuer that also count for units which get the document after them, by a package submitted before them."""

from dataclasses import dataclass
from typing import Any

from common.domain.names import UnitCode
from router.delivery_history import DeliveryEvent
from router.delivery_state import EventKind
from router.order import SubmissionOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """A recall, a replacement, or the sharing of a version, as it is remembered. JSON values are ready to be sent."""

    document_key: str
    receiver: UnitCode | None
    """None: every unit that has the document."""
    event: DeliveryEvent
    """What happens to the delivery; ``deliver``: the unit gets the version that was current when this was decided."""
    fact: dict[str, Any]
    """The incoming fact."""
    placing: dict[str, Any] | None = None
    """What tells the unit about a recall."""
    successor: str | None = None
    """Key of the document that takes the place of this one."""

    @property
    def id(self) -> str:
        """Of the row: one for each event and unit."""
        return f"{self.event.id}/{self.document_key}/{self.receiver or ''}"


def effective(acts: list[Act], opened: SubmissionOrder) -> list[Act]:
    """The acts that were submitted after the package by which a unit got the document, in their order.

    What the unit got is not among them: that depends on versions, not on what happens to a delivery.
    """
    later = (act for act in acts if act.event.order > opened and act.event.kind is not EventKind.DELIVER)
    return sorted(later, key=lambda act: act.event.order)
