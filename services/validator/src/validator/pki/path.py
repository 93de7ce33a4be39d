"""(6) The chain from a certificate to a pinned root (RFC 5280 §6.1), over certificates of the trust folder.

A chain is judged for a time that the caller names: the time of verification, or an earlier one at which a trusted time
stamp proves that the signature existed (EN 319 102-1 §5.2.6, §5.5).
"""

from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import ExtensionOID

from validator.fault import Fault, library_errors_as
from validator.pki.algorithms import weakness_of_hash, weakness_of_key
from validator.pki.certificates import Chain, extension
from validator.pki.constraints import holds_policy, names_are_permitted
from validator.pki.trust_store import Purpose, TrustStore
from validator.policy import Policy

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


def find_chain(
    leaf: x509.Certificate,
    trust: TrustStore,
    at: datetime,
    policy: Policy,
    field: str,
    purpose: Purpose = Purpose.DOCUMENTS,
) -> Chain:
    """The first chain that is valid at that time. Raises ``Fault``: that of the first chain that is not."""
    with library_errors_as("6.3", field, "chain not readable"):
        _check_algorithms(leaf, policy, field, is_root=False)
        paths = _paths((leaf,), trust, policy, purpose)
        if not paths:
            raise Fault("6.3", field)
        first: Fault | None = None
        for path in paths:
            try:
                _check_path(path, trust, at, policy, field)
            except Fault as fault:
                first = first or fault
            else:
                return path
        raise first or AssertionError


def _paths(path: Chain, trust: TrustStore, policy: Policy, purpose: Purpose) -> list[Chain]:
    """All ways on to a root whose names and signatures fit."""
    # (6.3) Each certificate is signed by the next; the last is pinned. Roots end the search, loops cannot occur.
    if trust.is_anchor(path[-1], purpose):
        # An authority's certificate for time stamps may be pinned itself; nobody signs documents as a root.
        return [path] if len(path) > 1 or purpose is Purpose.TIME else []
    if len(path) >= policy.max_chain:
        return []
    above = (ca for ca in trust.candidates(path[-1].issuer, purpose) if ca not in path and _issued(path[-1], ca))
    return [longer for ca in above for longer in _paths((*path, ca), trust, policy, purpose)]


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def _check_path(path: Chain, trust: TrustStore, at: datetime, policy: Policy, field: str) -> None:
    for depth, certificate in enumerate(path):
        _check_period(certificate, at, field, depth)
        _check_algorithms(certificate, policy, field, is_root=depth == len(path) - 1)
        _check_extensions(certificate, field)
        if depth > 0:
            _check_authority(certificate, depth, field)
    # (6.10) Names lie within the constraints of each CA above.
    if not names_are_permitted(path):
        raise Fault("6.10", field)
    # (6.11) A policy holds where one must.
    if not holds_policy(path):
        raise Fault("6.11", field)
    # (6.9) The operator trusts this hierarchy for that time.
    if not trust.holds(path[-1], at):
        raise Fault("6.9", field)


def _check_period(certificate: x509.Certificate, at: datetime, field: str, depth: int) -> None:
    # (6.4) Inside its validity.
    which = "certificate" if depth == 0 else "CA certificate"
    if at < certificate.not_valid_before_utc:
        raise Fault("6.4a", field, f"{which} not valid yet")
    if at > certificate.not_valid_after_utc:
        raise Fault("6.4b", field, f"{which} expired")


def _check_algorithms(certificate: x509.Certificate, policy: Policy, field: str, *, is_root: bool) -> None:
    # (6.5) Keys and signature algorithms by allow list; a pinned root's own signature proves nothing.
    weakness = weakness_of_key(certificate.public_key(), policy)
    if not weakness and not is_root:
        weakness = weakness_of_hash(certificate.signature_hash_algorithm, policy)
    if weakness:
        raise Fault("6.5", field, f"certificate with {weakness}")


def _check_extensions(certificate: x509.Certificate, field: str) -> None:
    # (6.6) X.509 v3, every critical extension understood.
    if certificate.version is not x509.Version.v3:
        raise Fault("6.6", field)
    for each in certificate.extensions:
        if each.critical and each.oid not in UNDERSTOOD:
            raise Fault("6.6", field, f"extension {each.oid.dotted_string} not supported")


def _check_authority(certificate: x509.Certificate, depth: int, field: str) -> None:
    # (6.7) An issuer is a CA that may sign certificates, with room for the CAs below it.
    constraints, usage = extension(certificate, x509.BasicConstraints), extension(certificate, x509.KeyUsage)
    if constraints is None or not constraints.ca or usage is None or not usage.key_cert_sign:
        raise Fault("6.7", field)
    if constraints.path_length is not None and constraints.path_length < depth - 1:
        raise Fault("6.7", field, "chain longer than its CA allows")
