"""Decides what happens to a message after its handler has ended. Pure.

==========================================  =================================================================
the handler                                 the message
==========================================  =================================================================
returns                                     acknowledged
raises ``Forged``                           dead-lettered and quarantined
raises ``Permanent``                        dead-lettered with its reason
raises ``Outage``                           returned; the broker delivers it again after a fixed delay; nothing counts
raises ``Transient``                        returned, tried again after growing pauses while there is patience;
                                            then dead-lettered
raises anything else, runs out of time      returned and counted by the broker, which dead-letters it at the limit;
                                            while no other message succeeds either, it is probably not the message:
                                            then like ``Transient``
==========================================  =================================================================
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from common.domain.names import Lane
from common.domain.reason import Reason
from common.domain.security import SecurityKind
from common.failure import Forged, Outage, Permanent, Transient
from common.metrics.messages import MessageOutcome
from common.topology import RETRY_DELAYS_SECONDS

MAX_DETAIL = 500


class Disposition(StrEnum):
    """How the message is settled at the broker."""

    ACK = "ack"
    RETURN = "return"
    """basic.nack with requeue: delivered again after the shortest delay, not counted."""
    COUNT = "count"
    """basic.reject with requeue: delivered again after a delay that grows with the count, up to the limit."""
    DEAD = "dead"
    """basic.reject without requeue: to the dead letters of the service."""


@dataclass(frozen=True, slots=True)
class History:
    """Earlier attempts at a message."""

    attempts: int = 0
    """Failed attempts that count."""
    waited: timedelta = timedelta()
    """Sum of the pauses after them, without time during which a server was unavailable."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """The decision about one message."""

    disposition: Disposition
    outcome: MessageOutcome
    reason: Reason | None = None
    detail: str = ""
    security: SecurityKind | None = None
    """The kind of security event, if the failure is one."""
    pause: timedelta | None = None
    """Pause before the next attempt. Set if the attempt counts against the patience of the message."""

    @property
    def is_quarantined(self) -> bool:
        """Whether the message must never be handled again."""
        return self.outcome == "quarantined"


ACKED = Settlement(Disposition.ACK, "acked")


def settle(
    error: BaseException | None, history: History, lane: Lane, patience: timedelta, *, others_succeed: bool
) -> Settlement:
    """The settlement of a message.

    ``error``: what the handler raised, None = it returned; ``patience``: how long a message may wait in total before it
    is a dead letter; ``others_succeed``: whether the process has handled another message successfully a short time ago.
    """
    match error:
        case None:
            return ACKED
        case Forged():
            return _dead("quarantined", error)
        case Permanent():
            return _dead("parked", error)
        case Outage():
            return Settlement(Disposition.RETURN, "retried", error.reason, error.detail[:MAX_DETAIL])
        case Transient():
            return _patient(error.reason, error.detail, history, lane, patience)
        case _ if others_succeed:
            return Settlement(Disposition.COUNT, "redelivered", detail=_described(error))
        case _:
            return _patient(None, _described(error), history, lane, patience)


def pause_after(attempts: int, lane: Lane) -> timedelta:
    """The pause after the n-th failed attempt (1 = first). It doubles from the shortest to the longest delay of the
    lane."""
    shortest, longest = RETRY_DELAYS_SECONDS[lane]
    return timedelta(seconds=min(shortest * 2 ** min(attempts - 1, 16), longest))


def _patient(reason: Reason | None, detail: str, history: History, lane: Lane, patience: timedelta) -> Settlement:
    if history.waited >= patience:
        last = f"{reason}: {detail}" if reason else detail
        return Settlement(Disposition.DEAD, "parked", Reason.E_ATTEMPTS, last[:MAX_DETAIL])
    pause = pause_after(history.attempts + 1, lane)
    return Settlement(Disposition.RETURN, "retried", reason, detail[:MAX_DETAIL], pause=pause)


def _dead(outcome: MessageOutcome, error: Permanent) -> Settlement:
    return Settlement(Disposition.DEAD, outcome, error.reason, error.detail[:MAX_DETAIL], error.security)


def _described(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}"[:MAX_DETAIL] if lines else type(error).__name__
