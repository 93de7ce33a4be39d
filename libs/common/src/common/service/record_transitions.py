"""The changes of a message record, one function for each event. Pure."""

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
    ParkedAs,
    RecordState,
    StoredMessage,
)
from common.service.settle import Settlement

NEXT_MOMENT = timedelta(milliseconds=1)
"""The smallest difference between two times that the database keeps apart."""
SAME_SECOND = timedelta(seconds=2)
"""Two dead letters that were moved less than this apart may have the same time, which is in whole seconds."""
DEATH_REASONS = {
    "delivery_limit": (Reason.E_ATTEMPTS, "its handler failed or crashed too often"),
    "rejected": (Reason.E_RETURNED, "rejected by its reader"),
    "expired": (Reason.E_ATTEMPTS, "expired"),
    "maxlen": (Reason.E_ATTEMPTS, "its queue was full"),
}
"""Reason and detail for each ``x-death`` reason of the broker, if the service has recorded none."""


def begun(message: Incoming, now: datetime) -> MessageRecord:
    """A new record, before any event."""
    return MessageRecord(
        record_id=message.key,
        queue=message.queue,
        user_id=message.user_id,
        first_failed_at=now,
        last_failed_at=now,
    )


def failed(record: MessageRecord, settlement: Settlement, now: datetime, *, is_redelivered: bool) -> MessageRecord:
    """The record after a failed attempt that counts. The pause is added to the time waited, which uses up the patience.

    If the message of the record was given up or is parked, the attempt was at a copy of it; then only the attempt is
    counted. A redelivered message that was given up is not a copy: its process ended before it settled the message.
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
    cause = {"last_failed_at": now, "reason": settlement.reason, "detail": settlement.detail}
    return record.model_copy(update=counted | cause | {"state": RecordState.WAITING})


def copy_handled(record: MessageRecord) -> MessageRecord:
    """The record of a parked message after a copy of it was handled: no further attempt at the copy is due."""
    return record.model_copy(update={"next_attempt_at": None})


def given_up(record: MessageRecord, settlement: Settlement, now: datetime) -> MessageRecord:
    """The record of a message that becomes a dead letter.

    If it is parked already, or was given up before because of a security event, the announced fields stay, because they
    are announced again under the same event id. Only a kind of security event may be added.
    """
    if record.is_held:
        return record.model_copy(update={"security": record.security or settlement.security, "next_attempt_at": None})
    changes: dict[str, Any] = {
        "state": RecordState.GIVEN_UP,
        "next_attempt_at": None,
        "is_quarantined": record.is_quarantined or settlement.is_quarantined,
    }
    if record.state in UNDER_WAY and record.security:
        return record.model_copy(update=changes)
    cause = {
        "last_failed_at": now,
        "reason": settlement.reason or Reason.E_ATTEMPTS,
        "detail": settlement.detail,
        "security": settlement.security,
    }
    return record.model_copy(update=changes | cause)


def is_taken_before(record: MessageRecord, died_at: datetime | None) -> bool:
    """Whether a dead letter was parked before, and is delivered again after an operator has decided about it. The
    process that had parked it ended, or lost its connection, before it had acknowledged it.

    ``died_at``: when the broker moved it, in whole seconds. A copy of the message, or the message itself after a
    replay, was moved at another time. But if the decision followed directly on the parking, the message may have been
    moved twice in one second; then it is parked again.
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
    """The record after its dead letter has arrived. It stays unchanged if it is parked already, or if an operator has
    decided since the same dead letter was parked.

    ``died_at``: when the broker moved the message to the dead letters; None = unknown.
    """
    if is_taken_before(record, died_at):
        return record
    if died_at is not None and died_at not in record.dead_letters:
        record = record.model_copy(update={"dead_letters": (*record.dead_letters, died_at)[-DEAD_LETTERS_KEPT:]})
    if record.is_held:
        return record
    quarantined = is_quarantined or record.is_quarantined
    cause: dict[str, Any] = {
        "is_quarantined": quarantined,
        "security": record.security or (SecurityKind.FORGED_FACT if quarantined else None),
        "reason": record.reason or Reason.E_ATTEMPTS,
    }
    at, number, parkings = _after_all(record, now), record.parkings + 1, record.parked_as
    if died_at is not None:
        parking = ParkedAs(number=number, died_at=died_at, at=at, detail=record.detail, **cause)
        parkings = (*parkings, parking)[-DEAD_LETTERS_KEPT:]
    return record.model_copy(
        update=cause
        | {
            "state": RecordState.QUARANTINED if quarantined else RecordState.PARKED,
            "parked_at": at,
            "parkings": number,
            "parked_as": parkings,
            "next_attempt_at": None,
            "message": stored,
            "about": about,
            "expires_at": None,
        }
    )


