"""One signature of the file, located and delimited, but not verified yet."""

from dataclasses import dataclass

from validator.pdf.digests import CoveredBytes, Digests
from validator.pdf.embedded_signature import EmbeddedSignature

TIME_STAMP, RAW_RSA, SHA1_INSIDE = "/ETSI.RFC3161", "/adbe.x509.rsa_sha1", "/adbe.pkcs7.sha1"
"""Values of ``subfilter`` that are treated differently."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """Where a signature is and what it covers."""

    field: str
    revision: int
    """Revision of the file it was added in, oldest = 0."""
    hole: tuple[int, int]
    """Offsets of the hexadecimal string, angle brackets included."""
    end: int
    """The signature covers all bytes before this offset except the hole."""
    subfilter: str
    cms: bytes
    """DER, padding cut off."""
    claimed_date: str | None
    """The dictionary's ``/M``."""
    certificate: bytes | None
    """DER of the signer's, where the file holds it beside the message instead of in it."""
    embedded: EmbeddedSignature

    digests: Digests
    """Of the document; shared by all of its signatures."""

    @property
    def covered(self) -> CoveredBytes:
        """The two signed ranges."""
        return CoveredBytes(self.digests, self.hole, self.end)

    @property
    def is_time_stamp(self) -> bool:
        """Whether it is a document time stamp."""
        return self.subfilter == TIME_STAMP
