"""Time stamps of a demo authority (RFC 3161), and documents that carry them: B-T, B-LT and B-LTA (EN 319 142-1).

The library's own stand-in for an authority signs with RSA only, so the authority's key is always RSA.
"""

import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from asn1crypto import cms, tsp
from asn1crypto import keys as asn1_keys
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers
from pyhanko.sign.signers.pdf_byterange import DocumentTimestamp
from pyhanko.sign.timestamps.dummy_client import DummyTimeStamper

from mint.ltv import add_validation_data
from mint.pki import Authority, Identity
from mint.sign import Box, finished


@dataclass(frozen=True, slots=True)
class TimeAuthority:
    """Gives time stamps of any time that it is asked for."""

    identity: Identity

    def stamper(self, at: datetime, *, holds_certificates: bool = True) -> DummyTimeStamper:
        """What the signing library asks for time stamps.

        ``holds_certificates``: False = the time stamp names its authority's certificate without holding it (RFC 3161
        §2.4.1, certReq).
        """
        key = self.identity.key.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        certificate = asn1_x509.Certificate.load(self.identity.der)
        kind = DummyTimeStamper if holds_certificates else _BareStamper
        return kind(certificate, asn1_keys.PrivateKeyInfo.load(key), fixed_dt=at)


class _BareStamper(DummyTimeStamper):
    """Gives time stamps without certificates."""

    def request_tsa_response(self, req: Any) -> tsp.TimeStampResp:
        response = super().request_tsa_response(req)
        content = response["time_stamp_token"]["content"]
        content["certificates"] = cms.CertificateSet([])
        token = cms.ContentInfo({"content_type": "signed_data", "content": content})
        return tsp.TimeStampResp({"status": response["status"], "time_stamp_token": token})


def time_authority(authority: Authority, name: str = "Demo TSA", **options: Any) -> TimeAuthority:
    """An authority for time, certified for that alone; ``options`` as in ``Authority.issue``."""
    usage = (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), True)
    issuing = {"usages": ("digital_signature",), "kind": "rsa2048", "extensions": [usage]} | options
    return TimeAuthority(authority.issue(name, **issuing))


def add_document_time_stamp(
    pdf: bytes, tsa: TimeAuthority, at: datetime, *, field: str = "ThoiGian", box: Box | None = None,
    dictionary_type: bytes = b"/DocTimeStamp", holds_certificates: bool = True,
    also: Callable[[IncrementalPdfFileWriter], None] | None = None,
) -> bytes:  # fmt: skip
    """A document time stamp in an update of its own.

    ``dictionary_type``: as other tools spell it, or empty. ``also``: changes something else in the same update, which
    then leaves document information and metadata as they are.
    """
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    if also:
        writer._update_meta = lambda: None  # type: ignore[method-assign]
        also(writer)
    if box:
        fields.append_signature_field(writer, fields.SigFieldSpec(field, box=box, on_page=0))
    time_stamper = tsa.stamper(at, holds_certificates=holds_certificates)
    stamper = _Stamper(time_stamper, field_name=field, dictionary_type=dictionary_type.decode())
    return bytes(finished(stamper.async_timestamp_pdf(writer, md_algorithm="sha256")).getvalue())


def long_term(
    pdf: bytes, tsa: TimeAuthority, at: datetime, identities: Iterable[Identity], crls: Iterable[bytes],
    ocsps: Iterable[bytes] = (),
) -> bytes:  # fmt: skip
    """B-LTA out of a signed document: validation data, and a document time stamp over all of it."""
    return add_document_time_stamp(add_validation_data(pdf, identities, crls, ocsps=ocsps), tsa, at)


class _Stamper(signers.PdfTimeStamper):
    """The library's maker, with the type of the dictionary as other tools spell it."""

    def __init__(self, *args: Any, dictionary_type: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._type = dictionary_type

    async def async_timestamp_pdf(self, *args: Any, **kwargs: Any) -> Any:
        original, kind = DocumentTimestamp.__init__, self._type

        def init(time_stamp: Any, *a: Any, **k: Any) -> None:
            original(time_stamp, *a, **k)  # type: ignore[no-untyped-call]
            del time_stamp["/Type"]
            if kind:
                time_stamp[pdf_name("/Type")] = pdf_name(kind)

        DocumentTimestamp.__init__ = init  # type: ignore[method-assign, assignment]
        try:
            return await super().async_timestamp_pdf(*args, **kwargs)
        finally:
            DocumentTimestamp.__init__ = original  # type: ignore[method-assign]
