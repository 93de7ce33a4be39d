"""What a signature brings along: evidence on revocation, in every place that a CMS has for it, and claims that prove
nothing."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from asn1crypto import cms, core, pdf
from asn1crypto import crl as asn1_crl
from asn1crypto import ocsp as asn1_ocsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID

from common.domain.directory import Directory
from common.domain.reason import Reason
from mint.attacks.forge import message, resigned
from mint.pki import YEAR, Revocation
from mint.sign import sign
from mint.tamper import hole
from mint.tsa import time_authority
from validator.cms.certificate import read_certificate
from validator.cms.public_key import key_bits
from validator.cms.signed_data import TIME_STAMP_TOKEN, read_signed_data
from validator.pdf.date import read_date
from validator.pki.revocation_lists import RevocationLists
from validator.policy import DEFAULT
from validator.report.decision import Decision, Refused, Undecided, Verified
from validator.report.vocabulary import Indication, Integrity, NoteCode, Verdict

from .conftest import NOW, SENDER, Harness, revocation_of
from .test_revocation_rules import element
from .test_time import DAY, LATER, STAMPED, TimeHarness, timed
from .test_verify import _unit

assert timed  # a fixture

Made = Callable[[bytes], bytes]


def lists(harness: Harness, **options: Any) -> list[bytes]:
    times = {"this_update": NOW, "next_update": NOW + timedelta(days=7)} | options
    return [harness.city.authority.crl(issuer, **times) for issuer in ("root", "issuing")]  # type: ignore[arg-type]


def answers(harness: Harness) -> list[bytes]:
    times = {"this_update": NOW, "next_update": NOW + timedelta(days=7)}
    return [harness.city.authority.ocsp(each, **times) for each in (harness.sender.seal, harness.sender.signer)]


def in_signed_attribute(crls: list[bytes], ocsps: list[bytes]) -> Any:
    """Adobe's (ISO 32000-1 §12.8.3.3.2)."""
    value: dict[str, Any] = {"crl": [asn1_crl.CertificateList.load(each) for each in crls]}
    if ocsps:
        value["ocsp"] = [asn1_ocsp.OCSPResponse.load(each) for each in ocsps]
    archival = pdf.RevocationInfoArchival(value)
    attribute = cms.CMSAttribute({"type": "adobe_revocation_info_archival", "values": [archival]})
    return lambda attributes: [*attributes, attribute]


def beside_the_certificates(signature: bytes, crls: list[bytes]) -> bytes:
    """RFC 5652 §10.2.1."""
    content = cms.ContentInfo.load(signature)
    content["content"]["crls"] = [asn1_crl.CertificateList.load(each) for each in crls]
    return bytes(content.dump(force=True))


class Lists(core.SequenceOf):
    _child_spec = asn1_crl.CertificateList


class RevocationValues(core.Sequence):
    _fields = [("crls", Lists, {"explicit": 0, "optional": True})]  # noqa: RUF012


class Values(core.SetOf):
    _child_spec = core.Any


class Attribute(core.Sequence):
    _fields = [("type", core.ObjectIdentifier), ("values", Values)]  # noqa: RUF012


ETSI, ADOBE = "1.2.840.113549.1.9.16.2.24", "1.2.840.113583.1.1.8"


def in_unsigned_attribute(
    signature: bytes, crls: list[bytes], *, kind: str = ETSI, before: tuple[bytes, ...] = ()
) -> bytes:
    """By default ETSI's (EN 319 122-1 §A.1.1.2). ``before``: other values of the attribute, DER."""
    value = RevocationValues({"crls": [asn1_crl.CertificateList.load(each) for each in crls]})
    values = [core.Any.load(each) for each in (*before, value.dump())]
    attribute = Attribute({"type": kind, "values": Values(values)})
    content = cms.ContentInfo.load(signature)
    content["content"]["signer_infos"][0]["unsigned_attrs"] = [cms.CMSAttribute.load(attribute.dump())]
    return bytes(content.dump(force=True))


