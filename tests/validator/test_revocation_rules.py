"""Which list speaks for which certificate, and that one good chain suffices (RFC 5280 §6), case by case."""

import hashlib
import itertools
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import pytest
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from common.containment import Unusable
from common.domain.reason import Reason
from mint.pki import key_usage
from validator.cms.certificate import read_certificate
from validator.pki import path
from validator.pki.chain_search import find_valid_chain
from validator.pki.evidence import EmbeddedStatement, Evidence
from validator.pki.pem import LIST, blocks
from validator.pki.revocation_lists import RevocationLists, authentic_crls
from validator.pki.trust_store import TrustStore
from validator.policy import DEFAULT
from validator.report.vocabulary import StatusKind

from .conftest import NOW

DAY = timedelta(days=1)
VALID, REVOKED, UNKNOWN = None, Reason.E_SIG_REVOKED, Reason.E_SIG_REVOCATION_UNKNOWN
POINT, OTHER_POINT = "http://crl.example/1.crl", "http://crl.example/2.crl"
CA_USAGES, SIGNER_USAGES = ("key_cert_sign", "crl_sign"), ("digital_signature", "content_commitment")


@cache
def key(name: str) -> Any:
    if name.startswith("rsa"):
        return rsa.generate_private_key(65537, 2048)
    return ec.derive_private_key(int.from_bytes(hashlib.sha256(name.encode()).digest()[:16], "big"), ec.SECP256R1())


def named(text: str, kind: _ASN1Type = _ASN1Type.UTF8String) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text, _type=kind)])


def issued(
    subject: str | x509.Name, of: str, issuer: str | x509.Name, by: str, serial: int,
    *extensions: x509.ExtensionType, ca: bool = True, usages: Iterable[str] | None = None,
    end: datetime = NOW + 900 * DAY,
) -> bytes:  # fmt: skip
    """A certificate for the key ``of``, signed by the key ``by``."""
    chosen = usages if usages is not None else CA_USAGES if ca else SIGNER_USAGES
    builder = (
        x509.CertificateBuilder()
        .subject_name(named(subject) if isinstance(subject, str) else subject)
        .issuer_name(named(issuer) if isinstance(issuer, str) else issuer)
        .public_key(key(of).public_key())
        .serial_number(serial)
        .not_valid_before(NOW - 400 * DAY)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca, None), critical=True)
        .add_extension(key_usage(chosen), critical=True)
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(key(by), hashes.SHA256()).public_bytes(Encoding.DER)


