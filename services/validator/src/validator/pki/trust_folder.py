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
"""

import hashlib
import logging
from collections.abc import Callable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from validator.pki.pins import PINS, Pin, read_pins
from validator.pki.revocation_lists import RevocationLists, authentic_crls
from validator.pki.trust_store import TrustStore
from validator.policy import DEFAULT, Policy

PEM = b"-----BEGIN"
FOLDERS = ("roots", "intermediates", "crls", "tsa")

log = logging.getLogger(__name__)


def load(
    folder: Path, policy: Policy = DEFAULT, *, crls: bool = True, unreadable: Callable[[str], None] | None = None
) -> tuple[TrustStore, RevocationLists]:
    """Read the folder. Raises ``ValueError`` naming the file that cannot be read. There may be no CRL at all.

    ``unreadable``: called with the name of such a file, which is then left out: whoever verifies offline was given the
    folder.
    """
    roots, intermediates, tsa = (_read_files(folder / name) for name in ("roots", "intermediates", "tsa"))
    lists = _read_files(folder / "crls") if crls else []
    pins = read_pins(folder)
    trust = TrustStore(
        _pinned(_certificates(roots, unreadable), pins),
        _certificates(intermediates, unreadable),
        _certificates(tsa, unreadable),
        {sha256: pin.window for sha256, pin in pins.items()} if pins else None,
    )
    if not trust.roots:
        raise ValueError(f"no root certificate in {folder / 'roots'}")
    return trust, RevocationLists(authentic_crls(trust.authorities, lists, policy))


def stamp(folder: Path) -> str:
    """A value that changes when a file of the folder does: compare it before loading again."""
    state = hashlib.sha256()
    for path in _watched_files(folder):
        status = path.stat()
        state.update(f"{path.relative_to(folder)}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return state.hexdigest()


def read_certificates(name: str, data: bytes) -> list[bytes]:
    """All certificates of a file, as DER. Raises ``ValueError`` naming it."""
    try:
        pem = PEM in data
        loaded = x509.load_pem_x509_certificates(data) if pem else [x509.load_der_x509_certificate(data)]
    except ValueError as error:
        raise ValueError(f"{name}: not a certificate") from error
    return [certificate.public_bytes(Encoding.DER) for certificate in loaded]


def _pinned(ders: list[bytes], pins: dict[str, Pin] | None) -> list[bytes]:
    if pins is None:
        return ders
    by_fingerprint = [(hashlib.sha256(der).hexdigest(), der) for der in ders]
    for sha256, _ in by_fingerprint:
        if sha256 not in pins:
            log.warning("root %s is not pinned in %s and does not count", sha256, PINS)
    return [der for sha256, der in by_fingerprint if sha256 in pins]


def _watched_files(folder: Path) -> list[Path]:
    paths = [path for name in FOLDERS for path in (folder / name).glob("*")] + [folder / PINS]
    return sorted(path for path in paths if path.is_file() and not path.name.startswith("."))


def _read_files(folder: Path) -> list[tuple[str, bytes]]:
    paths = sorted(folder.glob("*")) if folder.is_dir() else []
    return [(path.name, path.read_bytes()) for path in paths if path.is_file() and not path.name.startswith(".")]


def _certificates(files: list[tuple[str, bytes]], unreadable: Callable[[str], None] | None = None) -> list[bytes]:
    certificates: list[bytes] = []
    for name, data in files:
        try:
            certificates += read_certificates(name, data)
        except ValueError:
            if unreadable is None:
                raise
            unreadable(name)
    return certificates
