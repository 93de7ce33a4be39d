"""What a CA has signed and of which a part cannot be read: it says "not revoked" about nobody, but whom it names is
revoked, whatever older lists say."""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import pytest
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from common.domain.reason import Reason
from validator.cms.certificate import Certificate, read_certificate
from validator.cms.public_key import key_bits
from validator.pki import ocsp as reading
from validator.pki.chain_search import find_valid_chain
from validator.pki.evidence import Evidence
from validator.pki.ocsp_response import OcspResponse
from validator.pki.refresh import refresh
from validator.pki.revocation_lists import RevocationLists, authentic_crls
from validator.pki.trust_store import TrustStore
from validator.policy import DEFAULT, Policy
from validator.report.vocabulary import StatusKind

from .conftest import NOW
from .test_revocation_rules import (
    DAY,
    DELEGATED,
    ECDSA,
    ISSUING,
    LEAF,
    LIST_ISSUER,
    OLDER,
    OTHER_POINT,
    PARTS,
    PLAIN,
    POINT,
    REVOKED,
    ROOT,
    ROOT_LIST,
    UNKNOWN,
    VALID,
    answer,
    at_point,
    body_of,
    element,
    issued,
    issuing_point,
    key,
    listing,
    named,
    signed,
)

UTC_TIME, TIME, SEQUENCE = 0x17, 0x18, 0x30
NO_ZONE = element(TIME, b"20260601000000")


def utc(at: datetime) -> bytes:
    return element(UTC_TIME, at.strftime("%y%m%d%H%M%SZ").encode())


def with_null(algorithm: bytes) -> bytes:
    return element(SEQUENCE, algorithm[2:] + b"\x05\x00")


def generalized(at: datetime) -> bytes:
    return element(TIME, at.strftime("%Y%m%d%H%M%SZ").encode())


def signed_by_ca(body: bytes) -> bytes:
    value = key("ca").sign(body, ec.ECDSA(hashes.SHA256()))
    return element(SEQUENCE, body + ECDSA + element(3, b"\0" + value))


def extension(kind: bytes, value: bytes) -> bytes:
    return element(SEQUENCE, b"\x06\x03\x55\x1d" + kind + b"\x01\x01\xff" + element(4, value))


def entry(serial: int, date: bytes = utc(NOW - 2 * DAY), more: bytes = b"") -> bytes:
    return element(SEQUENCE, element(2, bytes([serial])) + date + more)


NUMBER = extension(b"\x14", b"\x02\x01\x09")


def written(
    *entries: bytes, begin: bytes = utc(NOW - DAY), end: bytes = utc(NOW + 30 * DAY), extensions: bytes = NUMBER,
    last: bytes = b"",
) -> bytes:  # fmt: skip
    """A list of the CA, newer than the one in force."""
    revoked, listed = element(SEQUENCE, b"".join(entries)), element(0xA0, element(SEQUENCE, extensions))
    parts = (b"\x02\x01\x01", ECDSA, named("CA").public_bytes(), begin, end, revoked, listed, last)
    return signed_by_ca(element(SEQUENCE, b"".join(parts)))


def test_a_list_as_it_should_be() -> None:
    assert answer([ROOT_LIST, written(entry(11))]) is VALID
    assert answer([ROOT_LIST, written(entry(10)), OLDER]) is REVOKED


@pytest.mark.parametrize("date", [NO_ZONE, element(UTC_TIME, b"999999999999Z"), element(0x16, b"x"), b"", b"\x17\x40"])
def test_the_date_of_an_entry(date: bytes) -> None:
    """The certificate is revoked since ever; nobody else is."""
    for entries in ([entry(10, date)], [entry(11, date), entry(10)]):
        assert answer([ROOT_LIST, written(*entries), OLDER]) is REVOKED
    assert answer([ROOT_LIST, written(entry(11, date))]) is VALID


