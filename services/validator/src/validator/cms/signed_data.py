"""Signed data of a CMS (RFC 5652) as far as signatures of documents and time stamps need it.

Read by place over ``validator.ber``; nothing here decides what counts. ``verify_value`` says whether a signature value
is right for whatever algorithm it names, old ones included: which of them count is the policy's business.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from asn1crypto import algos
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature

from validator.cms import ber
from validator.cms.ber import Element
from validator.pki.certificates import named

SIGNED_DATA, DATA, TST_INFO = "1.2.840.113549.1.7.2", "1.2.840.113549.1.7.1", "1.2.840.113549.1.9.16.1.4"
CONTENT_TYPE, MESSAGE_DIGEST, SIGNING_TIME = "1.2.840.113549.1.9.3", "1.2.840.113549.1.9.4", "1.2.840.113549.1.9.5"
SIGNING_CERTIFICATE, SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.12", "1.2.840.113549.1.9.16.2.47"
TIME_STAMP_TOKEN = "1.2.840.113549.1.9.16.2.14"  # noqa: S105 - an object identifier
SINGLE = frozenset({CONTENT_TYPE, MESSAGE_DIGEST, SIGNING_TIME, SIGNING_CERTIFICATE, SIGNING_CERTIFICATE_V2})

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
    "md5": hashes.MD5(),  # noqa: S303 - to tell "old" from "wrong"
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
PLAIN_ECDSA = "ecdsa_plain"
"""r and s side by side (BSI TR-03111 §5.2.1)."""
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
MAX_CERTIFICATES = 40
MAX_ATTRIBUTES = 64


class Malformed(ValueError):
    """What keeps a CMS from being read as a signature; the text is ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    """How a signature value was made."""

    name: str
    digest: str
    """Of the signed attributes, or of the content where there are none."""
    is_named_alike: bool
    """The digest that the signature algorithm names is the one of the digest algorithm."""
    pss: tuple[str, int] | None = None
    """Hash of the mask function and length of the salt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedData:
    """One signer over one content."""

    content_type: str
    content: bytes | None
    """None = detached."""
    certificates: tuple[bytes, ...]
    signer: Element
    """SignerIdentifier."""
    digest: str
    algorithm: Element
    signed: Element | None
    """The signed attributes as they stand."""
    attributes: Mapping[str, tuple[Element, ...]]
    value: bytes
    unsigned: Mapping[str, tuple[Element, ...]]

    def certificate(self) -> bytes:
        """DER of the signer's certificate. Raises ``Malformed`` unless exactly one fits."""
        fitting = [der for der in dict.fromkeys(self.certificates) if self._identifies(der)]
        if len(fitting) != 1:
            raise Malformed("signer's certificate not found")
        return fitting[0]

    def _identifies(self, der: bytes) -> bool:
        try:
            found = named(der)
        except (ValueError, StopIteration, IndexError):
            return False
        if self.signer.tag == ber.SEQUENCE:
            issuer, serial = list(self.signer)[:2]
            return serial.integer() == found.serial and issuer.raw == found.issuer
        return self.signer.octets() == found.key_identifier

    def one(self, attribute: str) -> Element | None:
        """The one value of a signed attribute; None = the attribute is not there."""
        found = self.attributes.get(attribute)
        if found is None:
            return None
        if len(found) != 1:
            raise Malformed("attribute is not single")
        return found[0]

    @property
    def tokens(self) -> tuple[bytes, ...]:
        """Signature time stamps (RFC 3161 appendix A)."""
        return tuple(token.raw for token in self.unsigned.get(TIME_STAMP_TOKEN, ()))


def read(data: bytes) -> SignedData:
    """Signed data with exactly one signer. Raises ``ValueError``."""
    kind, wrapped = list(ber.whole(data))[:2]
    if kind.oid() != SIGNED_DATA:
        raise Malformed("not signed data")
    parts = list(next(iter(wrapped.expect(0xA0))).expect(ber.SEQUENCE))
    version, _, enclosed, *rest = parts
    version.expect(ber.INTEGER)
    signers = [list(part) for part in rest if part.tag == ber.SET]
    certificates = [item for part in rest if part.tag == 0xA0 for item in part]
    if len(signers) != 1 or len(signers[0]) != 1:
        raise Malformed("not exactly one signer")
    if len(certificates) > MAX_CERTIFICATES:
        raise Malformed("too many certificates")
    content = list(enclosed.expect(ber.SEQUENCE))
    return SignedData(
        content_type=content[0].oid(),
        content=next(iter(content[1].expect(0xA0))).octets() if len(content) > 1 else None,
        certificates=tuple(item.raw for item in certificates if item.tag == ber.SEQUENCE),
        **_signer(signers[0][0].expect(ber.SEQUENCE)),
    )


