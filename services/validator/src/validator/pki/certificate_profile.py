"""What the certificate that made a signature must look like, by purpose (rules 6.1, 6.2, 6.8)."""

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from validator.fault import Fault, library_errors_as
from validator.pki.certificates import extension
from validator.pki.trust_store import Purpose

NOT_FOR_DOCUMENTS = frozenset(
    {
        ExtendedKeyUsageOID.TIME_STAMPING,
        ExtendedKeyUsageOID.OCSP_SIGNING,
        ExtendedKeyUsageOID.SERVER_AUTH,
        ExtendedKeyUsageOID.CODE_SIGNING,
    }
)

UNREADABLE = {Purpose.DOCUMENTS: "6.1", Purpose.TIME: "6.8"}
"""The rule for a certificate whose usages cannot be read."""


def check_profile(leaf: x509.Certificate, field: str, purpose: Purpose = Purpose.DOCUMENTS) -> None:
    """The certificate may sign documents, or give time stamps. Raises ``Fault``."""
    check = _check_for_documents if purpose is Purpose.DOCUMENTS else _check_for_time
    with library_errors_as(UNREADABLE[purpose], field, "key usage not readable"):
        check(leaf, field)


def _check_for_documents(leaf: x509.Certificate, field: str) -> None:
    # (6.1) nonRepudiation (contentCommitment) is a commitment to content, not only authentication.
    usage = extension(leaf, x509.KeyUsage)
    if usage is None or not usage.content_commitment:
        raise Fault("6.1", field)
    # (6.2) It is no CA, and its extended usages, where named, are not all for something else.
    constraints, extended = extension(leaf, x509.BasicConstraints), extension(leaf, x509.ExtendedKeyUsage)
    if constraints is not None and constraints.ca:
        raise Fault("6.2", field, "certificate of a CA")
    if extended is not None and set(extended) <= NOT_FOR_DOCUMENTS:
        raise Fault("6.2", field)


def _check_for_time(leaf: x509.Certificate, field: str) -> None:
    # (6.8) A certificate for time stamping (RFC 3161 §2.3), which is no CA's.
    constraints, usage = extension(leaf, x509.BasicConstraints), extension(leaf, x509.KeyUsage)
    extended = extension(leaf, x509.ExtendedKeyUsage)
    if extended is None or ExtendedKeyUsageOID.TIME_STAMPING not in extended:
        raise Fault("6.8", field)
    if constraints is not None and constraints.ca:
        raise Fault("6.8", field, "certificate of a CA")
    if usage is not None and not (usage.digital_signature or usage.content_commitment):
        raise Fault("6.8", field, "key usage does not sign")
