"""What becomes of a notification after an attempt, and of the destination's circuit: one pure decision.

===============================  ===============================  ==============================================
the answer                       the notification                 the circuit
===============================  ===============================  ==============================================
``Sent``                         sent                             closes
``Undeliverable``                failed                           closes: the other side answers; stays as it is
                                                                  if nobody was asked
``Unanswered``, patience left    waits, its own pause grows       opens, its pause grows with every failure
``Unanswered``, patience over    given_up                         opens
===============================  ===============================  ==============================================

While a circuit is open nothing is sent to that destination: its notifications wait in the database, where they hold no
slot and count no attempt. When the pause is over one of them is sent as a probe. So a dead destination costs the same
few attempts, whether one notification waits for it or a hundred thousand.

The notification that failed has a pause of its own, so that the next probe is another one: a destination that fails on
one notification only gets all the others.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from notifier.answer import Answer, Fault, Sent, Unanswered, Undeliverable

FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=10), timedelta(hours=2)
"""Pauses double. In 72 hours they make 45 attempts."""


class State(StrEnum):
    """What became of a notification; ``pending`` alone changes by itself."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"
    """The other side will never take it."""
    GIVEN_UP = "given_up"
    """The other side did not take it for as long as the patience lasted."""
    SKIPPED = "skipped"
    """The channel is not set up, or the unit has no such contact any more."""
    EXPIRED = "expired"
    """It failed or was given up so long ago that its text is no longer kept."""


class Circuit(StrEnum):
    """What an attempt means for a circuit."""

    KEEP = "keep"
    CLOSE = "close"
    OPEN = "open"


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What is known of a notification before the attempt."""

    attempts: int
    """At this notification, the one just made included."""
    waiting_since: datetime
    failures: int
    """Of the circuit at fault, in a row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to save about a notification."""

    state: State
    detail: str = ""
    next_attempt_at: datetime | None = None
    """Of a notification that waits: not before this."""
    address: Circuit = Circuit.KEEP
    mail_server: Circuit = Circuit.KEEP
    probe_at: datetime | None = None
    """Of the circuit that opens: nothing is sent before this."""


def decide(answer: Answer, history: History, now: datetime, patience: timedelta) -> Decision:
    """Decide. Mail server and address are judged apart: a server that refuses one recipient works."""
    match answer:
        case Sent():
            return Decision(state=State.SENT, address=Circuit.CLOSE, mail_server=Circuit.CLOSE)
        case Undeliverable():
            circuit = Circuit.CLOSE if answer.is_answer else Circuit.KEEP
            return Decision(state=State.FAILED, detail=answer.detail, address=circuit, mail_server=circuit)
        case Unanswered():
            return _wait(answer, history, now, patience)


def pause_after(failures: int, wished: timedelta | None = None) -> timedelta:
    """The pause after so many failures in a row (1 = first): doubles; longer if wished, but never above the longest."""
    pause: timedelta = FIRST_PAUSE * 2 ** min(max(failures, 1) - 1, 20)
    return min(max(pause, wished or timedelta()), LONGEST_PAUSE)


def is_over(waiting_since: datetime, now: datetime, patience: timedelta) -> bool:
    """Whether a notification has waited for as long as it may."""
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
