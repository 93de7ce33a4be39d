"""How the record of a message changes with what happens to the message: pure."""

from datetime import datetime, timedelta
from typing import Any

from common.domain.reason import Reason
from common.domain.security import SecurityKind
from common.service.incoming import Incoming
from common.service.records import (
    DEAD_LETTERS_KEPT,
    DECISIONS_KEPT,
    KEEP_SETTLED,
    SETTLED,
    UNDER_WAY,
    About,
    MessageRecord,
    OperatorDecision,
    RecordState,
    StoredMessage,
)
from common.service.settle import Settlement

NEXT_MOMENT = timedelta(milliseconds=1)
"""The least time between two decisions that a database tells apart."""
SAME_SECOND = timedelta(seconds=2)
"""Within so long, two deaths may bear the same time of the broker."""
DEATH_REASONS = {
    "delivery_limit": (Reason.E_ATTEMPTS, "its handler failed or crashed too often"),
    "rejected": (Reason.E_RETURNED, "rejected by its reader"),
    "expired": (Reason.E_ATTEMPTS, "expired"),
    "maxlen": (Reason.E_ATTEMPTS, "its queue was full"),
}
"""What the broker's own words mean where the service has said nothing."""


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
    that had taken it ended, or lost its connection, before the broker knew.

    A copy of the message, or the message itself after a replay, died at another time. The broker keeps whole seconds:
    where the message was decided about right after it was parked, it may have died twice in one, and is parked again.
    """
    if record.is_held or died_at not in record.dead_letters:
        return False
    if record.decision is None or record.parked_at is None:
        return True
    return record.decision.at - record.parked_at >= SAME_SECOND


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


def explained(record: MessageRecord, death_reason: str) -> MessageRecord:
    """With a reason: the service's own, else what the broker says. Of what is parked already, the one announced."""
    if record.is_held or (record.state is RecordState.GIVEN_UP and record.reason):
        return record
    reason, detail = DEATH_REASONS.get(death_reason, (Reason.E_ATTEMPTS, death_reason))
    return record.model_copy(update={"reason": reason, "detail": detail, "security": None})
