"""A signature in its field, as the library knows one, without its reading of the message: step (5) does that.

The library reads every message as a CMS, and would raise for the older form that is none (ISO 32000-1 §12.8.3.2).
"""

from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import FieldMDPSpec, MDPPerm
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature

from validator.pdf.linearized import whole_revision


class Placed(EmbeddedPdfSignature):
    """What it covers and what it permits."""

    def __init__(self, reader: PdfFileReader, field: Any, name: str, contents: bytes) -> None:
        """``contents``: the whole value of ``/Contents``, which fills the hole."""
        self.reader, self.fq_name, self.pkcs7_content = reader, name, contents
        self.sig_field = field.get_object()
        value = self.sig_field.raw_get("/V")
        found = value.get_object()
        if not isinstance(found, generic.DictionaryObject):
            raise TypeError("signature is not a dictionary")
        self.sig_object, self.byte_range = found, found.raw_get("/ByteRange")
        self.signed_revision = whole_revision(reader, reader.xrefs.get_last_change(value.reference))
        self.coverage = None
        self._docmdp: MDPPerm | None = None
        self._fieldmdp: FieldMDPSpec | None = None
        self._docmdp_queried = self._fieldmdp_queried = False
