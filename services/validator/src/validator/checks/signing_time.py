"""(8) Time: when a signature claims to have been made. A claim, not a proof: what proves time is in ``stamps``.

The claim chooses the day on which a role must hold (R8). EN 319 142-1 §6.3: /M is present; older files carry the
CMS attribute signing-time.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone

from cryptography import x509
from pyhanko.pdf_utils.generic import parse_pdf_date

from common.domain.reason import Reason
from validator.fault import Fault, Step, faults
from validator.policy import Policy
from validator.report.model import SubIndication

VIETNAM = timezone(timedelta(hours=7))
"""ND 30/2020 counts days in this zone; Vietnam has no summer time."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A claimed time that can be true."""

    at: datetime
    is_shifted: bool
    """Seven hours were taken off a claim that lay ahead: local time written as UTC."""
    proven: datetime | None = None
    """Time of a trusted signature time stamp, which counts in place of the claim."""

    @property
    def best(self) -> datetime:
        """The time that counts for roles and order."""
        return self.proven or self.at

    @property
    def day(self) -> date:
        """Calendar day in Ho Chi Minh City."""
        return self.best.astimezone(VIETNAM).date()


def check_time(
    signed: datetime | None,
    dictionary: str | None,
    certificate: x509.Certificate,
    now: datetime,
    policy: Policy,
    field: str,
    *,
    stamped: datetime | None = None,
    proven: datetime | None = None,
) -> Claim:
    """The claim out of the signed attribute ``signed`` or else the dictionary's ``/M``.

    ``stamped``: time of a trusted signature time stamp, preferred to the claim; ``proven``: it is not younger.
    """
    with faults(Step.TIME, Reason.E_SIG_TIME, f"{field}: signing time not readable"):
        at = signed or (_pdf_date(dictionary, field) if dictionary or stamped is None else stamped)
        latest = now + policy.clock_grace
        # (8.1) Not in the future, the known quirk of seven hours aside.
        if at > latest + policy.local_time_quirk:
            raise _fault(Reason.E_SIG_TIME, f"{field}: signing time lies in the future")
        claim = Claim(at - policy.local_time_quirk, True) if at > latest else Claim(at, False)
        # (8.2) Inside the certificate's validity.
        if claim.at < certificate.not_valid_before_utc - policy.clock_grace:
            raise _fault(Reason.E_SIG_NOT_YET_VALID, f"{field}: signed before the certificate was valid")
        if claim.at > certificate.not_valid_after_utc + policy.clock_grace:
            raise _fault(Reason.E_SIG_EXPIRED, f"{field}: signed after the certificate expired")
        later = proven is not None and claim.at > proven
        return Claim(claim.at, claim.is_shifted, stamped or (proven if later else None))


def _pdf_date(dictionary: str | None, field: str) -> datetime:
    if dictionary is None:
        raise _fault(Reason.E_SIG_TIME, f"{field}: no signing time")
    read: datetime = parse_pdf_date(dictionary, strict=True)
    return read.replace(tzinfo=VIETNAM).astimezone(UTC) if read.tzinfo is None else read.astimezone(UTC)


def _fault(reason: Reason, detail: str) -> Fault:
    return Fault(Step.TIME, reason, SubIndication.SIG_CONSTRAINTS_FAILURE, detail)
