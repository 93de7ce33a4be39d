"""What a service remembers of a message that it could not handle at once: values and their transitions, pure.

A record begins with the first attempt that counts, and ends with the message: handled (removed), or parked until an
operator decides. ``common.service.record_store`` keeps it.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

from common.domain.reason import Reason
from common.domain.security import SecurityKind
from common.facts import ObjectRef, ParkedPackage
from common.service.incoming import Incoming
from common.service.settle import History, Settlement

KEEP_SETTLED = timedelta(days=30)
"""How long a replayed or discarded message is kept; until then a discard can be taken back."""


DECISIONS_KEPT = 100
DEAD_LETTERS_KEPT = 100
NEXT_MOMENT = timedelta(milliseconds=1)
"""The least time between two decisions that a database tells apart."""


class RecordState(StrEnum):
    """Where the message is."""

    WAITING = "waiting"
    """In its queue, to be tried again."""
    GIVEN_UP = "given_up"
    """On its way to the dead letters; the reason is known."""
    PARKED = "parked"
    """Kept here until an operator decides."""
    QUARANTINED = "quarantined"
    """Kept here; its publisher was not entitled to it, so it is never handled."""
    REPLAYING = "replaying"
    """An operator had it handled again; that is not finished."""
    REPLAYED = "replayed"
    DISCARDED = "discarded"


UNDER_WAY = (RecordState.WAITING, RecordState.GIVEN_UP)
"""States of messages that are in their queue, or between it and the dead letters."""
HELD = (RecordState.PARKED, RecordState.QUARANTINED)
"""States of messages that wait for an operator."""
SETTLED = (RecordState.REPLAYED, RecordState.DISCARDED)
"""States of messages that an operator has decided about for good, as far as that cannot be taken back."""


class OperatorDecision(BaseModel):
    """The latest decision of an operator, and what became of it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    event_id: str
    """Of the request."""
    action: str
    actor: str
    purpose: str
    at: datetime
    """When it took effect; of a newer decision about the same message, later."""
    outcome: str = ""
    reason: Reason | None = None
    """Why the message was parked then; None in records of earlier releases."""

    def is_same(self, other: "OperatorDecision") -> bool:
        """Whether it is this very decision; another one under the same event id is another one."""
        mine = (self.event_id, self.action, self.actor, self.purpose)
        return mine == (other.event_id, other.action, other.actor, other.purpose)


class StoredMessage(BaseModel):
    """The message itself, as far as it is needed to handle it again."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    exchange: str = ""
    routing_key: str = ""
    type: str = ""
    content_type: str = ""
    message_id: str = ""
    correlation_id: str = ""
    published_at: datetime | None = None
    trace: dict[str, str] = {}
    labels: dict[str, str] = {}
    size_bytes: int
    sha256: str
    body: bytes | None = None
    body_ref: ObjectRef | None = None
    """Where a large body lies; either this or ``body`` is set."""


class About(BaseModel):
    """The package or document that a parked message concerns, as far as the message says so reliably."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    subject: str = ""
    package_id: str = ""
    document_id: str = ""
    sender: str = ""
    event_id: str = ""
    """Of the message itself, if it had been in a unit's inbox."""
    holds_package: bool = False
    """The message carries a package on its way: its sender has to be told."""
    package: ParkedPackage | None = None
    """What its fact says of that package; None in records of earlier releases."""


