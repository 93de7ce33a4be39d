"""A demo government certificate authority: root, issuing CA, certificates of units and persons, CRLs.

All times are passed in and timezone-aware; nothing here looks at the clock. Shapes follow RFC 5280 and what real
certificates of the government CA look like: RSA-2048 subscribers by default, key usage digitalSignature +
nonRepudiation, an issuing CA with path length 0.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from mint.keys import KeyKind, PrivateKey, cached_key, new_key

YEAR = timedelta(days=365)
SIGNING_USAGES = ("digital_signature", "content_commitment")
CA_USAGES = ("key_cert_sign", "crl_sign")
Issuer = Literal["root", "issuing"]


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate with its private key and the certificates above it, nearest first, root last."""

    certificate: x509.Certificate
    key: PrivateKey
    chain: tuple[x509.Certificate, ...] = ()

    @property
    def der(self) -> bytes:
        """The certificate's DER bytes."""
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def sha256(self) -> str:
        """Fingerprint as the directory spells it: 64 lower-case hex digits."""
        return self.certificate.fingerprint(hashes.SHA256()).hex()

    @property
    def name(self) -> str:
        """Common name."""
        return str(self.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)


@dataclass(frozen=True, slots=True)
class Revocation:
    """One entry of a CRL."""

    serial: int
    at: datetime
    reason: x509.ReasonFlags = x509.ReasonFlags.key_compromise


