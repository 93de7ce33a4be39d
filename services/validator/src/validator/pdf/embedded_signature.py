"""A signature in its field: what it covers and what it permits."""

from typing import Any

from pyhanko.pdf_utils import generic

from validator.pdf.linearized import whole_revision
from validator.pdf.pyhanko_internals import HookedSignature
from validator.pdf.reader import Reader


class EmbeddedSignature(HookedSignature):
    """pyHanko's signature without its reading of the CMS, which step (5) does.

    pyHanko reads every message as a CMS, and would raise for the older form that is none (ISO 32000-1 §12.8.3.2).
    """

    reader: Reader

    def __init__(self, reader: Reader, field: Any, name: str, contents: bytes) -> None:
        """``contents``: the whole value of ``/Contents``, which fills the hole. Raises anything on hostile bytes."""
        entries = field.get_object()
        reference = entries.raw_get("/V")
        value = reference.get_object()
        if not isinstance(value, generic.DictionaryObject):
            raise TypeError("signature is not a dictionary")
        revision = whole_revision(reader, reader.xrefs.get_last_change(reference.reference))
        super().__init__(reader, name, entries, value, contents, revision)
