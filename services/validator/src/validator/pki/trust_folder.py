"""The trust folder: roots, issuing CAs, time stamp authorities and revocation lists, as files.

```text
<folder>/roots/*           pinned roots; compare their SHA-256 with the CA's own publication before use
<folder>/intermediates/*   issuing CAs: documents often embed the signer's certificate alone
<folder>/tsa/*             who may give time stamps besides those below the roots: their CA, or their own certificate
<folder>/crls/*            revocation lists, fetched by ``validator.pki.refresh``
<folder>/trust.json        which roots count, see ``validator.pki.pins``
```

PEM or DER, any file names. Without ``trust.json`` every certificate in ``roots/`` counts; with it, only those that it
names. Certificates that a document brings along are never used to build a chain.

A file that cannot be used is left out, named, and changes nothing for the others. Where memory runs out, reading fails
as a whole.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from common.containment import Unusable, contained, described
from common.domain.names import Sha256
from validator.pki.certificates import certificates_in, piece
from validator.pki.pins import PINS, Pin, read_pins
from validator.pki.revocation_lists import RevocationLists, authentic_crls, lists_in
from validator.pki.trust_store import TrustStore
from validator.policy import DEFAULT, Policy

CERTIFICATES = ("roots", "intermediates", "tsa")
FOLDERS = (*CERTIFICATES, "crls")
PLACES = (*FOLDERS, PINS)
"""Where something may be left out."""


@dataclass(frozen=True, slots=True, order=True)
class LeftOut:
    """A file, or a part of one, that is not used."""

    folder: str
    """One of ``PLACES``."""
    name: str
    cause: str
    may_pass: bool = False
    """It could not be read off the disk: the next time it may be, although the file is the same."""

    def __str__(self) -> str:
        return f"{self.folder}/{self.name}: {self.cause}"


@dataclass(frozen=True, slots=True)
class TrustMaterial:
    """What of the folder is used."""

    trust: TrustStore
    revocation: RevocationLists
    lists: tuple[bytes, ...]
    """DER of all revocation lists of the folder, used or not."""

    @property
    def evidence(self) -> dict[Sha256, bytes]:
        """DER of every certificate and list that a verdict may rest on, by its digest."""
        used = {crl.sha256 for crl in self.revocation.crls}
        lists = {hashlib.sha256(der).hexdigest(): der for der in self.lists}
        certificates = {each.sha256: each.der for each in self.trust.authorities}
        return certificates | {sha256: der for sha256, der in lists.items() if sha256 in used}


NoteLeftOut = Callable[[LeftOut], None]


def _ignore(_: LeftOut) -> None:
    """For callers who do not ask."""


def load(
    folder: Path,
    policy: Policy = DEFAULT,
    *,
    crls: bool = True,
    left_out: NoteLeftOut = _ignore,
    last_pins: Mapping[str, Pin] | None = None,
) -> tuple[TrustStore, RevocationLists]:
    """What ``read_folder`` reads, without the bytes of the lists."""
    read = read_folder(folder, policy, crls=crls, left_out=left_out, last_pins=last_pins)
    return read.trust, read.revocation


def read_folder(
    folder: Path,
    policy: Policy = DEFAULT,
    *,
    crls: bool = True,
    left_out: NoteLeftOut = _ignore,
    last_pins: Mapping[str, Pin] | None = None,
) -> "TrustMaterial":
    """Read the folder. Raises ``ValueError`` if no root counts. There may be no CRL at all.

    ``left_out``: called for everything that is not used. ``last_pins``: what counts while ``trust.json`` cannot be
    read; without them an unreadable one raises ``ValueError``, since nobody knows then which roots count.
    """
    pins = pins_of(folder, left_out, last_pins)
    certificates = {name: _certificates(folder, name, policy, left_out) for name in CERTIFICATES}
    trust = TrustStore(
        _pinned(certificates["roots"], pins, left_out),
        (der for _, der in certificates["intermediates"]),
        (der for _, der in certificates["tsa"]),
        {sha256: pin.window for sha256, pin in pins.items()} if pins is not None else None,
    )
    if not trust.roots:
        raise ValueError(f"no root certificate in {folder / 'roots'}")
    lists = _read_files(folder, "crls", policy, left_out) if crls else ()
    revocation = RevocationLists(authentic_crls(trust.authorities, lists, policy, _noting("crls", left_out)))
    ders = (der for name, data in lists for _, der in lists_in(name, data, policy))
    return TrustMaterial(trust, revocation, tuple(ders))


def pins_of(
    folder: Path, left_out: NoteLeftOut = _ignore, last_pins: Mapping[str, Pin] | None = None
) -> Mapping[str, Pin] | None:
    """``trust.json``, or ``last_pins`` where it cannot be read. Raises ``Unusable``."""
    try:
        return read_pins(folder, _noting(PINS, left_out))
    except Unusable as error:
        if last_pins is None:
            raise
        left_out(LeftOut(PINS, "", str(error)))
        return last_pins


def stamp(folder: Path) -> str:
    """A value that changes when a file of the folder does: compare it before loading again."""
    state = hashlib.sha256()
    for path in _watched_files(folder):
        with contained(lambda _: None):  # a file that has gone since counts as changed by its absence
            status = path.stat()
            state.update(f"{path.relative_to(folder)}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return state.hexdigest()


def read_certificates(name: str, data: bytes) -> list[bytes]:
    """All certificates of a file, as DER. Raises ``ValueError`` naming it, if one of them cannot be read."""

    def refuse(place: str, cause: str) -> None:
        raise Unusable(f"{place}: not a certificate: {cause}")

    return [certificate.der for certificate in certificates_in(name, data, refuse)]


def _noting(folder: str, left_out: NoteLeftOut) -> Callable[[str, str], None]:
    return lambda name, cause: left_out(LeftOut(folder, name, cause))


def _pinned(roots: Iterable[tuple[str, bytes]], pins: Mapping[str, Pin] | None, left_out: NoteLeftOut) -> list[bytes]:
    counted = []
    for name, der in roots:
        sha256 = hashlib.sha256(der).hexdigest()
        if pins is None or sha256 in pins:
            counted.append(der)
        else:
            left_out(LeftOut("roots", name, f"root {sha256} is not pinned in {PINS}"))
    return counted


def _watched_files(folder: Path) -> list[Path]:
    paths = [path for name in FOLDERS for path in (folder / name).glob("*")] + [folder / PINS]
    return sorted(path for path in paths if path.is_file() and not path.name.startswith("."))


def _read_files(folder: Path, name: str, policy: Policy, left_out: NoteLeftOut) -> list[tuple[str, bytes]]:
    """Name and bytes of each file of one of the folders."""
    read = []
    for path in sorted((folder / name).glob("*")):
        if path.name.startswith("."):
            continue
        with piece(lambda cause, path=path: left_out(LeftOut(name, path.name, cause))):  # type: ignore[misc]
            try:
                if path.is_file():
                    read.append((path.name, read_bounded(path, policy.revocation.max_list_bytes)))
            except OSError as error:
                left_out(LeftOut(name, path.name, described(error), may_pass=True))
    return read


def read_bounded(path: Path, most: int) -> bytes:
    """The bytes of a file. Raises ``Unusable`` if there are more than ``most``, and ``OSError``."""
    with path.open("rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise Unusable("file too large")
    return data


def _certificates(folder: Path, name: str, policy: Policy, left_out: NoteLeftOut) -> list[tuple[str, bytes]]:
    certificates: list[tuple[str, bytes]] = []
    for file, data in _read_files(folder, name, policy, left_out):
        readable = certificates_in(file, data, _noting(name, left_out), policy.cms)
        certificates += [(file, certificate.der) for certificate in readable]
    return certificates
