"""Signatures as other tools make them: right in themselves, whatever the policy says of them. And wrong ones."""

import hashlib
from collections.abc import Callable

import pytest
from asn1crypto import cms as asn1_cms
from asn1crypto import core, tsp
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from common.domain.reason import Reason
from mint.sign import sign
from mint.tamper import TAMPERS, hole
from validator.cms import ber
from validator.cms.signature_scheme import UnknownAlgorithm, read_scheme
from validator.cms.time_stamp import read_time_stamp_info
from validator.policy import DEFAULT
from validator.report.decision import Refused
from validator.report.vocabulary import Indication, Integrity

from .conftest import NOW, Harness

Maker = Callable[[Harness, bytes, "asn1_cms.ContentInfo"], bytes]


def _covered(pdf: bytes) -> bytes:
    start, end = hole(pdf, 0)
    return pdf[:start] + pdf[end:]


def _rewritten(harness: Harness, make: Maker, before: tuple[bytes, bytes] = (b"", b"")) -> bytes:
    """A signed letter whose CMS is made anew by ``make``."""
    pdf = sign(harness.letter, harness.sender.signer, NOW, field="A", legacy=True)
    pdf = pdf.replace(*before) if before[0] else pdf
    start, end = hole(pdf, 0)
    info = asn1_cms.ContentInfo.load(bytes.fromhex(pdf[start + 1 : end - 1].decode()))
    value = make(harness, pdf, info).hex().encode().ljust(end - start - 2, b"0")
    return pdf[: start + 1] + value + pdf[end - 1 :]


def _signed(harness: Harness, message: bytes) -> bytes:
    key = harness.sender.signer.key
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key.sign(message, ec.ECDSA(hashes.SHA256()))


def _attributes(pdf: bytes, info: "asn1_cms.ContentInfo", content: bytes) -> list[bytes]:
    signed_attributes = info["content"]["signer_infos"][0]["signed_attrs"]
    for attribute in signed_attributes:
        if attribute["type"].native == "message_digest":
            attribute["values"] = [hashlib.sha256(content).digest()]
    return sorted((each.dump(force=True) for each in signed_attributes), reverse=True)


def _tlv(tag: int, content: bytes) -> bytes:
    size = len(content)
    length = bytes([size]) if size < 128 else bytes([0x82]) + size.to_bytes(2, "big")
    return bytes([tag]) + length + content


def _put(info: "asn1_cms.ContentInfo", attributes: bytes, value: bytes, content: bytes = b"") -> bytes:
    """The CMS by hand, so that nothing puts it in order."""
    data, signer = info["content"], info["content"]["signer_infos"][0]
    parts = [signer["version"].dump(), signer["sid"].dump(), signer["digest_algorithm"].dump(), attributes,
             signer["signature_algorithm"].dump(), _tlv(4, value)]  # fmt: skip
    enclosed = b"\x06\x09" + bytes.fromhex("2a864886f70d010701")
    if content:
        enclosed += _tlv(0xA0, _tlv(4, content))
    certificates = b"".join(item.chosen.dump() for item in data["certificates"])
    body = [data["version"].dump(), data["digest_algorithms"].dump(), _tlv(0x30, enclosed), _tlv(0xA0, certificates),
            _tlv(0x31, _tlv(0x30, b"".join(parts)))]  # fmt: skip
    signed_data = _tlv(0x30, b"".join(body))
    return _tlv(0x30, b"\x06\x09" + bytes.fromhex("2a864886f70d010702") + _tlv(0xA0, signed_data))


def out_of_order(harness: Harness, pdf: bytes, info: "asn1_cms.ContentInfo") -> bytes:
    body = b"".join(_attributes(pdf, info, _covered(pdf)))
    return _put(info, _tlv(0xA0, body), _signed(harness, _tlv(0x31, body)))


def hashed_in_order(harness: Harness, pdf: bytes, info: "asn1_cms.ContentInfo") -> bytes:
    attributes = _attributes(pdf, info, _covered(pdf))
    return _put(info, _tlv(0xA0, b"".join(attributes)), _signed(harness, _tlv(0x31, b"".join(sorted(attributes)))))


def without_attributes(harness: Harness, pdf: bytes, info: "asn1_cms.ContentInfo") -> bytes:
    return _put(info, b"", _signed(harness, _covered(pdf)))


