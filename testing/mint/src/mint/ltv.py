"""Validation data behind the signatures: a DSS dictionary in an update of its own (EN 319 142-1 §5.4)."""

import io
from collections.abc import Iterable
from typing import Any

from asn1crypto import crl as asn1_crl
from asn1crypto import ocsp as asn1_ocsp
from asn1crypto import x509 as asn1_x509
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.validation.dss import DocumentSecurityStore

from mint.pki import Identity


def add_validation_data(
    pdf: bytes,
    identities: Iterable[Identity],
    crls: Iterable[bytes],
    *,
    ocsps: Iterable[bytes] = (),
    touch_metadata: bool = False,
) -> bytes:
    """Append certificates, CRLs and OCSP responses (DER); ``touch_metadata`` renews the XMP date too, as tools do."""
    writer: Any = _Writer(io.BytesIO(pdf))
    writer.touches_metadata = touch_metadata
    store = DocumentSecurityStore(writer=writer, certs={}, ocsps=[], crls=[])
    store.register_vri(
        None,
        certs=[asn1_x509.Certificate.load(identity.der) for identity in identities],
        crls=[asn1_crl.CertificateList.load(crl) for crl in crls],
        ocsps=[asn1_ocsp.OCSPResponse.load(response) for response in ocsps],
    )
    writer.root[pdf_name("/DSS")] = writer.add_object(store.as_pdf_object())
    writer.update_root()
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


class _Writer(IncrementalPdfFileWriter):
    touches_metadata = False

    def _update_meta(self) -> None:
        if self.touches_metadata:
            super()._update_meta()  # type: ignore[no-untyped-call]