def listing(
    issuer: str | x509.Name, by: str, *serials: int, number: int = 1, age: timedelta = DAY, end: timedelta = 30 * DAY,
    point: x509.IssuingDistributionPoint | None = None, base: int | None = None, hold: bool = False,
    removed: Iterable[int] = (), of: str | x509.GeneralName | None = None,
    extension: tuple[x509.ExtensionType, bool] | None = None, since: datetime | None = None, **options: Any,
) -> bytes:  # fmt: skip
    """A list. ``base``: of a delta list. ``of``: name of another issuer, in the entries of an indirect list.
    ``since``: date of the revocations, by default a day before the list."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(named(issuer) if isinstance(issuer, str) else issuer)
        .last_update(NOW - age)
        .next_update(NOW + end)
        .add_extension(x509.CRLNumber(number), critical=False)
    )
    if point:
        builder = builder.add_extension(point, critical=True)
    if base is not None:
        builder = builder.add_extension(x509.DeltaCRLIndicator(base), critical=True)
    if extension:
        builder = builder.add_extension(extension[0], critical=extension[1])
    for serial in (*serials, *removed):
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(since or NOW - age - DAY)
        reason = x509.ReasonFlags.remove_from_crl if serial in removed else x509.ReasonFlags.certificate_hold
        if hold or serial in removed:
            entry = entry.add_extension(x509.CRLReason(reason), critical=False)
        if of:
            owner = x509.DirectoryName(named(of)) if isinstance(of, str) else of
            entry = entry.add_extension(x509.CertificateIssuer([owner]), critical=True)
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(key(by), hashes.SHA256(), **options).public_bytes(Encoding.DER)


def issuing_point(url: str | None = None, **chosen: Any) -> x509.IssuingDistributionPoint:
    fields = dict.fromkeys(
        ("only_contains_user_certs", "only_contains_ca_certs", "indirect_crl", "only_contains_attribute_certs"), False
    )
    full = [x509.UniformResourceIdentifier(url)] if url else None
    return x509.IssuingDistributionPoint(
        full_name=full, relative_name=None, only_some_reasons=chosen.pop("only_some_reasons", None), **fields | chosen
    )


def at_point(url: str, issuer: str | None = None) -> x509.CRLDistributionPoints:
    issuers = [x509.DirectoryName(named(issuer))] if issuer else None
    return x509.CRLDistributionPoints(
        [x509.DistributionPoint([x509.UniformResourceIdentifier(url)], None, None, issuers)]
    )


ROOT = issued("Root", "root", "Root", "root", 1)
ISSUING = issued("CA", "ca", "Root", "root", 2)
LEAF = issued("Lan", "lan", "CA", "ca", 10, ca=False)
POINTED = issued("Lan", "lan", "CA", "ca", 10, at_point(POINT), ca=False)
ROOT_LIST, PLAIN, OLDER = listing("Root", "root"), listing("CA", "ca"), listing("CA", "ca", age=3 * DAY)
UNKNOWN_EXTENSION = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")


def answer(
    lists: Iterable[bytes], leaf: bytes = LEAF, intermediates: Iterable[bytes] = (ISSUING,),
    roots: Iterable[bytes] = (ROOT,), embedded: Iterable[tuple[StatusKind, bytes]] = (), at: datetime = NOW,
) -> Reason | None:  # fmt: skip
    """The reason against the leaf, the same in any order of the lists and certificates. ``at``: a proven time."""
    all_lists, answers = list(lists), set()
    for order in itertools.islice(itertools.permutations(all_lists), 6):
        trust = TrustStore(roots, intermediates)
        crls = authentic_crls(trust.authorities, [("", der) for der in order], DEFAULT)
        statements = [EmbeddedStatement(kind, data, 0) for kind, data in embedded]
        evidence = Evidence(trust, RevocationLists(crls), DEFAULT, NOW, lambda: statements)  # noqa: B023
        fault = find_valid_chain(read_certificate(leaf), evidence, at, "").fault
        answers.add(fault.reason if fault else None)
    (only,) = answers
    return only


NEWER = issued("CA", "ca new", "Root", "root", 3)
SELF_ISSUED = issued("CA", "ca new", "CA", "ca", 4)
STRANGER_ROOT = issued("Stranger", "stranger", "Stranger", "stranger", 1)
NAMESAKE = issued("CA", "namesake", "Stranger", "stranger", 5)


@pytest.mark.parametrize(
    ("lists", "expected"),
    [
        ([listing("CA", "ca new", 10, number=2)], REVOKED),
        ([listing("CA", "ca new", 10, number=2), PLAIN], REVOKED),
        ([listing("CA", "ca new", number=2)], VALID),
        ([listing("CA", "ca new", number=2), listing("CA", "ca", 10, age=60 * DAY, end=-10 * DAY)], REVOKED),
        ([listing("CA", "ca new", number=2, end=-DAY / 2)], UNKNOWN),
        ([listing("CA", "namesake", 10, number=2), PLAIN], VALID),
        ([listing("CA", "namesake", number=2)], UNKNOWN),
    ],
)
@pytest.mark.parametrize("newer", [NEWER, SELF_ISSUED], ids=["by the root", "by the old key"])
def test_a_list_belongs_to_the_name_of_its_issuer_under_one_root(
    lists: list[bytes], expected: Reason | None, newer: bytes
) -> None:
    certificates = [ISSUING, newer, NAMESAKE]
    assert answer([ROOT_LIST, *lists], intermediates=certificates, roots=[ROOT, STRANGER_ROOT]) is expected


def test_a_list_by_a_revoked_key_of_the_issuer_says_nothing() -> None:
    by_revoked = listing("CA", "ca new", number=2)
    root_list = listing("Root", "root", 3, age=2 * DAY)
    assert answer([root_list, by_revoked], intermediates=[ISSUING, NEWER]) is UNKNOWN
    assert answer([root_list, by_revoked, PLAIN], intermediates=[ISSUING, NEWER]) is VALID


@pytest.mark.parametrize(
    ("holding", "others", "expected"),
    [
        ({}, [("ca", {})], VALID),
        ({}, [("ca new", {})], REVOKED),
        ({}, [("ca new", {}), ("ca", {"age": DAY / 2})], VALID),
        ({"end": -DAY / 8}, [("ca new", {})], VALID),
        ({}, [("ca new", {"base": 5, "removed": [10]})], VALID),
    ],
    ids=["the same key", "another key", "both", "out of date", "taken back"],
)
def test_a_hold_that_a_list_of_another_key_is_silent_about(
    holding: dict[str, Any], others: list[tuple[str, dict[str, Any]]], expected: Reason | None
) -> None:
    """Some authorities go on with lists of each key for what it issued."""
    held = listing("CA", "ca", 10, hold=True, number=5, **{"age": 3 * DAY, **holding})
    newer = [listing("CA", by, number=9, **options) for by, options in others]
    full = [listing("CA", "ca new", number=5, age=2 * DAY)] if others[0][1] else []
    assert answer([ROOT_LIST, held, *newer, *full], intermediates=[ISSUING, NEWER]) is expected


MID = issued("Mid", "mid", "Root", "root", 7)
NEWER_BELOW_MID = issued("CA", "ca new", "Mid", "mid", 8)


@pytest.mark.parametrize(
    ("of_mid", "expected"),
    [
        ([], UNKNOWN),
        ([listing("Mid", "mid", age=40 * DAY, end=-10 * DAY)], UNKNOWN),
        ([listing("Mid", "mid", 9)], VALID),
        ([listing("Mid", "mid", 8)], UNKNOWN),
        ([listing("Mid", "mid", age=3 * DAY, end=-DAY / 2)], VALID),
    ],
    ids=["none", "over", "in force", "names it", "in force when it signed"],
)
def test_who_signs_a_list_must_be_good_itself(of_mid: list[bytes], expected: Reason | None) -> None:
    """As who signs an answer: the list was made by a key of the CA about which other lists speak."""
    certificates = [ISSUING, MID, NEWER_BELOW_MID]
    assert answer([ROOT_LIST, *of_mid, listing("CA", "ca new", number=2)], intermediates=certificates) is expected


def test_what_a_list_names_whose_maker_may_be_good() -> None:
    certificates, revoking = [ISSUING, MID, NEWER_BELOW_MID], listing("CA", "ca new", 10, number=2)
    assert answer([ROOT_LIST, revoking, PLAIN], intermediates=certificates) is REVOKED


def test_a_list_may_say_that_its_own_maker_is_good() -> None:
    """Of a CA that goes on with lists of its new key alone (NIST PKITS 4.5)."""
    by_new = listing("CA", "ca new", number=2)
    assert answer([ROOT_LIST, by_new], intermediates=[ISSUING, SELF_ISSUED]) is VALID
    assert answer([ROOT_LIST, listing("CA", "ca new", 4, number=2)], intermediates=[ISSUING, SELF_ISSUED]) is UNKNOWN


HELD_KEY = listing("Root", "root", 3, number=5, age=3 * DAY, hold=True, since=NOW - 10 * DAY)
"""The root's list holds the CA's other key."""


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ([ROOT_LIST], VALID),
        ([listing("Root", "root", number=6, base=5, removed=[3])], VALID),
        ([listing("Root", "root", number=6, base=5, removed=[4])], UNKNOWN),
        ([listing("Root", "root", 3, number=6, hold=True)], UNKNOWN),
        ([], UNKNOWN),
    ],
    ids=["newer list", "delta list", "delta list about another", "still held", "nothing newer"],
)
def test_a_hold_on_a_key_that_signs_lists(others: list[bytes], expected: Reason | None) -> None:
    """It ends as it does for any certificate."""
    by_held = listing("CA", "ca new", number=2)
    assert answer([HELD_KEY, *others, by_held], intermediates=[ISSUING, NEWER]) is expected
    by_held = listing("CA", "ca new", 10, number=2)
    assert answer([HELD_KEY, *others, by_held], intermediates=[ISSUING, NEWER]) is (expected or REVOKED)


def test_a_key_on_hold_does_not_end_its_own() -> None:
    held = listing("CA", "ca", 4, number=5, age=3 * DAY, hold=True)
    for own in ({"base": 5, "removed": [4]}, {}):
        lists = [held, listing("CA", "ca new", number=6, **own), listing("CA", "ca new", number=5, age=2 * DAY)]
        assert answer([ROOT_LIST, *lists, listing("Root", "root")], intermediates=[ISSUING, SELF_ISSUED]) is VALID
        lists = [listing("CA", "ca", 4, number=5, age=60 * DAY, end=-10 * DAY, hold=True), *lists[1:]]
        assert answer([ROOT_LIST, *lists], intermediates=[ISSUING, SELF_ISSUED]) is UNKNOWN


def test_a_certificate_in_the_name_of_a_root_revokes_nobody() -> None:
    """Whatever lies in ``intermediates/``: it is neither pinned nor below a root."""
    impostor = issued("Root", "impostor", "Root", "impostor", 1)
    lists = [ROOT_LIST, listing("CA", "ca new", number=2), listing("Root", "impostor", 2, 3)]
    assert answer(lists, intermediates=[ISSUING, NEWER, impostor]) is VALID
    assert answer(lists, intermediates=[ISSUING, NEWER], roots=[ROOT, impostor]) is REVOKED


NEW_ROOT = issued("Root", "root new", "Root", "root new", 100)
OF_ROOT = issued("Lan", "lan", "Root", "root", 10, ca=False)


@pytest.mark.parametrize(
    ("lists", "expected"),
    [
        ([listing("Root", "root new", 2, 10, number=2), ROOT_LIST], REVOKED),
        ([listing("Root", "root new", 2, 10, number=2)], REVOKED),
        ([listing("Root", "root new", number=2)], VALID),
        ([listing("Root", "root new", number=2, end=-DAY / 2)], UNKNOWN),
        ([ROOT_LIST], VALID),
    ],
)
@pytest.mark.parametrize("leaf", [LEAF, OF_ROOT], ids=["of a CA", "of the root"])
def test_a_root_that_was_given_a_new_key(leaf: bytes, lists: list[bytes], expected: Reason | None) -> None:
    """Both keys are pinned; what the old one issued is on the lists of the new one."""
    assert answer([PLAIN, *lists], leaf, roots=[ROOT, NEW_ROOT]) is expected
    unpinned = expected if ROOT_LIST in lists and expected is VALID else None if ROOT_LIST in lists else UNKNOWN
    assert answer([PLAIN, *lists], leaf) is unpinned


def test_what_is_said_after_the_end_of_a_certificate() -> None:
    """It still counts for what it names. What it leaves out may have expired, and lifts no hold."""
    ended, at = issued("Lan", "lan", "CA", "ca", 10, ca=False, end=NOW - 10 * DAY), NOW - 30 * DAY
    then: dict[str, Any] = {"age": 40 * DAY, "end": -20 * DAY}
    root_list, good = listing("Root", "root", **then), listing("CA", "ca", **then)
    early, late = (listing("CA", "ca", 10, number=9, since=at + each * DAY) for each in (-5, 5))
    held = listing("CA", "ca", 10, hold=True, **then)
    for lists, expected in (
        ([good], VALID), ([good, early], REVOKED), ([good, late], VALID), ([held, PLAIN], REVOKED),
    ):  # fmt: skip
        assert answer([root_list, *lists], ended, at=at) is expected


TOP_A, TOP_B = (issued("Top", f"top {each}", "Root", "root", serial) for each, serial in (("a", 20), ("b", 21)))
SIGNS_LISTS = issued("CA", "ca", "Top", "top a", 22)
SIGNS_NONE = issued("CA", "ca", "Top", "top b", 23, usages=("key_cert_sign",))


@pytest.mark.parametrize(
    ("by", "serial", "expected"),
    [("top a", 22, UNKNOWN), ("top b", 22, UNKNOWN), ("top b", 99, VALID), ("stranger top", 22, VALID)],
)
def test_a_signer_of_lists_is_revoked_by_any_key_of_its_issuer(by: str, serial: int, expected: Reason | None) -> None:
    """The leaf's own CA certificate is good, but may not sign lists; the one that may is revoked."""
    namesake = issued("Top", "stranger top", "Stranger", "stranger", 24)
    others = [key for key in ("top a", "top b") if key != by]
    lists = [ROOT_LIST, PLAIN, listing("Top", by, serial, age=2 * DAY), *(listing("Top", each) for each in others)]
    certificates = [TOP_A, TOP_B, SIGNS_LISTS, SIGNS_NONE, namesake]
    assert answer(lists, intermediates=certificates, roots=[ROOT, STRANGER_ROOT]) is expected