def beside_others(signature: bytes, crls: list[bytes]) -> bytes:
    """RFC 5652 §10.2.1: something of a kind that is not known, then a list that is none, then the lists."""
    content = cms.ContentInfo.load(signature)
    inside = b"\xa1\x07\x06\x03\x2a\x03\x04\x05\x00" + b"\x30\x03\x02\x01\x07" + b"".join(crls)
    size = len(inside).to_bytes(2, "big")
    whole, parts = b"\xa1\x82" + size + inside, content["content"]
    names = ("version", "digest_algorithms", "encap_content_info", "certificates", "signer_infos")
    body = b"".join([*(parts[name].dump() for name in names[:4]), whole, parts[names[4]].dump()])
    signed = b"\x30\x82" + len(body).to_bytes(2, "big") + body
    kind = core.ObjectIdentifier("1.2.840.113549.1.7.2").dump()
    content_info = kind + b"\xa0\x82" + len(signed).to_bytes(2, "big") + signed
    return b"\x30\x82" + len(content_info).to_bytes(2, "big") + content_info


def roomy(harness: Harness) -> bytes:
    """Signed twice, with room for evidence in the last signature."""
    first = sign(harness.letter, harness.sender.signer, NOW, field="A")
    stamper = time_authority(harness.city.authority).stamper(NOW)  # a time stamp is larger than what takes its place
    return sign(first, harness.sender.seal, NOW, field="B", stamper=stamper)


def with_message(harness: Harness, make: Made) -> bytes:
    document = roomy(harness)
    start, end = hole(document, -1)

    def fitting(digest: bytes) -> bytes:
        value = make(digest)
        assert 2 * len(value) <= end - start - 2, "no room"
        return value

    return resigned(document, fitting)


KIND = element(6, b"\x2a\x03\x04")
GOOD = element(0x30, KIND + element(0x31, element(5, b"")))
ODD_UNSIGNED = {
    "values in a SEQUENCE": element(0x30, KIND + element(0x30, element(5, b""))),
    "a value of a long tag": element(0x30, KIND + element(0x31, b"\x7f\x21\x02\x05\x00")),
    "three parts": element(0x30, KIND + element(0x31, element(5, b"")) + element(5, b"")),
    "no attribute": element(5, b""),
    "one that ends early": b"\x30\x20",
    "more than are looked at": GOOD * (DEFAULT.cms.max_attributes + 1),
}


@pytest.mark.parametrize("odd", ODD_UNSIGNED)
def test_unsigned_attributes_of_an_odd_form_refuse_nothing(harness: Harness, odd: str) -> None:
    """Whoever has the file can write them. What stands before them is read all the same."""
    token = element(0x30, core.ObjectIdentifier(TIME_STAMP_TOKEN).dump() + element(0x31, element(0x30, b"")))

    def make(digest: bytes) -> bytes:
        parts = cms.ContentInfo.load(message(harness.sender.seal, digest, NOW))["content"]
        signer = b"".join(_dumped(parts["signer_infos"][0])) + element(0xA1, token + ODD_UNSIGNED[odd])
        names = ("version", "digest_algorithms", "encap_content_info", "certificates")
        body = b"".join(parts[name].dump() for name in names) + element(0x31, element(0x30, signer))
        kind = core.ObjectIdentifier("1.2.840.113549.1.7.2").dump()
        signature = element(0x30, kind + element(0xA0, element(0x30, body)))
        assert read_signed_data(signature, DEFAULT.cms).time_stamp_tokens == (element(0x30, b""),)
        return signature

    report = harness.judge(with_message(harness, make)).report
    assert (report.verdict, report.integrity) == (Verdict.VALID, Integrity.INTACT), report.detail


def _dumped(signer: Any) -> list[bytes]:
    names = ("version", "sid", "digest_algorithm", "signed_attrs", "signature_algorithm", "signature")
    return [signer[name].dump() for name in names]


def judge(harness: Harness, document: bytes, **changes: Any) -> Decision:
    return harness.judge(document, **{"revocation": RevocationLists()} | changes)


PLACES: dict[str, Callable[[Harness, bytes], bytes]] = {
    "signed attribute": lambda harness, digest: message(
        harness.sender.seal, digest, NOW, change=in_signed_attribute(lists(harness), [])
    ),
    "signed attribute, with answers": lambda harness, digest: message(
        harness.sender.seal, digest, NOW, change=in_signed_attribute(lists(harness)[:1], answers(harness))
    ),
    "beside the certificates": lambda harness, digest: beside_the_certificates(
        message(harness.sender.seal, digest, NOW), lists(harness)
    ),
    "unsigned attribute": lambda harness, digest: in_unsigned_attribute(
        message(harness.sender.seal, digest, NOW), lists(harness)
    ),
    "unsigned attribute, Adobe's": lambda harness, digest: in_unsigned_attribute(
        message(harness.sender.seal, digest, NOW), lists(harness), kind=ADOBE
    ),
    "unsigned attribute, beside values that are none": lambda harness, digest: in_unsigned_attribute(
        message(harness.sender.seal, digest, NOW), lists(harness), before=(b"\x02\x01\x07", b"\x30\x02\xa0\x00")
    ),
    "beside the certificates and other kinds": lambda harness, digest: beside_others(
        message(harness.sender.seal, digest, NOW), lists(harness)
    ),
}


