"""The trust folder as an operator changes it: certificates are named by the SHA-256 that a person typed."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from common.containment import contained
from trunkctl.command_error import CommandError
from validator.cms.certificate import Certificate, read_certificate
from validator.cms.extensions import is_ca
from validator.pki.atomic_file import locked, replace_file
from validator.pki.certificates import certificates_in
from validator.pki.pins import Pin, read_pins, write_pins
from validator.pki.trust_folder import LeftOut, NoteLeftOut, read_bounded, read_certificates
from validator.pki.trust_store import Window
from validator.policy import DEFAULT


class Place(StrEnum):
    """What a certificate is for."""

    ROOT = "root"
    INTERMEDIATE = "intermediate"
    TSA = "tsa"

    @property
    def folder(self) -> str:
        """Its folder."""
        return {"root": "roots", "intermediate": "intermediates", "tsa": "tsa"}[self.value]


@dataclass(frozen=True, slots=True)
class FolderCertificate:
    """One certificate of the folder."""

    place: Place
    sha256: str
    certificate: Certificate
    file: Path
    pin: Pin | None
    counts: bool


def fingerprint(text: str) -> str:
    """64 hex digits out of what a person types: with colons, blanks, any case. Raises ``CommandError``."""
    digits = "".join(text.split()).replace(":", "").lower()
    if len(digits) != 64 or any(digit not in "0123456789abcdef" for digit in digits):
        raise CommandError(f"{text} is no SHA-256 fingerprint: 64 hexadecimal digits are needed.")
    return digits


def add(folder: Path, file: Path, typed: str, place: Place, pin: Pin) -> FolderCertificate:
    """Take the certificate of that fingerprint out of the file. Raises ``CommandError``; then nothing was changed."""
    sha256 = fingerprint(typed)
    der = _chosen(file, sha256)
    certificate = read_certificate(der)
    if place is not Place.TSA and not _is_authority(certificate):
        raise CommandError(f"{certificate.subject.rfc4514_string()} is no CA: it cannot be a {place}.")
    _pins(folder)
    path = folder / place.folder / f"{sha256}.pem"
    if place is Place.ROOT:
        with _alone(folder):
            kept = {**(_pins(folder) or {}), sha256: pin}
            replace_file(path, certificate.pem)
            write_pins(folder, kept)
    else:
        replace_file(path, certificate.pem)
    return FolderCertificate(place, sha256, certificate, path, pin if place is Place.ROOT else None, True)


def remove(folder: Path, typed: str) -> list[FolderCertificate]:
    """Take the certificate out of the folder, and its pin with it. Raises ``CommandError`` if it is not there."""
    sha256 = fingerprint(typed)
    odd: list[LeftOut] = []
    everything = listed(folder, odd.append)
    matching = [held for held in everything if held.sha256 == sha256]
    pins = _pins(folder)
    if not matching and sha256 not in (pins or {}):
        raise CommandError(f"{sha256} is not in {folder}.")
    shared = {other.file for other in everything if other.sha256 != sha256} | {
        folder / each.folder / each.name for each in odd
    }
    for held in matching:
        if held.file in shared:
            raise CommandError(f"{held.file} holds more than this certificate: take it apart first.")
    if pins is not None and sha256 in pins:
        with _alone(folder):
            write_pins(folder, {key: pin for key, pin in (_pins(folder) or {}).items() if key != sha256})
    for held in matching:
        held.file.unlink()
    return matching


def listed(folder: Path, left_out: NoteLeftOut = lambda _: None) -> list[FolderCertificate]:
    """Every certificate of the folder, and whether it counts.

    ``left_out``: called for each file, or part of one, that is no certificate. Raises ``CommandError`` for pins that
    cannot be read.
    """
    pins = _pins(folder)
    certificates: list[FolderCertificate] = []
    for place in Place:
        for path in sorted((folder / place.folder).glob("*")):
            if not path.name.startswith("."):
                certificates += [_held(place, path, each, pins) for each in _certificates_in(place, path, left_out)]
    return certificates


def _certificates_in(place: Place, path: Path, left_out: NoteLeftOut) -> list[Certificate]:
    def note(cause: str) -> None:
        left_out(LeftOut(place.folder, path.name, cause))

    with contained(note):
        if path.is_file():
            data = read_bounded(path, DEFAULT.revocation.max_list_bytes)
            return certificates_in(path.name, data, lambda _, cause: note(f"not a certificate: {cause}"))
    return []


def unpinned(folder: Path) -> list[FolderCertificate]:
    """Roots that lie in the folder and do not count, because nobody typed their fingerprint."""
    return [held for held in listed(folder) if held.place is Place.ROOT and not held.counts]


def pin_of(name: str, start: datetime | None, end: datetime | None, crls: list[str]) -> Pin:
    """What goes beside a root. Raises ``CommandError`` for an address that is none."""
    for address in crls:
        if not address.startswith(("http://", "https://")):
            raise CommandError(f"{address} is no address of a revocation list: http:// or https:// is needed.")
    return replace(Pin(), name=name, window=Window(start, end), crls=tuple(crls))


def _held(place: Place, path: Path, certificate: Certificate, pins: dict[str, Pin] | None) -> FolderCertificate:
    pin = (pins or {}).get(certificate.sha256) if place is Place.ROOT else None
    counts = place is not Place.ROOT or pins is None or pin is not None
    return FolderCertificate(place, certificate.sha256, certificate, path, pin, counts)


def _chosen(file: Path, sha256: str) -> bytes:
    certificates = _certificates(file)
    for der in certificates:
        if hashlib.sha256(der).hexdigest() == sha256:
            return der
    fingerprints = ", ".join(hashlib.sha256(der).hexdigest() for der in certificates)
    raise CommandError(f"{file} holds no certificate of that fingerprint, only: {fingerprints}. Nothing was changed.")


def _certificates(path: Path) -> list[bytes]:
    try:
        return read_certificates(path.name, path.read_bytes())
    except (ValueError, OSError) as error:
        raise CommandError(f"{path}: {error}.") from error


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """While nobody else changes the pins: one who read them before would take out what was added since."""
    try:
        with locked(folder):
            yield
    except TimeoutError as error:
        raise CommandError(f"{folder}: {error}. Nothing was changed.") from error


def _pins(folder: Path) -> dict[str, Pin] | None:
    try:
        return read_pins(folder)
    except ValueError as error:
        raise CommandError(f"{folder}: {error}.") from error


def _is_authority(certificate: Certificate) -> bool:
    try:
        return is_ca(certificate)
    except ValueError:
        return False