@pytest.mark.parametrize(
    ("leaf", "lists", "expected"),
    [
        (POINTED, [listing("CA", "ca", point=issuing_point(POINT))], VALID),
        (POINTED, [listing("CA", "ca", point=issuing_point("HTTP://CRL.example/1.crl"))], VALID),
        (POINTED, [listing("CA", "ca", 10, point=issuing_point(POINT))], REVOKED),
        (POINTED, [listing("CA", "ca", 10, number=2, point=issuing_point(POINT)), OLDER], REVOKED),
        (POINTED, [listing("CA", "ca", point=issuing_point(OTHER_POINT))], UNKNOWN),
        (POINTED, [listing("CA", "ca", point=issuing_point(OTHER_POINT)), PLAIN], VALID),
        (POINTED, [listing("CA", "ca", 10, point=issuing_point(OTHER_POINT)), PLAIN], REVOKED),
        (LEAF, [listing("CA", "ca", point=issuing_point(POINT))], UNKNOWN),
        (LEAF, [listing("CA", "ca", point=issuing_point(only_contains_user_certs=True))], VALID),
        (LEAF, [listing("CA", "ca", point=issuing_point(only_contains_ca_certs=True))], UNKNOWN),
        (LEAF, [listing("CA", "ca", point=issuing_point(only_contains_attribute_certs=True))], UNKNOWN),
        (LEAF, [listing("CA", "ca", 10, point=issuing_point(only_contains_attribute_certs=True)), PLAIN], VALID),
        (LEAF, [listing("CA", "ca", 10, point=issuing_point(only_contains_ca_certs=True)), PLAIN], REVOKED),
        (LEAF, [listing("CA", "ca", number=2, extension=(UNKNOWN_EXTENSION, True))], UNKNOWN),
        (LEAF, [listing("CA", "ca", number=2, extension=(UNKNOWN_EXTENSION, True)), OLDER], UNKNOWN),
        (LEAF, [listing("CA", "ca", 10, number=2, extension=(UNKNOWN_EXTENSION, True)), OLDER], REVOKED),
        (LEAF, [listing("CA", "ca", age=3 * DAY, extension=(UNKNOWN_EXTENSION, True)), PLAIN], VALID),
        (LEAF, [listing("CA", "ca", extension=(UNKNOWN_EXTENSION, False))], VALID),
    ],
)  # fmt: skip
def test_what_a_list_covers(leaf: bytes, lists: list[bytes], expected: Reason | None) -> None:
    assert answer([ROOT_LIST, *lists], leaf) is expected


