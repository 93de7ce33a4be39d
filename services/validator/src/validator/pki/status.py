"""(6) and (7) together: whether a certificate stands, now or at a time that a trusted time stamp proves.

EN 319 102-1 §5.5, past signature validation: what holds now needs no proof; a certificate that has expired or was
revoked since still stands for a signature that is proved to be older. Verdicts for now are remembered until the first
list, certificate or root they rest on ends.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from cryptography import x509

from validator.fault import Fault, rank
from validator.pki.certificates import fingerprint
from validator.pki.evidence import Evidence
from validator.pki.path import Chain, check_leaf, find_chain
from validator.pki.revocation import Statements, check_revocation
from validator.pki.trust import Purpose
from validator.policy import Policy
from validator.report.model import StatusUsed

REMEMBERED = 5000


@dataclass(frozen=True, slots=True)
class Standing:
    """How one certificate stands for one signature."""

    at: datetime
    chain: Chain = ()
    statuses: tuple[StatusUsed, ...] = ()
    faults: tuple[Fault, ...] = ()
    until: datetime | None = None
    """It is certain to stand that long; None = not known."""

    @property
    def fault(self) -> Fault | None:
        """The one that counts."""
        return min(self.faults, key=rank, default=None)

    @property
    def is_trusted(self) -> bool:
        """A chain to a root, and nothing final against it."""
        return bool(self.chain) and not any(fault.is_final for fault in self.faults)


def standing(
    leaf: x509.Certificate,
    purpose: Purpose,
    evidence: Evidence,
    now: datetime,
    proven: datetime | None,
    policy: Policy,
    field: str,
) -> Standing:
    """How ``leaf`` stands now, or else at ``proven``."""
    present = _remembered(leaf, purpose, evidence, now, policy, field)
    if not present.faults or proven is None or proven >= now:
        return present
    past = _judged(leaf, purpose, evidence, evidence, proven, now, policy, field)
    return past if not past.faults or not present.is_trusted else present


def _remembered(
    leaf: x509.Certificate, purpose: Purpose, evidence: Evidence, now: datetime, policy: Policy, field: str
) -> Standing:
    memory = evidence.local.memory
    key = (fingerprint(leaf), purpose, evidence.trust.version, policy.version)
    if (kept := memory.get(key)) is not None and kept[0] <= now < kept[1]:
        chain, statuses = kept[2]
        return Standing(now, chain, statuses, until=kept[1])
    # Our own lists first: where they suffice, what the document brings along is not even read.
    found = _judged(leaf, purpose, evidence, evidence.local, now, now, policy, field)
    if found.faults:
        return _judged(leaf, purpose, evidence, evidence, now, now, policy, field) if found.is_trusted else found
    if len(memory) >= REMEMBERED:
        memory.clear()
    until = _until(found, evidence)
    memory[key] = (now, until, (found.chain, found.statuses))
    return replace(found, until=until)


def _until(found: Standing, evidence: Evidence) -> datetime:
    ends = [certificate.not_valid_after_utc for certificate in found.chain]
    ends += [status.next_update for status in found.statuses if status.next_update]
    window = evidence.trust.windows.get(fingerprint(found.chain[-1]))
    # A list that is in the folder already but dated ahead may say something else once its time has come.
    ahead = [crl.this_update for crl in evidence.local.crls if crl.this_update > found.at]
    return min([*ends, *ahead, *([window.end] if window and window.end else [])])


def _judged(
    leaf: x509.Certificate,
    purpose: Purpose,
    evidence: Evidence,
    statements: Statements,
    at: datetime,
    now: datetime,
    policy: Policy,
    field: str,
) -> Standing:
    faults: list[Fault] = []
    chain: Chain = ()
    statuses: tuple[StatusUsed, ...] = ()
    try:
        check_leaf(leaf, field, purpose)
    except Fault as fault:
        faults.append(fault)
    try:
        chain = find_chain(leaf, evidence.trust, at, policy, field, purpose)
        statuses = check_revocation(chain, statements, at, now, policy, field)
    except Fault as fault:
        faults.append(fault)
    return Standing(at, chain, statuses, tuple(faults))
