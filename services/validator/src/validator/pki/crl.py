"""One revocation list (RFC 5280 §5): read and verified once, then asked by serial number.

Only full lists with everything in scope count. Delta, indirect and partial lists are left out, so that they can never
make a revoked certificate look good. Nothing is fetched here.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import CRLEntryExtensionOID, ExtensionOID

from validator.pki.algorithms import weakness_of_hash, weakness_of_key
from validator.pki.certificates import issuer_key
from validator.policy import Policy
from validator.report.vocabulary import StatusKind

UNDERSTOOD = frozenset({ExtensionOID.AUTHORITY_KEY_IDENTIFIER, ExtensionOID.CRL_NUMBER, ExtensionOID.FRESHEST_CRL})
UNDERSTOOD_IN_ENTRIES = frozenset({CRLEntryExtensionOID.CRL_REASON, CRLEntryExtensionOID.INVALIDITY_DATE})
PEM, PEM_WITHIN = b"-----BEGIN", 100
"""A PEM file begins so within these first bytes."""


@dataclass(frozen=True, slots=True)
class RevokedEntry:
    """One revoked certificate."""

    since: datetime
    """Revocation date, or the earlier date at which the CA says the key may have been lost."""
    on_hold: bool = False
    """A hold may be lifted; every other revocation is for good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crl:
    """One authentic list."""

    issuer: str
    """The CA that signed it, as ``issuer_key`` gives it."""
    sha256: str
    number: int | None
    this_update: datetime
    next_update: datetime | None
    entries: Mapping[int, tuple[int, bool]]
    """By serial number: seconds since 1970 of ``RevokedEntry.since``, and ``RevokedEntry.on_hold``."""
    for_leaves: bool = True
    for_authorities: bool = True
    kind: StatusKind = StatusKind.CRL
    embedded: bool = False
    """Taken out of the document, not of the trust folder."""
    known_at: datetime | None = None
    """When it is proved to have existed; None = now."""

    @property
    def serials(self) -> frozenset[int]:
        """Serial numbers of the revoked certificates."""
        return frozenset(self.entries)

    def find(self, serial: int) -> RevokedEntry | None:
        """The entry of a serial number; None = not revoked."""
        entry = self.entries.get(serial)
        return RevokedEntry(datetime.fromtimestamp(entry[0], UTC), entry[1]) if entry else None

    def speaks_of(self, certificate: x509.Certificate, *, authority: bool) -> bool:  # noqa: ARG002
        """Whether the certificate, a CA's (``authority``) or a leaf, is in its scope."""
        return self.for_authorities if authority else self.for_leaves


def read_crl(
    authorities: Iterable[x509.Certificate],
    data: bytes,
    policy: Policy,
    *,
    embedded: bool = False,
    known_at: datetime | None = None,
) -> Crl:
    """One list, verified. Raises ``ValueError`` for everything that keeps it from being used.

    ``authorities``: the CAs that may have signed it. ``data``: PEM or DER.
    """
    crl = x509.load_pem_x509_crl(data) if PEM in data[:PEM_WITHIN] else x509.load_der_x509_crl(data)
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
    # (7.1) Signed by a CA of the trust folder, whose key usage allows it, with an algorithm that counts.
    if weakness := weakness_of_hash(crl.signature_hash_algorithm, policy):
        raise ValueError(f"signed with {weakness}")
    for authority in authorities:
        if authority.subject == crl.issuer and _is_signed_by(authority, crl, policy):
            return authority
    raise ValueError("not signed by a CA we hold")


def _is_signed_by(authority: x509.Certificate, crl: x509.CertificateRevocationList, policy: Policy) -> bool:
    try:
        usage = authority.extensions.get_extension_for_class(x509.KeyUsage).value
        key = authority.public_key()
        return usage.crl_sign and not weakness_of_key(key, policy) and crl.is_signature_valid(key)  # type: ignore[arg-type]
    except (x509.ExtensionNotFound, ValueError, TypeError):
        return False


def _scope(crl: x509.CertificateRevocationList) -> tuple[bool, bool]:
    """(7.2) Whether it is for leaves, and for CA certificates. Raises ``ValueError`` for an incomplete list."""
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
    entries: dict[int, tuple[int, bool]] = {}
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
        entries[entry.serial_number] = (int(since.timestamp()), on_hold)
    return entries


def _number(crl: x509.CertificateRevocationList) -> int | None:
    try:
        return crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    except x509.ExtensionNotFound:
        return None