@pytest.mark.parametrize("place", PLACES)
def test_evidence_counts_wherever_it_is(harness: Harness, place: str) -> None:
    decision = judge(harness, with_message(harness, lambda digest: PLACES[place](harness, digest)))
    assert isinstance(decision, Verified), decision
    assert {status.embedded for each in decision.report.signatures for status in each.statuses} == {True}


def test_without_evidence_nothing_is_decided(harness: Harness) -> None:
    plain = with_message(harness, lambda digest: message(harness.sender.seal, digest, NOW))
    assert isinstance(judge(harness, plain), Undecided)


@pytest.mark.parametrize("place", ["beside the certificates", "unsigned attribute"])
def test_evidence_that_cannot_be_read_takes_nothing_away(harness: Harness, place: str) -> None:
    odd = lists(harness)[0][:-3] + b"odd"
    changed = {"beside the certificates": beside_the_certificates, "unsigned attribute": in_unsigned_attribute}[place]
    document = with_message(harness, lambda digest: changed(message(harness.sender.seal, digest, NOW), [odd]))
    assert isinstance(harness.judge(document), Verified)


@pytest.mark.parametrize("place", PLACES)
def test_a_signature_that_brings_its_own_revocation_along(harness: Harness, place: str) -> None:
    """Our list is older, in force, and does not know yet."""
    seal = harness.sender.seal.certificate.serial_number

    def newer(harness: Harness) -> list[bytes]:
        listed = [Revocation(seal, NOW - DAY)]
        return [harness.city.authority.crl("issuing", revoked=listed, this_update=NOW, next_update=NOW + 7 * DAY)]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(f"{__name__}.lists", newer)
        patch.setattr(f"{__name__}.answers", lambda harness: [])
        document = with_message(harness, lambda digest: PLACES[place](harness, digest))
    old = revocation_of(harness.city, harness.trust, this_update=NOW - DAY)
    assert harness.judge(document, revocation=old).report.reason is Reason.E_SIG_REVOKED


def test_pieces_that_are_none_crowd_out_no_evidence(harness: Harness) -> None:
    listed = [Revocation(harness.sender.seal.certificate.serial_number, NOW - DAY)]
    newer = harness.city.authority.crl("issuing", revoked=listed, this_update=NOW, next_update=NOW + 7 * DAY)
    document = with_message(
        harness,
        lambda digest: in_unsigned_attribute(message(harness.sender.seal, digest, NOW), [*65 * [b"\x30\x00"], newer]),
    )
    old = revocation_of(harness.city, harness.trust, this_update=NOW - DAY)
    assert harness.judge(document, revocation=old).report.reason is Reason.E_SIG_REVOKED


# Which of several certificates of one key


@pytest.mark.parametrize("is_named", [True, False])
def test_two_certificates_of_one_key(harness: Harness, is_named: bool) -> None:
    authority = harness.city.authority
    key = harness.sender.seal.key
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    one, other = (authority.unit(text, key=key, extensions=[(identifier, False)]) for text in ("Một", "Hai"))

    def resigned_message(digest: bytes) -> bytes:
        quiet = (lambda attributes: attributes) if is_named else (lambda attributes: attributes[:-1])
        content = cms.ContentInfo.load(message(one, digest, NOW, certificates=[other, one], change=quiet))
        info = content["content"]["signer_infos"][0]
        info["sid"] = cms.SignerIdentifier({"subject_key_identifier": core.OctetString(identifier.digest)})
        return bytes(content.dump(force=True))

    report = harness.judge(with_message(harness, resigned_message), directory=None).report
    if is_named:
        assert (report.integrity, report.reason) == (Integrity.INTACT, None)
        assert report.signatures[-1].certificate_sha256 == one.sha256
    else:
        assert report.reason is Reason.E_SIG_FORMAT