@pytest.mark.parametrize(
    "piece", [element(SEQUENCE, element(4, b"\x0b")), b"\x31\x00", b"\x30\x40", element(SEQUENCE, b"")]
)
def test_an_entry_without_a_serial_number(piece: bytes) -> None:
    """Nobody knows whose it is: no older list speaks in its place, a newer one does."""
    assert answer([ROOT_LIST, written(entry(10), piece), OLDER]) is REVOKED
    for older in ([], [OLDER]):
        assert answer([ROOT_LIST, written(entry(11), piece), *older]) is UNKNOWN
    assert answer([ROOT_LIST, written(entry(11), piece), listing("CA", "ca", age=DAY / 2)]) is VALID


BROKEN = b"\x30\x05\x01"
"""A piece that ends early."""
ODD_PARTS = {
    "last part": {"last": BROKEN},
    "no dates": {"begin": b"", "end": b""},
    "date": {"begin": NO_ZONE},
    "next list": {"end": NO_ZONE},
    "next list in another form": {"end": element(0x16, b"260801000000Z")},
    "full list": {"extensions": extension(b"\x1b", b"\x02\x05\x01")},
    "extensions": {"extensions": BROKEN},
    "full list of a number that is too long": {"extensions": extension(b"\x1b", element(2, b"\1" + bytes(30)))},
}

HIDING = {"last part"}
"""Nobody knows what else there was."""


@pytest.mark.parametrize("part", ODD_PARTS)
def test_a_part_of_a_list(part: str) -> None:
    """Where all entries could be read it is silent about the certificate, and an older list may speak."""
    assert answer([ROOT_LIST, written(entry(10), **ODD_PARTS[part]), OLDER]) is REVOKED
    assert answer([ROOT_LIST, written(entry(11), **ODD_PARTS[part])]) is UNKNOWN
    assert answer([ROOT_LIST, written(entry(11), **ODD_PARTS[part]), OLDER]) is (UNKNOWN if part in HIDING else VALID)


@pytest.mark.parametrize(
    ("end", "expected"), [(utc(NOW + DAY), UNKNOWN), (utc(NOW - DAY / 2), VALID), (NO_ZONE, VALID)]
)
def test_a_list_without_a_date_of_which_an_entry_cannot_be_read(end: bytes, expected: Reason | None) -> None:
    """It may be the newest while it is in force."""
    odd = written(entry(11), b"\x31\x00", begin=NO_ZONE, end=end)
    assert answer([ROOT_LIST, odd, listing("CA", "ca", age=DAY / 4)]) is expected


SHA512 = bytes.fromhex("300a06082a8648ce3d040304")


@pytest.mark.parametrize("inner", [SHA512, ECDSA[:-1] + b"\x63", b"\x05\x00"])
def test_a_list_that_names_two_signature_algorithms(inner: bytes) -> None:
    """Inside and outside (§5.1.1.2): what it names is revoked, and it says nothing more."""
    for serial, expected in ((10, REVOKED), (11, UNKNOWN)):
        entries = element(SEQUENCE, entry(serial))
        parts = (b"\x02\x01\x01", inner, named("CA").public_bytes(), utc(NOW - DAY), utc(NOW + DAY), entries)
        assert answer([ROOT_LIST, signed_by_ca(element(SEQUENCE, b"".join(parts)))]) is expected
    parts = (b"\x02\x01\x01", with_null(ECDSA), named("CA").public_bytes(), utc(NOW - DAY), utc(NOW + DAY))
    assert answer([ROOT_LIST, signed_by_ca(element(SEQUENCE, b"".join(parts)))]) is VALID


@pytest.mark.parametrize("tag", [0x31, 0xA1])
def test_entries_in_another_form(tag: int) -> None:
    """Nobody has read them."""
    parts = (
        b"\x02\x01\x01",
        ECDSA,
        named("CA").public_bytes(),
        utc(NOW - DAY),
        utc(NOW + DAY),
        element(tag, entry(10)),
    )
    odd = signed_by_ca(element(SEQUENCE, b"".join(parts)))
    assert answer([ROOT_LIST, odd, OLDER]) is UNKNOWN


