"""Which algorithms count: one allow list for documents, certificates, CRLs and OCSP answers (ETSI TS 119 312)."""

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from validator.cms.certificate import SignedObject
from validator.cms.signature_scheme import PssKey, Scheme
from validator.cms.signed_object import scheme_of
from validator.policy import Policy


def weakness_of_key(key: object, policy: Policy) -> str:
    """Why a public key does not count; empty = it does."""
    if isinstance(key, PssKey):
        return weakness_of_key(key.key, policy)
    if isinstance(key, rsa.RSAPublicKey):
        fits = policy.min_rsa_bits <= key.key_size <= policy.max_rsa_bits
        return "" if fits else f"RSA-{key.key_size}"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return "" if key.curve.name in policy.curves else f"curve {key.curve.name}"
    return type(key).__name__


def weakness_of_scheme(scheme: Scheme, policy: Policy) -> str:
    """Why a signature scheme does not count; empty = it does."""
    if scheme.name not in policy.schemes:
        return f"signature algorithm {scheme.name}"
    if not scheme.digests_agree:
        return f"{scheme.name} with {scheme.digest} and another digest"
    if scheme.pss and scheme.pss[1] < policy.min_pss_salt:
        return "PSS parameters"
    return ""


def weakness_of_signature(signed: SignedObject, policy: Policy) -> str:
    """Why the signature of a certificate, list or answer does not count; empty = it does."""
    try:
        scheme = scheme_of(signed, policy.cms)
    except ValueError as error:
        return str(error)
    weak_hash = "" if scheme.digest in policy.digests else f"hash {scheme.digest}"
    return weak_hash or weakness_of_scheme(scheme, policy)
