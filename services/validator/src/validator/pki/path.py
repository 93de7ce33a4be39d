"""(6) Chains from a certificate to a pinned root, over certificates of the trust folder, and whether one is valid
(RFC 5280 §6.1).

A chain is judged for a time that the caller names: the time of verification, or an earlier one at which a trusted time
stamp proves that the signature existed (EN 319 102-1 §5.2.6, §5.5). What a pinned root says about itself counts like
what any other CA says (RFC 5937), except its certificate policies.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from common.containment import Unusable
from validator.cms.certificate import V3, Certificate
from validator.cms.distribution_points import DISTRIBUTION_POINTS
from validator.cms.extensions import (
    ALTERNATIVE_NAMES,
    ANY_POLICY,
    AUTHORITY_INFORMATION,
    AUTHORITY_KEY_IDENTIFIER,
    BASIC_CONSTRAINTS,
    CERTIFICATE_POLICIES,
    EXTENDED_KEY_USAGE,
    FRESHEST_CRL,
    INHIBIT_ANY_POLICY,
    KEY_USAGE,
    NAME_CONSTRAINTS,
    POLICY_CONSTRAINTS,
    POLICY_MAPPINGS,
    SUBJECT_KEY_IDENTIFIER,
    basic_constraints,
    inhibit_any_policy,
    key_usage,
    policies,
    policy_constraints,
    policy_mappings,
)
from validator.cms.signed_object import is_issued_by
from validator.fault import Fault
from validator.pki.algorithms import weakness_of_key, weakness_of_signature
from validator.pki.certificates import Chain
from validator.pki.name_constraints import names_outside_of
from validator.pki.policy_graph import PolicyGraph, PolicyInputs
from validator.pki.trust_store import Purpose, TrustStore
from validator.policy import Policy

UNDERSTOOD = frozenset(
    {
        ALTERNATIVE_NAMES, AUTHORITY_INFORMATION, AUTHORITY_KEY_IDENTIFIER, BASIC_CONSTRAINTS, CERTIFICATE_POLICIES,
        DISTRIBUTION_POINTS, EXTENDED_KEY_USAGE, FRESHEST_CRL, INHIBIT_ANY_POLICY, KEY_USAGE, NAME_CONSTRAINTS,
        POLICY_CONSTRAINTS, POLICY_MAPPINGS, SUBJECT_KEY_IDENTIFIER,
    }
)  # fmt: skip
"""Extensions that may be critical."""
NO_POLICY_ASKED = PolicyInputs()


@dataclass(slots=True)
class SearchSteps:
    """The steps that a search for chains has left."""

    left: int

    def take(self) -> bool:
        """Whether there was one left."""
        self.left -= 1
        return self.left >= 0

    @property
    def are_used_up(self) -> bool:
        """Whether the search ended for lack of them."""
        return self.left < 0


def paths(
    leaf: Certificate,
    trust: TrustStore,
    policy: Policy,
    purpose: Purpose = Purpose.DOCUMENTS,
    steps: SearchSteps | None = None,
) -> Iterator[Chain]:
    """Every way from the certificate to a root whose names and signatures fit (6.3), as far as the policy allows.

    ``steps``: tells afterwards whether the search came to its end; None = nobody asks.
    """
    found = _paths(leaf, trust, policy, purpose, steps or SearchSteps(policy.max_path_steps))
    yield from islice(found, policy.max_paths)


def _paths(
    leaf: Certificate, trust: TrustStore, policy: Policy, purpose: Purpose, steps: SearchSteps
) -> Iterator[Chain]:
    """The shortest first, so that a root nearby is found however many ways lead elsewhere."""
    begun: deque[Chain] = deque([(leaf,)])
    while begun:
        path = begun.popleft()
        last = path[-1]
        if trust.is_anchor(last, purpose):
            # An authority's certificate for time stamps may be pinned itself; nobody signs documents as a root.
            if len(path) > 1 or purpose is Purpose.TIME:
                yield path
            continue
        if len(path) >= policy.max_chain:
            continue
        passed = {each.entity for each in path}
        for above in trust.candidates(last.issuer, purpose):
            if not steps.take():
                break
            # The same CA twice, in another certificate of the same key, would be a way in a circle.
            if above.entity not in passed and is_issued_by(last, above):
                begun.append((*path, above))


def check_path(
    path: Chain, trust: TrustStore, at: datetime, policy: Policy, field: str, inputs: PolicyInputs = NO_POLICY_ASKED
) -> None:
    """Everything about a chain but its signatures and revocation. Raises ``Fault``."""
    try:
        for depth, certificate in enumerate(path):
            _check_period(certificate, at, field, depth)
            check_algorithms(certificate, policy, field, depth, is_root=depth == len(path) - 1)
            _check_extensions(certificate, field, depth)
            if depth > 0:
                _check_authority(certificate, field)
        _check_lengths(path, field)
        # (6.10) Names lie within the constraints of each CA above.
        if (limiting := names_outside_of(path)) is not None:
            raise Fault("6.10", field, _of_ca("name outside of its CA's constraints", limiting))
        # (6.11) A policy holds where one must.
        if not has_policy(path, inputs):
            raise Fault("6.11", field)
    except Unusable as error:
        raise Fault("6.12", field, str(error)) from error
    # (6.9) The operator trusts this hierarchy for that time.
    if not trust.holds(path[-1], at):
        raise Fault("6.9", field, _of_ca("root not trusted for that time", path[-1]))


def _of(text: str, certificate: Certificate, depth: int) -> str:
    """What does not hold of a certificate of the chain; of a CA with its subject."""
    return text if depth == 0 else _of_ca(f"CA {text}", certificate)


def _of_ca(text: str, certificate: Certificate) -> str:
    return f"{text}: {certificate.subject.rfc4514_string()}"


def _check_period(certificate: Certificate, at: datetime, field: str, depth: int) -> None:
    # (6.4) Inside its validity.
    if at < certificate.not_valid_before_utc:
        raise Fault("6.4a", field, _of("certificate not valid yet", certificate, depth))
    if at > certificate.not_valid_after_utc:
        raise Fault("6.4b", field, _of("certificate expired", certificate, depth))


def check_algorithms(
    certificate: Certificate, policy: Policy, field: str, depth: int = 0, *, is_root: bool = False
) -> None:
    """(6.5) Keys and signature algorithms by allow list; a pinned root's own signature proves nothing.

    ``depth``: place in the chain, the signer's certificate = 0. Raises ``Fault``, or ``Unusable`` for a key that cannot
    be read.
    """
    weakness = weakness_of_key(certificate.public_key, policy)
    if not weakness and not is_root:
        weakness = weakness_of_signature(certificate.signed, policy)
    if weakness:
        raise Fault("6.5", field, _of(f"certificate with {weakness}", certificate, depth))


def _check_extensions(certificate: Certificate, field: str, depth: int) -> None:
    # (6.6) X.509 v3, every critical extension understood.
    if certificate.version != V3:
        raise Fault("6.6", field, _of("certificate is not X.509 v3", certificate, depth))
    for kind, extension in certificate.extensions.items():
        if extension.critical and kind not in UNDERSTOOD:
            raise Fault("6.6", field, _of(f"extension {kind} not supported", certificate, depth))


def _check_authority(certificate: Certificate, field: str) -> None:
    # (6.7) An issuer is a CA that may sign certificates.
    constraints, usage = basic_constraints(certificate), key_usage(certificate)
    if constraints is None or not constraints.ca or (usage is not None and "key_cert_sign" not in usage):
        raise Fault("6.7", field, _of_ca("issuer is not a CA", certificate))


def _check_lengths(path: Chain, field: str) -> None:
    # (6.7) Every CA has room for the CAs below it; a CA that renews itself takes none (§6.1.4 l, m).
    below = 0
    for certificate in path[1:]:
        constraints = basic_constraints(certificate)
        if constraints and constraints.path_length is not None and constraints.path_length < below:
            raise Fault("6.7", field, _of_ca("chain longer than its CA allows", certificate))
        below += not certificate.is_self_issued


def has_policy(path: Chain, inputs: PolicyInputs = NO_POLICY_ASKED) -> bool:
    """Whether the chain has a certificate policy, if it must have one (§6.1.2 - §6.1.5). The root's own do not count.

    Raises ``ValueError``.
    """
    graph, never = PolicyGraph(), len(path)
    required = 0 if inputs.is_required else never
    any_counts = 0 if inputs.is_any_inhibited else never
    mapping = 0 if inputs.is_mapping_inhibited else never
    for depth in range(len(path) - 2, -1, -1):
        certificate, is_last = path[depth], depth == 0
        renews = certificate.is_self_issued
        graph.extend(policies(certificate), any_counts=any_counts > 0 or (not is_last and renews))
        if required == 0 and not graph:
            return False
        if not is_last:
            mappings = policy_mappings(certificate)
            if any(ANY_POLICY in pair for pair in mappings):
                return False  # (§6.1.4 a)
            graph.map(mappings, are_allowed=mapping > 0)
        if is_last or not renews:
            required, any_counts, mapping = (max(each - 1, 0) for each in (required, any_counts, mapping))
        limits, no_any = policy_constraints(certificate), inhibit_any_policy(certificate)
        required = min(required, _given(limits.require_explicit_policy, required, is_last=is_last))
        mapping = min(mapping, _given(limits.inhibit_policy_mapping, mapping))
        any_counts = min(any_counts, _given(no_any, any_counts))
    return required > 0 or bool(inputs.suits(graph.policies()))


def _given(number: int | None, otherwise: int, *, is_last: bool = False) -> int:
    """What a certificate limits a counter to; the last one can only require a policy at once (§6.1.5 b)."""
    return otherwise if number is None or (is_last and number > 0) else number