@pytest.mark.parametrize("piece", [b"", b"\x31\x00"], ids=["whole", "with an entry that cannot be read"])
def test_a_list_that_cannot_be_relied_on_counts_against_whatever_else_is_wrong_with_it(piece: bytes) -> None:
    """One defect more must not let an older list speak in its place."""
    odd = written(entry(11), piece, extensions=extension(b"\x63", b"\x05\x00"))
    assert answer([ROOT_LIST, odd, OLDER]) is UNKNOWN


ON_HOLD = element(SEQUENCE, element(SEQUENCE, b"\x06\x03\x55\x1d\x15\x04\x03\x0a\x01\x06"))


@pytest.mark.parametrize(
    ("dates", "expected"),
    [
        ({}, VALID),
        ({"begin": NO_ZONE}, REVOKED),
        ({"begin": NO_ZONE, "end": utc(NOW - DAY)}, VALID),
        ({"begin": NO_ZONE, "end": NO_ZONE}, VALID),
    ],
    ids=["dated", "without a date", "without a date, over", "without dates"],
)
def test_a_hold_on_a_list_without_a_date(dates: dict[str, bytes], expected: Reason | None) -> None:
    """It may be the newest. A list without a next one is in force at no time."""
    holding = written(entry(10, more=ON_HOLD), **dates)
    assert answer([ROOT_LIST, holding]) is REVOKED
    assert answer([ROOT_LIST, holding, listing("CA", "ca", age=DAY / 2)]) is expected


def test_a_list_without_a_date_is_shown_without_one() -> None:
    trust, odd = TrustStore([ROOT], [ISSUING]), written(entry(10), begin=NO_ZONE)
    lists = RevocationLists(authentic_crls(trust.authorities, [("", ROOT_LIST), ("", odd)], DEFAULT))
    fault = find_valid_chain(read_certificate(LEAF), Evidence(trust, lists, DEFAULT, NOW), NOW, "").fault
    assert fault is not None
    assert fault.revoked_by is not None
    assert (fault.revoked_by.this_update, fault.revoked_by.number) == (None, 9)


POINT_EXTENSION = extension(b"\x1c", b"\x30\x05\x01")
OF_NOBODY = element(SEQUENCE, element(SEQUENCE, b"\x06\x03\x55\x1d\x1d\x04\x02\x30\x05"))


@pytest.mark.parametrize(
    "odd",
    [
        {"begin": NO_ZONE},
        {"extensions": BROKEN},
        {"extensions": NUMBER + POINT_EXTENSION},
        {"extensions": extension(b"\x1b", b"\x02\x05\x01")},
        {"last": BROKEN},
        {"more": b"\x30\x40"},
        {"more": entry(12, more=OF_NOBODY)},
    ],
    ids=["date", "extensions", "scope", "full list", "end", "entries", "whose entries"],
)
def test_nobody_knows_what_such_a_list_replaces(odd: dict[str, bytes], tmp_path: Path) -> None:
    """Of a CA whose tool breaks each of its lists: the later one is silent about a certificate that is revoked. Both
    stay in the trust folder."""
    for folder, name, der in (
        ("roots", "root", ROOT), ("intermediates", "ca", ISSUING), ("crls", "root", ROOT_LIST), ("crls", "ca", OLDER),
    ):  # fmt: skip
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / name).write_bytes(der)
    drop = tmp_path / "drop"
    drop.mkdir()
    more = odd.get("more", b"")
    options = {name: value for name, value in odd.items() if name != "more"}
    first, second = (written(entry(serial), more, **options) for serial in (10, 11))
    for der in (first, second, first):
        (drop / "list").write_bytes(der)
        refresh(tmp_path, [drop], now=NOW)
    brought = {path.read_bytes() for path in (tmp_path / "crls").glob("*.crl")}
    assert brought == {first, second}
    assert answer([ROOT_LIST, OLDER, *brought]) is REVOKED


