"""(8) Time that is proved: signature time stamps (RFC 3161 appendix A) and document time stamps.

A time stamp counts if its cryptography holds, its authority is trusted for giving time, and it lies in the past. What
it covers existed at its time. One that does not count proves nothing, and takes nothing away from the signature.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from validator.checks.cryptography import check_strength, read_token, rule_of
from validator.checks.verified_signature import VerifiedSignature, WrongSignature
from validator.cms.malformed import Malformed
from validator.fault import Fault, library_errors_as
from validator.pki.evidence import Evidence, Proofs
from validator.pki.status import CertificateStatus, certificate_status
from validator.pki.trust_store import Purpose
from validator.policy import Policy
from validator.report.rules import RULES


@dataclass(frozen=True, slots=True)
class JudgedTimeStamp:
    """One signature time stamp."""

    token: VerifiedSignature | None
    """None = its cryptography does not hold."""
    status: CertificateStatus | None
    """Of its authority's certificate; None = not asked."""
    fault: Fault | None

    @property
    def at(self) -> datetime | None:
        """The time it proves; None = it proves nothing."""
        return self.stated if self.fault is None else None

    @property
    def stated(self) -> datetime | None:
        """The time it states; None = it cannot be read."""
        info = self.token.time_stamp if self.token else None
        return info.at if info else None


def judge_time_stamps(
    verified: VerifiedSignature,
    evidence: Evidence,
    proven_at: datetime | None,
    field: str,
    stored: Callable[[], Iterable[bytes]],
) -> tuple[JudgedTimeStamp, ...]:
    """All signature time stamps of one signature.

    ``proven_at``: when its revision is proved to have existed. ``stored``: DER of certificates to look for an
    authority's among, besides those in the time stamp and in the signature.
    """

    def held() -> Iterator[bytes]:
        yield from verified.certificates
        yield from stored()

    return tuple(
        _judge(token, verified.value, evidence, proven_at, field, held())
        for token in verified.tokens[: evidence.policy.max_time_stamps]
    )


def _judge(
    token: bytes, value: bytes, evidence: Evidence, proven_at: datetime | None, field: str, stored: Iterable[bytes]
) -> JudgedTimeStamp:
    read: VerifiedSignature | None = None
    status: CertificateStatus | None = None
    try:
        # (8.3) A signature time stamp covers the signature value.
        with library_errors_as("8.3", field):
            read = _read(token, value, evidence.policy, field, stored)
            check_strength(read, field)
            check_stated_time(read, evidence.now, evidence.policy, field)
            status = certificate_status(read.certificate, Purpose.TIME, evidence, proven_at, field)
    except Fault as fault:
        return JudgedTimeStamp(read, status, fault)
    return JudgedTimeStamp(read, status, status.fault)


def _read(token: bytes, value: bytes, policy: Policy, field: str, stored: Iterable[bytes]) -> VerifiedSignature:
    """A time stamp over a signature value; where it is none, the fault names the rule of (5) behind it."""
    try:
        return read_token(token, lambda algorithm: hashlib.new(algorithm, value).digest(), policy, stored)
    except (WrongSignature, Malformed) as error:
        rule = RULES[rule_of(error)]
        text = f"time stamp: {str(error) or rule.failure} ({rule.number})"
        raise Fault("8.3", field, text, sub_indication=rule.sub_indication) from error


def check_stated_time(token: VerifiedSignature, now: datetime, policy: Policy, field: str) -> None:
    """A time stamp states a time that can be true, and nothing that is not understood. Raises ``Fault``."""
    with library_errors_as("8.4", field, "time stamp not readable"):
        # (8.4) It lies in the past, inside the validity of its authority's certificate.
        at = token.time_stamp.at if token.time_stamp else None
        certificate = token.certificate
        inside = at is not None and certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc
        if at is None or at > now + policy.clock_grace or not inside:
            raise Fault("8.4", field)
        # (8.6) No extension changes what it states.
        if token.time_stamp and token.time_stamp.obstacle:
            raise Fault("8.6", field, token.time_stamp.obstacle)


def earliest_proof(proofs: Proofs, revision: int, time_stamps: Sequence[JudgedTimeStamp] = ()) -> datetime | None:
    """The earliest time at which what stands in that revision is proved to have existed."""
    times = [at for later, at in proofs if later > revision]
    times += [each.at for each in time_stamps if each.at]
    return min(times, default=None)
