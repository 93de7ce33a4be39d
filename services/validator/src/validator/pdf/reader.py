"""pyHanko's strict reader, with cross-reference tables and plain objects read in one go instead of byte by byte.

What the fast way reads is what the library would have read, object for object (``tests/validator/test_quick_reading``);
where it is ``Unsure`` or finds a fault, the library reads, and raises, itself.
"""

import io
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.decode_limits import DecodeContext, DecodeLimits, DecodePurpose
from pyhanko.pdf_utils.misc import PdfStrictReadError
from pyhanko.pdf_utils.reader import HistoricalResolver, PdfFileReader, _read_header_version, process_data_at_eof
from pyhanko.pdf_utils.xref import (
    ObjStreamRef,
    XRefBuilder,
    XRefCache,
    XRefSection,
    XRefSectionData,
    XRefSectionMetaInfo,
    XRefSectionType,
    _check_xref_consistency,
)

from validator.pdf.bounds import MAX_ENTRIES, Bounds, Steps, must_fit, must_not_predict_bytes
from validator.pdf.inconclusive import Unsure
from validator.pdf.layout import Layout, read_layout
from validator.pdf.revision_view import ToolView
from validator.pdf.sections import with_first_generations, with_sizes_kept, without_idle_entries
from validator.pdf.values import SPACE, Ref, Value, read_value

HEADER = re.compile(rb"%PDF-([0-9])\.([0-9])(?=[\x00\t\n\x0c\r ])")
OBJECT = re.compile(rb"([0-9]{1,10})" + SPACE + rb"{1,4}([0-9]{1,5})" + SPACE + rb"{1,4}obj(?=[\x00\t\n\x0c\r <\[(/])")
AFTER = re.compile(SPACE + rb"*+endobj(?=[\x00\t\n\x0c\r ])")
STREAM = re.compile(SPACE + rb"*+stream\r?\n")
AFTER_STREAM = re.compile(SPACE + rb"*+endstream" + SPACE + rb"*+endobj(?=[\x00\t\n\x0c\r ])")
SECTION = re.compile(SPACE + rb"*+([0-9]{1,8}) ([0-9]{1,7})(?: ?\r?\n)")
ROWS = re.compile(rb"(?:[0-9]{10} [0-9]{5} [nf](?: [\r\n]|\r\n))*+")
TRAILER = re.compile(SPACE + rb"*+trailer" + SPACE + rb"*+(?=<<)")
ROW = 20
IN_USE = ord("n")
MAX_GENERATION = 0xFFFF


Unpacked = tuple[bytes, dict[int, tuple[int, int]]]
"""An object stream decoded: its data, and for each object its place and offset in them."""