# Answers

CRITICAL = element(SEQUENCE, element(SEQUENCE, b"\x06\x03\x2a\x03\x04\x01\x01\xff\x04\x02\x05\x00"))
GOOD = b"\x80\x00"
SHA1 = bytes.fromhex("300906052b0e03021a0500")


def revoked(date: bytes = generalized(NOW - 2 * DAY), reason: bytes = b"") -> bytes:
    return element(0xA1, date + reason)


def single(
    status: bytes, serial: int | bytes = 10, begin: bytes = generalized(NOW - DAY / 2),
    end: bytes = generalized(NOW + DAY), more: bytes = b"",
) -> bytes:  # fmt: skip
    authority = read_certificate(ISSUING)
    hashed = (authority.subject_raw, key_bits(authority.key_info, DEFAULT.cms))
    digests = b"".join(element(4, hashlib.sha1(each, usedforsecurity=False).digest()) for each in hashed)
    number = serial if isinstance(serial, bytes) else bytes([serial])
    identifier = element(SEQUENCE, SHA1 + digests + element(2, number))
    return element(SEQUENCE, identifier + status + begin + element(0xA0, end) + more)


def response(*singles: bytes, produced: bytes = generalized(NOW - DAY / 2), more: bytes = b"") -> bytes:
    responder = element(0xA1, named("CA").public_bytes())
    basic = signed_by_ca(element(SEQUENCE, responder + produced + element(SEQUENCE, b"".join(singles)) + more))
    inside = bytes.fromhex("06092b0601050507300101") + element(4, basic)
    return element(SEQUENCE, b"\x0a\x01\x00" + element(0xA0, element(SEQUENCE, inside)))


def answered(der: bytes, lists: Iterable[bytes]) -> Reason | None:
    return answer([ROOT_LIST, *lists], embedded=[(StatusKind.OCSP, der)])


@pytest.mark.parametrize(
    "status", [revoked(NO_ZONE), revoked(b""), revoked(reason=b"\x80\x01\x01"), revoked(reason=b"\xa0\x00")]
)
def test_date_and_reason_of_an_answer(status: bytes) -> None:
    assert answered(response(single(status)), [PLAIN]) is REVOKED


@pytest.mark.parametrize("odd", [b"\x30\x02\x05\x00", single(GOOD, 11, begin=NO_ZONE), single(revoked(NO_ZONE), 11)])
def test_an_answer_takes_no_other_along(odd: bytes) -> None:
    assert answered(response(odd, single(revoked())), [PLAIN]) is REVOKED
    assert answered(response(odd, single(GOOD)), []) is VALID


def test_the_last_of_many_answers() -> None:
    """As many as may be good are looked at; of whom it says "revoked", nobody is left out."""
    others = [single(GOOD, serial) for serial in range(20, 20 + DEFAULT.revocation.max_ocsp_answers)]
    assert answered(response(*others, single(revoked())), [PLAIN]) is REVOKED
    assert answered(response(*others * 4, single(GOOD)), []) is UNKNOWN
    assert answered(response(single(GOOD), *others), []) is VALID


def test_many_answers_are_verified_once(monkeypatch: pytest.MonkeyPatch) -> None:
    verified: list[object] = []
    has_signed = reading._has_signed

    def counted(signed_response: OcspResponse, signer: Certificate, policy: Policy) -> bool:
        verified.append(signer)
        return has_signed(signed_response, signer, policy)

    monkeypatch.setattr(reading, "_has_signed", counted)
    answers = response(*(single(revoked(), serial) for serial in range(100)))
    authority = read_certificate(ISSUING)
    assert len(reading.read_answers([authority], answers, DEFAULT)) == 100
    assert len(verified) == 1


