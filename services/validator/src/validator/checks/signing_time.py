"""(8) Time: when a signature was made. What its signer says about that is a claim; ``time_stamps`` handles what proves.

A claim refuses nothing: "no requirement is imposed concerning the correctness of the signing time" (RFC 5652 §11.3),
and EN 319 102-1 judges certificates for a proved time, or else for the time of verification. It only says on which day
a role must have held (R8), and there the trusted time serves as well. EN 319 142-1 §6.3: ``/M`` is present; older files
carry the CMS attribute signing-time.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from common.edxml.dates import VIETNAM
from validator.cms.certificate import Certificate
from validator.pdf.date import read_date
from validator.policy import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningTime:
    """What is claimed and what can be trusted about the time of one signature."""

    trusted: datetime
    """Time of a trusted time stamp, or else that of the verification: the signature existed by then."""
    claimed: datetime | None = None
    """As the signer says, with local time written as UTC set right; None = nothing that can be read."""
    is_shifted: bool = False
    """Seven hours were taken off a claim that lay ahead: local time written as UTC."""
    doubt: str | None = None
    """Number of the rule that a claim breaks, which is then not used; None = it can be true."""
    is_stamped: bool = False
    """``trusted`` is the time of a signature time stamp, which is made when the signature is."""
    is_proven: bool = False
    """``trusted`` is the time of a time stamp."""

    @property
    def credible(self) -> datetime | None:
        """The claim, if it can be true."""
        return None if self.doubt else self.claimed

    @property
    def best(self) -> datetime:
        """What comes closest to the time of signing: a signature time stamp, a claim that can be true, other proof."""
        return self.trusted if self.is_stamped or self.credible is None else self.credible

    @property
    def day(self) -> date:
        """Calendar day of ``best``."""
        return day_in_vietnam(self.best)

    @property
    def days(self) -> tuple[date, ...]:
        """On one of these a role must hold: the claimed day, unless a time stamp outranks it, and the trusted one."""
        return tuple(dict.fromkeys((self.day, day_in_vietnam(self.trusted))))


def day_in_vietnam(at: datetime) -> date:
    """Calendar day in Ho Chi Minh City, in which ND 30/2020 counts."""
    return at.astimezone(VIETNAM).date()


def end_of_day_in_vietnam(at: datetime) -> datetime:
    """When that calendar day ends."""
    return datetime.combine(day_in_vietnam(at) + timedelta(days=1), time(), VIETNAM)


def signing_time(
    attribute: datetime | None,
    dictionary: str | None,
    certificate: Certificate,
    now: datetime,
    policy: Policy,
    *,
    stamped_at: datetime | None = None,
    proven_at: datetime | None = None,
) -> SigningTime:
    """The claim of the signed ``attribute``, or else of the dictionary's ``/M``, beside the trusted time.

    ``stamped_at``: time of a trusted signature time stamp. ``proven_at``: the signature is proved not to be younger.
    Raises ``Unusable`` where the certificate's validity cannot be read.
    """
    claimed = attribute or read_date(dictionary or "")
    latest = now + policy.clock_grace
    is_shifted = claimed is not None and latest < claimed <= latest + policy.local_time_quirk
    if claimed is not None and is_shifted:
        claimed -= policy.local_time_quirk
    return SigningTime(
        trusted=stamped_at or proven_at or now,
        claimed=claimed,
        is_shifted=is_shifted,
        doubt=_doubt(claimed, certificate, now, policy, proven_at) if claimed else None,
        is_stamped=stamped_at is not None,
        is_proven=(stamped_at or proven_at) is not None,
    )


def _doubt(
    claimed: datetime, certificate: Certificate, now: datetime, policy: Policy, proven_at: datetime | None
) -> str | None:
    """Number of the rule that the claim breaks.

    Differences are compared, because a sum may leave the calendar: a certificate without an end is valid until
    9999-12-31 (RFC 5280 §4.1.2.5).
    """
    grace = policy.clock_grace
    if claimed - now > grace:
        return "8.1"
    if certificate.not_valid_before_utc - claimed > grace:
        return "8.2a"
    if claimed - certificate.not_valid_after_utc > grace:
        return "8.2b"
    return "8.5" if proven_at is not None and claimed - proven_at > grace else None
