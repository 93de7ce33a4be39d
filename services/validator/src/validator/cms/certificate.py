"""A certificate, read in place (RFC 5280 §4.1): only what is used has to be readable.

Authorities issue certificates that break a rule of DER or of an extension that nobody uses. What the signature of their
issuer covers is always taken as it stands.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any

from common.containment import Unusable, raising_unusable
from validator.cms import ber
from validator.cms.ber import Element
from validator.cms.names import Name, read_name
from validator.cms.public_key import read_public_key
from validator.policy import DEFAULT, CmsLimits

REMEMBERED = 4096
"""Certificates; every document of a unit brings the same few."""
SUBJECT_KEY_IDENTIFIER = "2.5.29.14"
VERSION_TAG, ISSUER_ID_TAGS, EXTENSIONS_TAG = 0xA0, (0x81, 0x82), 0xA3
V1, V3 = 0, 2


@dataclass(frozen=True, slots=True)
class Extension:
    """One extension, its value not read yet."""

    critical: bool
    value: bytes


@dataclass(frozen=True)
class SignedObject:
    """Certificate, revocation list or OCSP response: something signed, and its signature."""

    body: bytes
    """What is signed, as it stands."""
    algorithm: bytes
    """AlgorithmIdentifier."""
    signature: bytes


@dataclass(frozen=True, eq=False)
class Certificate:
    """One certificate. Two of the same bytes are equal.

    Properties raise ``Unusable`` where what they stand for cannot be read; ``check`` reads all of them.
    """

    der: bytes
    limits: CmsLimits
    signed: SignedObject
    version: int
    """As encoded: 2 for X.509 v3."""
    serial_number: int
    issuer_raw: bytes
    """Name, as encoded."""
    subject_raw: bytes
    validity_raw: bytes
    key_info: bytes
    """SubjectPublicKeyInfo."""
    inner_algorithm: bytes
    """The signature algorithm as the signed part names it."""
    extensions_raw: bytes | None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Certificate) and self.der == other.der

    def __hash__(self) -> int:
        return hash(self.der)

    def __reduce__(self) -> tuple[Any, ...]:
        return read_certificate, (self.der, self.limits)

    def check(self) -> None:
        """Raise ``Unusable`` unless it is a certificate of X.509 v1 to v3 whose fields can be read."""
        if not V1 <= self.version <= V3:
            raise Unusable(f"certificate of version {self.version + 1}")
        if self.inner_algorithm != self.signed.algorithm:
            raise Unusable("certificate that names two signature algorithms")
        _ = self.issuer, self.subject, self.not_valid_before_utc, self.extensions, self.public_key

    @cached_property
    def sha256(self) -> str:
        """Fingerprint, 64 hex digits."""
        return sha256(self.der)

    @cached_property
    def issuer(self) -> Name:
        """The issuer's name."""
        with raising_unusable("issuer of the certificate not readable"):
            return read_name(self.issuer_raw, self.limits)

    @cached_property
    def subject(self) -> Name:
        """Whom it speaks of."""
        with raising_unusable("subject of the certificate not readable"):
            return read_name(self.subject_raw, self.limits)

    @property
    def not_valid_before_utc(self) -> datetime:
        """From when it is valid."""
        return self._validity[0]

    @property
    def not_valid_after_utc(self) -> datetime:
        """Until when it is valid."""
        return self._validity[1]

    @cached_property
    def _validity(self) -> tuple[datetime, datetime]:
        with raising_unusable("validity of the certificate not readable"):
            begin, end = ber.read_whole(self.validity_raw, self.limits)
            return begin.time(), end.time()

    @cached_property
    def extensions(self) -> Mapping[str, Extension]:
        """By object identifier."""
        with raising_unusable("extensions of the certificate not readable"):
            if self.extensions_raw is None:
                return {}
            (elements,) = ber.read_whole(self.extensions_raw, self.limits, EXTENSIONS_TAG)
            return read_extensions(elements)

    @property
    def listed_numbers(self) -> tuple[int, ...]:
        """Serial numbers under which it may be named as revoked: its own; and where that is negative, which no rule
        allows, the positive number that its bytes mean, as some tools write it anew. Not the other way round (NIST
        PKITS 4.4.14)."""
        number = self.serial_number
        return (number,) if number >= 0 else (number, ber.unsigned(number))

    @property
    def is_self_issued(self) -> bool:
        """Subject and issuer are the same name."""
        return self.subject == self.issuer

    @property
    def entity(self) -> tuple[Name, bytes]:
        """Whom it speaks of, name and key: equal in a renewed certificate."""
        return self.subject, self.key_info

    @property
    def public_key(self) -> Any:
        """The key, as ``cryptography`` has it."""
        return read_public_key(self.key_info, self.limits)

    @property
    def key_identifier(self) -> bytes | None:
        """The subject key identifier; None = there is none that can be read."""
        try:
            extension = self.extensions.get(SUBJECT_KEY_IDENTIFIER)
            return ber.read_whole(extension.value, self.limits, ber.OCTET_STRING).octets() if extension else None
        except ValueError:
            return None

    @property
    def pem(self) -> bytes:
        """The certificate as a PEM file."""
        text = base64.encodebytes(self.der).replace(b"\n", b"")
        lines = (text[at : at + 64] for at in range(0, len(text), 64))
        return b"\n".join((b"-----BEGIN CERTIFICATE-----", *lines, b"-----END CERTIFICATE-----", b""))


