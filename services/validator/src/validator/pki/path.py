"""(6) Chain: from the signer's certificate to a pinned root, RFC 5280 §6.1, over certificates we hold ourselves.

Judged at a time that the caller names: the time of verification, or an earlier one at which a trusted time stamp
proves that the signature existed (EN 319 102-1 §5.2.6, §5.5).
"""

from datetime import datetime
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from common.domain.reason import Reason
from validator.fault import Fault, Step, faults
from validator.pki.algorithms import weakness_of_hash, weakness_of_key
from validator.pki.constraints import check_names, check_policies
from validator.pki.trust import Purpose, Trust
from validator.policy import Policy
from validator.report.model import SubIndication

Kind = TypeVar("Kind", bound=x509.ExtensionType)
Chain = tuple[x509.Certificate, ...]
"""Leaf first, root last."""

UNDERSTOOD = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.CERTIFICATE_POLICIES,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
        ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
        ExtensionOID.SUBJECT_KEY_IDENTIFIER,
        ExtensionOID.CRL_DISTRIBUTION_POINTS,
        ExtensionOID.AUTHORITY_INFORMATION_ACCESS,
        ExtensionOID.NAME_CONSTRAINTS,
        ExtensionOID.POLICY_CONSTRAINTS,
        ExtensionOID.INHIBIT_ANY_POLICY,
    }
)
"""Extensions that may be critical. Policy mappings are not evaluated: where they are critical the chain fails
(RFC 5280 §4.2)."""

NOT_FOR_DOCUMENTS = frozenset(
    {
        ExtendedKeyUsageOID.TIME_STAMPING,
        ExtendedKeyUsageOID.OCSP_SIGNING,
        ExtendedKeyUsageOID.SERVER_AUTH,
        ExtendedKeyUsageOID.CODE_SIGNING,
    }
)


def check_leaf(leaf: x509.Certificate, field: str, purpose: Purpose = Purpose.DOCUMENTS) -> None:
    """The certificate may sign documents, or give time stamps."""
    if purpose is Purpose.TIME:
        _check_authority_of_time(leaf, field)
        return
    with faults(Step.CHAIN, Reason.E_SIG_KEY_USAGE, f"{field}: key usage not readable"):
        # (6.1) Key usage nonRepudiation (contentCommitment): a commitment to content, not only authentication.
        usage = _extension(leaf, x509.KeyUsage)
        if usage is None or not usage.content_commitment:
            raise _fault(Reason.E_SIG_KEY_USAGE, f"{field}: key usage is not nonRepudiation")
        # (6.2) It is no CA, and its extended usages, where named, are not all for something else.
        constraints = _extension(leaf, x509.BasicConstraints)
        extended = _extension(leaf, x509.ExtendedKeyUsage)
        if constraints is not None and constraints.ca:
            raise _fault(Reason.E_SIG_KEY_USAGE, f"{field}: certificate of a CA")
        if extended is not None and set(extended) <= NOT_FOR_DOCUMENTS:
            raise _fault(Reason.E_SIG_KEY_USAGE, f"{field}: extended key usage is for something else")


def _check_authority_of_time(leaf: x509.Certificate, field: str) -> None:
    # (6.8) A time stamp is made with a certificate for time stamping (RFC 3161 §2.3), which is no CA's.
    with faults(Step.CHAIN, Reason.E_SIG_KEY_USAGE, f"{field}: key usage not readable"):
        constraints, usage = _extension(leaf, x509.BasicConstraints), _extension(leaf, x509.KeyUsage)
        extended = _extension(leaf, x509.ExtendedKeyUsage)
        if extended is None or ExtendedKeyUsageOID.TIME_STAMPING not in extended:
            raise _fault(Reason.E_SIG_KEY_USAGE, f"{field}: certificate is not for time stamping")
        if constraints is not None and constraints.ca:
            raise _fault(Reason.E_SIG_KEY_USAGE, f"{field}: certificate of a CA")
        if usage is not None and not (usage.digital_signature or usage.content_commitment):
            raise _fault(Reason.E_SIG_KEY_USAGE, f"{field}: key usage does not sign")


def find_chain(
    leaf: x509.Certificate,
    trust: Trust,
    at: datetime,
    policy: Policy,
    field: str,
    purpose: Purpose = Purpose.DOCUMENTS,
) -> Chain:
    """The first chain that holds at that time; else the fault of the chain that came nearest to a root."""
    with faults(Step.CHAIN, Reason.E_SIG_UNTRUSTED_CA, f"{field}: chain not readable"):
        _check_algorithms(leaf, policy, field, is_root=False)
        paths = _paths((leaf,), trust, policy, purpose)
        if not paths:
            raise Fault(
                Step.CHAIN, Reason.E_SIG_UNTRUSTED_CA, SubIndication.NO_CERTIFICATE_CHAIN_FOUND,
                f"{field}: no chain to a pinned root",
            )  # fmt: skip
        first: Fault | None = None
        for path in paths:
            try:
                return _holding(path, trust, at, policy, field)
            except Fault as fault:
                first = first or fault
        raise first or AssertionError