class Reader(PdfFileReader):
    """The reader over bytes in memory; ``document`` is all of them."""

    def __init__(self, document: bytes, *, strict: bool = True, max_entries: int = MAX_ENTRIES) -> None:
        """As ``PdfFileReader(io.BytesIO(document), strict)``, with the builder of this module.

        ``max_entries``: of all cross-reference tables together; more raise ``PdfDecodeLimitError``.
        """
        self.document = document
        self._layout: Layout | bool | None = False
        self.settled: Any = None
        """What ``settled.settled`` knows about this document."""
        self._unpacked: dict[int, Unpacked | None] = {}
        self._steps = Steps()
        header = HEADER.match(document)
        self._open(document, (int(header[1]), int(header[2])) if header else None, strict, max_entries)

    def _open(self, document: bytes, header: tuple[int, int] | None, strict: bool, max_entries: int) -> None:
        stream = io.BytesIO(document)
        self._security_handler = None
        self.strict = strict
        self._decode_context = DecodeContext(DecodeLimits(), input_size=len(document))
        self.resolved_objects = {}
        self._header_version = header or _read_header_version(stream)
        self._input_version = None
        self._historical_resolver_cache = {}
        self.stream = stream
        stream.seek(-1, io.SEEK_END)
        builder = Builder(document, self, stream, process_data_at_eof(stream), Bounds(max_entries))
        self.xrefs = Tables(self, builder.read_xrefs())
        self.last_startxref = builder.last_startxref
        self.trailer = builder.trailer
        self.has_xref_stream = builder.has_xref_stream
        self._embedded_signatures = None

    def get_object(self, ref: Any, *args: Any, **kwargs: Any) -> Any:
        """As the library; ways through a file that double with each step come to an end."""
        self._steps.count()
        return super().get_object(ref, *args, **kwargs)  # type: ignore[no-untyped-call]

    def get_historical_resolver(self, revision: int) -> HistoricalResolver:
        """As the library, with an end as well."""
        known: dict[int, HistoricalResolver] = self._historical_resolver_cache
        if revision not in known:
            known[revision] = View(self, revision)
        return known[revision]

    @property
    def layout(self) -> Layout | None:
        """Where every byte of the file belongs, or None where that is not plain."""
        if isinstance(self._layout, bool):
            try:
                self._layout = read_layout(self.document)
            except Unsure:
                self._layout = None
        return self._layout

    def _read_object(
        self,
        ref: generic.Reference,
        marker: Any,
        never_decrypt: bool = False,
        as_metadata_stream: bool = False,
    ) -> Any:
        if not isinstance(marker, ObjStreamRef) and marker is not None and not as_metadata_stream:
            try:
                found = self._read_plain(ref, marker)
            except (Unsure, ValueError):
                pass
            else:
                return found
        if marker is None and self._is_nowhere(ref.idnum):
            nothing = generic.NullObject()
            nothing.container_ref = ref
            return nothing
        return super()._read_object(ref, marker, never_decrypt, as_metadata_stream)

    def _is_nowhere(self, number: int) -> bool:
        """No revision of the file ever defined it: a reference to it is the null object (ISO 32000-1 §7.3.10).

        Where any revision does, the library's strict fault stands: what was signed must not get content later.
        """
        return isinstance(self.xrefs, Tables) and self.xrefs.is_nowhere(number)

    def _read_plain(self, ref: generic.Reference, offset: int) -> Any:
        document = self.document
        if "/Encrypt" in self.trailer:  # refused right after parsing; until then the library decides
            raise Unsure
        header = OBJECT.match(document, offset)
        if header is None or (int(header[1]), int(header[2])) != (ref.idnum, ref.generation):
            raise Unsure
        value, end = read_value(document, header.end())
        own = generic.Reference(ref.idnum, ref.generation, self)
        if AFTER.match(document, end):
            return as_library(value, own, self)
        start = STREAM.match(document, end)
        if start is None or not isinstance(value, dict):
            raise Unsure
        length = value.get("/Length")
        if isinstance(length, Ref):
            length = self.get_object(generic.Reference(*length, self))
        if not isinstance(length, int) or length < 0 or not AFTER_STREAM.match(document, start.end() + length):
            raise Unsure
        entries = {generic.NameObject(key): as_library(each, own, self) for key, each in value.items()}
        data = document[start.end() : start.end() + length]
        found = generic.StreamObject(entries, encoded_data=data)
        found.container_ref = own
        return found

    def _get_object_from_stream(self, idnum: int, stmnum: int, idx: int) -> Any:
        try:
            return self._read_packed(idnum, stmnum, idx)
        except (Unsure, ValueError):
            return super()._get_object_from_stream(idnum, stmnum, idx)  # type: ignore[no-untyped-call]

    def _read_packed(self, idnum: int, stmnum: int, idx: int) -> Any:
        data, found = self.unpacked(stmnum)
        place, offset = found.get(idnum, (-1, 0))
        if place != idx:
            raise Unsure
        value, _ = read_value(data, offset)
        if isinstance(value, Ref):
            raise Unsure
        return as_library(value, generic.Reference(idnum, 0, self), self)

    def unpacked(self, number: int) -> Unpacked:
        """An object stream decoded: its data, and for each object its place and offset in them."""
        if number not in self._unpacked:
            self._unpacked[number] = None  # what fails once is not tried again
            self._unpacked[number] = self._unpack(generic.Reference(number, 0, self).get_object())
        known = self._unpacked[number]
        if known is None:
            raise Unsure
        return known

    def _unpack(self, stream: Any) -> Unpacked:
        if not isinstance(stream, generic.StreamObject) or stream.get("/Type") != "/ObjStm":
            raise Unsure
        count, first = stream.get("/N"), stream.get("/First")
        if type(count) is not generic.NumberObject or type(first) is not generic.NumberObject or "/Extends" in stream:
            raise Unsure
        must_not_predict_bytes(stream)
        data = bytes(stream.read_data(DecodePurpose.OBJECT_STREAM))
        if not 0 < first <= len(data):
            raise Unsure
        numbers = [int(text) for text in data[:first].split()]
        if len(numbers) != 2 * count or len(set(numbers[::2])) != count:
            raise Unsure
        return data, {number: (place, first + numbers[2 * place + 1]) for place, number in enumerate(numbers[::2])}