SOME = frozenset({x509.ReasonFlags.key_compromise, x509.ReasonFlags.ca_compromise})
REST = frozenset(set(x509.ReasonFlags) - SOME - {x509.ReasonFlags.unspecified, x509.ReasonFlags.remove_from_crl})


@pytest.mark.parametrize(
    ("lists", "expected"),
    [
        ([SOME], UNKNOWN), ([REST], UNKNOWN), ([SOME, REST], VALID),
    ],
)  # fmt: skip
def test_lists_of_some_reasons_together_cover_all(lists: list[Any], expected: Reason | None) -> None:
    partial_lists = [listing("CA", "ca", point=issuing_point(only_some_reasons=each)) for each in lists]
    assert answer([ROOT_LIST, *partial_lists]) is expected
    revoking = [listing("CA", "ca", 10, point=issuing_point(only_some_reasons=each)) for each in lists]
    assert answer([ROOT_LIST, *revoking, listing("CA", "ca", age=DAY / 2)]) is REVOKED


OLD = {"age": 40 * DAY, "end": -10 * DAY}
FULL, FULL_OLD = listing("CA", "ca", number=5, age=3 * DAY), listing("CA", "ca", number=5, **OLD)
REVOKING = listing("CA", "ca", 10, number=5, age=3 * DAY)
HOLDING = listing("CA", "ca", 10, number=5, age=3 * DAY, hold=True)
DELTA = listing("CA", "ca", number=7, base=5)
LIFTING = listing("CA", "ca", number=7, base=5, removed=[10])


@pytest.mark.parametrize(
    ("lists", "expected"),
    [
        ([FULL_OLD, DELTA], VALID),
        ([FULL_OLD, listing("CA", "ca", number=7, base=6)], UNKNOWN),
        ([listing("CA", "ca", number=8, **OLD), DELTA], UNKNOWN),
        ([DELTA], UNKNOWN),
        ([FULL, listing("CA", "ca", 10, number=7, base=5)], REVOKED),
        ([FULL, listing("CA", "ca", 10, number=7, base=6)], REVOKED),
        ([HOLDING, DELTA], REVOKED),
        ([HOLDING, LIFTING], VALID),
        ([REVOKING, LIFTING], REVOKED),
        ([HOLDING, listing("CA", "ca", number=6)], VALID),
        # Only a delta list may remove an entry: nobody knows what a full one means by it.
        ([FULL, listing("CA", "ca", number=6, removed=[10])], UNKNOWN),
        ([FULL, listing("CA", "ca", number=6, removed=[11])], UNKNOWN),
        ([HOLDING, listing("CA", "ca", number=6, removed=[10])], REVOKED),
    ],
)
def test_delta_lists(lists: list[bytes], expected: Reason | None) -> None:
    assert answer([ROOT_LIST, *lists]) is expected


@pytest.mark.parametrize(
    ("by", "serials", "expected"), [("ca", (), UNKNOWN), ("ca new", (), VALID), ("ca new", (10,), REVOKED)]
)
def test_a_delta_list_adds_to_a_list_of_its_own_key(by: str, serials: tuple[int, ...], expected: Reason | None) -> None:
    """Each key of a CA may number lists of its own (§6.3.3 c 3)."""
    full = listing("CA", by, *serials, number=5, age=40 * DAY, end=-10 * DAY)
    delta = listing("CA", "ca new", number=8, base=5)
    assert answer([ROOT_LIST, full, delta], intermediates=[ISSUING, NEWER]) is expected


def test_entries_behind_one_whose_issuer_cannot_be_read() -> None:
    """They are nobody's until the next issuer is named (§5.3.3); what is named then is revoked."""
    every = issuing_point(indirect_crl=True)
    for second, expected in ((None, UNKNOWN), (x509.DirectoryName(named("CA")), REVOKED)):
        builder = x509.CertificateRevocationListBuilder().issuer_name(named("CA")).add_extension(every, critical=True)
        builder = builder.last_update(NOW - DAY).next_update(NOW + DAY)
        for serial, owner in ((11, NAMELESS), (10, second)):
            entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(NOW - DAY)
            if owner:
                entry = entry.add_extension(x509.CertificateIssuer([owner]), critical=True)
            builder = builder.add_revoked_certificate(entry.build())
        der = builder.sign(key("ca"), hashes.SHA256()).public_bytes(Encoding.DER)
        assert answer([ROOT_LIST, der]) is expected


NUMBER, INDICATOR = "2.5.29.20", "2.5.29.27"


