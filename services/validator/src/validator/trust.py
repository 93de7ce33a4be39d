"""Trust: the pinned roots and the issuing CAs we hold ourselves, read from a folder, immutable in use.

```text
<folder>/roots/*           pinned roots; compare their SHA-256 with the CA's own publication before use
<folder>/intermediates/*   issuing CAs: documents often embed the signer's certificate alone
<folder>/crls/*            revocation lists, fetched by someone else
```

PEM or DER, any file names. Certificates that a document brings along are never used to build a chain.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from validator.policy import DEFAULT, Policy
from validator.revocation import Revocation, authentic_crls

PEM = b"-----BEGIN"
FOLDERS = ("roots", "intermediates", "crls")


class Trust:
    """Roots and issuing CAs. Equal content has equal ``version``; crosses process borders as DER."""

    def __init__(self, roots: Iterable[bytes], intermediates: Iterable[bytes] = ()) -> None:
        """Both as DER. Raises ``ValueError`` for what is not a certificate."""
        self._roots = tuple(sorted(set(roots)))
        self._intermediates = tuple(sorted(set(intermediates) - set(self._roots)))
        self.roots = tuple(x509.load_der_x509_certificate(der) for der in self._roots)
        self.intermediates = tuple(x509.load_der_x509_certificate(der) for der in self._intermediates)
        self.root_fingerprints = tuple(hashlib.sha256(der).hexdigest() for der in self._roots)
        self.version = _version(self._roots, self._intermediates)

    def is_root(self, certificate: x509.Certificate) -> bool:
        """Whether exactly this certificate is pinned."""
        return certificate.public_bytes(Encoding.DER) in self._roots

    def candidates(self, issuer: x509.Name) -> tuple[x509.Certificate, ...]:
        """Certificates of that subject, roots first. The name only finds them, signatures decide."""
        return tuple(ca for ca in (*self.roots, *self.intermediates) if ca.subject == issuer)

    def __reduce__(self) -> tuple[type["Trust"], tuple[tuple[bytes, ...], tuple[bytes, ...]]]:
        return Trust, (self._roots, self._intermediates)


def load(folder: Path, policy: Policy = DEFAULT) -> tuple[Trust, Revocation]:
    """Read the folder. Raises ``ValueError`` naming the file that cannot be read; no CRL at all is allowed."""
    roots, intermediates, crls = (_read(folder / name) for name in FOLDERS)
    trust = Trust(_certificates(roots), _certificates(intermediates))
    if not trust.roots:
        raise ValueError(f"no root certificate in {folder / 'roots'}")
    return trust, Revocation(authentic_crls(trust.roots + trust.intermediates, crls, policy))


def stamp(folder: Path) -> str:
    """Changes when a file of the folder does: compare before loading again."""
    state = hashlib.sha256()
    for path in _files(folder):
        found = path.stat()
        state.update(f"{path.relative_to(folder)}\0{found.st_size}\0{found.st_mtime_ns}\n".encode())
    return state.hexdigest()


def _files(folder: Path) -> list[Path]:
    paths = (path for name in FOLDERS for path in (folder / name).glob("*"))
    return sorted(path for path in paths if path.is_file() and not path.name.startswith("."))


def _read(folder: Path) -> list[tuple[str, bytes]]:
    paths = sorted(folder.glob("*")) if folder.is_dir() else []
    return [(path.name, path.read_bytes()) for path in paths if path.is_file() and not path.name.startswith(".")]


def _certificates(files: list[tuple[str, bytes]]) -> list[bytes]:
    found: list[bytes] = []
    for name, data in files:
        try:
            pem = PEM in data
            loaded = x509.load_pem_x509_certificates(data) if pem else [x509.load_der_x509_certificate(data)]
        except ValueError as error:
            raise ValueError(f"{name}: not a certificate") from error
        found.extend(certificate.public_bytes(Encoding.DER) for certificate in loaded)
    return found


def _version(roots: tuple[bytes, ...], intermediates: tuple[bytes, ...]) -> str:
    state = hashlib.sha256()
    for part in (roots, intermediates):
        for der in part:
            state.update(hashlib.sha256(der).digest())
        state.update(b"|")
    return state.hexdigest()
