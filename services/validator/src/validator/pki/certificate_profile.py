"""What the certificate that made a signature must look like, by purpose (rules 6.1, 6.2, 6.8)."""

from validator.cms.certificate import Certificate
from validator.cms.extensions import (
    CODE_SIGNING,
    EXTENDED_KEY_USAGE,
    OCSP_SIGNING,
    SERVER_AUTH,
    TIME_STAMPING,
    extended_key_usages,
    is_ca,
    key_usage,
)
from validator.fault import Fault
from validator.pki.trust_store import Purpose

NOT_FOR_DOCUMENTS = frozenset({TIME_STAMPING, OCSP_SIGNING, SERVER_AUTH, CODE_SIGNING})


def check_profile(leaf: Certificate, field: str, purpose: Purpose = Purpose.DOCUMENTS) -> None:
    """The certificate may sign documents, or give time stamps. Raises ``Fault``, and ``Unusable``."""
    check = _check_for_documents if purpose is Purpose.DOCUMENTS else _check_for_time
    check(leaf, field)


def _check_for_documents(leaf: Certificate, field: str) -> None:
    # (6.1) nonRepudiation (contentCommitment) is a commitment to content, not only authentication.
    if "content_commitment" not in (key_usage(leaf) or ()):
        raise Fault("6.1", field)
    # (6.2) It is no CA, and its extended usages, where named, are not all for something else.
    extended = extended_key_usages(leaf)
    if is_ca(leaf):
        raise Fault("6.2", field, "certificate of a CA")
    if extended is not None and set(extended) <= NOT_FOR_DOCUMENTS:
        raise Fault("6.2", field)


def _check_for_time(leaf: Certificate, field: str) -> None:
    # (6.8) A certificate for time stamping and nothing else, critically so (RFC 3161 §2.3), which is no CA's.
    if extended_key_usages(leaf) != (TIME_STAMPING,):
        raise Fault("6.8", field)
    if not leaf.extensions[EXTENDED_KEY_USAGE].critical:
        raise Fault("6.8", field, "purpose of the time stamp's certificate is not critical")
    if is_ca(leaf):
        raise Fault("6.8", field, "certificate of a CA")
    usage = key_usage(leaf)
    if usage is not None and not usage & {"digital_signature", "content_commitment"}:
        raise Fault("6.8", field, "key usage does not sign")
