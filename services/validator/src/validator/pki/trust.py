"""Trust: the pinned roots and the issuing CAs we hold ourselves, read from a folder, immutable in use.

```text
<folder>/roots/*           pinned roots; compare their SHA-256 with the CA's own publication before use
<folder>/intermediates/*   issuing CAs: documents often embed the signer's certificate alone
<folder>/tsa/*             who may give time stamps besides those below the roots: their CA, or their own certificate
<folder>/crls/*            revocation lists, fetched by someone else
<folder>/trust.json        written by ``trunkctl trust``: which roots count, from when until when; see ``Pins``
```

PEM or DER, any file names. Without ``trust.json`` every certificate in ``roots/`` counts; with it, only those that it
names. Certificates that a document brings along are never used to build a chain.
"""

import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from validator.pki.crl import Revocation, authentic_crls
from validator.policy import DEFAULT, Policy

PEM = b"-----BEGIN"
FOLDERS = ("roots", "intermediates", "crls", "tsa")
PINS = "trust.json"

log = logging.getLogger(__name__)


class Purpose(StrEnum):
    """What a chain is asked for."""

    DOCUMENTS = "documents"
    TIME = "time"


@dataclass(frozen=True, slots=True)
class Window:
    """The time for which the operator trusts a root; None = no limit besides the certificate's own."""

    start: datetime | None = None
    end: datetime | None = None

    def holds(self, at: datetime) -> bool:
        """Whether ``at`` lies inside."""
        return (self.start is None or self.start <= at) and (self.end is None or at < self.end)


ALWAYS = Window()


class Trust:
    """Roots and issuing CAs. Equal content has equal ``version``; crosses process borders as DER."""

    def __init__(
        self,
        roots: Iterable[bytes],
        intermediates: Iterable[bytes] = (),
        tsa: Iterable[bytes] = (),
        windows: Mapping[str, Window] | None = None,
    ) -> None:
        """Certificates as DER; ``windows`` by a root's SHA-256. Raises ``ValueError`` for what is not a certificate."""
        self._roots = tuple(sorted(set(roots)))
        self._intermediates = tuple(sorted(set(intermediates) - set(self._roots)))
        self._tsa = tuple(sorted(set(tsa) - set(self._roots)))
        self.windows = dict(windows or {})
        self.roots = _loaded(self._roots)
        self.intermediates = _loaded(self._intermediates)
        self.tsa = _loaded(self._tsa)
        self.root_fingerprints = tuple(hashlib.sha256(der).hexdigest() for der in self._roots)
        self.version = _version((self._roots, self._intermediates, self._tsa), self.windows)

    @property
    def authorities(self) -> tuple[x509.Certificate, ...]:
        """Everyone whose word on revocation may count."""
        return (*self.roots, *self.intermediates, *self.tsa)

    def is_anchor(self, certificate: x509.Certificate, purpose: Purpose = Purpose.DOCUMENTS) -> bool:
        """Whether exactly this certificate is pinned for that purpose."""
        der = certificate.public_bytes(Encoding.DER)
        return der in self._roots or (purpose is Purpose.TIME and der in self._tsa)

    def holds(self, root: x509.Certificate, at: datetime) -> bool:
        """Whether the operator trusts that root for ``at``."""
        return not self.windows or self.windows.get(_sha256(root), ALWAYS).holds(at)

    def candidates(self, issuer: x509.Name, purpose: Purpose = Purpose.DOCUMENTS) -> tuple[x509.Certificate, ...]:
        """Certificates of that subject, roots first. The name only finds them, signatures decide."""
        known = self.authorities if purpose is Purpose.TIME else (*self.roots, *self.intermediates)
        return tuple(ca for ca in known if ca.subject == issuer)

    def __reduce__(self) -> tuple[type["Trust"], tuple[Any, ...]]:
        return Trust, (self._roots, self._intermediates, self._tsa, self.windows)


def load(
    folder: Path, policy: Policy = DEFAULT, *, crls: bool = True, unreadable: Callable[[str], None] | None = None
) -> tuple[Trust, Revocation]:
    """Read the folder. Raises ``ValueError`` naming the file that cannot be read; no CRL at all is allowed.

    With ``unreadable`` such a file is named to it and left out: whoever verifies offline was given the folder.
    """
    roots, intermediates, tsa = (_read(folder / name) for name in ("roots", "intermediates", "tsa"))
    lists = _read(folder / "crls") if crls else []
    pins = read_pins(folder)
    trust = Trust(
        _pinned(_certificates(roots, unreadable), pins),
        _certificates(intermediates, unreadable),
        _certificates(tsa, unreadable),
        {sha256: pin.window for sha256, pin in pins.items()} if pins else None,
    )
    if not trust.roots:
        raise ValueError(f"no root certificate in {folder / 'roots'}")
    return trust, Revocation(authentic_crls(trust.authorities, lists, policy))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """One entry of ``trust.json``: ``{"roots": {"<sha256>": {"name": …, "from": …, "until": …, "crls": […]}}}``."""

    name: str = ""
    window: Window = ALWAYS
    crls: tuple[str, ...] = ()
    """Addresses of the hierarchy's revocation lists, for ``trunkctl trust refresh``."""


