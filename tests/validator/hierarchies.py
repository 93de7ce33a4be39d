"""Random hierarchies of certificates and lists, each from a seed.

Rollover, cross certificates, expiry, revocation, name constraints, policies, and names in several string types. Keys
and shapes are the same for the same seed.
"""

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache

from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID

AT = datetime(2026, 7, 1, 3, tzinfo=UTC)
DAY = timedelta(days=1)
POLICIES = [x509.ObjectIdentifier(f"1.3.6.1.4.1.99999.{number}") for number in range(3)]
ANY_POLICY = x509.ObjectIdentifier("2.5.29.32.0")
USAGES = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
    "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip


@cache
def key(number: int) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(1000 + number, ec.SECP256R1())


@dataclass(frozen=True)
class Authority:
    """A name and a key; several of one name are one CA that changed its key."""

    name: str
    key: int


@dataclass
class Hierarchy:
    """What a relying party holds, and the certificate that it is asked about."""

    seed: int
    roots: list[x509.Certificate] = field(default_factory=list)
    intermediates: list[x509.Certificate] = field(default_factory=list)
    crls: list[x509.CertificateRevocationList] = field(default_factory=list)
    leaf: x509.Certificate | None = None
    features: set[str] = field(default_factory=set)
    listed: dict[str, set[int]] = field(default_factory=dict)
    """Serial numbers on any list, by the plain name of the issuer."""
    issuer_names: dict[int, str] = field(default_factory=dict)
    """Plain name of the issuer, by serial number."""

    @property
    def files(self) -> tuple[list[bytes], list[bytes], list[bytes]]:
        """Roots, intermediates and lists as DER."""
        return (
            [each.public_bytes(Encoding.DER) for each in self.roots],
            [each.public_bytes(Encoding.DER) for each in self.intermediates],
            [each.public_bytes(Encoding.DER) for each in self.crls],
        )