def as_parked(record: MessageRecord, died_at: datetime | None) -> list[MessageRecord]:
    """The record as it was each time that a dead letter was parked, to announce that. Usually this is once.

    If the dead letter is unknown, or was not parked because its message was parked already, the record as it is now;
    but nothing if a copy of the message is on its way by now.

    ``died_at``: when the broker moved the dead letter; None = unknown.
    """
    is_under_way = record.state in UNDER_WAY
    own = [parking for parking in record.parked_as if parking.died_at == died_at]
    if not own:
        return [] if is_under_way else [record]
    return [
        record if parking.number == record.parkings and not is_under_way else _as_parked(record, parking)
        for parking in own
    ]


def _as_parked(record: MessageRecord, parking: ParkedAs) -> MessageRecord:
    state = RecordState.QUARANTINED if parking.is_quarantined else RecordState.PARKED
    cause = parking.model_dump(include={"reason", "detail", "is_quarantined", "security"})
    return record.model_copy(
        update=cause | {"state": state, "parked_at": parking.at, "parkings": parking.number},
    )


def decided(
    record: MessageRecord, decision: OperatorDecision, state: RecordState, parkings: int | None = None
) -> MessageRecord:
    """The record after a decision of an operator. A decision that has an outcome keeps it, whichever process carried it
    out. Settled messages expire after ``KEEP_SETTLED``.

    ``parkings``: how often the message had been parked when the decision was made. If it was parked again since, during
    its replay, it stays parked and waits for another decision.
    """
    others = [each for each in (*record.earlier_decisions, record.decision) if each and not each.is_same(decision)]
    saved = decision_about(record, decision)
    if saved and saved.outcome:
        return record
    if saved and parkings is not None and record.parkings > parkings:
        state, at = record.state, saved.at
    else:
        at = _after_all(record, decision.at)
    decision = decision.model_copy(update={"at": at})
    expires_at = decision.at + KEEP_SETTLED if state in SETTLED else None
    if state is record.state:
        expires_at = record.expires_at
    change = {"state": state, "decision": decision, "expires_at": expires_at}
    return record.model_copy(update=change | {"earlier_decisions": tuple(others[-DECISIONS_KEPT:])})


def _after_all(record: MessageRecord, now: datetime) -> datetime:
    """``now``, or a time later than all announced times of the record, so that later announcements are newer even if
    the clocks of two processes differ."""
    decisions = (each.at for each in (*record.earlier_decisions, record.decision) if each)
    announced = [each for each in (record.parked_at, *decisions) if each]
    return max(now, max(announced) + NEXT_MOMENT) if announced else now


def decision_about(record: MessageRecord, wanted: OperatorDecision) -> OperatorDecision | None:
    """The saved decision that is the same as ``wanted``, whatever was decided since; None = there is none."""
    saved = (each for each in (*record.earlier_decisions, record.decision) if each)
    return next((each for each in saved if each.is_same(wanted)), None)


def parked_again(record: MessageRecord, settlement: Settlement, now: datetime) -> MessageRecord:
    """The record of a message whose replay failed for good: it waits for another decision."""
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
    """The record with a reason: that of the service, or without one, that of the broker. A parked message keeps its
    announced reason. ``death_reason``: as in ``Death.reason``."""
    if record.is_held or (record.state is RecordState.GIVEN_UP and record.reason):
        return record
    reason, detail = DEATH_REASONS.get(death_reason, (Reason.E_ATTEMPTS, death_reason))
    return record.model_copy(update={"reason": reason, "detail": detail, "security": None})
