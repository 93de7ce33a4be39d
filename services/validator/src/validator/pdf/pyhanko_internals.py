"""Every private name of pyHanko that the validator relies on; no other module uses one.

The classes here turn private methods into public hooks for their subclasses, the functions give private functions a
public name. pyHanko is pinned, and ``tests/validator/test_pyhanko_internals.py`` fails when a release changes what is
used here: read the changes, then renew the digests in that test (docs/decisions/0013-pyhanko-internals.md).
"""

import io
import re
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.decode_limits import DecodeContext, DecodeLimits
from pyhanko.pdf_utils.reader import (
    PdfFileReader,
    _read_header_version,
    process_data_at_eof,
)
from pyhanko.pdf_utils.xref import XRefBuilder, XRefCache, XRefSection, _check_xref_consistency
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature

PLAIN_END = re.compile(rb"[\r\n]startxref(?:\r\n|\r|\n)([0-9]{2,15})(?:\r\n|\r|\n)%%EOF(?:\r\n|\r|\n)?\Z")
"""The end of almost every file, from which ``process_data_at_eof`` would read the same number a byte at a time."""
PLAIN_END_BYTES = 64


class HookedReader(PdfFileReader):
    """pyHanko's reader over bytes in memory; subclasses say how tables and objects are read."""

    def __init__(self, document: bytes, *, strict: bool, header_version: tuple[int, int] | None) -> None:
        """As ``PdfFileReader(io.BytesIO(document), strict)``; ``header_version``: None = read by pyHanko."""
        stream = io.BytesIO(document)
        self._security_handler = None
        self.strict = strict
        self._decode_context = DecodeContext(DecodeLimits(), input_size=len(document))
        self.resolved_objects = {}
        self._header_version = header_version or _read_header_version(stream)
        self._input_version = None
        self._historical_resolver_cache = {}
        self.stream = stream
        stream.seek(-1, io.SEEK_END)
        plain = PLAIN_END.search(document, max(0, len(document) - PLAIN_END_BYTES))
        self.xrefs, builder = self.read_tables(stream, int(plain[1]) if plain else process_data_at_eof(stream))
        self.last_startxref = builder.last_startxref
        self.trailer = builder.trailer
        self.has_xref_stream = builder.has_xref_stream
        self._embedded_signatures = None

    def read_tables(self, stream: io.BytesIO, last_startxref: int) -> tuple[XRefCache, XRefBuilder]:
        """The cross-reference tables, and the builder that read them."""
        raise NotImplementedError

    def read_object(self, ref: generic.Reference, marker: Any, never_decrypt: bool, as_metadata_stream: bool) -> Any:
        """The object that a table lists at ``marker``: an offset, a place in an object stream, or None = nowhere."""
        return super()._read_object(ref, marker, never_decrypt, as_metadata_stream)

    def _read_object(
        self, ref: generic.Reference, marker: Any, never_decrypt: bool = False, as_metadata_stream: bool = False
    ) -> Any:
        return self.read_object(ref, marker, never_decrypt, as_metadata_stream)

    def read_packed_object(self, number: int, container: int, index: int) -> Any:
        """The object at ``index`` of an object stream."""
        return super()._get_object_from_stream(number, container, index)  # type: ignore[no-untyped-call]

    def _get_object_from_stream(self, idnum: int, stmnum: int, idx: int) -> Any:
        return self.read_packed_object(idnum, stmnum, idx)


class HookedTables(XRefCache):
    """pyHanko's cross-reference tables of all revisions."""

    @property
    def sections(self) -> list[XRefSection]:
        """One section per revision, oldest first."""
        sections: list[XRefSection] = self._xref_sections
        return sections


class HookedBuilder(XRefBuilder):
    """pyHanko's builder of cross-reference tables. Each method returns what its private counterpart does."""

    def read_stream_object(self) -> Any:
        """The cross-reference stream that begins here: (reference, stream)."""
        return super()._read_xref_stream_object()  # type: ignore[no-untyped-call]

    def read_stream_section(self, declared_startxref: int) -> Any:
        """Adds the section of a cross-reference stream; returns where the one before it is, or None."""
        return super()._read_xref_stream(declared_startxref)

    def read_table_section(self, declared_startxref: int) -> Any:
        """Adds the section of a classic table; returns where the one before it is, or None."""
        return super()._read_xref_table(declared_startxref)

    def _read_xref_stream_object(self) -> Any:
        return self.read_stream_object()

    def _read_xref_stream(self, declared_startxref: int) -> Any:
        return self.read_stream_section(declared_startxref)

    def _read_xref_table(self, declared_startxref: int) -> Any:
        return self.read_table_section(declared_startxref)


class HookedSignature(EmbeddedPdfSignature):
    """A signature in its field, made without pyHanko's reading of the CMS."""

    def __init__(
        self,
        reader: PdfFileReader,
        name: str,
        field: generic.DictionaryObject,
        value: generic.DictionaryObject,
        contents: bytes,
        signed_revision: int,
    ) -> None:
        """Sets what coverage and permissions are asked of; everything else of the class is not usable."""
        self.reader, self.fq_name, self.pkcs7_content = reader, name, contents
        self.sig_field, self.sig_object = field, value
        self.byte_range = value.raw_get("/ByteRange")
        self.signed_revision = signed_revision
        self.coverage = None
        self._docmdp = None
        self._fieldmdp = None
        self._docmdp_queried = self._fieldmdp_queried = False


def check_xref_consistency(sections: list[XRefSection]) -> None:
    """pyHanko's checks of sizes, generations and freed objects over all sections. Raises ``PdfStrictReadError``."""
    _check_xref_consistency(sections)


def own_trailer(reader: PdfFileReader, revision: int) -> generic.DictionaryObject:
    """The trailer of that revision, without what it inherits from earlier ones."""
    trailer: generic.DictionaryObject = reader.trailer._trailer_revisions[reader.total_revisions - 1 - revision]
    return trailer