@pytest.mark.parametrize("bits", [160, 161, 16_000])
def test_a_number_longer_than_a_number_may_be(bits: int) -> None:
    """No text is made of it: Python refuses that beyond 4,300 digits. What the list names is revoked all the same."""
    number = x509.UnrecognizedExtension(
        x509.ObjectIdentifier(NUMBER), element(2, ((1 << bits) - 1).to_bytes(bits // 8 + 1, "big"))
    )
    for serials, expected in (((), VALID if bits == 160 else UNKNOWN), ((10,), REVOKED)):
        builder = x509.CertificateRevocationListBuilder().issuer_name(named("CA")).add_extension(number, critical=False)
        builder = builder.last_update(NOW - DAY).next_update(NOW + DAY)
        for serial in serials:
            entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(NOW - DAY).build()
            builder = builder.add_revoked_certificate(entry)
        der = builder.sign(key("ca"), hashes.SHA256()).public_bytes(Encoding.DER)
        assert answer([ROOT_LIST, der]) is expected
        (crl,) = authentic_crls(TrustStore([ROOT], [ISSUING]).authorities, [("", der)], DEFAULT)
        assert (crl.number is None, crl.is_malformed) == (bits > 160, bits > 160)


def test_a_delta_list_of_a_number_longer_than_a_number_may_be() -> None:
    """It adds to no list that there is: left out."""
    indicator = x509.UnrecognizedExtension(x509.ObjectIdentifier(INDICATOR), element(2, b"\1" + bytes(2000)))
    assert answer([ROOT_LIST, FULL, listing("CA", "ca", number=7, extension=(indicator, True))]) is VALID


def test_lists_of_the_same_date_and_number() -> None:
    """Whichever is read first, what one of them names counts."""
    for hold in (True, False):
        named = listing("CA", "ca", 10, number=5, hold=hold)
        assert answer([ROOT_LIST, named, listing("CA", "ca", number=5), listing("CA", "ca", 11, number=5)]) is REVOKED


LOST, HELD = x509.ReasonFlags.key_compromise, x509.ReasonFlags.certificate_hold


@pytest.mark.parametrize(
    ("reasons", "expected"), [([LOST, HELD], REVOKED), ([HELD, LOST], REVOKED), ([HELD, HELD], VALID)]
)
def test_a_certificate_that_a_list_names_twice(reasons: list[x509.ReasonFlags], expected: Reason | None) -> None:
    """The later entry takes back neither the reason nor the date of the earlier one."""
    builder = x509.CertificateRevocationListBuilder().issuer_name(named("CA"))
    builder = builder.last_update(NOW - DAY).next_update(NOW + DAY)
    for days, reason in zip((10, 2), reasons, strict=True):
        entry = x509.RevokedCertificateBuilder().serial_number(10).revocation_date(NOW - days * DAY)
        builder = builder.add_revoked_certificate(entry.add_extension(x509.CRLReason(reason), critical=False).build())
    twice = builder.sign(key("ca"), hashes.SHA256()).public_bytes(Encoding.DER)
    assert answer([ROOT_LIST, twice, listing("CA", "ca", age=DAY / 4)]) is expected
    then = listing("Root", "root", age=20 * DAY), listing("CA", "ca", age=20 * DAY)
    assert answer([*then, twice], at=NOW - 5 * DAY) is REVOKED


def test_a_removal_is_about_one_certificate() -> None:
    """An indirect list takes back what it said of another issuer's certificate of the same serial number."""
    every = issuing_point(indirect_crl=True)
    held = listing("CA", "ca", 10, number=5, age=3 * DAY, hold=True, point=every)
    for of, expected in ((None, VALID), ("CA", VALID), ("Another", REVOKED)):
        lifting = listing("CA", "ca", number=7, base=5, removed=[10], of=of, point=every)
        assert answer([ROOT_LIST, held, lifting]) is expected


LIST_ISSUER = issued("List issuer", "lists", "Root", "root", 6, ca=False, usages=["crl_sign"])
DELEGATED = issued("Lan", "lan", "CA", "ca", 10, at_point(POINT, "List issuer"), ca=False)
INDIRECT = issuing_point(POINT, indirect_crl=True)
NAMELESS = x509.UniformResourceIdentifier("http://ca.example")
"""No name of an authority: the entry could be about anybody's certificate."""


@pytest.mark.parametrize(
    ("leaf", "lists", "expected"),
    [
        (DELEGATED, [listing("List issuer", "lists", point=INDIRECT)], VALID),
        (DELEGATED, [listing("List issuer", "lists", 10, of="CA", point=INDIRECT)], REVOKED),
        (DELEGATED, [listing("List issuer", "lists", 10, of="CA", point=INDIRECT), PLAIN], REVOKED),
        (DELEGATED, [listing("List issuer", "lists", 10, of="Another", point=INDIRECT)], VALID),
        (DELEGATED, [listing("List issuer", "lists", 10, point=INDIRECT)], VALID),
        (DELEGATED, [listing("List issuer", "lists", 10, of=NAMELESS, point=INDIRECT)], UNKNOWN),
        (DELEGATED, [listing("List issuer", "lists", 11, of=NAMELESS, point=INDIRECT)], UNKNOWN),
        (DELEGATED, [listing("List issuer", "lists", point=issuing_point(POINT))], UNKNOWN),
        (LEAF, [listing("List issuer", "lists", point=INDIRECT)], UNKNOWN),
        (LEAF, [listing("List issuer", "lists", 10, of="CA", point=INDIRECT), PLAIN], VALID),
        (LEAF, [listing("CA", "ca", 10, of="Another", point=issuing_point(indirect_crl=True))], VALID),
        # Whose the entry is cannot be read: not the issuer's own certificate of that number.
        (LEAF, [listing("CA", "ca", 10, of=NAMELESS, point=issuing_point(indirect_crl=True))], UNKNOWN),
    ],
)
def test_indirect_lists(leaf: bytes, lists: list[bytes], expected: Reason | None) -> None:
    assert answer([ROOT_LIST, *lists], leaf, [ISSUING, LIST_ISSUER]) is expected


# One good chain suffices

RENEWED = issued("CA", "ca", "Root", "root", 3)
SECOND_ROOT = issued("Root 2", "root 2", "Root 2", "root 2", 1)
CROSS = issued("CA", "ca", "Root 2", "root 2", 7)


@pytest.mark.parametrize("serials", [(2,), (3,)])
def test_a_renewed_authority_of_the_same_key(serials: tuple[int, ...]) -> None:
    assert answer([listing("Root", "root", *serials), PLAIN], intermediates=[ISSUING, RENEWED]) is VALID
    assert answer([listing("Root", "root", 2, 3), PLAIN], intermediates=[ISSUING, RENEWED]) is REVOKED


def test_a_list_needs_a_certificate_that_may_sign_it() -> None:
    silent = issued("CA", "ca", "Root", "root", 2, usages=["key_cert_sign"])
    lists_only = issued("CA", "ca", "Root", "root", 3, usages=["crl_sign"])
    expired = issued("CA", "ca", "Root", "root", 3, usages=["crl_sign"], end=NOW - 30 * DAY)
    assert answer([ROOT_LIST, PLAIN], intermediates=[silent]) is UNKNOWN
    assert answer([ROOT_LIST, PLAIN], intermediates=[silent, lists_only]) is VALID
    assert answer([ROOT_LIST, PLAIN], intermediates=[silent, expired]) is UNKNOWN
    assert answer([listing("Root", "root", 3, age=2 * DAY), PLAIN], intermediates=[silent, lists_only]) is UNKNOWN


def test_an_authority_cross_certified_by_a_root_without_a_list() -> None:
    both: dict[str, Any] = {"intermediates": [ISSUING, CROSS], "roots": [ROOT, SECOND_ROOT]}
    assert answer([ROOT_LIST, PLAIN], **both) is VALID
    assert answer([listing("Root", "root", 2), PLAIN], **both) is UNKNOWN
    assert answer([listing("Root", "root", 2), listing("Root 2", "root 2", 7), PLAIN], **both) is REVOKED
    assert answer([ROOT_LIST, listing("CA", "ca", 10)], **both) is REVOKED
    expired = issued("CA", "ca", "Root", "root", 2, end=NOW - DAY)
    assert (
        answer([ROOT_LIST, listing("Root 2", "root 2"), PLAIN], **both | {"intermediates": [expired, CROSS]}) is VALID
    )


def test_certificates_in_a_circle_end() -> None:
    rings = [
        issued("CA", "ca", "B", "b", 20),
        issued("B", "b", "CA", "ca", 21),
        issued("B", "b", "B", "b", 22),
    ]
    assert answer([ROOT_LIST, PLAIN], intermediates=[ISSUING, *rings]) is VALID
    assert answer([PLAIN], intermediates=rings) is Reason.E_SIG_UNTRUSTED_CA


# Names are compared by value


@pytest.mark.parametrize(
    ("subject", "issuer"),
    [
        (named("Cơ quan"), named("Cơ quan", _ASN1Type.BMPString)),
        (named("CA"), named("CA", _ASN1Type.PrintableString)),
        (named("CA"), named(" ca ", _ASN1Type.UTF8String)),
        (named("Ban  Cơ yếu"), named("BAN CƠ YẾU")),
        (named("Cơ yếu"), named("Cơ yếu")),
        (named("CA"), named("C\u00adA\u200b")),
    ],
)
def test_names_of_authorities(subject: x509.Name, issuer: x509.Name) -> None:
    authority = issued(subject, "ca", "Root", "root", 2)
    leaf = issued("Lan", "lan", issuer, "ca", 10, ca=False)
    for lists_by in (subject, issuer):
        assert answer([ROOT_LIST, listing(lists_by, "ca")], leaf, [authority]) is VALID
        assert answer([ROOT_LIST, listing(lists_by, "ca", 10)], leaf, [authority]) is REVOKED


def test_other_names_are_others() -> None:
    assert answer([ROOT_LIST, PLAIN], issued("Lan", "lan", "CA2", "ca", 10, ca=False)) is Reason.E_SIG_UNTRUSTED_CA


# Evidence counts in every form that the policy allows

PSS = {"rsa_padding": padding.PSS(padding.MGF1(hashes.SHA256()), 32)}
RSA_ISSUING = issued("CA", "rsa ca", "Root", "root", 2)
RSA_LEAF = issued("Lan", "lan", "CA", "rsa ca", 10, ca=False)


def test_a_list_signed_with_pss() -> None:
    for serials, expected in (((), VALID), ((10,), REVOKED)):
        lists = [ROOT_LIST, listing("CA", "rsa ca", *serials, **PSS)]
        assert answer(lists, RSA_LEAF, [RSA_ISSUING]) is expected


PEM = x509.load_der_x509_crl(PLAIN).public_bytes(Encoding.PEM).decode()
BASE64 = "".join(PEM.splitlines()[1:-1])
FORMS: dict[str, bytes] = {
    "PEM": PEM.encode(),
    "text around it": f"Revoked: none\n\n{PEM}\ntrailing".encode(),
    "far from the beginning": ("\ufeff\n" * 300 + PEM).encode(),
    "line ends of Windows": PEM.replace("\n", "\r\n").encode(),
    "line ends of old Macs": PEM.replace("\n", "\r").encode(),
    "indented": PEM.replace("\n", " \n  ").encode(),
    "headers": PEM.replace("CRL-----\n", "CRL-----\nFrom: CA\n \n", 1).encode(),
    "of PowerShell": ("Revoked: none\n" + PEM).encode("utf-16"),
    "of certutil": PEM.replace("X509 CRL", "CERTIFICATE").encode(),
    "a block that does not end": f"-----BEGIN X509 CRL-----\n{PEM}".encode(),
    "base64 alone": BASE64.encode(),
    "base64 with a mark": b"\xef\xbb\xbf" + BASE64.encode(),
    "DER and a line end": PLAIN + b"\r\n",
    "DER and zeros": PLAIN + bytes(16),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_list_in_every_form(form: str) -> None:
    assert answer([ROOT_LIST, FORMS[form]]) is VALID


def test_more_blocks_than_a_file_may_have() -> None:
    """Nothing is kept of what stands behind them, nor searched again and again for an end that never comes."""
    most, block = DEFAULT.cms.max_blocks, b"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n"
    assert len(list(blocks(block * most, LIST, DEFAULT.cms))) == most
    ((_, whole),) = blocks(b"-----BEGIN X509 CRL-----" * most, LIST, DEFAULT.cms)
    assert len(whole) == 24 * most
    for text in (block * (most + 1), b"-----BEGIN X509 CRL-----" * 400_000):
        with pytest.raises(Unusable, match="more than 1000 PEM blocks"):
            list(blocks(text, LIST, DEFAULT.cms))


def responses(authority: bytes, leaf: bytes, signed_by: bytes, by: str, **options: Any) -> bytes:
    certificate, issuer = (x509.load_der_x509_certificate(each) for each in (leaf, authority))
    signer = x509.load_der_x509_certificate(signed_by)
    builder = ocsp.OCSPResponseBuilder().add_response(
        cert=certificate, issuer=issuer, algorithm=options.get("digest", hashes.SHA1()),
        cert_status=ocsp.OCSPCertStatus.GOOD, this_update=NOW - DAY / 2, next_update=NOW + DAY, revocation_time=None,
        revocation_reason=None,
    )  # fmt: skip
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, signer)
    if signed_by != authority:
        builder = builder.certificates([signer])
    return builder.sign(key(by), hashes.SHA256()).public_bytes(Encoding.DER)


def responder(*extensions: x509.ExtensionType, serial: int = 30) -> bytes:
    purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING])
    return issued("OCSP", "ocsp", "CA", "ca", serial, purpose, *extensions, ca=False, usages=["digital_signature"])


