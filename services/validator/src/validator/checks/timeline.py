"""(6)-(8): signatures placed in time. Document time stamps from the newest back, each proving what lies before it."""

from contextlib import AbstractContextManager
from datetime import datetime

from pyhanko.pdf_utils.reader import PdfFileReader

from common.domain.reason import Reason
from validator.checks.cryptography import Signed
from validator.checks.signing_time import Claim, check_time
from validator.checks.stamps import check_stated_time, earliest, judge_stamps
from validator.checks.state import Findings, Settled
from validator.context import Measures
from validator.fault import Fault, Step, faults
from validator.pki.evidence import Evidence
from validator.pki.status import Standing, standing
from validator.pki.trust import Purpose, Trust
from validator.policy import Policy
from validator.report.model import SubIndication

EXPIRED_OR_REVOKED = frozenset({Reason.E_SIG_EXPIRED, Reason.E_SIG_REVOKED})
"""What an earlier proof of existence could still cure."""


def place_in_time(reader: PdfFileReader, findings: Findings, measures: Measures, trust: Trust, policy: Policy) -> None:
    """Document time stamps from the newest back, each proving what lies before it; then the signatures."""
    proofs: list[tuple[int, datetime]] = []
    evidence = Evidence(measures.revocation, trust, policy, reader, ())
    for each in reversed(findings.settled):
        if each.is_time_stamp and each.signed is not None:
            _place_time_stamp(each, each.signed, evidence, measures.now, policy)
            if not each.faults and each.signed.signing_time:
                proofs.append((each.signature.revision, each.signed.signing_time))
                evidence = Evidence(measures.revocation, trust, policy, reader, tuple(proofs))
    pending = any(each.is_time_stamp and each.fault and not each.fault.is_final for each in findings.settled)
    for each in findings.settled:
        if not each.is_time_stamp and each.signed is not None:
            _place_signature(each, each.signed, evidence, measures.now, policy, pending)


def _place_time_stamp(each: Settled, signed: Signed, evidence: Evidence, now: datetime, policy: Policy) -> None:
    name = each.signature.field
    each.proven = earliest(evidence.proofs, each.signature.revision)
    each.ask(lambda: check_stated_time(signed, now, policy, name))
    _stand(each, signed, Purpose.TIME, evidence, now, policy)


def _place_signature(
    each: Settled, signed: Signed, evidence: Evidence, now: datetime, policy: Policy, pending: bool
) -> None:
    signature, covered = each.signature, earliest(evidence.proofs, each.signature.revision)
    each.stamps = judge_stamps(signed, evidence, now, covered, policy, signature.field)
    each.proven = earliest(evidence.proofs, signature.revision, each.stamps)
    _stand(each, signed, Purpose.DOCUMENTS, evidence, now, policy)
    fault = each.fault
    waiting = pending or any(stamp.fault and not stamp.fault.is_final for stamp in each.stamps)
    if fault and fault.reason in EXPIRED_OR_REVOKED and waiting:
        # A time stamp that cannot be judged yet could still prove that the signature is older.
        text = f"{signature.field}: time stamp not decided yet"
        later = Fault(Step.REVOCATION, Reason.E_SIG_REVOCATION_UNKNOWN, SubIndication.TRY_LATER, text)
        each.faults = [kept for kept in each.faults if kept.reason not in EXPIRED_OR_REVOKED] + [later]
    stamped = min((stamp.at for stamp in each.stamps if stamp.at), default=None)
    each.claim = each.ask(lambda: _claim(each, signed, stamped, now, policy))


def _claim(each: Settled, signed: Signed, stamped: datetime | None, now: datetime, policy: Policy) -> Claim:
    name, date = each.signature.field, each.signature.claimed_date
    with _readable(name):
        certificate = signed.certificate
    return check_time(signed.signing_time, date, certificate, now, policy, name, stamped=stamped, proven=each.proven)


def _readable(field: str) -> AbstractContextManager[None]:
    """Authorities issue certificates that not every library can read whole."""
    return faults(Step.CHAIN, Reason.E_SIG_UNTRUSTED_CA, f"{field}: certificate not readable")


def _stand(each: Settled, signed: Signed, purpose: Purpose, evidence: Evidence, now: datetime, policy: Policy) -> None:
    name = each.signature.field

    def ask() -> Standing:
        with _readable(name):
            return standing(signed.certificate, purpose, evidence, now, each.proven, policy, name)

    each.standing = each.ask(ask)
    if each.standing:
        each.faults += each.standing.faults
