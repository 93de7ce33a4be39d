"""All events of one delivery and where they lead: pure. They count in the order of submission, not of arrival."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from common.domain.names import PackageId, UnitCode
from router.delivery_state import VERSIONS, DeliveryState, EventKind, Note, Position, Step, fold, happen
from router.order import SubmissionOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryEvent:
    """Something that happens to one delivery, told apart by its id."""

    id: str
    kind: EventKind
    by: UnitCode
    at: datetime
    """When the router decided about it."""
    order: SubmissionOrder
    version: int | None = None
    """Number of the version that it brings."""
    description: str = ""


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """An event, and what it did when it was recorded: this is announced, now and at every repetition."""

    event: DeliveryEvent
    step: Step


History = Sequence[HistoryEntry]
"""In the order of arrival."""


def entry_of(history: History, event: DeliveryEvent) -> HistoryEntry:
    """The entry of an event: as recorded, or as it is to be recorded.

    The note says what the event is at its place in the order of submission, or that it came too late to change
    anything; the position, where the delivery stands after all events known by now.
    """
    if recorded := next((entry for entry in history if entry.event.id == event.id), None):
        return recorded
    events = sorted([*(entry.event for entry in history), event], key=lambda each: each.order)
    steps = list(fold((each.kind, each.version) for each in events))
    position, note = steps[-1].position, steps[events.index(event)].note
    is_late = note is Note.MOVED and position == position_of(history)
    return HistoryEntry(event, Step(position, Note.LATE if is_late else note))


def next_entry(position: Position, event: DeliveryEvent) -> HistoryEntry:
    """The entry of an event that is later than all others in the order of submission."""
    step = happen(position, event.kind, event.version)
    return HistoryEntry(event, Step(step.position, Note.LATE) if step.changed and step.position == position else step)


def held_packages(history: History) -> list[PackageId]:
    """Packages with new content that came while a recall was pending, and were not given to the unit."""
    pending = [entry for entry in history if entry.step.position.state is DeliveryState.RECALL_PENDING]
    return [entry.event.order.package_id for entry in pending if entry.event.kind in VERSIONS]


def content_packages(history: History) -> list[PackageId]:
    """Packages that brought content to the unit, or were to bring it, the oldest first."""
    return [entry.event.order.package_id for entry in history if entry.event.kind in VERSIONS]


def position_of(history: History) -> Position:
    """Where the delivery stands."""
    events = sorted((entry.event for entry in history), key=lambda each: each.order)
    return [Position(), *(step.position for step in fold((each.kind, each.version) for each in events))][-1]