class View(ToolView):
    """One revision of the file."""

    def __init__(self, reader: Reader, revision: int) -> None:
        super().__init__(reader, revision)
        self._steps = Steps()

    def get_object(self, ref: generic.Reference, as_metadata_stream: bool = False) -> Any:
        """As the library."""
        self._steps.count()
        return super().get_object(ref, as_metadata_stream)


class Tables(XRefCache):
    """The library's tables, which also know numbers that no revision ever used."""

    def is_nowhere(self, number: int) -> bool:
        """No revision defines or frees it."""
        return not any(
            number in data.standard_xrefs or number in data.xrefs_in_objstm or number in data.freed
            for data in self._all()
        )

    def get_introducing_revision(self, ref: generic.Reference) -> int:
        """As the library; a reference to nothing was nothing from the beginning."""
        if self.is_nowhere(ref.idnum):
            return 0
        return int(super().get_introducing_revision(ref))

    def _all(self) -> Iterator[XRefSectionData]:
        for section in self._xref_sections:
            yield section.xref_data
            if section.xref_data.hybrid:
                yield section.xref_data.hybrid.xref_data


class Builder(XRefBuilder):
    """Reads a whole subsection of a table at once; streams and everything unusual as the library does."""

    def __init__(
        self, document: bytes, handler: Reader, stream: io.BytesIO, last_startxref: int, bounds: Bounds
    ) -> None:
        """``last_startxref``: where the newest section begins."""
        super().__init__(handler, stream, handler.strict, last_startxref)
        self._document = document
        self._bounds = bounds
        self._pending: int | None = last_startxref
        """Where the next section to read is; None = all are read."""

    def _read_xref_stream_object(self) -> Any:
        reference, stream = super()._read_xref_stream_object()  # type: ignore[no-untyped-call]
        self._bounds.check_stream(stream)
        return reference, stream

    def read_xrefs(self) -> list[XRefSection]:
        """Sections, oldest first. A number listed as free may be used later if it never was in use."""
        try:
            sections: list[XRefSection] = super().read_xrefs()  # type: ignore[no-untyped-call]
        except PdfStrictReadError:
            if self._pending is not None:
                raise
            sections = with_sizes_kept(list(reversed(self.sections)))
            _check_xref_consistency(with_first_generations(without_idle_entries(sections)))
        for section in sections[:-1]:
            must_fit(section)
        return without_idle_entries(sections)

    def _read_xref_stream(self, declared_startxref: int) -> Any:
        """A stream that its own table does not list is no object that anyone could refer to: its number is free."""
        self._pending = declared_startxref
        self._pending = previous = super()._read_xref_stream(declared_startxref)
        section = self.sections[-1]
        own = section.meta_info.stream_ref
        if own is not None and own.idnum not in section.xref_data.standard_xrefs:
            self.sections[-1] = replace(section, meta_info=replace(section.meta_info, stream_ref=None))
        return previous

    def _read_xref_table(self, declared_startxref: int) -> Any:
        self._pending = declared_startxref
        self._pending = previous = self._read_table(declared_startxref)
        return previous

    def _read_table(self, declared_startxref: int) -> Any:
        start = self.stream.tell()
        self._bounds.check_table(self._document, start)
        try:
            data, highest, end = read_table(self._document, start)
            trailer, behind = read_value(self._document, end)
        except (Unsure, ValueError):
            self.stream.seek(start)
            return super()._read_xref_table(declared_startxref)
        size, previous = _size_and_previous(trailer, highest)
        if size is None:
            self.stream.seek(start)
            return super()._read_xref_table(declared_startxref)
        meta = XRefSectionMetaInfo(
            xref_section_type=XRefSectionType.STANDARD,
            size=size,
            declared_startxref=declared_startxref,
            start_location=start,
            end_location=end,
            stream_ref=None,
        )
        self.sections.append(XRefSection(meta, data))
        self.stream.seek(behind)
        owner = generic.TrailerReference(self.handler)
        self.trailer.add_trailer_revision(as_library(trailer, owner, self.handler))
        return previous


