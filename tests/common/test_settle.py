"""What happens to a message: the whole table of ``settle``."""

from datetime import timedelta

import pytest

from common.domain.names import Lane
from common.domain.reason import Reason
from common.domain.security import SecurityKind
from common.failure import Forged, Outage, Permanent, Transient
from common.service.settle import Disposition, History, pause_after, settle

PATIENCE = timedelta(hours=72)
FRESH, WORN = History(), History(attempts=500, waited=PATIENCE)
UNDECIDED = Transient(Reason.E_SIG_REVOCATION_UNKNOWN, "the list is stale")


@pytest.mark.parametrize(
    ("error", "history", "others_succeed", "disposition", "outcome", "reason"),
    [
        (None, FRESH, True, Disposition.ACK, "acked", None),
        (None, WORN, False, Disposition.ACK, "acked", None),
        (Permanent(Reason.E_REFDOC, "x"), FRESH, True, Disposition.DEAD, "parked", Reason.E_REFDOC),
        (Forged("by notifier"), FRESH, True, Disposition.DEAD, "quarantined", Reason.E_FORGED),
        (Outage("database", "away"), FRESH, True, Disposition.RETURN, "retried", Reason.E_UNAVAILABLE),
        (Outage("database", "away"), WORN, True, Disposition.RETURN, "retried", Reason.E_UNAVAILABLE),
        (UNDECIDED, FRESH, True, Disposition.RETURN, "retried", Reason.E_SIG_REVOCATION_UNKNOWN),
        (UNDECIDED, WORN, True, Disposition.DEAD, "parked", Reason.E_ATTEMPTS),
        (ValueError("bug"), FRESH, True, Disposition.COUNT, "redelivered", None),
        (ValueError("bug"), WORN, True, Disposition.COUNT, "redelivered", None),
        (ValueError("bug"), FRESH, False, Disposition.RETURN, "retried", None),
        (ValueError("bug"), WORN, False, Disposition.DEAD, "parked", Reason.E_ATTEMPTS),
        (TimeoutError(), FRESH, True, Disposition.COUNT, "redelivered", None),
        (RecursionError("deep"), FRESH, True, Disposition.COUNT, "redelivered", None),
        (MemoryError(), FRESH, False, Disposition.RETURN, "retried", None),
    ],
    ids=str,
)
def test_settle(
    error: Exception | None,
    history: History,
    others_succeed: bool,
    disposition: Disposition,
    outcome: str,
    reason: Reason | None,
) -> None:
    settlement = settle(error, history, Lane.NORMAL, PATIENCE, others_succeed=others_succeed)
    assert (settlement.disposition, settlement.outcome, settlement.reason) == (disposition, outcome, reason)
    counts = disposition is Disposition.RETURN and not isinstance(error, Outage)
    assert (settlement.pause is not None) == counts, "only an attempt that counts has a pause of its own"


def test_a_parked_message_names_what_it_waited_for() -> None:
    assert settle(UNDECIDED, WORN, Lane.NORMAL, PATIENCE, others_succeed=True).detail == str(UNDECIDED)


def test_a_reason_of_security_goes_along() -> None:
    anonymous = Permanent(Reason.E_SENDER_UNKNOWN, "nobody", SecurityKind.ANONYMOUS_MESSAGE)
    assert settle(anonymous, FRESH, Lane.NORMAL, PATIENCE, others_succeed=True).security == "ANONYMOUS_MESSAGE"
    assert settle(Forged("x"), FRESH, Lane.NORMAL, PATIENCE, others_succeed=True).security == "FORGED_FACT"


@pytest.mark.parametrize("error", [Permanent(Reason.E_FACT, "x" * 100_000), ValueError("y" * 100_000), UNDECIDED])
def test_details_are_short(error: Exception) -> None:
    for others_succeed in (True, False):
        assert len(settle(error, WORN, Lane.NORMAL, PATIENCE, others_succeed=others_succeed).detail) <= 500


@pytest.mark.parametrize(
    ("lane", "seconds"),
    [
        (Lane.NORMAL, [10, 20, 40, 80, 160, 320, 600, 600]),
        (Lane.URGENT, [2, 4, 8, 16, 32, 60, 60, 60]),
    ],
)
def test_pauses_grow_up_to_a_limit(lane: Lane, seconds: list[int]) -> None:
    assert [pause_after(n, lane).total_seconds() for n in range(1, 9)] == seconds
    assert pause_after(10**9, lane).total_seconds() == seconds[-1]