class MessageRecord(BaseModel):
    """One message."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    record_id: str
    revision: int = 0
    """Counts changes, for compare-and-set; 0 = not saved yet."""
    state: RecordState = RecordState.WAITING
    queue: str
    user_id: str | None = None
    reason: Reason | None = None
    detail: str = ""
    security: SecurityKind | None = None
    """The kind of security event that giving it up was."""
    is_quarantined: bool = False
    attempts: int = 0
    waited_seconds: float = 0.0
    first_failed_at: datetime
    last_failed_at: datetime
    next_attempt_at: datetime | None = None
    parked_at: datetime | None = None
    parkings: int = 0
    """How often it was parked."""
    dead_letters: tuple[datetime, ...] = ()
    """When the broker moved those that were taken, the latest last, at most ``DEAD_LETTERS_KEPT``: one of them that is
    delivered again is recognised."""
    message: StoredMessage | None = None
    about: About = About()
    decision: OperatorDecision | None = None
    earlier_decisions: tuple[OperatorDecision, ...] = ()
    """Older ones, the latest last, at most ``DECISIONS_KEPT``: one that is delivered again is not carried out again."""
    expires_at: datetime | None = None
    """When the record of a settled message may be removed."""

    @property
    def history(self) -> History:
        """What ``settle`` needs to know. A copy of a settled message has the whole patience before it."""
        if self.state in SETTLED and self.next_attempt_at is None:
            return History()
        return History(self.attempts, timedelta(seconds=self.waited_seconds))

    @property
    def is_held(self) -> bool:
        """Whether it waits for an operator."""
        return self.state in HELD

    def is_due(self, now: datetime) -> bool:
        """Whether a message that failed for now may be tried again."""
        return self.next_attempt_at is None or self.next_attempt_at <= now


def begun(message: Incoming, now: datetime) -> MessageRecord:
    """A record with nothing in it yet."""
    return MessageRecord(
        record_id=message.key,
        queue=message.queue,
        user_id=message.user_id,
        first_failed_at=now,
        last_failed_at=now,
    )


def failed(record: MessageRecord, settlement: Settlement, now: datetime, *, is_redelivered: bool) -> MessageRecord:
    """After an attempt that counts. The pause is added to the time waited: only it uses up patience.

    A copy of a message that was given up, or that an operator has, is only counted: what is known of that one stays.
    What was given up and is delivered again is that very message: its process ended before it told the broker.
    """
    pause, history = settlement.pause or timedelta(), record.history
    counted = {
        "attempts": history.attempts + 1,
        "waited_seconds": (history.waited + pause).total_seconds(),
        "next_attempt_at": now + pause,
    }
    is_itself = is_redelivered and record.state in UNDER_WAY
    if not is_itself and record.state is not RecordState.WAITING:
        return record.model_copy(update=counted)
    told = {"last_failed_at": now, "reason": settlement.reason, "detail": settlement.detail}
    return record.model_copy(update=counted | told | {"state": RecordState.WAITING})


def copy_handled(record: MessageRecord) -> MessageRecord:
    """A copy of a message that an operator has was handled: no attempt at it is to come."""
    return record.model_copy(update={"next_attempt_at": None})


def given_up(record: MessageRecord, settlement: Settlement, now: datetime) -> MessageRecord:
    """The message goes to the dead letters. What was announced of one that is held, or was given up for security
    before, stays, for it is announced again under the same event id; a kind of security event may be added."""
    if record.is_held:
        return record.model_copy(update={"security": record.security or settlement.security, "next_attempt_at": None})
    given: dict[str, Any] = {
        "state": RecordState.GIVEN_UP,
        "next_attempt_at": None,
        "is_quarantined": record.is_quarantined or settlement.is_quarantined,
    }
    if record.state in UNDER_WAY and record.security:
        return record.model_copy(update=given)
    told = {
        "last_failed_at": now,
        "reason": settlement.reason or Reason.E_ATTEMPTS,
        "detail": settlement.detail,
        "security": settlement.security,
    }
    return record.model_copy(update=given | told)


def is_taken_before(record: MessageRecord, died_at: datetime | None) -> bool:
    """Whether a dead letter had been parked, and is delivered again after the message was decided about: the process
    that had taken it ended, or lost its connection, before the broker knew. A copy of the message died at another
    time."""
    return died_at in record.dead_letters and not record.is_held


def parked(
    record: MessageRecord,
    stored: StoredMessage,
    about: About,
    now: datetime,
    *,
    is_quarantined: bool,
    died_at: datetime | None = None,
) -> MessageRecord:
    """The dead letter arrived. A record that is parked already stays as it is, and so does one that was decided about
    since this very dead letter was parked.

    ``died_at``: when the broker moved it; None if the broker did not say.
    """
    if is_taken_before(record, died_at):
        return record
    if died_at is not None and died_at not in record.dead_letters:
        record = record.model_copy(update={"dead_letters": (*record.dead_letters, died_at)[-DEAD_LETTERS_KEPT:]})
    if record.is_held:
        return record
    quarantined = is_quarantined or record.is_quarantined
    return record.model_copy(
        update={
            "state": RecordState.QUARANTINED if quarantined else RecordState.PARKED,
            "is_quarantined": quarantined,
            "security": record.security or (SecurityKind.FORGED_FACT if quarantined else None),
            "reason": record.reason or Reason.E_ATTEMPTS,
            "parked_at": _after_all(record, now),
            "parkings": record.parkings + 1,
            "next_attempt_at": None,
            "message": stored,
            "about": about,
            "expires_at": None,
        }
    )


def decided(
    record: MessageRecord, decision: OperatorDecision, state: RecordState, parkings: int | None = None
) -> MessageRecord:
    """An operator's decision takes effect; one that has its outcome keeps it, whoever else has carried it out. Settled
    messages are kept for a while, then removed.

    ``parkings``: how often the message had been parked when it was decided about. One that was parked again since, in
    the course of its replay, waits for another decision: of the two that is the newer word.
    """
    others = [each for each in (*record.earlier_decisions, record.decision) if each and not each.is_same(decision)]
    kept = decision_about(record, decision)
    if kept and kept.outcome:
        return record
    if kept and parkings is not None and record.parkings > parkings:
        state, at = record.state, kept.at
    else:
        at = _after_all(record, decision.at)
    decision = decision.model_copy(update={"at": at})
    expires_at = decision.at + KEEP_SETTLED if state in SETTLED else None
    if state is record.state:
        expires_at = record.expires_at
    change = {"state": state, "decision": decision, "expires_at": expires_at}
    return record.model_copy(update=change | {"earlier_decisions": tuple(others[-DECISIONS_KEPT:])})


def _after_all(record: MessageRecord, now: datetime) -> datetime:
    """A time after all that was told of the record, however far apart clocks are: what is told later is newer."""
    decisions = (each.at for each in (*record.earlier_decisions, record.decision) if each)
    told = [each for each in (record.parked_at, *decisions) if each]
    return max(now, max(told) + NEXT_MOMENT) if told else now


def decision_about(record: MessageRecord, wanted: OperatorDecision) -> OperatorDecision | None:
    """A decision as it was kept when it was first made, whatever was decided since."""
    kept = (each for each in (*record.earlier_decisions, record.decision) if each)
    return next((each for each in kept if each.is_same(wanted)), None)


def parked_again(record: MessageRecord, settlement: Settlement, now: datetime) -> MessageRecord:
    """The replay failed for good: the message waits for another decision."""
    return record.model_copy(
        update={
            "state": RecordState.QUARANTINED if settlement.is_quarantined else RecordState.PARKED,
            "is_quarantined": record.is_quarantined or settlement.is_quarantined,
            "reason": settlement.reason or Reason.E_ATTEMPTS,
            "detail": settlement.detail,
            "last_failed_at": now,
            "parkings": record.parkings + 1,
        }
    )