class Maker:
    """Makes one hierarchy."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.hierarchy = Hierarchy(seed)
        self.serial = 1
        self.issued: dict[str, list[int]] = {}
        """Serial numbers by name of the issuer."""
        self.next_key = 0

    def chance(self, percent: int, feature: str = "") -> bool:
        """Whether that happens; its name is kept."""
        happens = self.random.randrange(100) < percent
        if happens and feature:
            self.hierarchy.features.add(feature)
        return happens

    def make(self) -> Hierarchy:
        roots = [self._new(f"Root {number}") for number in range(2 if self.chance(40, "two roots") else 1)]
        for each in roots:
            self.hierarchy.roots.append(self._certificate(each, each, is_root=True))
        above, levels = roots, self.random.choice([1, 1, 2, 2, 3])
        authorities = list(roots)
        for level in range(levels):
            here: list[Authority] = []
            for number in range(2 if self.chance(25, "two CAs of a level") else 1):
                name = f"CA {level}{number}"
                keys = 2 if self.chance(35, "rollover") else 1
                here += [self._new(name) for _ in range(keys)]
            for each in here:
                parents = self.random.sample(above, k=2 if len(above) > 1 and self.chance(40, "cross") else 1)
                for parent in parents:
                    for _ in range(2 if self.chance(20, "renewed") else 1):
                        self.hierarchy.intermediates.append(self._certificate(each, parent))
            if len({each.key for each in here}) > 1 and self.chance(40, "self-issued"):
                old, new = self.random.sample(here, k=2)
                if old.name == new.name:
                    self.hierarchy.intermediates.append(self._certificate(new, old))
            authorities += here
            above = here
        signer = self.random.choice(above)
        self.hierarchy.leaf = self._leaf(signer)
        self._lists(authorities)
        self.random.shuffle(self.hierarchy.intermediates)
        self.random.shuffle(self.hierarchy.crls)
        return self.hierarchy

    def _new(self, name: str) -> Authority:
        self.next_key += 1
        return Authority(name, self.next_key)

    def _name(self, text: str, *, may_differ: bool = True) -> x509.Name:
        """The same name, now and then in another string type, or with other blanks and case."""
        kind = _ASN1Type.UTF8String
        if may_differ and self.chance(8, "string type"):
            kind = self.random.choice([_ASN1Type.PrintableString, _ASN1Type.BMPString, _ASN1Type.T61String])
        if may_differ and kind is not _ASN1Type.BMPString and self.chance(4, "case and blanks"):
            text = f" {text.upper().replace(' ', '  ')}"
        return x509.Name(
            [
                x509.NameAttribute(NameOID.COUNTRY_NAME, "VN"),
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "City", _type=kind),
                x509.NameAttribute(NameOID.COMMON_NAME, text, _type=kind),
            ]
        )

    def _period(self) -> tuple[datetime, datetime]:
        if self.chance(5, "expired"):
            return AT - 900 * DAY, AT - DAY
        if self.chance(2, "not yet valid"):
            return AT + DAY, AT + 900 * DAY
        return AT - 400 * DAY, AT + 900 * DAY

    def _certificate(self, subject: Authority, issuer: Authority, *, is_root: bool = False) -> x509.Certificate:
        begin, end = (AT - 3000 * DAY, AT + 3000 * DAY) if is_root else self._period()
        builder = self._builder(subject.name, issuer.name, subject.key, begin, end, plain=is_root)
        is_ca = is_root or not self.chance(3, "no CA")
        length = (
            None if is_root or not is_ca or not self.chance(15, "path length") else self.random.choice([0, 0, 1, 2])
        )
        builder = builder.add_extension(x509.BasicConstraints(is_ca, length), critical=True)
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key(subject.key).public_key()), False)
        builder = builder.add_extension(_key_of(issuer), critical=False)
        usages = {"key_cert_sign", "crl_sign"}
        if not is_root:
            usages -= {"key_cert_sign"} if self.chance(2, "may not certify") else set()
            usages -= {"crl_sign"} if self.chance(4, "may not sign lists") else set()
        builder = builder.add_extension(_usage(usages or {"digital_signature"}), critical=True)
        if not is_root:
            builder = self._policies(self._constraints(builder))
        return builder.sign(key(issuer.key), hashes.SHA256())

    def _leaf(self, signer: Authority) -> x509.Certificate:
        begin, end = self._period()
        builder = self._builder("Lan", signer.name, 0, begin, end)
        builder = builder.add_extension(x509.BasicConstraints(False, None), critical=True)
        builder = builder.add_extension(_key_of(signer), critical=False)
        builder = builder.add_extension(_usage({"digital_signature", "content_commitment"}), critical=True)
        if self.chance(30, "alternative name"):
            names: list[x509.GeneralName] = [x509.DNSName(self.random.choice(["tphcm.gov.vn", "hanoi.gov.vn"]))]
            if self.chance(50):
                names.append(x509.RFC822Name(self.random.choice(["lan@tphcm.gov.vn", "lan@hanoi.gov.vn"])))
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        if self.chance(40, "policy of the leaf"):
            chosen = self.random.sample([*POLICIES, ANY_POLICY], k=self.random.choice([1, 1, 2]))
            stated = [x509.PolicyInformation(each, None) for each in chosen]
            builder = builder.add_extension(x509.CertificatePolicies(stated), critical=self.chance(30))
        return builder.sign(key(signer.key), hashes.SHA256())

    def _builder(
        self, subject: str, issuer: str, number: int, begin: datetime, end: datetime, *, plain: bool = False
    ) -> x509.CertificateBuilder:
        self.serial += 1
        if not plain:  # nobody lists a root
            self.issued.setdefault(issuer, []).append(self.serial)
        self.hierarchy.issuer_names[self.serial] = issuer
        return (
            x509.CertificateBuilder()
            .subject_name(self._name(subject, may_differ=not plain))
            .issuer_name(self._name(issuer, may_differ=not plain))
            .public_key(key(number).public_key())
            .serial_number(self.serial)
            .not_valid_before(begin)
            .not_valid_after(end)
        )

    def _constraints(self, builder: x509.CertificateBuilder) -> x509.CertificateBuilder:
        if not self.chance(12, "name constraints"):
            return builder
        name: x509.GeneralName = self.random.choice(
            [
                x509.DirectoryName(x509.Name([x509.NameAttribute(NameOID.COUNTRY_NAME, "VN")])),
                x509.DirectoryName(x509.Name([x509.NameAttribute(NameOID.COUNTRY_NAME, "LA")])),
                x509.DNSName("gov.vn"),
                x509.DNSName("tphcm.gov.vn"),
                x509.RFC822Name("tphcm.gov.vn"),
                x509.RFC822Name(".gov.vn"),
            ]
        )
        is_permitted = self.chance(70)
        limits = x509.NameConstraints([name] if is_permitted else None, None if is_permitted else [name])
        return builder.add_extension(limits, critical=True)

    def _policies(self, builder: x509.CertificateBuilder) -> x509.CertificateBuilder:
        if self.chance(45, "policies"):
            chosen = self.random.sample([*POLICIES, ANY_POLICY], k=self.random.choice([1, 1, 2]))
            stated = [x509.PolicyInformation(each, None) for each in chosen]
            builder = builder.add_extension(x509.CertificatePolicies(stated), critical=False)
            named = [each for each in chosen if each != ANY_POLICY]
            if named and self.chance(25, "mapping"):
                value = _mapping(named[0], self.random.choice(POLICIES))
                builder = builder.add_extension(value, critical=False)
        if self.chance(12, "policy required"):
            limits = x509.PolicyConstraints(self.random.choice([0, 0, 1, 2]), self.random.choice([None, None, 0, 1]))
            builder = builder.add_extension(limits, critical=True)
        if self.chance(8, "any policy inhibited"):
            builder = builder.add_extension(x509.InhibitAnyPolicy(self.random.choice([0, 1])), critical=True)
        return builder

    def _lists(self, authorities: list[Authority]) -> None:
        """Of most CAs a list, signed by one of its keys; of some two, of a few none."""
        for name in sorted({each.name for each in authorities}):
            keys = [each for each in authorities if each.name == name]
            if self.chance(5, "no list"):
                continue
            signers = keys if len(keys) > 1 and self.chance(50, "a list of each key") else [keys[-1]]
            for number, signer in enumerate(signers, start=1):
                self.hierarchy.crls.append(self._list(signer, number))
            if self.chance(10, "older list as well"):
                self.hierarchy.crls.append(self._list(keys[0], 0, age=20))

    def _list(self, signer: Authority, number: int, age: int = 1) -> x509.CertificateRevocationList:
        begin, end = AT - age * DAY, AT + 30 * DAY
        if self.chance(6, "list out of date"):
            begin, end = AT - 60 * DAY, AT - 10 * DAY
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self._name(signer.name))
            .last_update(begin)
            .next_update(end)
            .add_extension(x509.CRLNumber(number), critical=False)
            .add_extension(_key_of(signer), critical=False)
        )
        for serial in self.issued.get(signer.name, []):
            if self.chance(4, "revoked"):
                entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(begin - 5 * DAY)
                builder = builder.add_revoked_certificate(entry.build())
                self.hierarchy.listed.setdefault(signer.name, set()).add(serial)
        return builder.sign(key(signer.key), hashes.SHA256())


def _key_of(issuer: Authority) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key(issuer.key).public_key())


def _usage(usages: set[str]) -> x509.KeyUsage:
    return x509.KeyUsage(**{name: name in usages for name in USAGES})


def _mapping(above: x509.ObjectIdentifier, below: x509.ObjectIdentifier) -> x509.UnrecognizedExtension:
    """Policy mappings, which the library that makes certificates does not write."""
    pair = {"issuer_domain_policy": above.dotted_string, "subject_domain_policy": below.dotted_string}
    return x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.33"), asn1_x509.PolicyMappings([pair]).dump())


def hierarchy(seed: int) -> Hierarchy:
    return Maker(seed).make()
