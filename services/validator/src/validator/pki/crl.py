"""(7) Revocation: what the CAs say about their certificates, from lists supplied locally. Never touches the network.

Each CRL is read and its signature verified once, when it is loaded (RFC 5280 §5, §6.3); a document then costs one
look-up of a serial number a certificate, whatever the length of the list. Only full CRLs with everything in scope
count: delta, indirect and partial lists are left out, so that they can never make a revoked certificate look good.
"""

import hashlib
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import CRLEntryExtensionOID, ExtensionOID

from validator.pki.algorithms import weakness_of_hash, weakness_of_key
from validator.pki.certificates import issuer_key
from validator.policy import Policy
from validator.report.status_kind import StatusKind

UNDERSTOOD = frozenset({ExtensionOID.AUTHORITY_KEY_IDENTIFIER, ExtensionOID.CRL_NUMBER, ExtensionOID.FRESHEST_CRL})
UNDERSTOOD_IN_ENTRIES = frozenset({CRLEntryExtensionOID.CRL_REASON, CRLEntryExtensionOID.INVALIDITY_DATE})

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Entry:
    """One revoked certificate."""

    since: datetime
    """Revocation date, or the earlier date at which the CA says the key may have been lost."""
    on_hold: bool = False
    """A hold may be lifted; every other revocation is for good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crl:
    """One authentic CRL."""

    issuer: str
    """Key of the CA that signed it, see ``issuer_key``."""
    sha256: str
    number: int | None
    this_update: datetime
    next_update: datetime | None
    entries: Mapping[int, tuple[int, bool]]
    """Serial number to (seconds since 1970 of ``Entry.since``, ``Entry.on_hold``)."""
    for_leaves: bool = True
    for_authorities: bool = True
    kind: StatusKind = StatusKind.CRL
    embedded: bool = False
    """Found in the document, not in the trust folder."""
    known_at: datetime | None = None
    """When it is proved to have existed; None = now."""

    @property
    def serials(self) -> frozenset[int]:
        """Serial numbers of the revoked certificates."""
        return frozenset(self.entries)

    def find(self, serial: int) -> Entry | None:
        """What it says about a serial number; None = not revoked."""
        found = self.entries.get(serial)
        return Entry(datetime.fromtimestamp(found[0], UTC), found[1]) if found else None

    def speaks_of(self, certificate: x509.Certificate, *, authority: bool) -> bool:  # noqa: ARG002
        """Whether certificates of that kind are in its scope."""
        return self.for_authorities if authority else self.for_leaves


Remembered = dict[tuple[str, ...], tuple[datetime, datetime, Any]]


@dataclass(frozen=True, slots=True)
class _Memory:
    """Verdicts on certificates, kept as long as these lists are in use; not part of what crosses process borders."""

    kept: Remembered = field(default_factory=dict)

    def __reduce__(self) -> tuple[type["_Memory"], tuple[()]]:
        return _Memory, ()


class Revocation:
    """All authentic CRLs by issuer. Equal content has equal ``version``."""

    def __init__(self, crls: Iterable[Crl] = ()) -> None:
        self.crls = tuple(sorted(crls, key=lambda crl: (crl.issuer, crl.this_update, crl.number or 0)))
        self.version = hashlib.sha256("".join(sorted(crl.sha256 for crl in self.crls)).encode()).hexdigest()
        self._by_issuer: dict[str, tuple[Crl, ...]] = {}
        for crl in self.crls:
            self._by_issuer[crl.issuer] = (*self._by_issuer.get(crl.issuer, ()), crl)
        self._memory = _Memory()

    def about(self, issuer: str) -> tuple[Crl, ...]:
        """The CRLs of that CA, oldest first."""
        return self._by_issuer.get(issuer, ())

    @property
    def memory(self) -> Remembered:
        """Verdicts on certificates that hold for a time: key to (from, until, verdict)."""
        return self._memory.kept


def authentic_crls(
    authorities: Iterable[x509.Certificate], files: Iterable[tuple[str, bytes]], policy: Policy
) -> list[Crl]:
    """The usable CRLs among files of (name, PEM or DER); the others are left out with a line in the log."""
    known, found = tuple(authorities), []
    held = hashlib.sha256(repr(policy).encode() + b"".join(issuer_key(each).encode() for each in known)).hexdigest()
    for name, data in files:
        key = (hashlib.sha256(data).hexdigest(), held)
        try:
            if key not in _read_before:
                if len(_read_before) >= KEPT_LISTS:
                    _read_before.clear()
                _read_before[key] = read_crl(known, data, policy)
            found.append(_read_before[key])
        except ValueError as error:
            log.warning("CRL %s not used: %s", name, error)
    return found


KEPT_LISTS = 64
_read_before: dict[tuple[str, str], Crl] = {}
"""Lists by their bytes and the CAs we hold: one that has not changed is not read again when another one has."""


def read_crl(
    authorities: Iterable[x509.Certificate],
    data: bytes,
    policy: Policy,
    *,
    embedded: bool = False,
    known_at: datetime | None = None,
) -> Crl:
    """One CRL, verified. Raises ``ValueError`` for everything that keeps it from being used."""
    pem = b"-----BEGIN" in data[:100]
    crl = x509.load_pem_x509_crl(data) if pem else x509.load_der_x509_crl(data)
    issuer = _issuer(authorities, crl, policy)
    leaves, others = _scope(crl)
    if crl.next_update_utc is None:
        raise ValueError("no nextUpdate")
    return Crl(
        issuer=issuer_key(issuer),
        sha256=hashlib.sha256(crl.public_bytes(Encoding.DER)).hexdigest(),
        number=_number(crl),
        this_update=crl.last_update_utc,
        next_update=crl.next_update_utc,
        entries=_entries(crl),
        for_leaves=leaves,
        for_authorities=others,
        embedded=embedded,
        known_at=known_at,
    )


def _issuer(
    authorities: Iterable[x509.Certificate], crl: x509.CertificateRevocationList, policy: Policy
) -> x509.Certificate:
    # (7.1) Signed by a CA we hold, whose key usage allows it, with an algorithm that counts.
    if weakness := weakness_of_hash(crl.signature_hash_algorithm, policy):
        raise ValueError(f"signed with {weakness}")
    for authority in authorities:
        if authority.subject == crl.issuer and _signed_by(authority, crl, policy):
            return authority
    raise ValueError("not signed by a CA we hold")


def _signed_by(authority: x509.Certificate, crl: x509.CertificateRevocationList, policy: Policy) -> bool:
    try:
        usage = authority.extensions.get_extension_for_class(x509.KeyUsage).value
        key = authority.public_key()
        return usage.crl_sign and not weakness_of_key(key, policy) and crl.is_signature_valid(key)  # type: ignore[arg-type]
    except (x509.ExtensionNotFound, ValueError, TypeError):
        return False


def _scope(crl: x509.CertificateRevocationList) -> tuple[bool, bool]:
    """(7.2) For leaves, for CA certificates. Delta, indirect, partial or unknown critical extensions: not usable."""
    leaves = authorities = True
    for extension in crl.extensions:
        value = extension.value
        if isinstance(value, x509.IssuingDistributionPoint):
            if value.indirect_crl or value.only_some_reasons or value.only_contains_attribute_certs:
                raise ValueError("indirect or partial")
            if value.full_name or value.relative_name:
                raise ValueError("for one distribution point only")
            leaves = not value.only_contains_ca_certs
            authorities = not value.only_contains_user_certs
        elif extension.oid == ExtensionOID.DELTA_CRL_INDICATOR:
            raise ValueError("delta")
        elif extension.critical and extension.oid not in UNDERSTOOD:
            raise ValueError(f"critical extension {extension.oid.dotted_string}")
    return leaves, authorities


def _entries(crl: x509.CertificateRevocationList) -> dict[int, tuple[int, bool]]:
    found: dict[int, tuple[int, bool]] = {}
    for entry in crl:
        since, on_hold = entry.revocation_date_utc, False
        for extension in entry.extensions:
            if extension.critical and extension.oid not in UNDERSTOOD_IN_ENTRIES:
                raise ValueError(f"critical extension in an entry: {extension.oid.dotted_string}")
            value = extension.value
            if isinstance(value, x509.CRLReason):
                on_hold = value.reason is x509.ReasonFlags.certificate_hold
            elif isinstance(value, x509.InvalidityDate):
                since = min(since, value.invalidity_date_utc)
        found[entry.serial_number] = (int(since.timestamp()), on_hold)
    return found


def _number(crl: x509.CertificateRevocationList) -> int | None:
    try:
        return crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    except x509.ExtensionNotFound:
        return None
