"""(6) and (7) together: whether a certificate is valid now, or was at a time that a trusted time stamp proves.

Past signature validation (EN 319 102-1 §5.5): what is valid now needs no proof. A certificate that has expired or was
revoked since is still valid for a signature that is proved to be older. A status for now is remembered until the first
list, certificate or root it rests on ends.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from common.containment import Unusable
from common.domain.reason import Reason
from validator.cms.certificate import Certificate
from validator.fault import Fault, rank
from validator.pki.certificate_profile import check_profile
from validator.pki.certificates import Chain
from validator.pki.chain_search import find_valid_chain
from validator.pki.evidence import Evidence
from validator.pki.trust_store import Purpose
from validator.report.model import StatusUsed

REMEMBERED = 5000


@dataclass(frozen=True, slots=True)
class CertificateStatus:
    """Whether one certificate is valid for one signature."""

    at: datetime
    """The time for which it was judged."""
    chain: Chain = ()
    statuses: tuple[StatusUsed, ...] = ()
    faults: tuple[Fault, ...] = ()
    """Empty = valid."""
    until: datetime | None = None
    """It is certain to stay valid that long; None = not known."""

    @property
    def fault(self) -> Fault | None:
        """The one that counts."""
        return min(self.faults, key=rank, default=None)

    @property
    def is_trusted(self) -> bool:
        """Whether there is a chain to a root, and nothing final against it."""
        return bool(self.chain) and not any(fault.is_final for fault in self.faults)


def certificate_status(
    leaf: Certificate, purpose: Purpose, evidence: Evidence, proven_at: datetime | None, field: str
) -> CertificateStatus:
    """The status of ``leaf`` now, or else at ``proven_at``.

    ``field``: name of the signature field, for the faults.
    """
    present = _present(leaf, purpose, evidence, field)
    if not present.faults or proven_at is None or proven_at >= evidence.now:
        return present
    past = _judge(leaf, purpose, evidence, proven_at, field)
    return past if not past.faults or not present.is_trusted else present


def _present(leaf: Certificate, purpose: Purpose, evidence: Evidence, field: str) -> CertificateStatus:
    """The status now. The lists of the trust folder come first: what the document brings along is verified only where
    they do not suffice, where it may be newer about a revocation, or where it names one."""
    status = _by_lists(leaf, purpose, evidence.without_embedded(), field)
    if status.faults:
        is_open = status.is_trusted or any(fault.reason is Reason.E_SIG_REVOKED for fault in status.faults)
    else:
        is_open = evidence.may_revoke((*status.chain, *_makers(status, evidence)))
    return _judge(leaf, purpose, evidence, evidence.now, field) if is_open else status


def _makers(status: CertificateStatus, evidence: Evidence) -> list[Certificate]:
    """Who else made the lists that a status rests on, with the chains above."""
    digests = {sha256 for used in status.statuses for sha256 in used.signer_chain}
    return [each for each in evidence.trust.authorities if each.sha256 in digests] if digests else []


def _by_lists(leaf: Certificate, purpose: Purpose, evidence: Evidence, field: str) -> CertificateStatus:
    """The status now by the lists of the trust folder alone, remembered where possible."""
    now, memory = evidence.now, evidence.lists.memory
    key = (leaf.sha256, purpose, evidence.trust.version, evidence.policy.version)
    if (known := memory.get(key)) is not None and known[0] <= now < known[1]:
        chain, statuses = known[2]
        return CertificateStatus(now, chain, statuses, until=known[1])
    status = _judge(leaf, purpose, evidence, now, field)
    if status.faults:
        return status
    if len(memory) >= REMEMBERED:
        memory.clear()
    until = _until(status, evidence)
    memory[key] = (now, until, (status.chain, status.statuses))
    return replace(status, until=until)


def _until(status: CertificateStatus, evidence: Evidence) -> datetime:
    """When the first thing that a valid status rests on ends. What was over already, such as the full list that a delta
    list in force adds to, need not be in force."""
    ends = [certificate.not_valid_after_utc for certificate in status.chain]
    ends += [used.next_update for used in status.statuses if used.next_update and used.next_update > status.at]
    window = evidence.trust.windows.get(status.chain[-1].sha256)
    # A list that is in the folder already but dated ahead may say something else once its time has come: clocks differ.
    heard = (crl.this_update - evidence.policy.clock_grace for crl in evidence.lists.crls)
    ahead = [at for at in heard if at > status.at]
    return min([*ends, *ahead, *([window.end] if window and window.end else [])])


def _judge(leaf: Certificate, purpose: Purpose, evidence: Evidence, at: datetime, field: str) -> CertificateStatus:
    faults: list[Fault] = []
    try:
        check_profile(leaf, field, purpose)
    except Unusable as error:
        faults.append(Fault("6.12", field, str(error)))
    except Fault as fault:
        faults.append(fault)
    found = find_valid_chain(leaf, evidence, at, field, purpose)
    if found.fault is not None:
        faults.append(found.fault)
    return CertificateStatus(at, found.chain, found.statuses, tuple(faults))