def test_answers_of_responders() -> None:
    expired = listing("CA", "ca", **OLD)
    unchecked, checked = responder(x509.OCSPNoCheck()), responder()
    for signed_by, by, lists, expected in (
        (ISSUING, "ca", [expired], VALID),
        (unchecked, "ocsp", [expired], VALID),
        (checked, "ocsp", [expired], UNKNOWN),
        (checked, "ocsp", [listing("CA", "ca", number=2, point=issuing_point(POINT))], UNKNOWN),
        (checked, "ocsp", [listing("CA", "ca", 30, **OLD)], UNKNOWN),
        (NAMESAKE, "namesake", [expired], UNKNOWN),
    ):
        response = responses(ISSUING, LEAF, signed_by, by)
        assert answer([ROOT_LIST, *lists], embedded=[(StatusKind.OCSP, response)]) is expected, expected


@pytest.mark.parametrize(
    ("by_old", "by_new", "expected"),
    [
        ({}, None, VALID),
        (None, {}, VALID),
        ({}, {"serial": 30}, UNKNOWN),
        (None, {"serial": 30}, UNKNOWN),
        ({"serial": 30, "age": DAY / 4, "since": NOW - DAY / 4}, None, UNKNOWN),
    ],
    ids=["good", "good by a new key", "revoked by a new key", "by that alone", "revoked since it answered"],
)
def test_a_responder_is_revoked_like_any_certificate(
    by_old: dict[str, Any] | None, by_new: dict[str, Any] | None, expected: Reason | None
) -> None:
    """By every key of its issuer, and until the answer is known to exist: whoever has its key can date one back.

    The lists are about the responder's distribution point; about the leaf there is the answer alone.
    """
    lists = [
        listing("CA", by, *filter(None, [options.pop("serial", None)]), point=issuing_point(POINT), **options)
        for by, options in (("ca", dict(by_old or {})), ("ca new", dict(by_new or {})))
        if (by_old if by == "ca" else by_new) is not None
    ]
    response = responses(ISSUING, LEAF, responder(at_point(POINT)), "ocsp")
    assert answer([ROOT_LIST, *lists], intermediates=[ISSUING, NEWER]) is UNKNOWN
    known = answer([ROOT_LIST, *lists], intermediates=[ISSUING, NEWER], embedded=[(StatusKind.OCSP, response)])
    assert known is expected


