"""Which algorithms count: one allow list for documents, certificates, CRLs and OCSP answers (ETSI TS 119 312)."""

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from validator.policy import Policy


def weakness_of_key(key: object, policy: Policy) -> str:
    """Why a public key does not count; empty = it does."""
    if isinstance(key, rsa.RSAPublicKey):
        fits = policy.min_rsa_bits <= key.key_size <= policy.max_rsa_bits
        return "" if fits else f"RSA-{key.key_size}"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return "" if key.curve.name in policy.curves else f"curve {key.curve.name}"
    return type(key).__name__


def weakness_of_hash(algorithm: hashes.HashAlgorithm | None, policy: Policy) -> str:
    """Why a hash algorithm does not count; empty = it does."""
    name = algorithm.name if algorithm else "none"
    return "" if name in policy.digests else f"hash {name}"
