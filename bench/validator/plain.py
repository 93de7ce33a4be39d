"""The same documents through the signing library alone: integrity, chain and revocation, nothing fetched."""

import asyncio
import io
from datetime import datetime

from asn1crypto import crl, x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko_certvalidator import ValidationContext


class Plain:
    """``run(document)``: whether every signature holds as the library sees it."""

    def __init__(self, anchors: tuple[bytes, ...], crls: tuple[bytes, ...], now: datetime) -> None:
        root, *others = (x509.Certificate.load(der) for der in anchors)
        self._options = {
            "trust_roots": [root],
            "other_certs": others,
            "crls": [crl.CertificateList.load(der) for der in crls],
            "moment": now,
            "revocation_mode": "require",
            "allow_fetching": False,
        }

    def run(self, document: bytes) -> bool:
        """One document, with a context of its own: contexts keep what they see."""
        return asyncio.run(self._run(document))

    async def _run(self, document: bytes) -> bool:
        reader = PdfFileReader(io.BytesIO(document), strict=True)
        statuses = []
        for embedded in reader.embedded_regular_signatures:
            context = ValidationContext(**self._options)  # type: ignore[arg-type]
            statuses.append(await async_validate_pdf_signature(embedded, signer_validation_context=context))
        return bool(statuses) and all(status.bottom_line for status in statuses)
