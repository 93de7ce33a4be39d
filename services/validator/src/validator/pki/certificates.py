"""Certificates parsed once and kept by their bytes: every document of a unit brings the same few along."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from validator.cms import ber
from validator.cms.ber import Element

KEPT = 4096


@dataclass(frozen=True, slots=True)
class Named:
    """What identifies a certificate inside a CMS: read by place, so that odd certificates can be found too."""

    serial: int
    issuer: bytes
    key_identifier: bytes | None
    key_info: bytes
    """SubjectPublicKeyInfo."""


@lru_cache(maxsize=KEPT)
def parsed(der: bytes) -> x509.Certificate:
    """The certificate. Raises ``ValueError``, also for what the library has errors of its own for."""
    try:
        return x509.load_der_x509_certificate(der)
    except (x509.InvalidVersion, UnsupportedAlgorithm) as error:
        raise ValueError(str(error)) from error


@lru_cache(maxsize=KEPT)
def public_key(der: bytes) -> Any:
    """Its public key, even where the rest of the certificate is not readable."""
    return load_der_public_key(named(der).key_info)


@lru_cache(maxsize=KEPT)
def named(der: bytes) -> Named:
    """RFC 5280 §4.1 by place."""
    body = next(iter(ber.whole(der)))
    parts = list(body.expect(ber.SEQUENCE))
    if parts[0].tag == 0xA0:
        parts = parts[1:]
    serial, _, issuer, _, _, key = parts[:6]
    found = [part for part in parts[6:] if part.tag == 0xA3]
    return Named(
        serial=serial.expect(ber.INTEGER).integer(),
        issuer=issuer.raw,
        key_identifier=_key_identifier(next(iter(found[0]))) if found else None,
        key_info=key.expect(ber.SEQUENCE).raw,
    )


def _key_identifier(extensions: Element) -> bytes | None:
    for extension in extensions:
        fields = list(extension)
        if fields[0].oid() == "2.5.29.14":
            return ber.whole(fields[-1].octets(), ber.OCTET_STRING).octets()
    return None


@lru_cache(maxsize=KEPT)
def subject(der: bytes) -> str:
    """Subject as text, for people; empty where it cannot be read."""
    try:
        return parsed(der).subject.rfc4514_string()
    except ValueError:
        return ""


@lru_cache(maxsize=KEPT)
def sha256(der: bytes) -> str:
    """Fingerprint, 64 hex digits."""
    return hashlib.sha256(der).hexdigest()


@lru_cache(maxsize=KEPT)
def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 of the DER bytes."""
    return sha256(certificate.public_bytes(Encoding.DER))


@lru_cache(maxsize=KEPT)
def issuer_key(certificate: x509.Certificate) -> str:
    """A CA is its subject and its key: a renewed certificate with both the same is the same CA."""
    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(certificate.subject.public_bytes() + b"\0" + key).hexdigest()