def sha1_inside(harness: Harness, pdf: bytes, info: "asn1_cms.ContentInfo") -> bytes:
    content = hashlib.sha1(_covered(pdf)).digest()
    body = b"".join(sorted(_attributes(pdf, info, content)))
    return _put(info, _tlv(0xA0, body), _signed(harness, _tlv(0x31, body)), content)


def indefinite(harness: Harness, pdf: bytes, info: "asn1_cms.ContentInfo") -> bytes:
    outer = ber.read_whole(info.dump(), DEFAULT.cms)
    kind, wrapped = list(outer)
    data = next(iter(wrapped))
    inner = b"\x30\x80" + data.content + b"\0\0"
    return b"\x30\x80" + kind.raw + b"\xa0\x80" + inner + b"\0\0" + b"\0\0"


def other_content_signed(harness: Harness, pdf: bytes, info: "asn1_cms.ContentInfo") -> bytes:
    return _put(info, b"", _signed(harness, _covered(pdf) + b"x"))


def sha1_of_other_content(harness: Harness, pdf: bytes, info: "asn1_cms.ContentInfo") -> bytes:
    content = hashlib.sha1(b"x").digest()
    body = b"".join(sorted(_attributes(pdf, info, content)))
    return _put(info, _tlv(0xA0, body), _signed(harness, _tlv(0x31, body)), content)


def two_digests(harness: Harness, pdf: bytes, info: "asn1_cms.ContentInfo") -> bytes:
    attributes = _attributes(pdf, info, _covered(pdf))
    other = _attributes(pdf, info, b"x")
    body = b"".join(sorted({*attributes, *other}))
    return _put(info, _tlv(0xA0, body), _signed(harness, _tlv(0x31, body)))


SHA1 = (b"/adbe.pkcs7.detached", b"/adbe.pkcs7.sha1    ")


@pytest.mark.parametrize(
    ("make", "before", "reason"),
    [
        (out_of_order, (b"", b""), None),
        (hashed_in_order, (b"", b""), None),
        (indefinite, (b"", b""), None),
        (without_attributes, (b"", b""), Reason.E_SIG_FORMAT),
        (sha1_inside, SHA1, Reason.E_SIG_WEAK_ALG),
    ],
)
def test_intact_as_other_tools_write_it(
    harness: Harness, make: Maker, before: tuple[bytes, bytes], reason: Reason | None
) -> None:
    report = harness.judge(_rewritten(harness, make, before)).report
    assert report.integrity is Integrity.INTACT, report.detail
    assert report.signatures[0].reason is reason, report.signatures[0].detail


@pytest.mark.parametrize(
    ("make", "before"),
    [
        (other_content_signed, (b"", b"")),
        (sha1_of_other_content, SHA1),
        (sha1_inside, (b"", b"")),
        (two_digests, (b"", b"")),
    ],
)
def test_not_intact(harness: Harness, make: Maker, before: tuple[bytes, bytes]) -> None:
    assert harness.judge(_rewritten(harness, make, before)).report.integrity is Integrity.TAMPERED


