"""(10) Order: the unit signs last, what its authorised person has signed before (ND 30/2020 art. 32.2.d, R6)."""

from collections.abc import Sequence
from datetime import datetime

from validator.fault import Fault
from validator.policy import Policy
from validator.report.vocabulary import SignerRole


def check_order(roles: Sequence[SignerRole], times: Sequence[datetime], policy: Policy) -> None:
    """Roles and claimed times in the order of revisions, which the signed bytes prove. Raises ``Fault``."""
    # (10.1) The sending unit's signature covers every other one.
    if not roles or roles[-1] is not SignerRole.UNIT:
        raise Fault("10.1")
    # (10.2) Claimed times do not contradict it; some tools write local time as UTC, seven hours ahead.
    tolerance = policy.local_time_quirk + policy.clock_grace
    if any(time > times[-1] + tolerance for time in times[:-1]):
        raise Fault("10.2")
