"""Name constraints and certificate policies: chains of three, made by hand."""

from datetime import timedelta
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from common.domain.reason import Reason
from validator.cms.certificate import read_certificate
from validator.cms.general_names import GeneralName, NameForm
from validator.pki.chain_search import find_valid_chain
from validator.pki.evidence import Evidence
from validator.pki.name_constraints import WITHIN
from validator.pki.revocation_lists import RevocationLists
from validator.pki.trust_store import TrustStore
from validator.policy import DEFAULT

from .conftest import NOW

KEYS = [ec.generate_private_key(ec.SECP256R1()) for _ in range(3)]
USAGE = dict.fromkeys(
    ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
     "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"), False
)  # fmt: skip
SIGNER = x509.KeyUsage(**USAGE | {"content_commitment": True})
CA = x509.KeyUsage(**USAGE | {"key_cert_sign": True})


def name(*parts: tuple[x509.ObjectIdentifier, str]) -> x509.Name:
    return x509.Name([x509.NameAttribute(oid, text) for oid, text in parts])


C, ORG, CN, MAIL = NameOID.COUNTRY_NAME, NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME, NameOID.EMAIL_ADDRESS
URI = x509.UniformResourceIdentifier
ONE_ID = x509.ObjectIdentifier("1.3.6.1.4.1.1")
CITY = ((C, "VN"), (ORG, "UBND Thành phố"))
ROOT, ISSUING, LEAF = name((C, "VN"), (CN, "Root")), name((C, "VN"), (CN, "Issuing")), name(*CITY, (CN, "Lan"))


def certificate(subject: x509.Name, issuer: x509.Name, depth: int, *extensions: Any) -> bytes:
    """``depth``: 0 = root, 1 = issuing, 2 = leaf."""
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(KEYS[depth].public_key())
    builder = builder.serial_number(depth + 1).not_valid_before(NOW - timedelta(1)).not_valid_after(NOW + timedelta(1))
    builder = builder.add_extension(x509.BasicConstraints(depth < 2, None), critical=True)
    builder = builder.add_extension(CA if depth < 2 else SIGNER, critical=True)
    for extension in extensions:
        builder = builder.add_extension(extension, critical=isinstance(extension, CRITICAL))
    return builder.sign(KEYS[max(0, depth - 1)], hashes.SHA256()).public_bytes(Encoding.DER)


CRITICAL = x509.NameConstraints | x509.PolicyConstraints | x509.InhibitAnyPolicy


def holds(issuing: list[Any], leaf: list[Any], subject: x509.Name = LEAF, root: list[Any] | None = None) -> bool:
    """Whether the chain stands; ``issuing`` and ``leaf``: extensions."""
    trust = TrustStore([certificate(ROOT, ROOT, 0, *root or [])], [certificate(ISSUING, ROOT, 1, *issuing)])
    signer = read_certificate(certificate(subject, ISSUING, 2, *leaf))
    result = find_valid_chain(signer, Evidence(trust, RevocationLists(), DEFAULT, NOW), NOW, "A")
    assert result.fault is not None  # there are no lists
    assert result.fault.reason in (Reason.E_SIG_UNTRUSTED_CA, Reason.E_SIG_REVOCATION_UNKNOWN)
    return len(result.chain) == 3


def permitted(*names: x509.GeneralName) -> x509.NameConstraints:
    return x509.NameConstraints(permitted_subtrees=names, excluded_subtrees=None)


def excluded(*names: x509.GeneralName) -> x509.NameConstraints:
    return x509.NameConstraints(permitted_subtrees=None, excluded_subtrees=names)


def directory(*parts: tuple[x509.ObjectIdentifier, str]) -> x509.DirectoryName:
    return x509.DirectoryName(name(*parts))


def also(*names: x509.GeneralName) -> list[Any]:
    return [x509.SubjectAlternativeName(names)]


MAILED = name(*CITY, (CN, "Lan"), (MAIL, "lan@tphcm.gov.vn"))