def _signer(info: Element) -> dict[str, Any]:
    _, identifier, digest, *rest = info
    signed = rest.pop(0) if rest[0].tag == 0xA0 else None
    algorithm, value, *rest = rest
    unsigned = rest[0] if rest and rest[0].tag == 0xA1 else None
    return {
        "signer": identifier,
        "digest": digest_of(digest),
        "algorithm": algorithm.expect(ber.SEQUENCE),
        "signed": signed,
        "attributes": _attributes(signed, single=True) if signed else {},
        "value": value.octets(),
        "unsigned": _attributes(unsigned, single=False) if unsigned else {},
    }


def _attributes(found: Element, *, single: bool) -> dict[str, tuple[Element, ...]]:
    read: dict[str, tuple[Element, ...]] = {}
    for number, attribute in enumerate(found):
        if number >= MAX_ATTRIBUTES:
            raise Malformed("too many attributes")
        kind, values = list(attribute.expect(ber.SEQUENCE))
        name = kind.oid()
        if single and name in read and name in SINGLE:
            raise Malformed("attribute is not single")
        read[name] = read.get(name, ()) + tuple(values.expect(ber.SET))
    return read


def digest_of(algorithm: Element) -> str:
    """Name of a digest algorithm, or its dotted form where we do not know it."""
    dotted = next(iter(algorithm.expect(ber.SEQUENCE))).oid()
    return DIGESTS.get(dotted, dotted)


def scheme_of(algorithm: Element, digest: str) -> Scheme:
    """How the value was made. Raises ``Malformed`` for what we do not know."""
    dotted = next(iter(algorithm)).oid()
    name, own = SCHEMES.get(dotted, ("", None))
    if not name:
        raise Malformed(f"signature algorithm {dotted} not known")
    if name != PSS:
        return Scheme(name=name, digest=own or digest, is_named_alike=own in (None, digest))
    parameters = algos.RSASSAPSSParams.load(list(algorithm)[1].raw)
    mask = parameters["mask_gen_algorithm"]
    if mask["algorithm"].native != "mgf1":
        raise Malformed("mask function not known")
    own, masked = str(parameters["hash_algorithm"]["algorithm"].native), str(mask["parameters"]["algorithm"].native)
    salt = int(parameters["salt_length"].native)
    return Scheme(name=PSS, digest=own, is_named_alike=own == masked == digest, pss=(masked, salt))


def verify_value(signed_data: SignedData, key: Any, scheme: Scheme, content: bytes | None) -> bool:
    """Whether the value is right over the signed attributes, or over ``content``'s digest where there are none.

    ``content``: digest of the content with ``scheme.digest``; only looked at without signed attributes.
    """
    if signed_data.signed is None:
        return content is not None and _is_right(key, signed_data.value, None, content, scheme)
    return any(
        _is_right(key, signed_data.value, message, hashlib.new(scheme.digest, message).digest(), scheme)
        for message in _messages(signed_data.signed)
    )


def _messages(signed: Element) -> list[bytes]:
    """RFC 5652 §5.4: the attributes as a SET OF, as they stand; and in DER order, as some signers hash them."""
    as_it_is = b"\x31" + signed.raw[1:]
    attributes = [attribute.raw for attribute in signed]
    body = b"".join(sorted(attributes))
    length = len(body)
    size = bytes([length]) if length < 128 else _long(length)
    ordered = b"\x31" + size + body
    return [as_it_is] if as_it_is == ordered else [as_it_is, ordered]


def _long(length: int) -> bytes:
    digits = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([0x80 | len(digits)]) + digits


def _is_right(key: Any, value: bytes, message: bytes | None, digest: bytes, scheme: Scheme) -> bool:
    try:
        _verify(key, value, message, digest, scheme)
    except InvalidSignature:
        return False
    return True


def _verify(key: Any, value: bytes, message: bytes | None, digest: bytes, scheme: Scheme) -> None:
    algorithm = Prehashed(HASHES[scheme.digest]) if scheme.digest in HASHES else None
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


def named_certificate(signed_data: SignedData) -> tuple[str, bytes] | None:
    """Digest algorithm and digest of the signing-certificate attribute (RFC 5035); version 2 before version 1."""
    if (found := signed_data.one(SIGNING_CERTIFICATE_V2)) is not None:
        fields = list(next(iter(next(iter(found.expect(ber.SEQUENCE))))))
        if fields[0].tag == ber.SEQUENCE:
            return digest_of(fields[0]), fields[1].expect(ber.OCTET_STRING).content
        return "sha256", fields[0].expect(ber.OCTET_STRING).content
    if (found := signed_data.one(SIGNING_CERTIFICATE)) is not None:
        fields = list(next(iter(next(iter(found.expect(ber.SEQUENCE))))))
        return "sha1", fields[0].expect(ber.OCTET_STRING).content
    return None
