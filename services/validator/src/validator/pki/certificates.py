"""Certificates parsed once and remembered by their bytes: every document of a unit brings the same few."""

import hashlib
from functools import lru_cache
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from validator.cms.certificate_fields import sha256

REMEMBERED = 4096

Chain = tuple[x509.Certificate, ...]
"""The leaf first, the root last."""

Kind = TypeVar("Kind", bound=x509.ExtensionType)


@lru_cache(maxsize=REMEMBERED)
def parse_certificate(der: bytes) -> x509.Certificate:
    """The certificate. Raises ``ValueError``, also for the errors that the library does not derive from it."""
    try:
        return x509.load_der_x509_certificate(der)
    except (x509.InvalidVersion, UnsupportedAlgorithm) as error:
        raise ValueError(str(error)) from error


@lru_cache(maxsize=REMEMBERED)
def subject_text(der: bytes) -> str:
    """The subject as text, for people; empty where it cannot be read."""
    try:
        return parse_certificate(der).subject.rfc4514_string()
    except ValueError:
        return ""


@lru_cache(maxsize=REMEMBERED)
def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 of the DER bytes, 64 hex digits."""
    return sha256(certificate.public_bytes(Encoding.DER))


@lru_cache(maxsize=REMEMBERED)
def issuer_key(certificate: x509.Certificate) -> str:
    """Identifies a CA by subject and key: a renewed certificate with the same two is the same CA."""
    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(certificate.subject.public_bytes() + b"\0" + key).hexdigest()


def extension(certificate: x509.Certificate, kind: type[Kind]) -> Kind | None:
    """The value of an extension; None = there is none. Raises the library's errors where one cannot be read."""
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
