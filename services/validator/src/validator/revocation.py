"""(7) Revocation: an index over CRLs that are supplied locally. Never touches the network.

Each CRL is read and its signature verified once, when it is loaded (RFC 5280 §5, §6.3); a document then costs one
look into a set of serial numbers a certificate. Only full CRLs with everything in scope count: delta, indirect and
partial lists are left out, so that they can never make a revoked certificate look good.
"""

import hashlib
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import CRLEntryExtensionOID, ExtensionOID

from validator.checks.algorithms import weakness_of_hash, weakness_of_key
from validator.policy import Policy

UNDERSTOOD = frozenset({ExtensionOID.AUTHORITY_KEY_IDENTIFIER, ExtensionOID.CRL_NUMBER, ExtensionOID.FRESHEST_CRL})
UNDERSTOOD_IN_ENTRIES = frozenset({CRLEntryExtensionOID.CRL_REASON, CRLEntryExtensionOID.INVALIDITY_DATE})

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Crl:
    """One authentic CRL."""

    issuer: str
    """Key of the CA that signed it, see ``issuer_key``."""
    sha256: str
    number: int | None
    this_update: datetime
    next_update: datetime
    serials: frozenset[int]
    for_leaves: bool = True
    for_authorities: bool = True


class Revocation:
    """All authentic CRLs by issuer. Equal content has equal ``version``."""

    def __init__(self, crls: Iterable[Crl] = ()) -> None:
        self.crls = tuple(sorted(crls, key=lambda crl: (crl.issuer, crl.this_update, crl.number or 0)))
        self.version = hashlib.sha256("".join(sorted(crl.sha256 for crl in self.crls)).encode()).hexdigest()

    def newest(self, issuer: x509.Certificate, *, authority: bool, at: datetime) -> Crl | None:
        """The newest CRL of that CA issued by ``at``, for CA certificates or for all others."""
        key = issuer_key(issuer)
        fitting = [
            crl
            for crl in self.crls
            if crl.issuer == key and (crl.for_authorities if authority else crl.for_leaves) and crl.this_update <= at
        ]
        return fitting[-1] if fitting else None


def issuer_key(certificate: x509.Certificate) -> str:
    """A CA is its subject and its key: a renewed certificate with both the same is the same CA."""
    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(certificate.subject.public_bytes() + b"\0" + key).hexdigest()


def authentic_crls(
    authorities: Iterable[x509.Certificate], files: Iterable[tuple[str, bytes]], policy: Policy
) -> list[Crl]:
    """The usable CRLs among files of (name, PEM or DER); the others are left out with a line in the log."""
    known, found = tuple(authorities), []
    for name, data in files:
        try:
            found.append(read_crl(known, data, policy))
        except ValueError as error:
            log.warning("CRL %s not used: %s", name, error)
    return found


def read_crl(authorities: Iterable[x509.Certificate], data: bytes, policy: Policy) -> Crl:
    """One CRL, verified. Raises ``ValueError`` for everything that keeps it from being used."""
    pem = b"-----BEGIN" in data
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
        serials=frozenset(_serials(crl)),
        for_leaves=leaves,
        for_authorities=others,
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


def _serials(crl: x509.CertificateRevocationList) -> Iterable[int]:
    for entry in crl:
        for extension in entry.extensions:
            if extension.critical and extension.oid not in UNDERSTOOD_IN_ENTRIES:
                raise ValueError(f"critical extension in an entry: {extension.oid.dotted_string}")
        yield entry.serial_number


def _number(crl: x509.CertificateRevocationList) -> int | None:
    try:
        return crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    except x509.ExtensionNotFound:
        return None