def read_pins(folder: Path) -> dict[str, Pin] | None:
    """The roots that the operator named; None without the file. Raises ``ValueError``."""
    path = folder / PINS
    if not path.is_file():
        return None
    try:
        told = json.loads(path.read_text(encoding="utf-8"))["roots"]
        return {sha256.lower(): _pin(entry) for sha256, entry in told.items()}
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"{PINS}: not readable: {error}") from error


def write_pins(folder: Path, pins: Mapping[str, Pin]) -> None:
    """Replace ``trust.json`` in one step."""
    told = {sha256: _told(pin) for sha256, pin in sorted(pins.items())}
    folder.mkdir(parents=True, exist_ok=True)
    replace_file(folder / PINS, json.dumps({"roots": told}, ensure_ascii=False, indent=1).encode() + b"\n")


def replace_file(path: Path, data: bytes) -> None:
    """Write beside, then rename: who reads the folder sees the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.new")
    beside.write_bytes(data)
    beside.replace(path)


def _pin(entry: dict[str, Any]) -> Pin:
    start, end = (datetime.fromisoformat(entry[key]) if entry.get(key) else None for key in ("from", "until"))
    if any(limit is not None and limit.tzinfo is None for limit in (start, end)):
        raise ValueError("a time without zone")
    return Pin(name=str(entry.get("name", "")), window=Window(start, end), crls=tuple(entry.get("crls", ())))


def _told(pin: Pin) -> dict[str, Any]:
    limits = {"from": pin.window.start, "until": pin.window.end}
    return {
        "name": pin.name,
        **{key: limit.isoformat() for key, limit in limits.items() if limit},
        **({"crls": list(pin.crls)} if pin.crls else {}),
    }


def _pinned(ders: list[bytes], pins: dict[str, Pin] | None) -> list[bytes]:
    if pins is None:
        return ders
    for der in ders:
        if hashlib.sha256(der).hexdigest() not in pins:
            log.warning("root %s is not pinned in %s and does not count", hashlib.sha256(der).hexdigest(), PINS)
    return [der for der in ders if hashlib.sha256(der).hexdigest() in pins]


def stamp(folder: Path) -> str:
    """Changes when a file of the folder does: compare before loading again."""
    state = hashlib.sha256()
    for path in _files(folder):
        found = path.stat()
        state.update(f"{path.relative_to(folder)}\0{found.st_size}\0{found.st_mtime_ns}\n".encode())
    return state.hexdigest()


def _files(folder: Path) -> list[Path]:
    paths = [path for name in FOLDERS for path in (folder / name).glob("*")] + [folder / PINS]
    return sorted(path for path in paths if path.is_file() and not path.name.startswith("."))


def _read(folder: Path) -> list[tuple[str, bytes]]:
    paths = sorted(folder.glob("*")) if folder.is_dir() else []
    return [(path.name, path.read_bytes()) for path in paths if path.is_file() and not path.name.startswith(".")]


def read_certificates(name: str, data: bytes) -> list[bytes]:
    """All certificates of a file, as DER. Raises ``ValueError`` naming it."""
    try:
        pem = PEM in data
        loaded = x509.load_pem_x509_certificates(data) if pem else [x509.load_der_x509_certificate(data)]
    except ValueError as error:
        raise ValueError(f"{name}: not a certificate") from error
    return [certificate.public_bytes(Encoding.DER) for certificate in loaded]


def _certificates(files: list[tuple[str, bytes]], unreadable: Callable[[str], None] | None = None) -> list[bytes]:
    found: list[bytes] = []
    for name, data in files:
        try:
            found += read_certificates(name, data)
        except ValueError:
            if unreadable is None:
                raise
            unreadable(name)
    return found


def _loaded(ders: tuple[bytes, ...]) -> tuple[x509.Certificate, ...]:
    return tuple(x509.load_der_x509_certificate(der) for der in ders)


def _sha256(certificate: x509.Certificate) -> str:
    return hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest()


def _version(parts: Iterable[tuple[bytes, ...]], windows: Mapping[str, Window]) -> str:
    state = hashlib.sha256()
    for part in parts:
        for der in part:
            state.update(hashlib.sha256(der).digest())
        state.update(b"|")
    for sha256, window in sorted(windows.items()):
        state.update(f"{sha256} {window.start} {window.end}\n".encode())
    return state.hexdigest()