def test_an_answer_whose_issuer_is_spelt_as_the_certificate_spells_it() -> None:
    spelt = issued(named("CA", _ASN1Type.PrintableString), "ca", "Root", "root", 2)
    leaf = issued("Lan", "lan", named("CA", _ASN1Type.PrintableString), "ca", 10, ca=False)
    response = responses(spelt, leaf, spelt, "ca")
    assert answer([ROOT_LIST], leaf, embedded=[(StatusKind.OCSP, response)]) is VALID


# Odd certificates


BROKEN = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.32"), b"\x30\x03\x02")
BROKEN_POINTS = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.31"), b"\x04")
BROKEN_USAGE = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.37"), b"\x30\x05")


@pytest.mark.parametrize("extension", [BROKEN, BROKEN_POINTS, BROKEN_USAGE], ids=["policies", "points", "purposes"])
def test_a_broken_extension_that_nobody_uses(extension: x509.ExtensionType) -> None:
    leaf = issued("Lan", "lan", "CA", "ca", 10, extension, ca=False)
    assert answer([ROOT_LIST, PLAIN], leaf) is VALID


def test_utf8_in_a_printable_string() -> None:
    leaf = issued(named("Lan Oonh Co", _ASN1Type.PrintableString), "lan", "CA", "ca", 10, ca=False)
    body = asn1_x509.Certificate.load(leaf)["tbs_certificate"].dump()
    odd = signed(body.replace(b"\x13\x0bLan Oonh Co", "\x13\x0bLan Ơnh Co".encode()), ECDSA)
    assert answer([ROOT_LIST, PLAIN], odd) is VALID
    assert "Lan Ơnh Co" in read_certificate(odd).subject.rfc4514_string()


ECDSA, WITH_NULL = bytes.fromhex("300a06082a8648ce3d040302"), bytes.fromhex("300c06082a8648ce3d0403020500")
PARTS = ("version", "serial_number", "signature", "issuer", "validity", "subject", "subject_public_key_info")


