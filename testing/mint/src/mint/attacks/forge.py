"""Signatures by hand: what a colluding signer, or a broken signing tool, can put into a PDF."""

import hashlib
import io
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from asn1crypto import algos, cms, core, tsp, x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from mint.pki import Identity
from mint.sign import Manner, _DatedSigner, _field, _finish, _metadata, _signer
from mint.tamper import BYTE_RANGE, hole

Attributes = list[cms.CMSAttribute]


class _Quiet(IncrementalPdfFileWriter):
    """Leaves document information and metadata as they are."""

    def _update_meta(self) -> None:
        return


def sign_quietly(pdf: bytes, identity: Identity, at: datetime, **manner: Any) -> bytes:
    """As ``mint.sign.sign``, without renewing document information and metadata."""
    how = Manner(**manner)
    writer = _Quiet(io.BytesIO(pdf), strict=not how.lenient)
    signer = _DatedSigner(
        _metadata(how), _signer(identity, how), new_field_spec=_field(writer, how), at=at, box=how.box
    )
    return bytes(_finish(signer.async_sign_pdf(writer)).getvalue())


def message(
    identity: Identity,
    digest: bytes,
    at: datetime,
    *,
    certificates: Sequence[Identity] | None = None,
    change: Callable[[Attributes], Attributes] = lambda attributes: attributes,
    signed_attributes: bool = True,
    digest_name: str = "sha256",
    signer_digest_name: str | None = None,
    content: bytes | None = None,
    content_type: str = "data",
    signers: int = 1,
    names: Identity | None = None,
    key_of: Identity | None = None,
    algorithm: str = "sha256_ecdsa",
) -> bytes:
    """A CMS SignedData over ``digest``; every argument after ``at`` is a way to get it wrong. Keys are P-256."""
    named = names or identity
    attributes = _attributes(named, digest, at, content_type)
    attributes = change(attributes)
    info = cms.SignerInfo(
        {
            "version": "v1",
            "sid": cms.SignerIdentifier({"issuer_and_serial_number": _issuer_and_serial(named)}),
            "digest_algorithm": algos.DigestAlgorithm({"algorithm": signer_digest_name or digest_name}),
            "signature_algorithm": algos.SignedDigestAlgorithm({"algorithm": algorithm}),
            "signature": b"",
        }
    )
    to_sign = digest
    if signed_attributes:
        info["signed_attrs"] = cms.CMSAttributes(attributes)
        to_sign = info["signed_attrs"].untag().dump()
    info["signature"] = _value(key_of or identity, to_sign, hashed=not signed_attributes)
    encapsulated: dict[str, Any] = {"content_type": "data"}
    if content is not None:
        encapsulated["content"] = content
    signed = cms.SignedData(
        {
            "version": "v1",
            "digest_algorithms": [algos.DigestAlgorithm({"algorithm": digest_name})],
            "encap_content_info": cms.ContentInfo(encapsulated),
            "certificates": [_certificate(each) for each in (certificates if certificates is not None else [identity])],
            "signer_infos": [info] * signers,
        }
    )
    return bytes(cms.ContentInfo({"content_type": "signed_data", "content": signed}).dump())


def resigned(pdf: bytes, make: Callable[[bytes], bytes], *, patch: Callable[[bytes], bytes] | None = None) -> bytes:
    """The last signature of ``pdf`` made anew, after a ``patch`` that keeps all lengths.

    ``make`` gets the digest over the ranges that the file then declares, and gives the message for the hole.
    """
    start, end = hole(pdf, -1)
    pdf = patch(pdf) if patch else pdf
    a, b, c, d = (int(number) for number in list(BYTE_RANGE.finditer(pdf))[-1].groups())
    value = make(hashlib.sha256(pdf[a : a + b] + pdf[c : c + d]).digest())
    text = value.hex().encode().ljust(end - start - 2, b"0")
    return pdf[: start + 1] + text + pdf[end - 1 :]


ROOM = b"/ByteRange [0 9 9 9]" + b" " * 40 + b"/Contents <%s>" % (b"0" * 6000)
"""Entries of a signature dictionary made by hand, for ``prepared`` and ``resigned``."""


def prepared(pdf: bytes) -> bytes:
    """A file made by hand, with the ByteRange that belongs to its last hole (``ROOM``)."""
    start = pdf.rindex(b"/Contents <") + len(b"/Contents ")
    end = pdf.index(b">", start) + 1
    return declared(pdf, b"[0 %d %d %d]" % (start, end, len(pdf) - end))


def declared(pdf: bytes, byte_range: bytes) -> bytes:
    """Another ByteRange in the last signature, in the room that its blanks leave."""
    last = list(BYTE_RANGE.finditer(pdf))[-1]
    behind = pdf[last.end() : last.end() + 200]
    room = len(last[0]) + len(behind) - len(behind.lstrip(b" "))
    entry = b"/ByteRange " + byte_range
    if len(entry) > room:
        raise ValueError("no room for this ByteRange")
    return pdf[: last.start()] + entry.ljust(room) + pdf[last.start() + room :]


def without_attribute(name: str) -> Callable[[Attributes], Attributes]:
    """Leaves one signed attribute out."""
    return lambda attributes: [each for each in attributes if each["type"].native != name]


def _attributes(named: Identity, digest: bytes, at: datetime, content_type: str) -> Attributes:
    reference = tsp.ESSCertIDv2({"cert_hash": hashlib.sha256(named.der).digest()})
    return [
        cms.CMSAttribute({"type": "content_type", "values": [content_type]}),
        cms.CMSAttribute({"type": "message_digest", "values": [digest]}),
        cms.CMSAttribute({"type": "signing_time", "values": [cms.Time({"utc_time": core.UTCTime(at)})]}),
        cms.CMSAttribute({"type": "signing_certificate_v2", "values": [{"certs": [reference]}]}),
    ]


def _value(identity: Identity, data: bytes, *, hashed: bool) -> bytes:
    """``hashed``: ``data`` is the digest already, as it is without signed attributes."""
    if not isinstance(identity.key, ec.EllipticCurvePrivateKey):
        raise TypeError("made for P-256 keys")
    how = utils.Prehashed(hashes.SHA256()) if hashed else hashes.SHA256()
    return identity.key.sign(data, ec.ECDSA(how))


def _certificate(identity: Identity) -> x509.Certificate:
    return x509.Certificate.load(identity.der)


def _issuer_and_serial(identity: Identity) -> cms.IssuerAndSerialNumber:
    certificate = _certificate(identity)
    return cms.IssuerAndSerialNumber({"issuer": certificate.issuer, "serial_number": certificate.serial_number})
