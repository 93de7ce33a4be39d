"""Signs PDFs as the tools of the units do: the authorised signer first, then the unit, in incremental updates.

PAdES baseline B-B (``ETSI.CAdES.detached``, EN 319 142-1) by default; ``legacy=True`` gives the older
``adbe.pkcs7.detached``. Synchronous and usable inside a running event loop.
"""

import asyncio
import io
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from asn1crypto import keys as asn1_keys
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from pyhanko.pdf_utils.content import RawContent
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.layout import BoxConstraints
from pyhanko.sign import fields, signers
from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter
from pyhanko.sign.timestamps import TimeStamper
from pyhanko.stamp import StaticStampStyle
from pyhanko_certvalidator.registry import SimpleCertificateStore
from pyhanko_certvalidator.util import get_pyca_cryptography_hash

from mint.keys import PrivateKey
from mint.pki import Identity

Box = tuple[int, int, int, int]
SIGNER_BOX: Box = (340, 130, 480, 180)
UNIT_BOX: Box = (290, 120, 390, 200)
GAP = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How a signature is made."""

    field: str = "Signature1"
    box: Box | None = None
    """Where it shows on the first page; None = invisible."""
    legacy: bool = False
    digest: str = "sha256"
    pss: bool = False
    reason: str | None = None
    certify: MDPPerm | None = None
    """A certification signature with this permission (DocMDP)."""
    lenient: bool = False
    """Sign hybrid-reference files too, which the signing library otherwise declines."""
    stamper: TimeStamper | None = None
    """Adds a signature time stamp (B-T), see ``mint.tsa``."""
    embed_chain: bool = True
    """Put the issuing CA's certificate into the CMS; real tools often embed the leaf alone."""


def sign(pdf: bytes, identity: Identity, at: datetime, manner: Manner | None = None, **changes: Any) -> bytes:
    """Add one signature in an incremental update. ``changes`` are fields of ``Manner``."""
    how = replace(manner or Manner(), **changes)
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf), strict=not how.lenient)
    signer = _DatedSigner(
        _metadata(how), _signer(identity, how), timestamper=how.stamper, new_field_spec=_field(writer, how),
        at=at, box=how.box,
    )  # fmt: skip
    return bytes(finished(signer.async_sign_pdf(writer)).getvalue())


def sign_pair(
    pdf: bytes,
    signer: Identity,
    unit: Identity,
    at: datetime,
    *,
    swapped: bool = False,
    visible: bool = True,
    gap: timedelta = GAP,
    **changes: Any,
) -> bytes:
    """The two signatures of a valid document: signer at ``at``, unit ``gap`` later; ``swapped`` = unit first."""
    first = Manner(field="NguoiKy", box=SIGNER_BOX if visible else None)
    second = Manner(field="CoQuan", box=UNIT_BOX if visible else None)
    order = [(signer, first), (unit, second)]
    if swapped:
        order.reverse()
    for step, (identity, manner) in enumerate(order):
        pdf = sign(pdf, identity, at + step * gap, manner, **changes)
    return pdf


def add_empty_fields(pdf: bytes, names_and_boxes: dict[str, Box | None]) -> bytes:
    """Pre-made signature fields, as a template brings them, or as an attacker lays them over the text."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    for name, box in names_and_boxes.items():
        fields.append_signature_field(writer, fields.SigFieldSpec(name, box=box, on_page=0))
    return _written(writer)


def _metadata(how: Manner) -> signers.PdfSignatureMetadata:
    return signers.PdfSignatureMetadata(
        field_name=how.field,
        md_algorithm=how.digest,
        subfilter=SigSeedSubFilter.ADOBE_PKCS7_DETACHED if how.legacy else SigSeedSubFilter.PADES,
        reason=how.reason,
        certify=how.certify is not None,
        docmdp_permissions=how.certify or MDPPerm.FILL_FORMS,
    )


class _KeySigner(signers.SimpleSigner):
    """pyHanko's signer with a key that is loaded already: pyHanko loads it, and checks it, before each signature.

    Checking costs an RSA key of 2,048 bits 75 ms, signing 2 ms.
    """

    key: PrivateKey

    def sign_raw(self, data: bytes, digest_algorithm: str) -> bytes:
        mechanism = self.get_signature_mechanism_for_digest(digest_algorithm).signature_algo
        if isinstance(self.key, rsa.RSAPrivateKey) and mechanism == "rsassa_pkcs1v15":
            return self.key.sign(data, PKCS1v15(), get_pyca_cryptography_hash(digest_algorithm))
        return super().sign_raw(data, digest_algorithm)


def _signer(identity: Identity, how: Manner) -> signers.SimpleSigner:
    store = SimpleCertificateStore()
    if how.embed_chain and identity.chain:
        store.register(_asn1(identity.chain[0].public_bytes(serialization.Encoding.DER)))
    key = identity.key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    signer = _KeySigner(
        signing_cert=_asn1(identity.der),
        signing_key=asn1_keys.PrivateKeyInfo.load(key),
        cert_registry=store,
        prefer_pss=how.pss,
        embed_roots=False,
    )
    signer.key = identity.key
    return signer


def _asn1(der: bytes) -> asn1_x509.Certificate:
    return asn1_x509.Certificate.load(der)


def _field(writer: IncrementalPdfFileWriter, how: Manner) -> fields.SigFieldSpec | None:
    existing = {name for name, _, _ in fields.enumerate_sig_fields(writer.prev)}
    return None if how.field in existing else fields.SigFieldSpec(how.field, box=how.box, on_page=0)


class _DatedSigner(signers.PdfSigner):
    """pyHanko's signer with a given time in place of the clock."""

    def __init__(self, *args: Any, at: datetime, box: Box | None, **kwargs: Any) -> None:
        super().__init__(*args, stamp_style=_seal(box), **kwargs)
        self._at = at

    def init_signing_session(self, *args: Any, **kwargs: Any) -> Any:
        session = super().init_signing_session(*args, **kwargs)
        session.system_time = self._at
        return session


def _seal(box: Box | None) -> StaticStampStyle:
    """A red ring in place of the seal's picture."""
    width, height = (box[2] - box[0], box[3] - box[1]) if box else (1, 1)
    drawing = b"1 0 0 RG 2 w 4 4 %d %d re S" % (max(1, width - 8), max(1, height - 8))
    content = RawContent(drawing, box=BoxConstraints(width=width, height=height))
    return StaticStampStyle(background=content, border_width=0)


def finished(signing: Coroutine[Any, Any, Any]) -> Any:
    """Run the coroutine to its end; in a thread of its own, so that a running event loop does not matter."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, signing).result()


_finish = finished


def _written(writer: IncrementalPdfFileWriter) -> bytes:
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()