@pytest.mark.parametrize(
    ("limits", "more", "expected"),
    [
        (permitted(directory(*CITY)), [], True),
        (permitted(directory((C, "vn"), (ORG, "ubnd  THÀNH phố"))), [], True),
        (permitted(directory((C, "VN"))), [], True),
        (permitted(directory((C, "LA"))), [], False),
        (permitted(directory((ORG, "UBND Thành phố"))), [], False),
        (permitted(directory((C, "LA")), directory((C, "VN"))), [], True),
        (permitted(directory(*CITY, (CN, "Lan"), (CN, "Lan"))), [], False),
        (permitted(directory(*CITY)), also(directory((C, "LA"))), False),
        (excluded(directory(*CITY)), [], False),
        (excluded(directory((C, "LA"))), [], True),
        (permitted(x509.DNSName("gov.vn")), [], True),
        (permitted(x509.DNSName("gov.vn")), also(x509.DNSName("tphcm.GOV.vn")), True),
        (permitted(x509.DNSName("gov.vn")), also(x509.DNSName("gov.vn")), True),
        (permitted(x509.DNSName(".gov.vn")), also(x509.DNSName("gov.vn")), False),
        (permitted(x509.DNSName("gov.vn")), also(x509.DNSName("mygov.vn")), False),
        (excluded(x509.DNSName("")), also(x509.DNSName("a.vn")), False),
        (permitted(x509.RFC822Name("tphcm.gov.vn")), also(x509.RFC822Name("lan@tphcm.gov.vn")), True),
        (permitted(x509.RFC822Name("tphcm.gov.vn")), also(x509.RFC822Name("lan@x.tphcm.gov.vn")), False),
        (permitted(x509.RFC822Name(".gov.vn")), also(x509.RFC822Name("lan@tphcm.gov.vn")), True),
        (permitted(x509.RFC822Name("lan@gov.vn")), also(x509.RFC822Name("mai@gov.vn")), False),
        (permitted(x509.RFC822Name("lan@gov.vn")), also(x509.RFC822Name("lan@GOV.vn")), True),
        (permitted(URI("gov.vn")), [], True),
        (permitted(URI("gov.vn")), also(URI("a://gov.vn/x")), True),
        (permitted(URI("gov.vn")), also(URI("a://a.gov.vn/x")), False),
        (permitted(URI(".gov.vn")), also(URI("a://a.GOV.vn:8/x")), True),
        (permitted(URI("gov.vn")), also(URI("urn:gov.vn")), False),
        (permitted(x509.IPAddress(ip_network("10.0.0.0/8"))), also(x509.IPAddress(ip_address("10.9.8.7"))), True),
        (permitted(x509.IPAddress(ip_network("10.0.0.0/8"))), also(x509.IPAddress(ip_address("11.9.8.7"))), False),
        (excluded(x509.IPAddress(ip_network("10.0.0.0/8"))), also(x509.IPAddress(ip_address("10.9.8.7"))), False),
        (permitted(x509.IPAddress(ip_network("10.0.0.0/8"))), also(x509.IPAddress(ip_address("::1"))), False),
        (permitted(x509.RegisteredID(ONE_ID)), also(x509.RegisteredID(ONE_ID)), False),
    ],
)
def test_names(limits: x509.NameConstraints, more: list[Any], expected: bool) -> None:
    assert holds([limits], more) is expected
    assert holds([], more, root=[limits]) is (expected and _issuing_is_within(limits))


def _issuing_is_within(limits: x509.NameConstraints) -> bool:
    """The root's constraints hold for the issuing CA as well, whose name is shorter."""
    directory_names = [each for each in limits.permitted_subtrees or () if isinstance(each, x509.DirectoryName)]
    return not directory_names or any(each.value == name((C, "VN")) for each in directory_names)


UNCHECKED = x509.RFC822Name._init_without_validation, x509.DNSName._init_without_validation
ANY_MAIL, ODD_MAIL, ODD_DNS = UNCHECKED[0](""), UNCHECKED[0]("lan"), UNCHECKED[1]("")


@pytest.mark.parametrize(
    ("limit", "bearer", "is_excluded"),
    [
        (directory((C, "VN")), directory(*CITY), True),
        (directory((C, "LA")), directory(*CITY), False),
        (x509.DNSName("gov.vn"), x509.DNSName("gov.vn"), True),
        (x509.DNSName("gov.vn"), x509.DNSName("a.gov.vn"), True),
        (x509.DNSName("gov.vn"), x509.DNSName("a.gov.vn."), True),
        (x509.DNSName("gov.vn."), x509.DNSName("a.gov.vn"), True),
        (x509.DNSName("gov.vn"), x509.DNSName("*.gov.vn"), True),
        (x509.DNSName(".gov.vn"), x509.DNSName("gov.vn"), False),
        (x509.DNSName("gov.vn"), x509.DNSName("mygov.vn"), False),
        (x509.DNSName("gov.vn"), x509.DNSName("g%6fv.vn"), True),
        (x509.DNSName("gov.vn"), x509.DNSName("10.0.0.1"), True),
        (x509.DNSName("gov.vn"), ODD_DNS, True),
        (x509.DNSName("http://gov.vn"), x509.DNSName("a.vn"), True),
        (x509.RFC822Name("gov.vn"), x509.RFC822Name("lan@gov.vn"), True),
        (x509.RFC822Name("gov.vn"), x509.RFC822Name("lan@a.gov.vn"), False),
        (x509.RFC822Name(".gov.vn"), x509.RFC822Name("lan@a.gov.vn"), True),
        (x509.RFC822Name(".gov.vn"), x509.RFC822Name("lan@a.gov.vn."), True),
        (x509.RFC822Name("lan@gov.vn"), x509.RFC822Name("lan@gov.vn"), True),
        (x509.RFC822Name("lan@gov.vn"), x509.RFC822Name("mai@gov.vn"), False),
        (x509.RFC822Name("gov.vn"), x509.RFC822Name("lan@[10.0.0.1]"), True),
        (x509.RFC822Name("gov.vn"), ODD_MAIL, True),
        (ANY_MAIL, x509.RFC822Name("lan@a.vn"), True),
        (URI("gov.vn"), URI("http://gov.vn/x"), True),
        (URI("gov.vn"), URI("http://a.gov.vn/x"), False),
        (URI(".gov.vn"), URI("http://a.gov.vn/x"), True),
        (URI(".gov.vn"), URI("http://a.gov.vn./x"), True),
        (URI("gov.vn"), URI("http://g%6fv.vn/x"), True),
        (URI("gov.vn"), URI("urn:gov.vn:x"), True),
        (URI("gov.vn"), URI("http:///x"), True),
        (URI("gov.vn"), URI("http://10.0.0.1/"), True),
        (URI("gov.vn"), URI("http://0x7f.1/"), True),
        (URI("gov.vn"), URI("http://[::1]/"), True),
        (URI("gov.vn"), URI("http://[/"), True),
        (URI(""), URI("http://a.vn/"), True),
        (URI("http://gov.vn/"), URI("http://gov.vn/"), True),
        (URI("gov.vn"), URI("http://a.vn/"), False),
        (x509.IPAddress(ip_network("10.0.0.0/8")), x509.IPAddress(ip_address("10.9.8.7")), True),
        (x509.IPAddress(ip_network("10.0.0.0/8")), x509.IPAddress(ip_address("11.9.8.7")), False),
        (x509.IPAddress(ip_network("10.0.0.0/8")), x509.IPAddress(ip_address("::1")), False),
        (x509.RegisteredID(ONE_ID), x509.RegisteredID(ONE_ID), True),
    ],
)
def test_what_is_excluded(limit: x509.GeneralName, bearer: x509.GeneralName, is_excluded: bool) -> None:
    assert holds([excluded(limit)], also(bearer)) is not is_excluded