@pytest.mark.parametrize("place", ["behind it", "in it", "behind all"])
def test_a_piece_of_a_response_that_ends_early(place: str) -> None:
    """What stands before it counts if it says "revoked"; nobody knows what else there was."""

    def broken(status: bytes) -> bytes:
        behind, inside, last = (BROKEN if place == each else b"" for each in ("behind it", "in it", "behind all"))
        return response(single(status, more=inside), behind, more=last)

    for status, lists, expected in ((revoked(), [PLAIN], REVOKED), (GOOD, [], UNKNOWN), (GOOD, [PLAIN], VALID)):
        assert answered(broken(status), lists) is expected


@pytest.mark.parametrize("part", ["begin", "end", "its extensions", "extensions", "broken extensions", "produced"])
def test_a_part_of_an_answer(part: str) -> None:
    """Only that a certificate is revoked counts."""
    of_single = {
        "begin": {"begin": NO_ZONE}, "end": {"end": NO_ZONE}, "its extensions": {"more": element(0xA1, CRITICAL)}
    }.get(part, {})  # fmt: skip
    of_response = {
        "extensions": {"more": element(0xA1, CRITICAL)}, "broken extensions": {"more": element(0xA1, BROKEN)},
        "produced": {"produced": NO_ZONE},
    }.get(part, {})  # fmt: skip
    for status, lists, expected in ((revoked(), [PLAIN], REVOKED), (GOOD, [], UNKNOWN), (GOOD, [PLAIN], VALID)):
        assert answered(response(single(status, **of_single), **of_response), lists) is expected


# Lists of others whom a certificate names


@pytest.mark.parametrize(
    "point",
    [
        issuing_point(OTHER_POINT, indirect_crl=True),
        issuing_point(POINT),
        issuing_point(POINT, indirect_crl=True, only_contains_ca_certs=True),
    ],
    ids=["of another point", "not indirect", "of authorities"],
)
def test_an_indirect_list_that_covers_something_else(point: x509.IssuingDistributionPoint) -> None:
    """What it names is revoked, as on a list of the issuer itself."""
    certificates = [ISSUING, LIST_ISSUER]
    for of, expected in (("CA", REVOKED), ("Another", VALID)):
        assert answer(
            [ROOT_LIST, PLAIN, listing("List issuer", "lists", 10, of=of, point=point)], DELEGATED, certificates
        ) is (expected)


@pytest.mark.parametrize(("serial", "expected"), [(3, UNKNOWN), (4, VALID)])
def test_who_signs_lists_may_be_revoked_on_an_indirect_one(serial: int, expected: Reason | None) -> None:
    newer = issued("CA", "ca new", "Root", "root", 3, at_point(POINT, "List issuer"))
    point = issuing_point(POINT, indirect_crl=True)
    lists = [
        listing("CA", "ca new", number=2),
        listing("List issuer", "lists", serial, of="Root", point=point, age=2 * DAY),
    ]
    assert answer([ROOT_LIST, *lists], intermediates=[ISSUING, newer, LIST_ISSUER]) is expected


URI, LATIN_1 = element(0x86, POINT.encode()), element(0x86, "http://crl/danh-sách.crl".encode("latin-1"))
ISSUER_OF_LISTS = element(0xA4, named("List issuer").public_bytes())


def point(*names: bytes, issuers: bytes = ISSUER_OF_LISTS) -> bytes:
    return element(SEQUENCE, element(0xA0, element(0xA0, b"".join(names))) + element(0xA2, issuers))


ODD_POINTS = {
    "a point of another name": [point(URI), point(LATIN_1)],
    "before it": [point(LATIN_1), point(URI)],
    "a name beside it": [point(LATIN_1, URI)],
    "a name of the issuer": [point(URI, issuers=element(0x86, b"\xff") + ISSUER_OF_LISTS)],
    "its name": [point(LATIN_1)],
    "its kind of name": [element(SEQUENCE, element(0xA0, element(0xA5, b"")) + element(0xA2, ISSUER_OF_LISTS))],
    "what is behind it": [point(URI), BROKEN],
}


