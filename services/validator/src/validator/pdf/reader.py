"""pyHanko's strict reader, with tables and plain objects read in one go instead of byte by byte.

What the fast way reads is what pyHanko would have read, object for object (``tests/validator/test_reader.py``). Where
it is ``Inconclusive`` or meets a fault, pyHanko reads, and raises, itself.
"""

import io
import re
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.misc import PdfReadError
from pyhanko.pdf_utils.xref import ObjStreamRef, XRefBuilder, XRefCache, XRefSectionData

from validator.pdf.bounds import LookupBudget
from validator.pdf.containers import Unpacked, unpack
from validator.pdf.inconclusive import Inconclusive
from validator.pdf.layout import Layout, read_layout
from validator.pdf.pyhanko_internals import HookedReader
from validator.pdf.pyhanko_values import entries_to_pyhanko, to_pyhanko
from validator.pdf.sections import tables_of
from validator.pdf.values import SPACE, Ref, Value, read_value
from validator.pdf.xref import Builder, Tables
from validator.policy import Policy

HEADER = re.compile(rb"%PDF-([0-9])\.([0-9])(?=[\x00\t\n\x0c\r ])")
OBJECT = re.compile(rb"([0-9]{1,10})" + SPACE + rb"{1,4}([0-9]{1,5})" + SPACE + rb"{1,4}obj(?=[\x00\t\n\x0c\r <\[(/])")
AFTER = re.compile(SPACE + rb"*+endobj(?=[\x00\t\n\x0c\r ])")
STREAM = re.compile(SPACE + rb"*+stream\r?\n")
AFTER_STREAM = re.compile(SPACE + rb"*+endstream" + SPACE + rb"*+endobj(?=[\x00\t\n\x0c\r ])")