@lru_cache(maxsize=REMEMBERED)
def read_certificate(der: bytes, limits: CmsLimits = DEFAULT.cms) -> Certificate:
    """One certificate: its parts, and who is meant by it. Raises ``Unusable``."""
    with raising_unusable("certificate not readable"):
        signed, body = read_signed_object(der, limits)
        parts = list(body.expect(ber.SEQUENCE))
        version = V1
        if parts[0].tag == VERSION_TAG:
            version = next(iter(parts.pop(0))).expect(ber.INTEGER).integer()
        serial, algorithm, issuer, validity, subject, key, *rest = parts
        extensions = [part.raw for part in rest if part.tag & ~ber.CONSTRUCTED not in ISSUER_ID_TAGS]
        if len(extensions) > 1:
            raise Unusable("certificate with unknown parts")
        return Certificate(
            der=der,
            limits=limits,
            signed=signed,
            version=version,
            serial_number=serial.expect(ber.INTEGER).integer(),
            issuer_raw=issuer.expect(ber.SEQUENCE).raw,
            subject_raw=subject.expect(ber.SEQUENCE).raw,
            validity_raw=validity.expect(ber.SEQUENCE).raw,
            key_info=key.expect(ber.SEQUENCE).raw,
            inner_algorithm=algorithm.raw,
            extensions_raw=extensions[0] if extensions else None,
        )


def read_signed_object(der: bytes, limits: CmsLimits) -> tuple[SignedObject, Element]:
    """What is signed and by what, and the signed part to be read on. Raises ``ValueError``."""
    body, algorithm, signature = ber.read_whole(der, limits)
    value = signature.expect(ber.BIT_STRING).content
    return SignedObject(body.raw, algorithm.expect(ber.SEQUENCE).raw, value[1:]), body


def read_extensions(elements: Element) -> dict[str, Extension]:
    """Extensions by object identifier (a SEQUENCE OF Extension). Raises ``Unusable`` if one is there twice."""
    extensions: dict[str, Extension] = {}
    for element in elements.expect(ber.SEQUENCE):
        kind, *rest = element.expect(ber.SEQUENCE)
        critical = len(rest) > 1 and any(rest[0].expect(ber.BOOLEAN).content)
        if kind.oid() in extensions:
            raise Unusable(f"extension {kind.oid()} twice")
        extensions[kind.oid()] = Extension(critical, rest[-1].octets())
    return extensions


@lru_cache(maxsize=REMEMBERED)
def sha256(der: bytes) -> str:
    """Fingerprint of the certificate, 64 hex digits."""
    return hashlib.sha256(der).hexdigest()