@pytest.mark.parametrize("is_usual", [True, False])
@pytest.mark.parametrize(
    ("others", "is_named", "expected"),
    [("", True, None), ("", False, None), ("signer", True, None), ("signer", False, Reason.E_SIG_FORMAT)],
)
def test_a_key_identifier_that_no_certificate_states(
    harness: Harness, others: str, is_named: bool, expected: Reason | None, is_usual: bool
) -> None:
    """Without the extension it is the usual digest of the key, or means the one certificate that may be meant."""
    seal = harness.sender.seal
    bits = key_bits(read_certificate(seal.der).key_info, DEFAULT.cms)
    identifier = hashlib.sha1(bits, usedforsecurity=False).digest() if is_usual else b"seal"

    def resigned_message(digest: bytes) -> bytes:
        quiet = (lambda attributes: attributes) if is_named else (lambda attributes: attributes[:-1])
        held = [*([harness.sender.signer] if others else []), seal]
        content = cms.ContentInfo.load(message(seal, digest, NOW, certificates=held, change=quiet))
        info = content["content"]["signer_infos"][0]
        info["sid"] = cms.SignerIdentifier({"subject_key_identifier": core.OctetString(identifier)})
        return bytes(content.dump(force=True))

    report = harness.judge(with_message(harness, resigned_message)).report
    assert report.reason is (None if is_usual else expected)


def test_the_issuer_in_a_signature_is_compared_by_value(harness: Harness) -> None:
    def resigned_message(digest: bytes) -> bytes:
        content = cms.ContentInfo.load(message(harness.sender.seal, digest, NOW))
        info = content["content"]["signer_infos"][0]
        issuer = asn1_x509.Name.build(content["content"]["certificates"][0].chosen.issuer.native, use_printable=True)
        serial = info["sid"].chosen["serial_number"].native
        identified = cms.IssuerAndSerialNumber({"issuer": issuer, "serial_number": serial})
        assert identified.dump() != info["sid"].chosen.dump()
        info["sid"] = cms.SignerIdentifier({"issuer_and_serial_number": identified})
        return bytes(content.dump(force=True))

    assert isinstance(harness.judge(with_message(harness, resigned_message)), Verified)


def test_the_serial_number_in_a_signature_is_compared_without_its_sign(harness: Harness) -> None:
    """The certificate lacks the zero that keeps it positive; the signing tool has put it before it."""
    authority = harness.city.authority
    parts = asn1_x509.Certificate.load(authority.unit("Cơ quan", key=harness.sender.seal.key).der)
    parts["tbs_certificate"]["serial_number"] = -5
    body = parts["tbs_certificate"].dump(force=True)
    parts["signature_value"] = authority.issuing.key.sign(body, ec.ECDSA(SHA256()))  # type: ignore[call-arg, arg-type]

    def resigned_message(digest: bytes) -> bytes:
        content = cms.ContentInfo.load(message(harness.sender.seal, digest, NOW, change=lambda each: each[:-1]))
        content["content"]["certificates"] = [asn1_x509.Certificate.load(parts.dump(force=True))]
        content["content"]["signer_infos"][0]["sid"].chosen["serial_number"] = 251
        return bytes(content.dump(force=True))

    assert harness.judge(with_message(harness, resigned_message), directory=None).report.reason is None


def test_a_certificate_without_an_end(harness: Harness) -> None:
    """RFC 5280 §4.1.2.5: 99991231235959Z; there is no later time to compare with."""
    end = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    seal = harness.city.authority.unit("Cơ quan", not_after=end)
    tsa = time_authority(harness.city.authority, not_after=NOW + 10 * YEAR)
    for stamper in (None, tsa.stamper(NOW)):
        decision = harness.judge(sign(harness.letter, seal, NOW, stamper=stamper), directory=None)
        assert isinstance(decision, Verified), decision
        assert decision.report.notes == ()


# Authorities for time

TIME, CLIENT = ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.CLIENT_AUTH


@pytest.mark.parametrize(
    ("purposes", "is_critical", "counts"),
    [([TIME], True, True), ([TIME], False, False), ([TIME, CLIENT], True, False), ([CLIENT], True, False)],
)
def test_a_time_stamp_is_made_for_time_alone(
    timed: TimeHarness, purposes: list[x509.ObjectIdentifier], is_critical: bool, counts: bool
) -> None:
    usage = (x509.ExtendedKeyUsage(purposes), is_critical)
    stamper = time_authority(timed.authority, extensions=[usage], not_after=NOW + 3000 * DAY).stamper(STAMPED)
    document = sign(timed.letter, timed.signer, NOW, field="A", stamper=stamper)
    document = sign(document, timed.seal, NOW, field="B", stamper=stamper)
    decision = timed.judge(document, LATER)
    assert isinstance(decision, Verified if counts else Refused), decision


