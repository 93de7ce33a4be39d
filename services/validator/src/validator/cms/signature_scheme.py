"""Signature algorithms: which object identifier means what, and whether a signature value is right.

Old algorithms are verified like current ones, so that "old" can be told from "wrong"; which of them count is the
policy's business.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

from asn1crypto import algos
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature

from validator.cms import ber
from validator.cms.ber import Element
from validator.cms.malformed import Malformed

DIGESTS = {
    "1.2.840.113549.2.5": "md5",
    "1.3.14.3.2.26": "sha1",
    "2.16.840.1.101.3.4.2.4": "sha224",
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
    "2.16.840.1.101.3.4.2.8": "sha3_256",
    "2.16.840.1.101.3.4.2.9": "sha3_384",
    "2.16.840.1.101.3.4.2.10": "sha3_512",
}
HASHES: dict[str, hashes.HashAlgorithm] = {
    "md5": hashes.MD5(),  # noqa: S303 - verified, but never counts
    "sha1": hashes.SHA1(),  # noqa: S303
    "sha224": hashes.SHA224(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
    "sha3_256": hashes.SHA3_256(),
    "sha3_384": hashes.SHA3_384(),
    "sha3_512": hashes.SHA3_512(),
}
RSA, PSS, ECDSA, DSA, ED25519, ED448 = "rsassa_pkcs1v15", "rsassa_pss", "ecdsa", "dsa", "ed25519", "ed448"
EMPTY_SEQUENCE = b"\x30\x00"
"""Parameters of RSASSA-PSS that are left out: all values are the default."""
PLAIN_ECDSA = "ecdsa_plain"
"""The values r and s side by side (BSI TR-03111 §5.2.1)."""
SCHEMES: dict[str, tuple[str, str | None]] = {
    "1.2.840.113549.1.1.1": (RSA, None),
    "1.2.840.113549.1.1.4": (RSA, "md5"),
    "1.2.840.113549.1.1.5": (RSA, "sha1"),
    "1.3.14.3.2.29": (RSA, "sha1"),
    "1.2.840.113549.1.1.14": (RSA, "sha224"),
    "1.2.840.113549.1.1.11": (RSA, "sha256"),
    "1.2.840.113549.1.1.12": (RSA, "sha384"),
    "1.2.840.113549.1.1.13": (RSA, "sha512"),
    "2.16.840.1.101.3.4.3.14": (RSA, "sha3_256"),
    "2.16.840.1.101.3.4.3.15": (RSA, "sha3_384"),
    "2.16.840.1.101.3.4.3.16": (RSA, "sha3_512"),
    "1.2.840.113549.1.1.10": (PSS, None),
    "1.2.840.10045.2.1": (ECDSA, None),
    "1.2.840.10045.4.1": (ECDSA, "sha1"),
    "1.2.840.10045.4.3.1": (ECDSA, "sha224"),
    "1.2.840.10045.4.3.2": (ECDSA, "sha256"),
    "1.2.840.10045.4.3.3": (ECDSA, "sha384"),
    "1.2.840.10045.4.3.4": (ECDSA, "sha512"),
    "2.16.840.1.101.3.4.3.10": (ECDSA, "sha3_256"),
    "2.16.840.1.101.3.4.3.11": (ECDSA, "sha3_384"),
    "2.16.840.1.101.3.4.3.12": (ECDSA, "sha3_512"),
    "0.4.0.127.0.7.1.1.4.1.1": (PLAIN_ECDSA, "sha1"),
    "0.4.0.127.0.7.1.1.4.1.2": (PLAIN_ECDSA, "sha224"),
    "0.4.0.127.0.7.1.1.4.1.3": (PLAIN_ECDSA, "sha256"),
    "0.4.0.127.0.7.1.1.4.1.4": (PLAIN_ECDSA, "sha384"),
    "0.4.0.127.0.7.1.1.4.1.5": (PLAIN_ECDSA, "sha512"),
    "1.2.840.10040.4.1": (DSA, None),
    "1.2.840.10040.4.3": (DSA, "sha1"),
    "2.16.840.1.101.3.4.3.1": (DSA, "sha224"),
    "2.16.840.1.101.3.4.3.2": (DSA, "sha256"),
    "1.3.101.112": (ED25519, "sha512"),
    "1.3.101.113": (ED448, None),
}


class UnknownAlgorithm(Malformed):
    """A signature algorithm, or a parameter of one, that is not known here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    """How a signature value was made."""

    name: str
    digest: str
    """Of the signed attributes, or of the content where there are none."""
    digests_agree: bool
    """The digest that the signature algorithm names is the one of the digest algorithm."""
    pss: tuple[str, int] | None = None
    """Hash of the mask function and length of the salt in bytes."""