@pytest.mark.parametrize(
    "broken", [b"", b"0", b"0\x80", b"\x30\x80" * 50, b"\x30\x84\xff\xff\xff\xff", b"\x3f\x81\x01"]
)
def test_what_is_not_ber_ends_at_once(broken: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        ber.read_whole(broken, DEFAULT.cms)


@pytest.mark.parametrize("critical", [True, False])
def test_an_extension_of_a_time_stamp(critical: bool) -> None:
    """RFC 3161 §2.4.2: as in certificates, one that is critical and not understood makes it unusable."""
    extension = {"extn_id": "1.2.3.4", "critical": critical, "extn_value": core.OctetString(b"\x05\x00")}
    imprint = {"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": bytes(32)}
    stated = {"version": "v1", "policy": "1.2.3", "message_imprint": imprint, "serial_number": 7, "gen_time": NOW}
    content = tsp.TSTInfo({**stated, "extensions": [extension]}).dump()
    info = read_time_stamp_info(content, DEFAULT.cms)
    assert (info.at, bool(info.obstacle)) == (NOW, critical)
    broken = content.replace(b"\x06\x03\x2a\x03\x04", b"\x06\x3f\x2a\x03\x04")
    assert read_time_stamp_info(broken, DEFAULT.cms).obstacle == "extensions of the time stamp not readable"


def _oid(dotted: str) -> bytes:
    return bytes(core.ObjectIdentifier(dotted).dump())


def _replaced(message: bytes, where: bytes, old: bytes, new: bytes) -> bytes:
    """``old`` replaced within the one place ``where``."""
    assert message.count(where) == 1
    assert len(old) == len(new)
    return message.replace(where, where.replace(old, new))


ECDSA_SHA256, SHA256, P256 = _oid("1.2.840.10045.4.3.2"), _oid("2.16.840.1.101.3.4.2.1"), _oid("1.2.840.10045.3.1.7")


def with_an_unknown_algorithm(_: Harness, _pdf: bytes, info: "asn1_cms.ContentInfo") -> bytes:
    signer = info["content"]["signer_infos"][0]
    where = signer["signature_algorithm"].dump() + signer["signature"].dump()
    return _replaced(info.dump(), where, ECDSA_SHA256, _oid("1.2.840.10045.4.3.99"))


def with_an_unknown_digest(_: Harness, _pdf: bytes, info: "asn1_cms.ContentInfo") -> bytes:
    signer = info["content"]["signer_infos"][0]
    where = signer["sid"].dump() + signer["digest_algorithm"].dump()
    return _replaced(info.dump(), where, SHA256, _oid("2.16.840.1.101.3.4.2.99"))


def with_an_unknown_curve(_: Harness, _pdf: bytes, info: "asn1_cms.ContentInfo") -> bytes:
    return bytes(info.dump().replace(P256, _oid("1.2.840.10045.3.1.99")))


def by_another_certificate(_: Harness, _pdf: bytes, info: "asn1_cms.ContentInfo") -> bytes:
    signer = info["content"]["signer_infos"][0]
    where, serial = signer["sid"].dump(), signer["sid"].chosen["serial_number"]
    return _replaced(info.dump(), where, serial.dump(), core.Integer(serial.native ^ 1).dump())


UNVERIFIABLE: dict[str, tuple[str, Maker]] = {
    "signature algorithm": ("5.5b", with_an_unknown_algorithm),
    "digest": ("5.4", with_an_unknown_digest),
    "curve": ("5.9", with_an_unknown_curve),
    "certificate": ("5.3", by_another_certificate),
}


@pytest.mark.parametrize("unknown", UNVERIFIABLE)
def test_what_cannot_be_verified_here_was_not_changed(harness: Harness, unknown: str) -> None:
    """The document is refused for good, and nobody says that it was tampered with, unless its digest says so."""
    rule, make = UNVERIFIABLE[unknown]
    document = _rewritten(harness, make)
    decision = harness.judge(document)
    assert isinstance(decision, Refused), decision
    assert decision.report.integrity is Integrity.UNKNOWN
    (signature,) = decision.report.signatures
    assert (signature.rule, signature.indication) == (rule, Indication.INDETERMINATE)
    assert not decision.report.trusted
    assert b"(D:2" in document
    changed = harness.judge(document.replace(b"(D:2", b"(D:1")).report
    assert changed.integrity is (Integrity.UNKNOWN if unknown == "digest" else Integrity.TAMPERED)
    assert changed.rule == (rule if unknown == "digest" else "5.7")


def test_one_signature_that_does_not_hold_is_enough(harness: Harness) -> None:
    document = _rewritten(harness, with_an_unknown_algorithm)
    document = sign(document, harness.sender.seal, NOW, field="B")
    assert harness.judge(document).report.integrity is Integrity.UNKNOWN
    changed = TAMPERS["signature_value_changed"].apply(document)
    assert harness.judge(changed).report.integrity is Integrity.TAMPERED


@pytest.mark.parametrize(
    "parameters",
    [
        _tlv(0x30, _tlv(0xA1, _tlv(0x30, _oid("1.2.3.4")))),
        _tlv(0x30, _tlv(0xA1, _tlv(0x30, _oid("1.2.840.113549.1.1.8") + _tlv(0x30, _oid("1.2.3.4"))))),
        _tlv(0x30, _tlv(0xA0, b"\x05\x00")),
        _tlv(0x30, _tlv(0xA2, b"\x04\x01\x20")),
        b"\x02\x01\x00",
    ],
)
def test_parameters_of_pss_that_are_not_known(parameters: bytes) -> None:
    algorithm = _tlv(0x30, _oid("1.2.840.113549.1.1.10") + parameters)
    with pytest.raises(UnknownAlgorithm):
        read_scheme(ber.read_whole(algorithm, DEFAULT.cms), "sha256")