class Authority:
    """A two-level hierarchy. ``kind`` is the key kind of everything it issues, unless told otherwise."""

    def __init__(
        self,
        name: str = "Demo Government CA",
        *,
        now: datetime,
        kind: KeyKind = "rsa2048",
        reuse_keys: bool = False,
        digest: hashes.HashAlgorithm | None = None,
    ) -> None:
        """``now`` dates the CA certificates: valid from two years before to 18 years after."""
        self.name = name
        self.now = now
        self.kind = kind
        self.digest = digest or hashes.SHA256()
        self.revoked: dict[Issuer, list[Revocation]] = {"root": [], "issuing": []}
        self._reuse_keys = reuse_keys
        self._slot = 0
        self.root = self._self_signed(f"{name} Root")
        self.issuing = self._subordinate(f"{name} Issuing")

    # certificates

    def unit(self, name: str, **options: Any) -> Identity:
        """Certificate of an organisation; ``options`` as in ``issue``."""
        return self.issue(name, organization="Uỷ ban nhân dân Thành phố Demo", **options)

    def person(self, name: str, organization: str = "Cơ quan Demo", **options: Any) -> Identity:
        """Certificate of an authorised signer; ``options`` as in ``issue``."""
        return self.issue(name, organization=organization, **options)

    def issue(
        self,
        name: str,
        *,
        organization: str = "",
        not_before: datetime | None = None,
        not_after: datetime | None = None,
        usages: Iterable[str] = SIGNING_USAGES,
        extended: Iterable[ObjectIdentifier] = (),
        kind: KeyKind | None = None,
        issuer: Issuer = "issuing",
        key: PrivateKey | None = None,
        digest: hashes.HashAlgorithm | None = None,
        extensions: Iterable[tuple[x509.ExtensionType, bool]] = (),
    ) -> Identity:
        """A subscriber certificate, by default valid from a year before the CA's ``now`` to two years after."""
        above = self.issuing if issuer == "issuing" else self.root
        key = key or self._key(kind or self.kind)
        wanted: list[tuple[x509.ExtensionType, bool]] = [
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (key_usage(usages), True),
            (_authority_key(above.certificate), False),
            *extensions,
        ]
        if extended:
            wanted.append((x509.ExtendedKeyUsage(extended), False))
        certificate = _certificate(
            _subject(name, organization), above.certificate.subject, key, above.key,
            not_before or self.now - YEAR, not_after or self.now + 2 * YEAR, wanted, digest or self.digest,
        )  # fmt: skip
        return Identity(certificate, key, (above.certificate, *above.chain))

    def sub_ca(
        self, name: str, *, path_length: int | None = 0, usages: Iterable[str] = CA_USAGES, ca: bool = True,
        under: Identity | None = None, extensions: Iterable[tuple[x509.ExtensionType, bool]] = (),
    ) -> Identity:  # fmt: skip
        """A further CA certificate under the root, or under any identity: for chains that must not hold."""
        above, key = under or self.root, self._key(self.kind)
        wanted = [*_ca_extensions(key, path_length, usages, ca), (_authority_key(above.certificate), False)]
        certificate = _certificate(
            _subject(name), above.certificate.subject, key, above.key,
            self.now - 2 * YEAR, self.now + 18 * YEAR, [*wanted, *extensions], self.digest,
        )  # fmt: skip
        return Identity(certificate, key, (above.certificate, *above.chain))

    def issue_under(self, ca: Identity, name: str, **options: Any) -> Identity:
        """A subscriber certificate signed by any identity, CA or not; ``options`` as in ``issue``."""
        issuing, self.issuing = self.issuing, ca
        try:
            return self.issue(name, **options)
        finally:
            self.issuing = issuing

    # revocation

    def revoke(
        self, identity: Identity, at: datetime, reason: x509.ReasonFlags = x509.ReasonFlags.key_compromise
    ) -> None:
        """List the certificate in the CRLs made from now on."""
        issuer: Issuer = "issuing" if identity.certificate.issuer == self.issuing.certificate.subject else "root"
        self.revoked[issuer].append(Revocation(identity.certificate.serial_number, at, reason))

    def crl(
        self,
        issuer: Issuer = "issuing",
        *,
        this_update: datetime,
        next_update: datetime,
        number: int = 1,
        revoked: Iterable[Revocation] | None = None,
        extensions: Iterable[tuple[x509.ExtensionType, bool]] = (),
        signed_by: Identity | None = None,
    ) -> bytes:
        """A full CRL in DER. ``signed_by`` puts a wrong key under the right name."""
        above = self.issuing if issuer == "issuing" else self.root
        entries = self.revoked[issuer] if revoked is None else revoked
        return make_crl(above, this_update, next_update, number, entries, extensions, signed_by or above)

    def ocsp(
        self,
        identity: Identity,
        *,
        this_update: datetime,
        next_update: datetime | None,
        revoked_at: datetime | None = None,
        signed_by: Identity | None = None,
        embed: Iterable[Identity] = (),
    ) -> bytes:
        """An OCSP response (DER) about one certificate of the issuing CA, by the CA itself or by ``signed_by``."""
        signer = signed_by or self.issuing
        good = revoked_at is None
        builder = (
            ocsp.OCSPResponseBuilder()
            .add_response(
                cert=identity.certificate,
                issuer=self.issuing.certificate,
                algorithm=hashes.SHA256(),
                cert_status=ocsp.OCSPCertStatus.GOOD if good else ocsp.OCSPCertStatus.REVOKED,
                this_update=this_update,
                next_update=next_update,
                revocation_time=revoked_at,
                revocation_reason=None if good else x509.ReasonFlags.key_compromise,
            )
            .responder_id(ocsp.OCSPResponderEncoding.HASH, signer.certificate)
        )
        certificates = [each.certificate for each in embed]
        if certificates:
            builder = builder.certificates(certificates)
        return builder.sign(signer.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)

    def responder(self, name: str = "Demo OCSP", **options: Any) -> Identity:
        """An OCSP responder that the issuing CA certified; ``options`` as in ``issue``."""
        wanted: dict[str, Any] = {
            "extended": [ExtendedKeyUsageOID.OCSP_SIGNING],
            "extensions": [(x509.OCSPNoCheck(), False)],
            "usages": ("digital_signature",),
        } | options
        return self.issue(name, **wanted)

    def write_trust(
        self,
        folder: Path,
        *,
        this_update: datetime,
        next_update: datetime,
        number: int = 1,
        crls: bool = True,
    ) -> None:
        """Write ``roots/*.pem``, ``intermediates/*.pem`` and ``crls/*.crl`` (DER) as a validator reads them."""
        stem = self.name.lower().replace(" ", "-")
        _write(folder / "roots" / f"{stem}.pem", _pem(self.root))
        _write(folder / "intermediates" / f"{stem}.pem", _pem(self.issuing))
        issuers: tuple[Issuer, ...] = ("root", "issuing") if crls else ()
        for issuer in issuers:
            crl = self.crl(issuer, this_update=this_update, next_update=next_update, number=number)
            _write(folder / "crls" / f"{stem}-{issuer}.crl", crl)

    # inside

    def _key(self, kind: KeyKind) -> PrivateKey:
        self._slot += 1
        return cached_key(kind, self._slot) if self._reuse_keys else new_key(kind)

    def _self_signed(self, name: str) -> Identity:
        key, subject = self._key(self.kind), _subject(name)
        certificate = _certificate(
            subject, subject, key, key, self.now - 2 * YEAR, self.now + 18 * YEAR,
            _ca_extensions(key, None, CA_USAGES, True), self.digest,
        )  # fmt: skip
        return Identity(certificate, key)

    def _subordinate(self, name: str) -> Identity:
        return self.sub_ca(name)