def _paths(path: Chain, trust: Trust, policy: Policy, purpose: Purpose) -> list[Chain]:
    """All ways to a root whose names and signatures fit."""
    # (6.3) Each certificate is signed by the next; the last is pinned. Roots end the search, loops cannot occur.
    if trust.is_anchor(path[-1], purpose):
        # An authority's certificate for time stamps may be pinned itself; nobody signs documents as a root.
        return [path] if len(path) > 1 or purpose is Purpose.TIME else []
    if len(path) >= policy.max_chain:
        return []
    above = (ca for ca in trust.candidates(path[-1].issuer, purpose) if ca not in path and _issued(path[-1], ca))
    return [found for ca in above for found in _paths((*path, ca), trust, policy, purpose)]


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def _holding(path: Chain, trust: Trust, at: datetime, policy: Policy, field: str) -> Chain:
    for depth, certificate in enumerate(path):
        is_root = depth == len(path) - 1
        _check_period(certificate, at, field, depth)
        _check_algorithms(certificate, policy, field, is_root=is_root)
        _check_extensions(certificate, field)
        if depth > 0:
            _check_authority(certificate, depth, field)
    # (6.10) Names lie within the constraints of each CA above; (6.11) a policy holds where one must.
    if text := check_names(path) or check_policies(path):
        raise _fault(Reason.E_SIG_UNTRUSTED_CA, f"{field}: {text}")
    # (6.9) The operator trusts this hierarchy for that time.
    if not trust.holds(path[-1], at):
        raise _fault(Reason.E_SIG_UNTRUSTED_CA, f"{field}: root not trusted for that time")
    return path


def _check_period(certificate: x509.Certificate, at: datetime, field: str, depth: int) -> None:
    # (6.4) Inside its validity.
    which = f"{field}: certificate" if depth == 0 else f"{field}: CA certificate"
    if at < certificate.not_valid_before_utc:
        raise _fault(Reason.E_SIG_NOT_YET_VALID, f"{which} not valid yet", SubIndication.OUT_OF_BOUNDS_NO_POE)
    if at > certificate.not_valid_after_utc:
        raise _fault(Reason.E_SIG_EXPIRED, f"{which} expired", SubIndication.OUT_OF_BOUNDS_NO_POE)


def _check_algorithms(certificate: x509.Certificate, policy: Policy, field: str, *, is_root: bool) -> None:
    # (6.5) Keys and signature algorithms by allow list; a pinned root's own signature proves nothing.
    weakness = weakness_of_key(certificate.public_key(), policy)
    if not weakness and not is_root:
        weakness = weakness_of_hash(certificate.signature_hash_algorithm, policy)
    if weakness:
        text = f"{field}: certificate with {weakness}"
        raise _fault(Reason.E_SIG_WEAK_ALG, text, SubIndication.CRYPTO_CONSTRAINTS_FAILURE)


def _check_extensions(certificate: x509.Certificate, field: str) -> None:
    # (6.6) X.509 v3, every critical extension understood.
    if certificate.version is not x509.Version.v3:
        raise _fault(Reason.E_SIG_UNTRUSTED_CA, f"{field}: certificate is not X.509 v3")
    for extension in certificate.extensions:
        if extension.critical and extension.oid not in UNDERSTOOD:
            text = f"{field}: extension {extension.oid.dotted_string} not supported"
            raise _fault(Reason.E_SIG_UNTRUSTED_CA, text)


def _check_authority(certificate: x509.Certificate, depth: int, field: str) -> None:
    # (6.7) An issuer is a CA that may sign certificates, with room for the CAs below it.
    constraints = _extension(certificate, x509.BasicConstraints)
    usage = _extension(certificate, x509.KeyUsage)
    if constraints is None or not constraints.ca or usage is None or not usage.key_cert_sign:
        raise _fault(Reason.E_SIG_UNTRUSTED_CA, f"{field}: issuer is not a CA")
    if constraints.path_length is not None and constraints.path_length < depth - 1:
        raise _fault(Reason.E_SIG_UNTRUSTED_CA, f"{field}: chain longer than its CA allows")


def _extension(certificate: x509.Certificate, kind: type[Kind]) -> Kind | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _fault(
    reason: Reason, detail: str, sub_indication: SubIndication = SubIndication.CHAIN_CONSTRAINTS_FAILURE
) -> Fault:
    return Fault(Step.CHAIN, reason, sub_indication, detail)