def pointing(points: Iterable[bytes], *, critical: bool) -> bytes:
    others = [each.dump() for each in asn1_x509.Certificate.load(LEAF)["tbs_certificate"]["extensions"]]
    value = element(4, element(SEQUENCE, b"".join(points)))
    said = element(SEQUENCE, b"\x06\x03\x55\x1d\x1f" + (b"\x01\x01\xff" if critical else b"") + value)
    return signed(body_of(LEAF, [*others, said]), ECDSA)


@pytest.mark.parametrize("part", ODD_POINTS)
@pytest.mark.parametrize("critical", [False, True])
def test_a_distribution_point_takes_no_other_along(part: str, critical: bool) -> None:
    """Nor a part of it the others. Where all of it must be understood, the certificate cannot be judged good."""
    certificates, leaf = [ISSUING, LIST_ISSUER], pointing(ODD_POINTS[part], critical=critical)
    at = issuing_point(POINT, indirect_crl=True)
    naming_it, silent = (listing("List issuer", "lists", serial, point=at, of="CA") for serial in (10, 11))
    assert answer([ROOT_LIST, PLAIN, naming_it], leaf, certificates) is REVOKED
    assert answer([ROOT_LIST, PLAIN, silent], leaf, certificates) is (Reason.E_SIG_CERT_FORMAT if critical else VALID)
    assert answer([ROOT_LIST, PLAIN], pointing([point(URI)], critical=critical), certificates) is VALID


# Serial numbers


def numbered(serial: bytes) -> bytes:
    """The leaf with another serial number."""
    parts = asn1_x509.Certificate.load(LEAF)["tbs_certificate"]
    inside = [element(2, serial) if name == "serial_number" else parts[name].dump() for name in (*PARTS, "extensions")]
    return signed(element(SEQUENCE, b"".join(inside)), ECDSA)


def naming(serial: bytes) -> bytes:
    return written(element(SEQUENCE, element(2, serial) + utc(NOW - 2 * DAY)))


@pytest.mark.parametrize("serial", [b"\x80", b"\xff", b"\xff\x7f", b"\x9a\x01\x02"])
def test_a_serial_number_without_its_zero_is_listed_with_it(serial: bytes) -> None:
    """A tool read the certificate's bytes as a positive number. The other way round it is another certificate."""
    leaf, with_zero = numbered(serial), b"\0" + serial
    assert answer([ROOT_LIST, naming(with_zero), OLDER], leaf) is REVOKED
    assert answer([ROOT_LIST, PLAIN], leaf, embedded=[(StatusKind.CRL, naming(with_zero))]) is REVOKED
    assert answer([ROOT_LIST, naming(serial)], numbered(with_zero)) is VALID
    for status, expected in ((revoked(), REVOKED), (GOOD, UNKNOWN)):
        der = response(single(status, with_zero))
        assert answer([ROOT_LIST], leaf, embedded=[(StatusKind.OCSP, der)]) is expected


@pytest.mark.parametrize(
    "serial", [b"\x7f", b"\x80", b"\xff", b"\x80\x00", b"\xff\x7f", b"\x00\x80", b"\x00\xff", b"\x00"]
)
def test_serial_numbers_at_the_ends_of_their_bytes(serial: bytes) -> None:
    """Of either sign, which counts (NIST PKITS 4.4.14); also where the document alone brings the newer list along."""
    leaf, newer = numbered(serial), naming(serial)
    assert answer([ROOT_LIST, PLAIN], leaf) is VALID
    assert answer([ROOT_LIST, newer, OLDER], leaf) is REVOKED
    assert answer([ROOT_LIST, PLAIN], leaf, embedded=[(StatusKind.CRL, newer)]) is REVOKED
