"""The state machine of one delivery, that is of one document at one unit. Pure. ``TABLE`` holds all transitions.

A report that is too early for the state is remembered, and takes effect as soon as the report before it has come. While
a recall is pending, every event but its answer changes the state to which a declined recall returns.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from common.domain.names import StatusCode


class DeliveryState(StrEnum):
    """The state of a document at one unit."""

    SENT = "SENT"
    ARRIVED = "ARRIVED"
    ACCEPTED = "ACCEPTED"
    ASSIGNED = "ASSIGNED"
    PROCESSING = "PROCESSING"
    DONE = "DONE"
    REFUSED = "REFUSED"
    RECALL_PENDING = "RECALL_PENDING"
    RECALLED = "RECALLED"
    SUPERSEDED = "SUPERSEDED"


class EventKind(StrEnum):
    """The kinds of events: a status, by its code, or an act of the issuer. The values are saved; never rename them."""

    ARRIVED = StatusCode.ARRIVED.value
    REFUSED = StatusCode.REFUSED.value
    ACCEPTED = StatusCode.ACCEPTED.value
    ASSIGNED = StatusCode.ASSIGNED.value
    PROCESSING = StatusCode.PROCESSING.value
    DONE = StatusCode.DONE.value
    TAKE_BACK = StatusCode.TAKE_BACK.value
    AGREED = StatusCode.AGREED.value
    DECLINED = StatusCode.DECLINED.value
    RECALL = "recall"
    DELIVER = "deliver"
    """The unit gets its first version of the document."""
    UPDATE = "update"
    """The unit is offered a further version."""
    REPLACE = "replace"
    """Another document takes the place of this one."""


class Note(StrEnum):
    """The effect of an event on a delivery. The values are saved; never rename them."""

    MOVED = "moved"
    """It changed the delivery."""
    REPEATED = "repeated"
    """It changed nothing: the delivery is in the state that it names."""
    REMEMBERED = "remembered"
    """It takes effect later: when the report before it has come, or when a pending recall is declined."""
    LATE = "late"
    """It changed nothing: a later event has had its effect."""
    IMPOSSIBLE = "impossible"
    """It does not apply to the state of the delivery."""
    NOT_YET = "not yet"
    """An act of the issuer that was submitted before the package by which the unit got the document."""
    FINAL = "final"
    """It changed nothing: the delivery is refused, recalled or superseded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """All that the state machine knows about a delivery."""

    state: DeliveryState = DeliveryState.SENT
    previous: DeliveryState | None = None
    """While a recall is pending: the state to which a declined recall returns."""
    content_version: int | None = None
    """Number of the version that is in force at the unit; None before the first one."""
    offered_version: int | None = None
    """Number of the version that the unit has not answered yet."""
    early: frozenset[StatusCode] = frozenset()
    """Reports that came before the report that must precede them."""


@dataclass(frozen=True, slots=True)
class Step:
    """The result of an event: the position of the delivery after it, and the effect that it had."""

    position: Position
    note: Note

    @property
    def changed(self) -> bool:
        """Whether the event changed the delivery."""
        return self.note is Note.MOVED


S = DeliveryState
PROGRESS = (S.SENT, S.ARRIVED, S.ACCEPTED, S.ASSIGNED, S.PROCESSING, S.DONE)
"""The states of a document that nobody refuses or takes back, in order."""
FINAL = frozenset({S.REFUSED, S.RECALLED, S.SUPERSEDED})
UNANSWERED = frozenset({S.SENT, S.ARRIVED})
"""States in which nobody at the unit has accepted or refused the document; status 01 only says that its system has
it."""

Effect = Callable[[Position, int | None], Position | None]
"""Gives the position after an event. The second argument is the number of the event's version; None as the result = the
event does not apply."""


def _to(state: DeliveryState) -> Effect:
    return lambda position, _: replace(position, state=state)


def _recall(position: Position, _: int | None) -> Position:
    return replace(position, state=S.RECALL_PENDING, previous=position.state)


def _decline_recall(position: Position, _: int | None) -> Position | None:
    return replace(position, state=position.previous, previous=None) if position.previous else None


def _offer(position: Position, version: int | None) -> Position | None:
    return None if version == position.content_version else replace(position, offered_version=version)


def _take_offer(position: Position, _: int | None) -> Position | None:
    offered = position.offered_version
    return replace(position, content_version=offered, offered_version=None) if offered is not None else None


def _leave_offer(position: Position, _: int | None) -> Position | None:
    return replace(position, offered_version=None) if position.offered_version is not None else None


