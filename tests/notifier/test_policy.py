"""The decision after an attempt, and the pauses: a table."""

from datetime import UTC, datetime, timedelta

import pytest

from notifier.answer import Answer, Fault, Sent, Unanswered, Undeliverable
from notifier.policy import LONGEST_PAUSE, Circuit, Decision, History, State, decide, pause_after

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
PATIENCE = timedelta(hours=72)
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
KEEP, CLOSE, OPEN = Circuit.KEEP, Circuit.CLOSE, Circuit.OPEN


def history(attempts: int = 1, waited: timedelta = SECOND, failures: int = 0) -> History:
    return History(attempts=attempts, waiting_since=NOW - waited, failures=failures)


@pytest.mark.parametrize(
    ("answer", "before", "state", "pause", "address", "mail_server", "probe"),
    [
        (Sent(), history(), State.SENT, None, CLOSE, CLOSE, None),
        (Sent(), history(40, 71 * HOUR, 40), State.SENT, None, CLOSE, CLOSE, None),
        (Sent(), history(waited=100 * HOUR), State.SENT, None, CLOSE, CLOSE, None),
        (Undeliverable("HTTP 410"), history(), State.FAILED, None, CLOSE, CLOSE, None),
        (Undeliverable("no secret", is_answer=False), history(), State.FAILED, None, KEEP, KEEP, None),
        (Unanswered("x"), history(), State.PENDING, 10, OPEN, CLOSE, 10),
        (Unanswered("x"), history(3), State.PENDING, 40, OPEN, CLOSE, 10),
        (Unanswered("x"), history(1, failures=4), State.PENDING, 10, OPEN, CLOSE, 160),
        (Unanswered("x", retry_after=60 * SECOND), history(), State.PENDING, 60, OPEN, CLOSE, 60),
        (Unanswered("x", retry_after=SECOND), history(3, failures=2), State.PENDING, 40, OPEN, CLOSE, 40),
        (Unanswered("x", retry_after=1000 * HOUR), history(), State.PENDING, 7200, OPEN, CLOSE, 7200),
        (Unanswered("x", Fault.MAIL_SERVER), history(), State.PENDING, 10, KEEP, OPEN, 10),
        (Unanswered("x"), history(46, PATIENCE - SECOND, 46), State.PENDING, 7200, OPEN, CLOSE, 7200),
        (Unanswered("x"), history(47, PATIENCE, 46), State.GIVEN_UP, None, OPEN, CLOSE, 7200),
        (Unanswered("x", Fault.MAIL_SERVER), history(1, 1000 * HOUR), State.GIVEN_UP, None, KEEP, OPEN, 10),
    ],
)
def test_every_answer(
    answer: Answer,
    before: History,
    state: State,
    pause: int | None,
    address: Circuit,
    mail_server: Circuit,
    probe: int | None,
) -> None:
    def after(seconds: int | None) -> datetime | None:
        return None if seconds is None else NOW + timedelta(seconds=seconds)

    assert decide(answer, before, NOW, PATIENCE) == Decision(
        state=state,
        detail=getattr(answer, "detail", ""),
        next_attempt_at=after(pause),
        address=address,
        mail_server=mail_server,
        probe_at=after(probe),
    )


def test_pauses_grow_and_stay_bounded() -> None:
    pauses = [pause_after(failures) for failures in range(100)]
    assert pauses == sorted(pauses)
    assert pauses[0] == pauses[1] == 10 * SECOND
    assert pauses[-1] == pause_after(10**9) == LONGEST_PAUSE


def test_a_dead_destination_is_tried_45_times_in_all() -> None:
    at, failures = timedelta(), 0
    while at < PATIENCE:
        failures += 1
        at += pause_after(failures)
    assert failures == 45
