"""(8) Time that is proved: signature time stamps (RFC 3161 appendix A) and document time stamps.

A time stamp counts if its cryptography holds, its authority stands for giving time, and it lies in the past. What it
covers existed at its time. One that does not count proves nothing, and takes nothing away from the signature.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from common.domain.reason import Reason
from validator.checks.cryptography import Signed, check_strength, read_token
from validator.checks.structure import Signature
from validator.fault import Fault, Step, faults
from validator.pdf.field_visibility import is_visible
from validator.pki.evidence import Evidence, Proofs
from validator.pki.status import Standing, standing
from validator.pki.trust import Purpose
from validator.policy import Policy
from validator.report.model import SubIndication


@dataclass(frozen=True, slots=True)
class Stamp:
    """One signature time stamp, judged."""

    token: Signed | None
    standing: Standing | None
    fault: Fault | None

    @property
    def at(self) -> datetime | None:
        """The time it proves; None = it proves nothing."""
        stated = self.token.extended if self.token else None
        return stated.at if stated and self.fault is None else None


def judge_stamps(
    signed: Signed, evidence: Evidence, now: datetime, proven: datetime | None, policy: Policy, field: str
) -> tuple[Stamp, ...]:
    """All signature time stamps of one signature; ``proven``: when its revision is proved to have existed."""
    return tuple(
        _judged(token, signed.value, evidence, now, proven, policy, field)
        for token in signed.tokens[: policy.max_time_stamps]
    )


def _judged(
    token: bytes, value: bytes, evidence: Evidence, now: datetime, proven: datetime | None, policy: Policy, field: str
) -> Stamp:
    read: Signed | None = None
    stands: Standing | None = None
    try:
        # (8.3) A signature time stamp covers the signature value.
        with faults(Step.TIME, Reason.E_SIG_TIME, f"{field}: time stamp not readable"):
            read = read_token(token, (value,), policy)
            check_strength(read, field)
            check_stated_time(read, now, policy, field)
            stands = standing(read.certificate, Purpose.TIME, evidence, now, proven, policy, field)
    except Fault as fault:
        return Stamp(read, stands, fault)
    return Stamp(read, stands, stands.fault)


def check_stated_time(token: Signed, now: datetime, policy: Policy, field: str) -> None:
    """(8.4) A time stamp lies in the past, inside the validity of its authority's certificate."""
    with faults(Step.TIME, Reason.E_SIG_TIME, f"{field}: time stamp not readable"):
        at = token.extended.at if token.extended else None
        certificate = token.certificate
        inside = at is not None and certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc
        if at is None or at > now + policy.clock_grace or not inside:
            raise Fault(
                Step.TIME, Reason.E_SIG_TIME, SubIndication.SIG_CONSTRAINTS_FAILURE,
                f"{field}: time stamp of an impossible time",
            )  # fmt: skip


def check_invisible(signature: Signature, first: Signature) -> None:
    """(4.4) A document time stamp behind a signature shows nothing: nobody answers for what it would lay over."""
    with faults(Step.DIFFERENCE, Reason.E_SIG_CHANGED, f"{signature.field}: field not readable"):
        if signature is not first and is_visible(signature.embedded.sig_field, is_signed=True):
            raise Fault(
                Step.DIFFERENCE, Reason.E_SIG_CHANGED, SubIndication.FORMAT_FAILURE,
                f"{signature.field}: a visible time stamp was laid over the page",
            )  # fmt: skip


def earliest(proofs: Proofs, revision: int, stamps: Sequence[Stamp] = ()) -> datetime | None:
    """Earliest proved time of what stands in that revision."""
    times = [at for later, at in proofs if later > revision]
    times += [stamp.at for stamp in stamps if stamp.at]
    return min(times, default=None)