TABLE: tuple[tuple[tuple[DeliveryState, ...], EventKind, Effect], ...] = (
    ((S.SENT,), EventKind.ARRIVED, _to(S.ARRIVED)),
    ((S.SENT, S.ARRIVED), EventKind.REFUSED, _to(S.REFUSED)),
    ((S.SENT, S.ARRIVED), EventKind.ACCEPTED, _to(S.ACCEPTED)),
    ((S.ACCEPTED,), EventKind.ASSIGNED, _to(S.ASSIGNED)),
    ((S.ACCEPTED, S.ASSIGNED), EventKind.PROCESSING, _to(S.PROCESSING)),
    ((S.ACCEPTED, S.ASSIGNED, S.PROCESSING), EventKind.DONE, _to(S.DONE)),
    (PROGRESS, EventKind.RECALL, _recall),
    (PROGRESS, EventKind.TAKE_BACK, _recall),
    ((S.RECALL_PENDING,), EventKind.AGREED, _to(S.RECALLED)),
    ((S.RECALL_PENDING,), EventKind.DECLINED, _decline_recall),
    (PROGRESS, EventKind.DELIVER, _offer),
    (PROGRESS, EventKind.UPDATE, _offer),
    (PROGRESS, EventKind.AGREED, _take_offer),
    (PROGRESS, EventKind.DECLINED, _leave_offer),
    (PROGRESS, EventKind.REPLACE, _to(S.SUPERSEDED)),
)
"""The states in which a kind of event has an effect, and which. In all other states it changes nothing."""

EFFECTS: Mapping[tuple[DeliveryState, EventKind], Effect] = {
    (state, kind): effect for sources, kind, effect in TABLE for state in sources
}
REPORTED = {
    EventKind.ARRIVED: S.ARRIVED,
    EventKind.REFUSED: S.REFUSED,
    EventKind.ACCEPTED: S.ACCEPTED,
    EventKind.ASSIGNED: S.ASSIGNED,
    EventKind.PROCESSING: S.PROCESSING,
    EventKind.DONE: S.DONE,
}
"""The state that each report of a unit names."""
RESULTS = REPORTED | {EventKind.AGREED: S.RECALLED, EventKind.RECALL: S.RECALL_PENDING, EventKind.REPLACE: S.SUPERSEDED}
RESULTS[EventKind.TAKE_BACK] = S.RECALL_PENDING
VERSIONS = (EventKind.DELIVER, EventKind.UPDATE)
RECALLS = (EventKind.RECALL, EventKind.TAKE_BACK)
ISSUER_ACTS = (*RECALLS, EventKind.REPLACE)
"""The acts of an issuer on a document at a unit that has it."""
ANSWERS = (EventKind.AGREED, EventKind.DECLINED)


def happen(position: Position, kind: EventKind, version: int | None = None) -> Step:
    """The result of an event. ``version``: number of the version that it brings."""
    if kind in VERSIONS and position.content_version is None:
        return Step(replace(position, content_version=version), Note.MOVED)
    if position.state is S.RECALL_PENDING and position.previous and kind not in (*RECALLS, *ANSWERS):
        return _during_recall(position, position.previous, kind, version)
    effect = EFFECTS.get((position.state, kind))
    moved = effect(position, version) if effect else None
    if moved is not None and moved != position:
        return Step(_settled(moved), Note.MOVED)
    if _is_early(position.state, kind):
        return Step(replace(position, early=position.early | {StatusCode(kind)}), Note.REMEMBERED)
    return Step(position, _why_not(position, kind))


def _during_recall(position: Position, previous: DeliveryState, kind: EventKind, version: int | None) -> Step:
    """The result of an event while a recall is pending: it changes the state to which a declined recall returns."""
    step = happen(replace(position, state=previous, previous=None), kind, version)
    without_recall = step.position
    note = Note.REMEMBERED if step.changed else step.note
    return Step(replace(without_recall, state=S.RECALL_PENDING, previous=without_recall.state), note)


def _settled(position: Position) -> Position:
    """The position after every early report that can take effect has done so. A final delivery keeps none."""
    if position.state in FINAL:
        return replace(position, previous=None, offered_version=None, early=frozenset())
    for code in sorted(position.early):
        if effect := EFFECTS.get((position.state, EventKind(code))):
            moved = effect(position, None)
            if moved is not None:
                return _settled(replace(moved, early=position.early - {code}))
    reached = PROGRESS.index(position.state) if position.state in PROGRESS else 0
    ahead = frozenset(code for code in position.early if PROGRESS.index(REPORTED[EventKind(code)]) > reached)
    return replace(position, early=ahead)


def _is_early(state: DeliveryState, kind: EventKind) -> bool:
    target = REPORTED.get(kind)
    return state in PROGRESS and target in PROGRESS and PROGRESS.index(target) > PROGRESS.index(state)


def _why_not(position: Position, kind: EventKind) -> Note:
    result = RESULTS.get(kind)
    if result is position.state:
        return Note.REPEATED
    if position.state in FINAL:
        return Note.FINAL
    if result in PROGRESS and position.state in PROGRESS:
        return Note.LATE
    return Note.REPEATED if kind in VERSIONS else Note.IMPOSSIBLE
