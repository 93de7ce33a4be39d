"""(10) Order: the unit signs last, what its authorised person has signed before (ND 30/2020 art. 32.2.d, R6)."""

from collections.abc import Sequence
from datetime import datetime

from common.domain.reason import Reason
from validator.fault import Fault, Step
from validator.policy import Policy
from validator.report.model import Part, SubIndication


def check_order(found: Sequence[Part], times: Sequence[datetime], policy: Policy) -> None:
    """``found`` and ``times`` in the order of revisions, which the signed bytes prove."""
    # (10.1) The sending unit's signature covers every other one.
    if not found or found[-1] is not Part.UNIT:
        raise _fault("signed after the unit")
    # (10.2) Claimed times do not contradict it; some tools write local time as UTC, seven hours ahead.
    tolerance = policy.local_time_quirk + policy.clock_grace
    if any(time > times[-1] + tolerance for time in times[:-1]):
        raise _fault("claims to be signed after the unit")


def _fault(detail: str) -> Fault:
    return Fault(Step.ORDER, Reason.E_SIG_ORDER, SubIndication.SIG_CONSTRAINTS_FAILURE, detail)