# Claims


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("D:20260701100000+07'00'", NOW), ("D:20260701100000+07'00", NOW), ("20260701100000+07'00'", NOW),
        ("D:20260701100000+0700", NOW), ("D:20260701100000+07:00", NOW), ("D:20260701100000+07", NOW),
        ("2026-07-01T10:00:00+07:00", NOW), ("2026-07-01T03:00:00Z", NOW), ("2026-07-01 03:00:00.25Z", NOW),
        ("D:20260701030000Z", NOW), ("D:20260701030000Z00'00'", NOW), ("D:20260701030000Z0000", NOW),
        ("D:20260701030000-00'00'", NOW), ("D:20260701100000", NOW), ("D:2026070110", NOW),
        ("D:20260701", datetime(2026, 6, 30, 17, tzinfo=UTC)), ("D:2026", datetime(2025, 12, 31, 17, tzinfo=UTC)),
        ("", None), ("D:", None), ("D:20261301000000Z", None), ("yesterday", None), ("D:20260701100000+99'00'", None),
        ("D:00000101000000Z", None), ("1 Jul 2026", None), ("D:2026\u0660701", None),
    ],
)  # fmt: skip
def test_dates_as_tools_write_them(text: str, expected: datetime | None) -> None:
    assert read_date(text) == expected


def _time(*values: bytes) -> cms.CMSAttribute:
    """A signing-time attribute with these values, DER."""
    kind, inside = core.ObjectIdentifier("1.2.840.113549.1.9.5").dump(), b"".join(values)
    whole = kind + b"\x31" + bytes([len(inside)]) + inside
    return cms.CMSAttribute.load(b"\x30" + bytes([len(whole)]) + whole)


UTC_TIME, OTHER_TIME = core.UTCTime(NOW).dump(), core.UTCTime(NOW + DAY).dump()
UNREADABLE: dict[str, list[Any]] = {
    "absent": [],
    "no date": [_time(UTC_TIME.replace(b"Z", b"?"))],
    "a number": [_time(b"\x02\x01\x07")],
    "no value": [_time()],
    "two values": [_time(UTC_TIME, OTHER_TIME)],
    "twice": [_time(UTC_TIME), _time(OTHER_TIME)],
    "outside of the calendar": [_time(b"\x18\x1399991231235959-0700")],
    "before the calendar": [_time(b"\x18\x0f00000101000000Z")],
}


@pytest.mark.parametrize("claim", UNREADABLE)
def test_a_claim_that_cannot_be_read_refuses_nothing(harness: Harness, claim: str) -> None:
    def patch(document: bytes) -> bytes:
        at = document.rindex(b"/M (") + 4
        end = document.index(b")", at)
        return document[:at] + b"?" * (end - at) + document[end:]

    def odd(attributes: list[Any]) -> list[Any]:
        return [*(each for each in attributes if each["type"].native != "signing_time"), *UNREADABLE[claim]]

    document = resigned(
        roomy(harness), lambda digest: message(harness.sender.seal, digest, NOW, change=odd), patch=patch
    )
    decision = harness.judge(document)
    assert isinstance(decision, Verified), decision
    assert decision.report.integrity is Integrity.INTACT
    assert NoteCode.NO_SIGNING_TIME in {note.code for note in decision.report.notes}


@dataclass(frozen=True)
class Claim:
    """What signer and seal say about the time of signing, as distances from NOW; judged an hour after NOW."""

    signer: timedelta
    seal: timedelta
    notes: set[NoteCode]
    form: str = "attribute and /M"


NOT_USED, OUT_OF_ORDER, LATER_ROLE = (
    NoteCode.SIGNING_TIME_NOT_USED, NoteCode.SIGNING_TIMES_OUT_OF_ORDER, NoteCode.ROLE_HELD_LATER
)  # fmt: skip
HOUR, EPOCH = timedelta(hours=1), datetime(1970, 1, 1, tzinfo=UTC)
CLAIMS = {
    "a day ahead": Claim(DAY, DAY, {NOT_USED}),
    "centuries ahead": Claim(90_000 * DAY, 90_000 * DAY, {NOT_USED}),
    "one of them ahead": Claim(DAY, HOUR / 2, {NOT_USED}),
    "before the certificates": Claim(-400 * DAY, -400 * DAY, {NOT_USED}),
    "one of them before the certificates": Claim(HOUR / 2, -400 * DAY, {NOT_USED}),
    "when clocks began": Claim(EPOCH - NOW, EPOCH - NOW, {NOT_USED}),
    "the unit eight hours before its signer": Claim(HOUR / 2, HOUR / 2 - 8 * HOUR, {OUT_OF_ORDER}),
    "the unit months before its signer": Claim(HOUR / 2, -100 * DAY, {OUT_OF_ORDER}),
    "before the role began": Claim(-2 * DAY, -2 * DAY, {LATER_ROLE}),
    "in /M alone, ahead": Claim(DAY, DAY, {NOT_USED}, form="/M"),
    "in /M alone, before the certificates": Claim(-400 * DAY, -400 * DAY, {NOT_USED}, form="/M"),
}  # fmt: skip


