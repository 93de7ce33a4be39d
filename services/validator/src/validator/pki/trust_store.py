"""Whom we trust: pinned roots, issuing CAs and time stamp authorities, immutable in use."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from validator.cms.certificate import Certificate, read_certificate
from validator.cms.names import Name


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


class TrustStore:
    """Roots and issuing CAs. Equal content has equal ``version``. Crosses process borders as DER."""

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
        self.roots = _read_all(self._roots)
        self.intermediates = _read_all(self._intermediates)
        self.tsa = _read_all(self._tsa)
        self.root_fingerprints = tuple(root.sha256 for root in self.roots)
        self.version = _version((self._roots, self._intermediates, self._tsa), self.windows)
        self._by_subject = {
            Purpose.DOCUMENTS: _by_subject((*self.roots, *self.intermediates)),
            Purpose.TIME: _by_subject(self.authorities),
        }

    @property
    def authorities(self) -> tuple[Certificate, ...]:
        """All certificates whose statements on revocation may count."""
        return tuple(dict.fromkeys((*self.roots, *self.intermediates, *self.tsa)))

    @property
    def time_authorities(self) -> tuple[bytes, ...]:
        """DER of the certificates that are pinned for time stamps alone."""
        return self._tsa

    def is_anchor(self, certificate: Certificate, purpose: Purpose = Purpose.DOCUMENTS) -> bool:
        """Whether exactly this certificate is pinned for that purpose."""
        return certificate.der in self._roots or (purpose is Purpose.TIME and certificate.der in self._tsa)

    def holds(self, root: Certificate, at: datetime) -> bool:
        """Whether the operator trusts that root for the time ``at``."""
        return not self.windows or self.windows.get(root.sha256, ALWAYS).holds(at)

    def candidates(self, issuer: Name, purpose: Purpose = Purpose.DOCUMENTS) -> tuple[Certificate, ...]:
        """Certificates with that subject, roots first. The name only finds them; signatures decide."""
        return self._by_subject[purpose].get(issuer, ())

    def __reduce__(self) -> tuple[type["TrustStore"], tuple[Any, ...]]:
        return TrustStore, (self._roots, self._intermediates, self._tsa, self.windows)


def _read_all(ders: tuple[bytes, ...]) -> tuple[Certificate, ...]:
    certificates = tuple(map(read_certificate, ders))
    for certificate in certificates:
        certificate.check()
    return certificates


def _by_subject(certificates: Iterable[Certificate]) -> dict[Name, tuple[Certificate, ...]]:
    found: dict[Name, tuple[Certificate, ...]] = {}
    for each in certificates:
        found[each.subject] = (*found.get(each.subject, ()), each)
    return found


def _version(parts: Iterable[tuple[bytes, ...]], windows: Mapping[str, Window]) -> str:
    state = hashlib.sha256()
    for part in parts:
        for der in part:
            state.update(hashlib.sha256(der).digest())
        state.update(b"|")
    for sha256, window in sorted(windows.items()):
        state.update(f"{sha256} {window.start} {window.end}\n".encode())
    return state.hexdigest()