def self_signed(name: str, *, now: datetime, kind: KeyKind = "p256") -> Identity:
    """A person who made his own certificate: right key usages, nobody's signature but his own."""
    key, subject = new_key(kind), _subject(name)
    wanted = [(x509.BasicConstraints(ca=False, path_length=None), True), (key_usage(SIGNING_USAGES), True)]
    certificate = _certificate(subject, subject, key, key, now - YEAR, now + 2 * YEAR, wanted, hashes.SHA256())
    return Identity(certificate, key)


def with_sha1(identity: Identity, issuer: Identity) -> Identity:
    """The same certificate signed with SHA-1, which the library that makes the others refuses to do."""
    structure = asn1_x509.Certificate.load(identity.der)
    name = "sha1_rsa" if isinstance(issuer.key, rsa.RSAPrivateKey) else "sha1_ecdsa"
    algorithm = asn1_x509.SignedDigestAlgorithm({"algorithm": name})
    structure["tbs_certificate"]["signature"] = structure["signature_algorithm"] = algorithm
    body = structure["tbs_certificate"].dump(force=True)
    if isinstance(issuer.key, rsa.RSAPrivateKey):
        structure["signature_value"] = issuer.key.sign(body, padding.PKCS1v15(), hashes.SHA1())
    else:
        structure["signature_value"] = issuer.key.sign(body, ec.ECDSA(hashes.SHA1()))
    certificate = x509.load_der_x509_certificate(structure.dump(force=True))
    return Identity(certificate, identity.key, identity.chain)


def key_usage(usages: Iterable[str]) -> x509.KeyUsage:
    """Key usage extension from names such as ``content_commitment`` (= nonRepudiation)."""
    names = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
        "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    chosen = set(usages)
    return x509.KeyUsage(**{name: name in chosen for name in names})


def make_crl(
    issuer: Identity, this_update: datetime, next_update: datetime, number: int, entries: Iterable[Revocation],
    extensions: Iterable[tuple[x509.ExtensionType, bool]], signed_by: Identity,
) -> bytes:  # fmt: skip
    """A CRL in the name of ``issuer`` with the key of ``signed_by``."""
    revoked = [_revoked(entry) for entry in entries]
    builder = (
        x509.CertificateRevocationListBuilder(revoked_certificates=revoked)  # one by one would be quadratic
        .issuer_name(issuer.certificate.subject)
        .last_update(this_update)
        .next_update(next_update)
        .add_extension(x509.CRLNumber(number), critical=False)
        .add_extension(_authority_key(issuer.certificate), critical=False)
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(signed_by.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def _revoked(entry: Revocation) -> x509.RevokedCertificate:
    builder = x509.RevokedCertificateBuilder().serial_number(entry.serial).revocation_date(entry.at)
    return builder.add_extension(x509.CRLReason(entry.reason), critical=False).build()


def _subject(name: str, organization: str = "") -> x509.Name:
    parts = [(NameOID.COUNTRY_NAME, "VN"), (NameOID.ORGANIZATION_NAME, organization), (NameOID.COMMON_NAME, name)]
    return x509.Name([x509.NameAttribute(oid, text[:64]) for oid, text in parts if text])


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: PrivateKey, signed_by: PrivateKey,
    not_before: datetime, not_after: datetime,
    extensions: Iterable[tuple[x509.ExtensionType, bool]], digest: hashes.HashAlgorithm,
) -> x509.Certificate:  # fmt: skip
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before)
        .not_valid_after(not_after)
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(signed_by, digest)  # type: ignore[arg-type]


def _ca_extensions(
    key: PrivateKey, path_length: int | None, usages: Iterable[str], ca: bool
) -> list[tuple[x509.ExtensionType, bool]]:
    return [
        (x509.BasicConstraints(ca=ca, path_length=path_length if ca else None), True),
        (key_usage(usages), True),
        (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
    ]


def _authority_key(certificate: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(certificate.public_key())  # type: ignore[arg-type]


def _pem(identity: Identity) -> bytes:
    return identity.certificate.public_bytes(serialization.Encoding.PEM)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
