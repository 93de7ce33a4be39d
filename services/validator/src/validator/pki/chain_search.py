"""(6), (7) The search for a chain that is valid and of which nothing is revoked: one good chain suffices.

Every chain is tried, revocation included, so that neither a renewed nor a cross-certified CA makes the answer depend on
the order of files. Where none is valid, the fault is that of the chain that came furthest.
"""

from dataclasses import dataclass
from datetime import datetime

from common.containment import Unusable
from validator.cms.certificate import Certificate
from validator.fault import Fault
from validator.pki.certificates import Chain
from validator.pki.evidence import Evidence
from validator.pki.path import NO_POLICY_ASKED, SearchSteps, check_algorithms, check_path, paths
from validator.pki.policy_graph import PolicyInputs
from validator.pki.revocation import check_revocation
from validator.pki.trust_store import Purpose
from validator.report.model import StatusUsed
from validator.report.rules import RULES

ORDER = {number: place for place, number in enumerate(RULES)}


@dataclass(frozen=True, slots=True)
class FoundChain:
    """The outcome of a search."""

    chain: Chain = ()
    """The valid one, or one that is valid but for what is known of revocation."""
    statuses: tuple[StatusUsed, ...] = ()
    fault: Fault | None = None
    """None = the chain is valid."""


def find_valid_chain(
    leaf: Certificate,
    evidence: Evidence,
    at: datetime,
    field: str,
    purpose: Purpose = Purpose.DOCUMENTS,
    inputs: PolicyInputs = NO_POLICY_ASKED,
) -> FoundChain:
    """The first chain that is valid at that time and not revoked; else the best of the others.

    ``inputs``: what is asked of certificate policies.
    """
    try:
        leaf.check()
        check_algorithms(leaf, evidence.policy, field)
        tried, steps = [], SearchSteps(evidence.policy.max_path_steps)
        for path in paths(leaf, evidence.trust, evidence.policy, purpose, steps):
            outcome = _judge(path, evidence, at, field, purpose, inputs)
            if outcome.fault is None:
                return outcome
            tried.append((_distance(outcome.fault, path), outcome))
    except Unusable as error:
        return FoundChain(fault=Fault("6.12", field, str(error)))
    except Fault as fault:
        return FoundChain(fault=fault)
    if not tried:
        detail = f"no chain to a pinned root in {evidence.policy.max_path_steps} steps" if steps.are_used_up else ""
        return FoundChain(fault=Fault("6.3", field, detail))
    return min(tried, key=lambda each: each[0])[1]


def _judge(
    path: Chain, evidence: Evidence, at: datetime, field: str, purpose: Purpose, inputs: PolicyInputs
) -> FoundChain:
    try:
        check_path(path, evidence.trust, at, evidence.policy, field, inputs)
    except Fault as fault:
        fault.tried = tuple((each.sha256, each.subject.rfc4514_string()) for each in path)
        return FoundChain(fault=fault)
    try:
        return FoundChain(path, check_revocation(path, evidence, at, field, purpose))
    except Fault as fault:
        return FoundChain(path, fault=fault)


def _distance(fault: Fault, path: Chain) -> tuple[bool, int, int, list[str]]:
    """Sort key: what waiting can cure first, then the chain that came furthest; the rest only fixes the order."""
    return fault.is_final, -ORDER[fault.rule.number], len(path), [each.sha256 for each in path]
