"""(10) Order: the unit signs last, what its authorised person has signed before (ND 30/2020 art. 32.2.d, R6).

The signed bytes prove the order: a signature covers every one before it, time stamps included. So only times that are
proved can contradict it; claims that do are a note.
"""

from collections.abc import Sequence

from validator.checks.signing_time import SigningTime
from validator.fault import Fault
from validator.policy import Policy
from validator.report.vocabulary import SignerRole


def check_order(roles: Sequence[SignerRole], times: Sequence[SigningTime], policy: Policy) -> None:
    """Checks who signed last. ``roles`` and ``times``: in the order of revisions. Raises ``Fault``."""
    # (10.1) The sending unit's signature covers every other one.
    if not roles or roles[-1] is not SignerRole.UNIT:
        raise Fault("10.1")
    # (10.2) It is proved to be older than a time stamp that it covers: one of two authorities is wrong.
    unit = times[-1]
    latest = unit.trusted + policy.clock_grace
    if unit.is_proven and any(each.is_stamped and each.trusted > latest for each in times[:-1]):
        raise Fault("10.2")


def is_order_denied(times: Sequence[SigningTime], policy: Policy) -> bool:
    """(10.3) Whether the claims contradict the order by more than local time written as UTC explains."""
    last, tolerance = times[-1].credible, policy.local_time_quirk + policy.clock_grace
    earlier = (each.credible for each in times[:-1])
    return last is not None and any(claimed > last + tolerance for claimed in earlier if claimed is not None)
