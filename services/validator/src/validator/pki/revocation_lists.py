"""All revocation lists in use, by issuer. A document costs one look-up of a serial number per certificate."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from validator.cms.certificate import Certificate
from validator.cms.names import Name
from validator.pki.certificates import piece
from validator.pki.crl import read_crl
from validator.pki.pem import LIST, blocks
from validator.pki.statement import Crl
from validator.policy import Policy

REMEMBERED_LISTS = 64

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
        distinct = {crl.sha256: crl for crl in crls}.values()
        self.crls = tuple(
            sorted(distinct, key=lambda crl: (crl.issuer.key, crl.this_update, crl.number or 0, crl.sha256))
        )
        self.version = hashlib.sha256("".join(sorted(crl.sha256 for crl in self.crls)).encode()).hexdigest()
        self._by_issuer: dict[str, tuple[Crl, ...]] = {}
        for crl in self.crls:
            self._by_issuer[crl.issuer.key] = (*self._by_issuer.get(crl.issuer.key, ()), crl)
        self._memory = _Memory()

    def of(self, issuer: Name) -> tuple[Crl, ...]:
        """The lists of that issuer, oldest first."""
        return self._by_issuer.get(issuer.key, ())

    @property
    def memory(self) -> RememberedStatuses:
        """Statuses of certificates that rest on these lists; see ``validator.pki.status``."""
        return self._memory.statuses


def _ignore(_name: str, _cause: str) -> None:
    """For callers who do not ask."""


def authentic_crls(
    authorities: Iterable[Certificate],
    files: Iterable[tuple[str, bytes]],
    policy: Policy,
    left_out: Callable[[str, str], None] = _ignore,
) -> list[Crl]:
    """The usable lists among files of (name, PEM or DER).

    ``left_out``: called with name and cause of each that is not used, or only for what it lists.
    """
    known, crls = tuple(authorities), []
    held = hashlib.sha256(repr(policy).encode() + b"".join(sorted(each.der for each in known))).hexdigest()
    for name, data in files:
        for place, der in lists_in(name, data, policy, left_out):
            with piece(lambda cause, name=name + place: left_out(name, cause)):  # type: ignore[misc]
                crl = replace(_read(known, der, held, policy), source=name + place)
                crls.append(crl)
                if defect := "breaks a rule of its form" if crl.is_malformed else crl.obstacle:
                    left_out(name + place, f"used for what it lists alone: {defect}")
    return crls


def lists_in(
    name: str, data: bytes, policy: Policy, left_out: Callable[[str, str], None] = _ignore
) -> list[tuple[str, bytes]]:
    """What may be lists in a file, PEM or DER, each with what to call it behind the file's name."""
    found: list[tuple[str, bytes]] = []
    with piece(lambda cause: left_out(name, cause)):
        found += blocks(data, LIST, policy.cms)
    return found


def _read(known: tuple[Certificate, ...], der: bytes, held: str, policy: Policy) -> Crl:
    key = (hashlib.sha256(der).hexdigest(), held)
    if key not in _read_before:
        if len(_read_before) >= REMEMBERED_LISTS:
            _read_before.clear()
        _read_before[key] = read_crl(known, der, policy)
    return _read_before[key]


_read_before: dict[tuple[str, str], Crl] = {}
"""Lists by the digests of their bytes and of the CAs we hold: an unchanged list is not read again."""
