"""All revocation lists in use, by issuer. A document costs one look-up of a serial number per certificate."""

import hashlib
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cryptography import x509

from validator.pki.certificates import issuer_key
from validator.pki.crl import Crl, read_crl
from validator.policy import Policy

REMEMBERED_LISTS = 64

log = logging.getLogger(__name__)

RememberedStatuses = dict[tuple[str, ...], tuple[datetime, datetime, Any]]
"""Statuses of certificates by key: (from, until, chain and statements)."""


@dataclass(frozen=True, slots=True)
class _Memory:
    """Statuses remembered while these lists are in use. They do not cross process borders."""

    statuses: RememberedStatuses = field(default_factory=dict)

    def __reduce__(self) -> tuple[type["_Memory"], tuple[()]]:
        return _Memory, ()


class RevocationLists:
    """All authentic lists by issuer. Equal content has equal ``version``."""

    def __init__(self, crls: Iterable[Crl] = ()) -> None:
        self.crls = tuple(sorted(crls, key=lambda crl: (crl.issuer, crl.this_update, crl.number or 0)))
        self.version = hashlib.sha256("".join(sorted(crl.sha256 for crl in self.crls)).encode()).hexdigest()
        self._by_issuer: dict[str, tuple[Crl, ...]] = {}
        for crl in self.crls:
            self._by_issuer[crl.issuer] = (*self._by_issuer.get(crl.issuer, ()), crl)
        self._memory = _Memory()

    def about(self, issuer: str) -> tuple[Crl, ...]:
        """The lists of that CA, oldest first. ``issuer``: as ``issuer_key`` gives it."""
        return self._by_issuer.get(issuer, ())

    @property
    def memory(self) -> RememberedStatuses:
        """Statuses of certificates that rest on these lists; see ``validator.pki.status``."""
        return self._memory.statuses


def authentic_crls(
    authorities: Iterable[x509.Certificate], files: Iterable[tuple[str, bytes]], policy: Policy
) -> list[Crl]:
    """The usable lists among files of (name, PEM or DER). The others are left out with a line in the log."""
    known, crls = tuple(authorities), []
    held = hashlib.sha256(repr(policy).encode() + b"".join(issuer_key(each).encode() for each in known)).hexdigest()
    for name, data in files:
        key = (hashlib.sha256(data).hexdigest(), held)
        try:
            if key not in _read_before:
                if len(_read_before) >= REMEMBERED_LISTS:
                    _read_before.clear()
                _read_before[key] = read_crl(known, data, policy)
            crls.append(_read_before[key])
        except ValueError as error:
            log.warning("CRL %s not used: %s", name, error)
    return crls


_read_before: dict[tuple[str, str], Crl] = {}
"""Lists by the digests of their bytes and of the CAs we hold: an unchanged list is not read again."""
