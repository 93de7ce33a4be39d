"""Public keys out of certificates (RFC 5280 §4.1.2.7)."""

from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from common.containment import raising_unusable
from validator.cms import ber
from validator.cms.ber import Element
from validator.cms.signature_scheme import PssKey, read_pss_parameters
from validator.policy import CmsLimits

REMEMBERED = 4096
RSA_KEY, PSS_KEY = "1.2.840.113549.1.1.1", "1.2.840.113549.1.1.10"
"""Algorithms whose key is an RSA key; the second is for RSASSA-PSS alone."""


@lru_cache(maxsize=REMEMBERED)
def read_public_key(key_info: bytes, limits: CmsLimits) -> Any:
    """The key of a SubjectPublicKeyInfo. Raises ``Unusable``.

    An RSA modulus whose first bit is set, without a zero before it, reads as a negative number. Certificates of many
    years were issued so; the number that is meant is the positive one. A key for RSASSA-PSS alone is a ``PssKey``.
    """
    with raising_unusable("public key not readable"):
        algorithm, bits = ber.read_whole(key_info, limits)
        kind, *parameters = algorithm
        if kind.oid() == PSS_KEY:
            return PssKey(_rsa_key(bits, limits), read_pss_parameters(algorithm) if parameters else None)
        try:
            return load_der_public_key(key_info)
        except ValueError:
            if kind.oid() != RSA_KEY:
                raise
            return _rsa_key(bits, limits)


def _rsa_key(bits: Element, limits: CmsLimits) -> rsa.RSAPublicKey:
    modulus, exponent = ber.read_whole(bits.expect(ber.BIT_STRING).content[1:], limits)
    numbers = rsa.RSAPublicNumbers(
        e=int.from_bytes(exponent.expect(ber.INTEGER).content, "big"),
        n=int.from_bytes(modulus.expect(ber.INTEGER).content, "big"),
    )
    return numbers.public_key()


def key_bits(key_info: bytes, limits: CmsLimits) -> bytes:
    """The bits of the key, as hashes of keys are taken over them (RFC 6960 §4.1.1). Raises ``ValueError``."""
    _, bits = ber.read_whole(key_info, limits)
    return bits.expect(ber.BIT_STRING).content[1:]
