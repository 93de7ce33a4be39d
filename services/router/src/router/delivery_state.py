"""The state machine of one delivery, i.e. of one document at one unit: pure.

==================================  =============  ==============================================
from                                event          to
==================================  =============  ==============================================
sent                                01             arrived
sent, arrived                       02             refused (final)
sent, arrived                       03             accepted
accepted                            04             assigned
accepted, assigned                  05             processing
accepted, assigned, processing      06             done
sent … done                         13, recall     recall pending, remembering the state
recall pending                      15             recalled (final)
recall pending                      16             the state remembered
sent … done                         update         same state, a version is offered
version offered                     15 / 16        same state, the offered version holds / does not
sent … done                         replacement    superseded (final)
everything else                     anything       unchanged, and noted why
==================================  =============  ==============================================

What a unit reports while a recall is pending advances the remembered state.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from common.domain.names import StatusCode


class DeliveryState(StrEnum):
    """Where a document stands at one unit."""

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


class Note(StrEnum):
    """What an event was to a delivery."""

    MOVED = "moved"
    REPEATED = "repeated"
    LATE = "late"
    IMPOSSIBLE = "impossible"
    FINAL = "final"
    """Nothing changes a refused, recalled or superseded delivery."""


PROGRESS = (
    DeliveryState.SENT,
    DeliveryState.ARRIVED,
    DeliveryState.ACCEPTED,
    DeliveryState.ASSIGNED,
    DeliveryState.PROCESSING,
    DeliveryState.DONE,
)
"""The way of a document that nobody refuses or takes back, in order."""

FINAL = frozenset({DeliveryState.REFUSED, DeliveryState.RECALLED, DeliveryState.SUPERSEDED})

UNANSWERED = frozenset({DeliveryState.SENT, DeliveryState.ARRIVED})
"""Nobody at the unit has accepted or refused the document; 01 only says that its system has it."""

MOVES: dict[StatusCode, tuple[frozenset[DeliveryState], DeliveryState]] = {
    StatusCode.ARRIVED: (frozenset(PROGRESS[:1]), DeliveryState.ARRIVED),
    StatusCode.REFUSED: (frozenset(PROGRESS[:2]), DeliveryState.REFUSED),
    StatusCode.ACCEPTED: (frozenset(PROGRESS[:2]), DeliveryState.ACCEPTED),
    StatusCode.ASSIGNED: (frozenset(PROGRESS[2:3]), DeliveryState.ASSIGNED),
    StatusCode.PROCESSING: (frozenset(PROGRESS[2:4]), DeliveryState.PROCESSING),
    StatusCode.DONE: (frozenset(PROGRESS[2:5]), DeliveryState.DONE),
}
"""From which states a report moves a delivery, and where to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """All that the state machine knows of a delivery."""

    state: DeliveryState = DeliveryState.SENT
    previous: DeliveryState | None = None
    """While a recall is pending: the state to which a refused recall returns."""
    content_version: int = 1
    """Version of the document that holds at the unit."""
    offered_version: int | None = None
    """Version that an update brought and the unit has not answered yet."""


@dataclass(frozen=True, slots=True)
class Step:
    """What an event does to a delivery."""

    position: Position
    note: Note

    @property
    def changed(self) -> bool:
        """Whether the event had its effect."""
        return self.note is Note.MOVED


def on_status(position: Position, code: StatusCode) -> Step:
    """A status is reported: by the unit, or 13 by the sender."""
    match code:
        case StatusCode.TAKE_BACK:
            return on_recall(position)
        case StatusCode.AGREED:
            return _agreed(position)
        case StatusCode.DECLINED:
            return _declined(position)
        case _:
            return _reported(position, code)


def on_recall(position: Position) -> Step:
    """The sender takes the document back."""
    if position.state is DeliveryState.RECALL_PENDING:
        return Step(position, Note.REPEATED)
    if position.state in FINAL:
        return Step(position, Note.FINAL)
    pending = replace(position, state=DeliveryState.RECALL_PENDING, previous=position.state)
    return Step(pending, Note.MOVED)


def on_update(position: Position, version: int) -> Step:
    """The sender offers a further version."""
    if position.state in FINAL:
        return Step(position, Note.FINAL)
    known = position.offered_version or position.content_version
    if version <= known:
        return Step(position, Note.REPEATED if version == known else Note.LATE)
    return Step(replace(position, offered_version=version), Note.MOVED)


def on_replacement(position: Position) -> Step:
    """Another document takes the place of this one."""
    if position.state in FINAL:
        return Step(position, Note.FINAL)
    if position.state is DeliveryState.RECALL_PENDING:
        return Step(position, Note.IMPOSSIBLE)
    return Step(replace(position, state=DeliveryState.SUPERSEDED, offered_version=None), Note.MOVED)


def _agreed(position: Position) -> Step:
    if position.state is DeliveryState.RECALL_PENDING:
        recalled = replace(position, state=DeliveryState.RECALLED, previous=None, offered_version=None)
        return Step(recalled, Note.MOVED)
    if position.state in FINAL:
        return Step(position, _repeated_if(position.state is DeliveryState.RECALLED, Note.FINAL))
    if position.offered_version is not None:
        return Step(replace(position, content_version=position.offered_version, offered_version=None), Note.MOVED)
    return Step(position, Note.IMPOSSIBLE)


def _declined(position: Position) -> Step:
    if position.state is DeliveryState.RECALL_PENDING and position.previous is not None:
        return Step(replace(position, state=position.previous, previous=None), Note.MOVED)
    if position.state in FINAL:
        return Step(position, Note.FINAL)
    if position.offered_version is not None:
        return Step(replace(position, offered_version=None), Note.MOVED)
    return Step(position, Note.IMPOSSIBLE)


def _reported(position: Position, code: StatusCode) -> Step:
    if position.state is DeliveryState.RECALL_PENDING and position.previous is not None:
        beneath = _reported(Position(state=position.previous), code)
        note = Note.LATE if beneath.changed else beneath.note
        return Step(replace(position, previous=beneath.position.state), note)
    sources, target = MOVES[code]
    if position.state in sources:
        return Step(replace(position, state=target), Note.MOVED)
    if position.state is target:
        return Step(position, Note.REPEATED)
    if position.state in FINAL:
        return Step(position, Note.FINAL)
    late = target in PROGRESS and PROGRESS.index(target) < PROGRESS.index(position.state)
    return Step(position, Note.LATE if late else Note.IMPOSSIBLE)


def _repeated_if(repeated: bool, otherwise: Note) -> Note:
    return Note.REPEATED if repeated else otherwise
