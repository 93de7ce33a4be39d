"""(8) Time: when a signature claims to have been made. A claim, not a proof: ``time_stamps`` handles what proves time.

The claim chooses the day on which a role must hold (R8). EN 319 142-1 §6.3: /M is present; older files carry the CMS
attribute signing-time.
"""

from dataclasses import dataclass
from datetime import date, datetime

from common.edxml.dates import VIETNAM
from validator.cms.certificate import Certificate
from validator.fault import Fault, library_errors_as
from validator.pdf.date import read_date
from validator.policy import Policy


@dataclass(frozen=True, slots=True)
class ClaimedTime:
    """A claimed time that can be true."""

    at: datetime
    is_shifted: bool
    """Seven hours were taken off a claim that lay ahead: local time written as UTC."""
    proven: datetime | None = None
    """Time of a trusted signature time stamp, which counts in place of the claim."""
    is_absent: bool = False
    """Nothing that can be read is claimed: ``at`` is the earliest proof, or else the time of verification."""

    @property
    def best(self) -> datetime:
        """The time that counts for roles and order."""
        return self.proven or self.at

    @property
    def day(self) -> date:
        """Calendar day in Ho Chi Minh City, in which ND 30/2020 counts."""
        return self.best.astimezone(VIETNAM).date()


def check_signing_time(
    attribute: datetime | None,
    dictionary: str | None,
    certificate: Certificate,
    now: datetime,
    policy: Policy,
    field: str,
    *,
    stamped_at: datetime | None = None,
    proven_at: datetime | None = None,
) -> ClaimedTime:
    """The claim of the signed ``attribute``, or else of the dictionary's ``/M``. Raises ``Fault``.

    A claim proves nothing, so one that is absent or cannot be read refuses nothing. ``stamped_at``: time of a trusted
    signature time stamp, preferred to the claim. ``proven_at``: the signature is proved not to be younger.
    """
    with library_errors_as("8.1", field, "signing time not readable"):
        at = attribute or read_date(dictionary or "")
        if at is None:
            proven = stamped_at or proven_at
            return ClaimedTime(proven or now, is_shifted=False, proven=proven, is_absent=True)
        latest = now + policy.clock_grace
        # (8.1) Not in the future, local time written as UTC excepted.
        if at > latest + policy.local_time_quirk:
            raise Fault("8.1", field)
        is_shifted = at > latest
        at = at - policy.local_time_quirk if is_shifted else at
        # (8.2) Inside the certificate's validity.
        if at < certificate.not_valid_before_utc - policy.clock_grace:
            raise Fault("8.2a", field)
        if at > certificate.not_valid_after_utc + policy.clock_grace:
            raise Fault("8.2b", field)
        is_refuted = proven_at is not None and at > proven_at
        return ClaimedTime(at, is_shifted, stamped_at or (proven_at if is_refuted else None))
