"""All events of one delivery, and its state after them. They count in the order of submission, not of arrival. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from common.domain.names import PackageId, UnitCode
from router.delivery_state import (
    ANSWERS,
    ISSUER_ACTS,
    RECALLS,
    REPORTED,
    VERSIONS,
    EventKind,
    Note,
    Position,
    Step,
    happen,
)
from router.order import SubmissionOrder

FIRST_VERSION = 1
"""Number of the version that the document's own package brings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryEvent:
    """Something that happens to one delivery. Events with the same id are the same event."""

    id: str
    kind: EventKind
    by: UnitCode
    at: datetime
    """When the router decided about it."""
    order: SubmissionOrder
    version: int | None = None
    """Number of the version that it brings; None = it brings none."""
    version_order: SubmissionOrder | None = None
    """The place of the package with the content of that version, if that is another package than the event's."""
    description: str = ""


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """An event and its result when it was recorded. That result is announced, each time the event is repeated."""

    event: DeliveryEvent
    step: Step


History = Sequence[HistoryEntry]
"""The entries of a delivery, in the order of arrival."""


def entry_of(history: History, event: DeliveryEvent) -> HistoryEntry:
    """The entry of an event: the recorded one, or the one to record.

    Its note is the effect of the event at its place in the order of submission, or ``LATE`` if it changes nothing now.
    Its position is that of the delivery after all events known by now.
    """
    if recorded := next((entry for entry in history if entry.event.id == event.id), None):
        return recorded
    events = sorted([*(entry.event for entry in history), event], key=lambda each: each.order)
    steps = list(_steps(events))
    position, note = steps[-1].position, steps[events.index(event)].note
    is_late = note is Note.MOVED and position == position_of(history)
    return HistoryEntry(event, Step(position, Note.LATE if is_late else note))


def next_entry(position: Position, event: DeliveryEvent) -> HistoryEntry:
    """The entry of an event that was submitted later than all others. ``position``: of the delivery before it."""
    step = happen(position, event.kind, event.version)
    return HistoryEntry(event, Step(step.position, Note.LATE) if step.changed and step.position == position else step)


def content_packages(history: History) -> list[PackageId]:
    """Packages that brought content to the unit, or were meant to, in the order of arrival."""
    return [entry.event.order.package_id for entry in history if entry.event.kind in VERSIONS]


def has_event(history: History, event_id: str) -> bool:
    """Whether an event was recorded."""
    return any(entry.event.id == event_id for entry in history)


def may_answer_for(history: History, unit: UnitCode, answer: str) -> bool:
    """Whether the trunk may answer a recall for a unit: it did so before, or the unit has reported nothing about the
    document.

    A unit that has reported or answered has the document, or has decided about the recall itself. ``answer``: event id
    of the trunk's answer.
    """
    own = (entry for entry in history if entry.event.by == unit and entry.event.kind in (*REPORTED, *ANSWERS))
    return has_event(history, answer) or not any(own)


def recall_in_effect(history: History, acts: Sequence[DeliveryEvent]) -> DeliveryEvent | None:
    """The first recall among ``acts`` that has an effect, if all of them happen to the delivery; None = there is none,
    for example because the document was replaced before.
    """
    by_id = {event.id: event for event in (*(entry.event for entry in history), *acts)}
    events = sorted(by_id.values(), key=lambda each: each.order)
    moved = {event.id for event, step in zip(events, _steps(events), strict=True) if step.changed}
    return next((act for act in acts if act.kind in RECALLS and act.id in moved), None)


def position_of(history: History) -> Position:
    """The position of the delivery after all events."""
    events = sorted((entry.event for entry in history), key=lambda each: each.order)
    return [Position(), *(step.position for step in _steps(events))][-1]


def _given_at(events: Sequence[DeliveryEvent]) -> SubmissionOrder | None:
    """The place of the package that gave the unit the document; None = the document's own package, which comes before
    all acts."""
    version_events = [event for event in events if event.kind in VERSIONS]
    if any(event.version == FIRST_VERSION and event.version_order is None for event in version_events):
        return None
    return min((event.order for event in version_events), default=None)


def _steps(events: Sequence[DeliveryEvent]) -> Iterator[Step]:
    """The step of each event of a delivery that begins with the first of them. An older version never replaces a newer
    one."""
    position, newest, given_at = Position(), None, _given_at(events)
    for event in events:
        if event.kind in ISSUER_ACTS and given_at and event.order < given_at:
            yield Step(position, Note.NOT_YET)
            continue
        if event.kind in VERSIONS:
            order = event.version_order or event.order
            if newest and order < newest:
                yield Step(position, Note.REPEATED)
                continue
            newest = order
        step = happen(position, event.kind, event.version)
        position = step.position
        yield step