def _size_and_previous(trailer: Value, highest: int) -> tuple[int | None, int | None]:
    """The size of a plain table's trailer, and where the section before is; size None = the library must look."""
    if not isinstance(trailer, dict) or "/XRefStm" in trailer:
        return None, None
    size, previous = trailer.get("/Size"), trailer.get("/Prev")
    if not isinstance(size, int) or highest >= size or not (previous is None or isinstance(previous, int)):
        return None, None
    return size, previous


def read_table(document: bytes, start: int) -> tuple[XRefSectionData, int, int]:
    """Entries, highest number and the offset of the trailer's dictionary; ``start``: behind the word ``xref``."""
    data, highest, at = XRefSectionData(), 0, start
    while section := SECTION.match(document, at):
        first, count = int(section[1]), int(section[2])
        rows = document[section.end() : section.end() + ROW * count]
        if len(rows) != ROW * count or not ROWS.fullmatch(rows):
            raise Unsure
        if count:
            _add_rows(data, first, rows)
            highest = max(highest, first + count - 1)
        at = section.end() + ROW * count
    trailer = TRAILER.match(document, at)
    if trailer is None or at == start:
        raise Unsure
    return data, highest, trailer.end()


def _add_rows(data: XRefSectionData, first: int, rows: bytes) -> None:
    """One subsection; as ``XRefSectionData.process_entries`` does it."""
    for number, at in enumerate(range(0, len(rows), ROW), first):
        if number == 0:
            continue
        generation = int(rows[at + 11 : at + 16])
        if generation > MAX_GENERATION:
            raise Unsure
        if rows[at + 17] == IN_USE:
            data.standard_xrefs[number] = (generation, int(rows[at : at + 10]))
            data.explicit_refs_in_revision.add((number, generation))
        else:
            data.freed[number] = generation
            data.explicit_refs_in_revision.add((number, generation - 1))


KEYWORDS = {"true": True, "false": False}


def as_library(value: Value, owner: Any, handler: Any = None) -> Any:
    """A plain value as the library's own kinds of object, all of them contained in ``owner``."""
    handler = handler or owner.pdf
    found: Any
    if isinstance(value, str):
        if value.startswith("/"):
            found = generic.NameObject(value)
        elif value in KEYWORDS:
            found = generic.BooleanObject(KEYWORDS[value])
        else:
            found = generic.NullObject() if value == "null" else generic.FloatObject(value)
    elif isinstance(value, Ref):
        found = generic.IndirectObject(value.number, value.generation, handler)
    elif isinstance(value, int):
        found = generic.NumberObject(value)
    elif isinstance(value, bytes):
        found = generic.pdf_string(value)
    elif isinstance(value, list):
        found = generic.ArrayObject(as_library(each, owner, handler) for each in value)
    else:
        entries = {generic.NameObject(key): as_library(each, owner, handler) for key, each in value.items()}
        found = generic.DictionaryObject(entries)
    found.container_ref = owner
    return found