@dataclass(frozen=True, slots=True)
class PssKey:
    """An RSA key that is for RSASSA-PSS alone (RFC 4055 §1.2, §3.1)."""

    key: rsa.RSAPublicKey
    limits: tuple[str, str, int] | None
    """Hash, hash of the mask function, and least length of the salt in bytes; None = any."""

    def suits(self, scheme: Scheme) -> bool:
        """Whether the key may have made a signature of this scheme."""
        if scheme.pss is None or self.limits is None:
            return scheme.pss is not None
        digest, masked, salt = self.limits
        return (scheme.digest, scheme.pss[0]) == (digest, masked) and scheme.pss[1] >= salt


def digest_name(algorithm: Element) -> str:
    """Name of a digest algorithm as in ``hashlib``; its dotted form if it is not known."""
    dotted = next(iter(algorithm.expect(ber.SEQUENCE))).oid()
    return DIGESTS.get(dotted, dotted)


def read_scheme(algorithm: Element, digest: str | None = None) -> Scheme:
    """The scheme of a signature algorithm. Raises ``UnknownAlgorithm``.

    ``digest``: of a digest algorithm beside it; None = there is none, so that the signature algorithm must name one.
    """
    dotted = next(iter(algorithm)).oid()
    name, own = SCHEMES.get(dotted, ("", None))
    if not name:
        raise UnknownAlgorithm(f"signature algorithm {dotted} not known")
    if name != PSS:
        if (used := own or digest) is None:
            raise UnknownAlgorithm(f"signature algorithm {dotted} names no digest")
        return Scheme(name=name, digest=used, digests_agree=digest is None or own in (None, digest))
    own, masked, salt = read_pss_parameters(algorithm)
    return Scheme(name=PSS, digest=own, digests_agree=own == masked == (digest or own), pss=(masked, salt))


def read_pss_parameters(algorithm: Element) -> tuple[str, str, int]:
    """Hash, hash of the mask function, and length of the salt in bytes (RFC 4055 §3.1). Raises ``UnknownAlgorithm``."""
    try:
        parameters = algos.RSASSAPSSParams.load(next((part.raw for part in list(algorithm)[1:]), EMPTY_SEQUENCE))
        mask = parameters["mask_gen_algorithm"]
        function = mask["algorithm"].native
        masked = str(mask["parameters"]["algorithm"].native) if function == "mgf1" else ""
        own, salt = str(parameters["hash_algorithm"]["algorithm"].native), int(parameters["salt_length"].native)
    except (ValueError, TypeError, KeyError) as error:
        raise UnknownAlgorithm("parameters of RSASSA-PSS not readable") from error
    if masked not in HASHES:
        raise UnknownAlgorithm("mask function not known")
    return own, masked, salt


def is_value_right(key: Any, value: bytes, scheme: Scheme, *, message: bytes | None, digest: bytes | None) -> bool:
    """Whether a signature value is right. Edwards curves need the ``message``, all others its ``digest``."""
    if message is not None:
        digest = hashlib.new(scheme.digest, message).digest()
    if digest is None:
        return False
    try:
        _verify(key, value, message, digest, scheme)
    except InvalidSignature:
        return False
    return True


def _verify(key: Any, value: bytes, message: bytes | None, digest: bytes, scheme: Scheme) -> None:
    algorithm = Prehashed(HASHES[scheme.digest]) if scheme.digest in HASHES else None
    if isinstance(key, PssKey) and key.suits(scheme):
        key = key.key
    match key, scheme.name:
        case rsa.RSAPublicKey(), "rsassa_pkcs1v15" if algorithm:
            key.verify(value, digest, padding.PKCS1v15(), algorithm)
        case rsa.RSAPublicKey(), "rsassa_pss" if algorithm and scheme.pss:
            masked, salt = scheme.pss
            key.verify(value, digest, padding.PSS(padding.MGF1(HASHES[masked]), salt), algorithm)
        case ec.EllipticCurvePublicKey(), "ecdsa" if algorithm:
            key.verify(value, digest, ec.ECDSA(algorithm))
        case ec.EllipticCurvePublicKey(), "ecdsa_plain" if algorithm and value and len(value) % 2 == 0:
            r, s = (int.from_bytes(half, "big") for half in (value[: len(value) // 2], value[len(value) // 2 :]))
            key.verify(encode_dss_signature(r, s), digest, ec.ECDSA(algorithm))
        case dsa.DSAPublicKey(), "dsa" if algorithm:
            key.verify(value, digest, algorithm)
        case ed25519.Ed25519PublicKey(), "ed25519" if message is not None:
            key.verify(value, message)
        case ed448.Ed448PublicKey(), "ed448" if message is not None:
            key.verify(value, message)
        case _:
            raise InvalidSignature
