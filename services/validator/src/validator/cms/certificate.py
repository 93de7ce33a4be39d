"""The fields of a certificate that name it inside a CMS, read in place (RFC 5280 §4.1).

Certificates that a library refuses to parse as a whole (an odd version, a broken extension) can still be
identified, and the signature verified with their key.
"""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives.serialization import load_der_public_key

from validator.cms import ber
from validator.cms.ber import Element
from validator.policy import CmsLimits

REMEMBERED = 4096
"""Certificates; every document of a unit brings the same few."""
SUBJECT_KEY_IDENTIFIER = "2.5.29.14"
VERSION_TAG, EXTENSIONS_TAG = 0xA0, 0xA3


@dataclass(frozen=True, slots=True)
class CertificateFields:
    """What identifies a certificate, and its key."""

    serial: int
    issuer: bytes
    """Name, DER."""
    key_identifier: bytes | None
    key_info: bytes
    """SubjectPublicKeyInfo, DER."""


@lru_cache(maxsize=REMEMBERED)
def read_fields(der: bytes, limits: CmsLimits) -> CertificateFields:
    """The fields of one certificate. Raises ``ValueError``, ``IndexError`` or ``StopIteration`` for what is none."""
    body = next(iter(ber.read_whole(der, limits)))
    parts = list(body.expect(ber.SEQUENCE))
    if parts[0].tag == VERSION_TAG:
        parts = parts[1:]
    serial, _, issuer, _, _, key = parts[:6]
    extensions = [part for part in parts[6:] if part.tag == EXTENSIONS_TAG]
    return CertificateFields(
        serial=serial.expect(ber.INTEGER).integer(),
        issuer=issuer.raw,
        key_identifier=_key_identifier(next(iter(extensions[0]))) if extensions else None,
        key_info=key.expect(ber.SEQUENCE).raw,
    )


def _key_identifier(extensions: Element) -> bytes | None:
    for extension in extensions:
        fields = list(extension)
        if fields[0].oid() == SUBJECT_KEY_IDENTIFIER:
            return ber.read_whole(fields[-1].octets(), extensions.limits, ber.OCTET_STRING).octets()
    return None


@lru_cache(maxsize=REMEMBERED)
def public_key(der: bytes, limits: CmsLimits) -> Any:
    """The certificate's public key. Raises ``ValueError`` or ``UnsupportedAlgorithm``."""
    return load_der_public_key(read_fields(der, limits).key_info)


@lru_cache(maxsize=REMEMBERED)
def sha256(der: bytes) -> str:
    """Fingerprint of the certificate, 64 hex digits."""
    return hashlib.sha256(der).hexdigest()