def element(tag: int, content: bytes) -> bytes:
    size = len(content).to_bytes((len(content).bit_length() + 7) // 8 or 1, "big")
    return bytes([tag]) + (size if len(content) < 128 else bytes([0x80 | len(size)]) + size) + content


def body_of(der: bytes, extensions: Iterable[bytes] | None = None, algorithm: bytes = ECDSA) -> bytes:
    """The signed part of a certificate, put together again."""
    parsed = asn1_x509.Certificate.load(der)["tbs_certificate"]
    parts = [algorithm if name == "signature" else parsed[name].dump() for name in PARTS]
    listed = [each.dump() for each in parsed["extensions"]] if extensions is None else list(extensions)
    return element(0x30, b"".join(parts) + element(0xA3, element(0x30, b"".join(listed))))


def test_parameters_beside_ecdsa() -> None:
    """NULL, where there should be nothing (RFC 5758 §3.2)."""
    assert answer([ROOT_LIST, PLAIN], signed(body_of(LEAF), ECDSA)) is VALID
    assert answer([ROOT_LIST, PLAIN], signed(body_of(LEAF, algorithm=WITH_NULL), WITH_NULL)) is VALID
    assert answer([ROOT_LIST, PLAIN], signed(body_of(LEAF), WITH_NULL)) is Reason.E_SIG_CERT_FORMAT


def test_critical_false_spelt_out() -> None:
    """DER leaves out what is the default (X.690 §11.5)."""
    extensions = [each.dump() for each in asn1_x509.Certificate.load(LEAF)["tbs_certificate"]["extensions"]]
    spelt = element(0x30, b"\x06\x03\x2a\x03\x04" + b"\x01\x01\x00" + b"\x04\x02\x05\x00")
    assert answer([ROOT_LIST, PLAIN], signed(body_of(LEAF, [*extensions, spelt]), ECDSA)) is VALID
    critical = spelt.replace(b"\x01\x01\x00", b"\x01\x01\x01")  # any value but zero is true in BER
    assert (
        answer([ROOT_LIST, PLAIN], signed(body_of(LEAF, [*extensions, critical]), ECDSA)) is Reason.E_SIG_UNTRUSTED_CA
    )


def test_what_cannot_be_read_has_a_reason_of_its_own() -> None:
    extensions = [each.dump() for each in asn1_x509.Certificate.load(LEAF)["tbs_certificate"]["extensions"]]
    broken_usage = element(0x30, b"\x06\x03\x55\x1d\x13" + b"\x04\x02\x30\x05")
    others = [each for each in extensions if b"\x55\x1d\x13" not in each]
    for odd in (
        body_of(LEAF, [*extensions, extensions[0]]),
        body_of(LEAF, [*others, broken_usage]),
        body_of(LEAF).replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x04"),
    ):
        assert answer([ROOT_LIST, PLAIN], signed(odd, ECDSA)) is Reason.E_SIG_CERT_FORMAT


def test_a_modulus_that_reads_as_a_negative_number() -> None:
    """Without the zero before its first bit, as national identity cards of 2011 to 2017 have it."""
    der = issued("Lan", "rsa lan", "CA", "ca", 10, ca=False)
    numbers = key("rsa lan").public_key().public_numbers()
    modulus = numbers.n.to_bytes(256, "big")
    odd_key = element(0x30, element(0x02, modulus) + element(0x02, numbers.e.to_bytes(3, "big")))
    info = element(0x30, bytes.fromhex("300d06092a864886f70d0101010500") + element(0x03, b"\x00" + odd_key))
    parsed = asn1_x509.Certificate.load(der)["tbs_certificate"]
    body = body_of(der).replace(parsed["subject_public_key_info"].dump(), info)
    content = body[4:]
    odd = signed(element(0x30, content), ECDSA)
    assert read_certificate(odd).public_key.public_numbers() == numbers
    assert answer([ROOT_LIST, PLAIN], odd) is VALID


HASH_384 = bytes.fromhex("300d06096086480165030402020500")
MASK_384 = element(0x30, bytes.fromhex("06092a864886f70d010108") + HASH_384)
LIMITS_384 = element(0x30, element(0xA0, HASH_384) + element(0xA1, MASK_384) + element(0xA2, b"\x02\x01\x30"))
PSS_OID = bytes.fromhex("06092a864886f70d01010a")


def limited_to_pss(der: bytes, limits: bytes) -> bytes:
    """The certificate of an RSA key, as one of a key for RSASSA-PSS alone, signed by the root."""
    info = asn1_x509.Certificate.load(der)["tbs_certificate"]["subject_public_key_info"].dump()
    plain = bytes.fromhex("300d06092a864886f70d0101010500")
    bits = info[info.index(plain) + len(plain) :]
    body = element(0x30, body_of(der)[4:].replace(info, element(0x30, element(0x30, PSS_OID + limits) + bits)))
    signature = key("root").sign(body, ec.ECDSA(hashes.SHA256()))
    return element(0x30, body + ECDSA + element(3, b"\0" + signature))


@pytest.mark.parametrize(
    ("limits", "digest", "is_pss", "expected"),
    [
        (b"", hashes.SHA256(), True, VALID),
        (b"", hashes.SHA256(), False, Reason.E_SIG_UNTRUSTED_CA),
        (LIMITS_384, hashes.SHA384(), True, VALID),
        (LIMITS_384, hashes.SHA256(), True, Reason.E_SIG_UNTRUSTED_CA),
        (LIMITS_384, hashes.SHA384(), False, Reason.E_SIG_UNTRUSTED_CA),
    ],
)
def test_a_key_for_pss_alone_signs_nothing_else(
    limits: bytes, digest: hashes.HashAlgorithm, is_pss: bool, expected: Reason | None
) -> None:
    """RFC 4055 §1.2, §3.1."""
    issuing = limited_to_pss(issued("CA", "rsa ca", "Root", "root", 2), limits)
    padded = {"rsa_padding": padding.PSS(padding.MGF1(digest), digest.digest_size)} if is_pss else {}
    like = x509.load_der_x509_certificate(LEAF)
    fresh = x509.CertificateBuilder().issuer_name(like.issuer).subject_name(like.subject).serial_number(10)
    fresh = fresh.public_key(like.public_key()).not_valid_before(like.not_valid_before_utc)
    fresh = fresh.not_valid_after(like.not_valid_after_utc)
    for each in like.extensions:
        fresh = fresh.add_extension(each.value, each.critical)
    made_by_key = fresh.sign(key("rsa ca"), digest, **padded).public_bytes(Encoding.DER)  # type: ignore[arg-type]
    lists = x509.CertificateRevocationListBuilder().issuer_name(named("CA")).last_update(NOW - DAY)
    lists = lists.next_update(NOW + 30 * DAY).add_extension(x509.CRLNumber(1), critical=False)
    crl = lists.sign(key("rsa ca"), digest, **padded).public_bytes(Encoding.DER)  # type: ignore[arg-type]
    assert answer([ROOT_LIST, crl], made_by_key, intermediates=[issuing]) is expected


@pytest.mark.parametrize("has_way", [False, True])
def test_authorities_that_certify_each_other_hold_no_search_up(has_way: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve of them have nearly five million ways between them that are no longer than a chain may be."""
    names = [f"M{number}" for number in range(12)]
    mesh = [
        issued(one, one, other, other, 100 * at + by)
        for at, one in enumerate(names)
        for by, other in enumerate(names)
        if one != other
    ]
    rooted = [issued("M0", "M0", "Root", "root", 7)] if has_way else []
    leaf = read_certificate(issued("Lan", "lan", "M0", "M0", 10, ca=False))
    examined = []
    is_issued_by = path.is_issued_by
    monkeypatch.setattr(path, "is_issued_by", lambda below, above: examined.append(above) or is_issued_by(below, above))
    trust = TrustStore([ROOT], [*mesh, *rooted])
    lists = authentic_crls(trust.authorities, [("", ROOT_LIST), ("", listing("M0", "M0"))], DEFAULT)
    result = find_valid_chain(leaf, Evidence(trust, RevocationLists(lists), DEFAULT, NOW), NOW, "")
    assert len(examined) <= 3 * DEFAULT.max_path_steps
    if has_way:
        assert result.fault is None, result.fault
    else:
        assert result.fault is not None
        assert (result.fault.rule.number, result.fault.detail) == ("6.3", "no chain to a pinned root in 5000 steps")


def signed(body: bytes, algorithm: bytes) -> bytes:
    """A certificate of the CA over that body."""
    signature = key("ca").sign(body, ec.ECDSA(hashes.SHA256()))
    content = body + algorithm + b"\x03" + bytes([len(signature) + 1]) + b"\x00" + signature
    return b"\x30\x82" + len(content).to_bytes(2, "big") + content