class Reader(HookedReader):
    """The reader over bytes in memory; ``document`` is all of them."""

    def __init__(self, document: bytes, policy: Policy, *, strict: bool = True) -> None:
        """Reads all cross-reference tables. Raises pyHanko's errors, or anything else on hostile bytes.

        ``strict``: False repairs what can be repaired, and is for searching only: it would resolve references that
        only a later revision defines.
        """
        self.document = document
        self.policy = policy
        self.memo: dict[str, Any] = {}
        """What other modules worked out about this document, by the module's name: once for all its signatures."""
        self._layout: Layout | bool | None = False
        self._unpacked: dict[int, Unpacked | None] = {}
        self._values: dict[int, tuple[Value, int]] = {}
        self._lookups = LookupBudget(policy.pdf.max_lookups)
        header = HEADER.match(document)
        super().__init__(document, strict=strict, header_version=(int(header[1]), int(header[2])) if header else None)

    def read_tables(self, stream: io.BytesIO, last_startxref: int) -> tuple[XRefCache, XRefBuilder]:
        """The tables, within the policy's limits."""
        limits, entries = self.policy.pdf, self.policy.max_xref_entries
        builder = Builder(self.document, self, stream, last_startxref, limits, entries)
        return Tables(self, builder.read_xrefs()), builder

    def get_object(self, ref: Any, *args: Any, **kwargs: Any) -> Any:
        """As pyHanko, within the budget of lookups."""
        self._lookups.spend()
        return super().get_object(ref, *args, **kwargs)  # type: ignore[no-untyped-call]

    @property
    def layout(self) -> Layout | None:
        """Where every byte of the file belongs; None = it is not laid out plainly."""
        if isinstance(self._layout, bool):
            try:
                self._layout = read_layout(self.document, self.policy.pdf.max_nesting)
            except Inconclusive:
                self._layout = None
        return self._layout

    def read_object(self, ref: generic.Reference, marker: Any, never_decrypt: bool, as_metadata_stream: bool) -> Any:
        """As pyHanko, fast where the object is plain; null where no revision ever defined it."""
        if not isinstance(marker, ObjStreamRef) and marker is not None and not as_metadata_stream:
            try:
                return self._read_plain(ref, marker)
            except (Inconclusive, ValueError):
                pass
        if marker is None and self._is_nowhere(ref.idnum):
            null = generic.NullObject()
            null.container_ref = ref
            return null
        return super().read_object(ref, marker, never_decrypt, as_metadata_stream)

    def _is_nowhere(self, number: int) -> bool:
        """No revision of the file ever defined it: a reference to it is the null object (ISO 32000-1 §7.3.10).

        If any revision does, pyHanko's strict error stands: what was signed must not get content later.
        """
        return isinstance(self.xrefs, Tables) and self.xrefs.is_nowhere(number)

    def _read_plain(self, ref: generic.Reference, offset: int) -> Any:
        document = self.document
        if "/Encrypt" in self.trailer:  # refused right after parsing; until then pyHanko decides
            raise Inconclusive
        header = OBJECT.match(document, offset)
        if header is None or (int(header[1]), int(header[2])) != (ref.idnum, ref.generation):
            raise Inconclusive
        value, end = self.value_at(header.end())
        own = generic.Reference(ref.idnum, ref.generation, self)
        if AFTER.match(document, end):
            return to_pyhanko(value, own, self)
        if not isinstance(value, dict):
            raise Inconclusive
        start, stop = self._data_span(value, end)
        stream = generic.StreamObject(entries_to_pyhanko(value, own, self), encoded_data=document[start:stop])
        stream.container_ref = own
        return stream

    def value_at(self, offset: int) -> tuple[Value, int]:
        """The value at an offset of the file and the offset behind it, read once. Nobody may change it.

        Raises ``Inconclusive``.
        """
        if offset not in self._values:
            self._values[offset] = read_value(self.document, offset, self.policy.pdf.max_nesting)
        return self._values[offset]

    def _data_span(self, entries: dict[str, Value], end: int) -> tuple[int, int]:
        """Where the data of a stream lies whose entries end at ``end``. Raises ``Inconclusive``."""
        start, length = STREAM.match(self.document, end), entries.get("/Length")
        if isinstance(length, Ref):
            length = self.get_object(generic.Reference(*length, self))
        if start is None or not isinstance(length, int) or length < 0:
            raise Inconclusive
        stop = start.end() + length
        if not AFTER_STREAM.match(self.document, stop):
            raise Inconclusive
        return start.end(), stop

    def stream_span(self, offset: int) -> tuple[int, int] | None:
        """Start and end of the data of the stream at ``offset``; None = there is none that can be read for sure."""
        header = OBJECT.match(self.document, offset)
        if header is None:
            return None
        try:
            entries, end = self.value_at(header.end())
            return self._data_span(entries, end) if isinstance(entries, dict) else None
        except Exception:
            return None  # whatever it was: its bytes count as part of the structure

    def read_packed_object(self, number: int, container: int, index: int) -> Any:
        """As pyHanko, fast where the object stream is plain."""
        try:
            return self._read_packed(number, container, index)
        except (Inconclusive, ValueError):
            pass
        except PdfReadError:
            if self.strict:
                raise
        return super().read_packed_object(number, container, index)

    def _read_packed(self, number: int, container: int, index: int) -> Any:
        data, objects = self.unpacked(container)
        place, offset = objects.get(number, (-1, 0))
        if place != index:
            raise Inconclusive
        value, _ = read_value(data, offset, self.policy.pdf.max_nesting)
        if isinstance(value, Ref):
            raise Inconclusive
        return to_pyhanko(value, generic.Reference(number, 0, self), self)

    def tables_in(self, revision: int) -> tuple[XRefSectionData, ...]:
        """The tables of one revision, as ``sections.tables_of``."""
        return tables_of(self.xrefs.get_xref_data(revision))

    def containers(self) -> set[int]:
        """Numbers of the object streams in which any revision lists objects."""
        return self.xrefs.containers() if isinstance(self.xrefs, Tables) else set()

    def unpacked(self, number: int) -> Unpacked:
        """An object stream, decoded. Raises pyHanko's errors for one that readers may read differently."""
        if number not in self._unpacked:
            self._unpacked[number] = None  # what fails once is not tried again
            stream = generic.Reference(number, 0, self).get_object()
            self._unpacked[number] = unpack(stream, self.policy.pdf)
        known = self._unpacked[number]
        if known is None:
            raise PdfReadError("an object stream that cannot be read")
        return known
