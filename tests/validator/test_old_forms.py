"""Forms that do not count, but tell whether a document was changed: raw RSA values, and rights of usage."""

import hashlib
from collections.abc import Callable
from datetime import timedelta

import pytest
from asn1crypto import core
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from common.domain.reason import Reason
from mint.attacks.forge import ROOM, message, prepared, resigned
from mint.attacks.raw import appended, body_of, page, root_of, stream, text, with_entry
from mint.pki import self_signed
from mint.sign import sign
from validator.report.decision import Refused, Verified
from validator.report.vocabulary import Integrity

from .conftest import NOW, SENDER, Harness

OLD = self_signed("Người ký cũ", now=NOW - timedelta(days=1), kind="rsa2048")


def raw_signed(algorithm: hashes.HashAlgorithm, cert: bytes, entries: bytes = b"") -> bytes:
    """A page with one raw RSA signature."""
    value = b"<< /Type /Sig /Filter /Adobe.PPKLite /SubFilter /adbe.x509.rsa_sha1 /Cert %s %s %s >>"
    pdf = prepared(
        page(
            entries=b"/Annots [10 0 R]",
            catalog=b"/AcroForm << /Fields [10 0 R] /SigFlags 3 >>",
            objects={
                10: b"<< /Type /Annot /Subtype /Widget /FT /Sig /T (A) /V 11 0 R /Rect [0 0 0 0] /P 3 0 R >>",
                11: value % (cert, entries, ROOM),
            },
        )
    )

    def make(_: bytes) -> bytes:
        assert isinstance(OLD.key, rsa.RSAPrivateKey)
        signature = OLD.key.sign(digest(pdf, algorithm), padding.PKCS1v15(), Prehashed(algorithm))
        return core.OctetString(signature).dump()

    return resigned(pdf, make)


def digest(pdf: bytes, algorithm: hashes.HashAlgorithm) -> bytes:
    start = pdf.rindex(b"/Contents <") + len(b"/Contents ")
    state = hashes.Hash(algorithm)
    state.update(pdf[:start] + pdf[pdf.index(b">", start) + 1 :])
    return state.finalize()


def hexed(der: bytes) -> bytes:
    return b"<" + der.hex().encode() + b">"


@pytest.mark.parametrize("algorithm", [hashes.SHA1(), hashes.SHA256()])
@pytest.mark.parametrize("cert", [b"%s", b"[%s <3000>]"])
def test_raw_rsa(harness: Harness, algorithm: hashes.HashAlgorithm, cert: bytes) -> None:
    """Intact, and refused."""
    pdf = raw_signed(algorithm, cert % hexed(OLD.der))
    decision = harness.judge(pdf)
    assert isinstance(decision, Refused)
    assert decision.reason is Reason.E_SIG_WEAK_ALG
    assert decision.report.integrity is Integrity.INTACT
    assert decision.report.signatures[0].certificate_sha256 == hashlib.sha256(OLD.der).hexdigest()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda pdf: pdf.replace(b"Chi 5", b"Chi 9"), Reason.E_SIG_VALUE),
        (lambda pdf: appended(pdf, {4: stream(text(b"Chi 500 ty"))}), Reason.E_SIG_CHANGED),
        (lambda pdf: pdf.replace(b"/Cert <30", b"/Cert <31"), Reason.E_SIG_FORMAT),
        (lambda pdf: pdf.replace(b"/Contents <0482", b"/Contents <0282"), Reason.E_SIG_FORMAT),
        (lambda pdf: pdf.replace(b"/Contents <0482", b"/Contents <0481"), Reason.E_SIG_FORMAT),
    ],
)
def test_raw_rsa_changed(harness: Harness, change: Callable[[bytes], bytes], reason: Reason) -> None:
    pdf = raw_signed(hashes.SHA1(), hexed(OLD.der))
    changed = change(pdf)
    assert changed != pdf
    decision = harness.judge(changed)
    assert isinstance(decision, Refused)
    assert decision.reason is reason, decision.detail
    assert decision.report.integrity is Integrity.TAMPERED


def test_raw_rsa_with_another_key(harness: Harness) -> None:
    assert isinstance(harness.sender.signer.key, ec.EllipticCurvePrivateKey)
    decision = harness.judge(raw_signed(hashes.SHA1(), hexed(harness.sender.signer.der)))
    assert decision.reason is Reason.E_SIG_FORMAT  # type: ignore[union-attr]
    assert decision.report.integrity is Integrity.TAMPERED


RIGHTS = (
    b"<< /Type /Sig /Filter /Adobe.PPKLite /SubFilter /adbe.pkcs7.detached /Reference [<< /Type /SigRef "
    b"/TransformMethod /UR3 /TransformParams << /Type /TransformParams /V /2.2 /Form [/FillIn] >> >>] %s >>"
)


def with_rights(harness: Harness, rights: bytes = RIGHTS) -> bytes:
    """A page whose reader may fill in forms, as the maker of a program signed."""
    pdf = prepared(page(catalog=b"/Perms << /UR3 10 0 R >>", objects={10: rights % ROOM}))
    return resigned(pdf, lambda digest_bytes: message(harness.city.foreign.person("Adobe"), digest_bytes, NOW))


def test_rights_alone_are_no_signature(harness: Harness) -> None:
    decision = harness.judge(with_rights(harness))
    assert decision.report.integrity is Integrity.UNSIGNED
    assert decision.reason is Reason.E_SIG_ORG_MISSING  # type: ignore[union-attr]


def test_document_with_rights_is_signed(harness: Harness) -> None:
    """Also where another program has saved the file anew, so that the rights do not hold any more."""
    for paper in (with_rights(harness), with_rights(harness).replace(b"Chi 5", b"Chi 6")):
        decision = harness.judge(harness.city.signed(SENDER, paper))
        assert isinstance(decision, Verified), decision


def test_nothing_hides_as_rights(harness: Harness) -> None:
    """Without the method, or without covering anything, it is a signature that no form field shows."""
    for pdf in (
        with_rights(harness, RIGHTS.replace(b"/UR3 /Tr", b"/DocMDP /Tr")),
        with_rights(harness).replace(b"Chi 5", b"Chi 6"),
    ):
        decision = harness.judge(pdf)
        assert decision.reason is Reason.E_SIG_FORMAT  # type: ignore[union-attr]
        assert decision.report.integrity is Integrity.TAMPERED


def test_rights_that_come_after_a_signature(harness: Harness) -> None:
    once = sign(harness.letter, harness.sender.signer, NOW, field="A")
    root = root_of(once)
    catalog = with_entry(body_of(once, root), b"/Perms << /UR3 90 0 R >>")
    grown = appended(once, {root: catalog, 90: RIGHTS % b"/ByteRange [0 1 2 3] /Contents <3000>"})
    decision = harness.judge(sign(grown, harness.sender.seal, NOW, field="B"))
    assert isinstance(decision, Refused)
    assert decision.report.integrity is Integrity.TAMPERED
