"""The decision about a notification after an attempt, and about the circuits that it passed. Pure.

===============================  ===============================  ==============================================
the answer                       the notification                 the circuit
===============================  ===============================  ==============================================
``Sent``                         sent                             closes
``Undeliverable``                failed                           closes: the other side answers; stays as it is
                                                                  if nobody was asked
``Unanswered``, patience left    waits, its own pause grows       opens, its pause grows with every failure
``Unanswered``, patience over    given_up                         opens
===============================  ===============================  ==============================================

While a circuit is open, nothing is sent to that destination. Its notifications wait in the database, where they take no
slot and count no attempts. When the pause is over, one of them is sent as a probe. So a dead destination costs the same
few attempts whether one notification waits for it or a hundred thousand.

The notification that failed has a pause of its own, so the next probe is another notification. A destination that fails
on one notification only therefore gets all the others.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from notifier.answer import Answer, Fault, Sent, Unanswered, Undeliverable

FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=10), timedelta(hours=2)
"""Pauses double from the first to the longest. In 72 hours that makes 45 attempts."""


class State(StrEnum):
    """The state of a notification. Only ``pending`` changes without an operator; the values are stored."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"
    """The destination will never take it."""
    GIVEN_UP = "given_up"
    """The destination did not take it until the patience ended."""
    SKIPPED = "skipped"
    """The channel is not set up, or the unit no longer has such a contact."""
    EXPIRED = "expired"
    """It failed or was given up, and its text is no longer kept."""


class Circuit(StrEnum):
    """The change of a circuit after an attempt."""

    KEEP = "keep"
    CLOSE = "close"
    OPEN = "open"


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The state of a notification and its circuits at the end of an attempt."""

    attempts: int
    """Attempts at this notification, including the one just made."""
    waiting_since: datetime
    failures: int
    """Failures in a row of the circuit at fault, before this attempt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The next state of a notification, and what to do with its circuits."""

    state: State
    detail: str = ""
    next_attempt_at: datetime | None = None
    """Earliest time of the next attempt at a notification that waits."""
    address: Circuit = Circuit.KEEP
    mail_server: Circuit = Circuit.KEEP
    probe_at: datetime | None = None
    """Earliest time of the next probe of the circuit that opens."""


def decide(answer: Answer, history: History, now: datetime, patience: timedelta) -> Decision:
    """The decision after an attempt. Mail server and address have separate circuits, because a server that refuses one
    recipient works."""
    match answer:
        case Sent():
            return Decision(state=State.SENT, address=Circuit.CLOSE, mail_server=Circuit.CLOSE)
        case Undeliverable():
            circuit = Circuit.CLOSE if answer.is_answer else Circuit.KEEP
            return Decision(state=State.FAILED, detail=answer.detail, address=circuit, mail_server=circuit)
        case Unanswered():
            return _wait(answer, history, now, patience)


def pause_after(failures: int, wished: timedelta | None = None) -> timedelta:
    """The pause after so many failures in a row (1 = first). It doubles with each failure up to ``LONGEST_PAUSE``.

    ``wished``: the pause that the other side asks for; it counts if it is longer.
    """
    pause: timedelta = FIRST_PAUSE * 2 ** min(max(failures, 1) - 1, 20)
    return min(max(pause, wished or timedelta()), LONGEST_PAUSE)


def is_over(waiting_since: datetime, now: datetime, patience: timedelta) -> bool:
    """Whether a notification has waited for the whole patience."""
    return now - waiting_since >= patience


def _wait(answer: Unanswered, history: History, now: datetime, patience: timedelta) -> Decision:
    given_up = is_over(history.waiting_since, now, patience)
    is_address = answer.fault is Fault.ADDRESS
    return Decision(
        state=State.GIVEN_UP if given_up else State.PENDING,
        detail=answer.detail,
        next_attempt_at=None if given_up else now + pause_after(history.attempts, answer.retry_after),
        address=Circuit.OPEN if is_address else Circuit.KEEP,
        mail_server=Circuit.CLOSE if is_address else Circuit.OPEN,
        probe_at=now + pause_after(history.failures + 1, answer.retry_after),
    )