@pytest.mark.parametrize(
    ("limit", "bearer", "is_permitted"),
    [
        (URI("10.0.0.1"), URI("http://10.0.0.1/"), False),
        (URI(""), URI("http://10.0.0.1/"), False),
        (URI(""), URI("urn:x"), False),
        (URI(""), URI("http://a.vn/"), True),
        (URI("gov.vn"), URI("http://gov.vn./"), True),
        (URI("g%6fv.vn"), URI("http://g%6fv.vn/"), False),
        (x509.DNSName("gov.vn"), x509.DNSName("a.gov.vn."), True),
        (x509.DNSName(""), ODD_DNS, False),
        (x509.RFC822Name("gov.vn"), ODD_MAIL, False),
    ],
)
def test_a_host_that_cannot_be_told_is_never_permitted(
    limit: x509.GeneralName, bearer: x509.GeneralName, is_permitted: bool
) -> None:
    assert holds([permitted(limit)], also(bearer)) is is_permitted


@pytest.mark.parametrize("length", [0, 3, 7, 9])
def test_a_network_of_an_odd_length_excludes_every_address(length: int) -> None:
    address = GeneralName(NameForm.IP, bytes(4))
    assert WITHIN[NameForm.IP](address, GeneralName(NameForm.IP, bytes(length))) is None


def test_mail_in_the_subject() -> None:
    assert holds([permitted(x509.RFC822Name("tphcm.gov.vn"))], [], MAILED)
    assert not holds([permitted(x509.RFC822Name("hanoi.gov.vn"))], [], MAILED)


def policies(*dotted: str) -> x509.CertificatePolicies:
    return x509.CertificatePolicies([x509.PolicyInformation(x509.ObjectIdentifier(each), None) for each in dotted])


ONE, OTHER, ANY = "1.3.6.1.4.1.1", "1.3.6.1.4.1.2", "2.5.29.32.0"
MUST, MUST_BELOW = x509.PolicyConstraints(0, None), x509.PolicyConstraints(1, None)


@pytest.mark.parametrize(
    ("issuing", "leaf", "expected"),
    [
        ([], [], True),
        ([policies(ONE)], [policies(OTHER)], True),
        ([MUST, policies(ONE)], [policies(ONE)], True),
        ([MUST, policies(ONE)], [policies(OTHER)], False),
        ([MUST, policies(ONE)], [], False),
        ([MUST], [policies(ONE)], False),
        ([MUST, policies(ANY)], [policies(ONE)], True),
        ([MUST, policies(ANY)], [policies(ANY)], True),
        ([MUST, policies(ONE)], [policies(ANY)], True),
        ([MUST, policies(ONE), x509.InhibitAnyPolicy(0)], [policies(ANY)], False),
        ([MUST, policies(ONE), x509.InhibitAnyPolicy(1)], [policies(ANY)], True),
        ([MUST_BELOW, policies(ONE)], [policies(OTHER)], False),
        ([x509.PolicyConstraints(2, None), policies(ONE)], [policies(OTHER)], True),
        ([x509.PolicyConstraints(None, 0), policies(ONE)], [policies(OTHER)], True),
    ],
)
def test_policies(issuing: list[Any], leaf: list[Any], expected: bool) -> None:
    assert holds(issuing, leaf) is expected