def _saying(harness: Harness, claim: Claim) -> bytes:
    first = sign(harness.letter, harness.sender.signer, NOW + claim.signer, field="A")
    if claim.form == "attribute and /M":
        return sign(first, harness.sender.seal, NOW + claim.seal, field="B")

    def without_time(attributes: list[Any]) -> list[Any]:
        return [each for each in attributes if each["type"].native != "signing_time"]

    stamper = time_authority(harness.city.authority).stamper(NOW)
    roomy = sign(first, harness.sender.seal, NOW + claim.seal, field="B", stamper=stamper)
    return resigned(roomy, lambda digest: message(harness.sender.seal, digest, NOW, change=without_time))


@pytest.mark.parametrize("name", CLAIMS)
def test_a_claim_alone_never_refuses(harness: Harness, name: str) -> None:
    """Whatever a signer says about the time: what counts is what is known, and the report names the claim."""
    claim, today = CLAIMS[name], NOW.date()
    begun = today if claim.notes == {LATER_ROLE} else NOW.date() - 300 * DAY
    unit = harness.sender
    directory = Directory([_unit(SENDER, (unit.seal.sha256, "unit"), (unit.signer.sha256, "signer"), start=begun)])
    decision = harness.judge(_saying(harness, claim), directory=directory)
    assert isinstance(decision, Verified), decision
    assert decision.report.integrity is Integrity.INTACT
    assert {note.code for note in decision.report.notes} == claim.notes
    assert {each.indication for each in decision.report.signatures} == {Indication.TOTAL_PASSED}


@pytest.mark.parametrize("ahead", [DAY, 40 * DAY])
def test_a_claim_that_cannot_be_true_gives_no_role(harness: Harness, ahead: timedelta) -> None:
    """The deputy's delegation has ended: neither a claim from the future nor one from before his certificate helps."""
    for at in (NOW + ahead, NOW - 400 * DAY):
        document = sign(sign(harness.letter, harness.sender.former, at, field="A"), harness.sender.seal, NOW, field="B")
        decision = harness.judge(document)
        assert isinstance(decision, Refused)
        assert decision.reason is Reason.E_SIG_SIGNER_NOT_AUTHORISED


def test_a_verdict_for_today_is_not_remembered_for_tomorrow(harness: Harness) -> None:
    """No claim serves, so that the roles were judged for the day of receipt."""
    plain = harness.judge(harness.signed).report.holds_until
    today = harness.judge(_saying(harness, CLAIMS["a day ahead"])).report.holds_until
    midnight = NOW.replace(hour=17)
    assert plain is not None
    assert plain > midnight
    assert today == midnight


@pytest.mark.parametrize(
    ("claimed", "expected"), [(-DAY, None), (timedelta(0), None), (DAY, NOT_USED), (-3000 * DAY, NOT_USED)]
)
def test_a_time_stamp_outranks_every_claim(timed: TimeHarness, claimed: timedelta, expected: NoteCode | None) -> None:
    stamper = timed.tsa.stamper(STAMPED)
    document = sign(timed.letter, timed.signer, NOW + claimed, field="A", stamper=stamper)
    document = sign(document, timed.seal, NOW, field="B", stamper=stamper)
    decision = timed.judge(document, NOW + 2 * DAY)
    assert isinstance(decision, Verified), decision
    assert {note.code for note in decision.report.notes} == ({expected} if expected else set())


def test_time_stamps_that_contradict_the_order(timed: TimeHarness) -> None:
    """The unit's signature covers the signer's time stamp, and is proved to be a day older than that."""
    first = sign(timed.letter, timed.signer, NOW, field="A", stamper=timed.tsa.stamper(NOW + DAY))
    document = sign(first, timed.seal, NOW, field="B", stamper=timed.tsa.stamper(NOW))
    decision = timed.judge(document, NOW + 2 * DAY)
    assert isinstance(decision, Refused)
    assert decision.reason is Reason.E_SIG_ORDER
