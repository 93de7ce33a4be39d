"""Certificates out of files, and chains of them."""

from collections.abc import Callable

from common.containment import contained
from validator.cms.certificate import Certificate, read_certificate
from validator.pki.pem import CERTIFICATE, blocks
from validator.policy import DEFAULT, CmsLimits

Chain = tuple[Certificate, ...]
"""The leaf first, the root last."""


def piece(note: Callable[[str], object]) -> contained:
    """What one file raises ends nothing but itself; but a lack of memory is not the file's: the reading fails as a
    whole, and is done again."""
    return contained(note, passing=(MemoryError,))


def certificates_in(
    name: str, data: bytes, left_out: Callable[[str, str], None], limits: CmsLimits = DEFAULT.cms
) -> list[Certificate]:
    """All certificates of a file, PEM or DER. ``left_out``: called with name and cause of each that cannot be read."""
    found: list[tuple[str, bytes]] = []
    certificates = []
    with piece(lambda cause: left_out(name, cause)):
        found += blocks(data, CERTIFICATE, limits)
    for place, der in found:
        with piece(lambda cause, place=place: left_out(name + place, cause)):  # type: ignore[misc]
            certificate = read_certificate(der, limits)
            certificate.check()
            certificates.append(certificate)
    return certificates


def subject_text(der: bytes) -> str:
    """The subject as text, for people; empty where it cannot be read."""
    try:
        return read_certificate(der).subject.rfc4514_string()
    except ValueError:
        return ""
