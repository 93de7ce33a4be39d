"""The history of a file that is laid out plainly, read from its bytes."""

import re
from bisect import bisect_right
from collections.abc import Collection
from functools import cached_property
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.xref import ObjStreamRef

from validator.pdf.history import TRAILER, History, Place, PlainObject, Steps, paths_to
from validator.pdf.inconclusive import Inconclusive
from validator.pdf.layout import END_OBJECT, OBJECT
from validator.pdf.mentions import Mentions
from validator.pdf.reader import AFTER, STREAM, Reader
from validator.pdf.schema import TRAILER_KEYS
from validator.pdf.values import SPACE, Ref, Value, read_value
from validator.pdf.written_paths import MAX_SHAPE_BYTES, WrittenPaths
from validator.pdf.xref import Tables

FREED = 1
"""The next generation of an object whose first one was freed."""
WHITE_SPACES = re.compile(SPACE + rb"*+")


class PlainHistory(History):
    """What each revision changed. Methods raise ``Inconclusive`` for what is not plain."""

    def __init__(self, reader: Reader) -> None:
        """Raises ``Inconclusive`` where tables and layout contradict each other."""
        super().__init__(reader)
        layout = reader.layout
        if layout is None:
            raise Inconclusive
        self.layout, self.document = layout, reader.document
        self._nesting = reader.policy.pdf.max_nesting
        self._objects: dict[Any, PlainObject] = {}
        self._known: dict[tuple[Ref, int], PlainObject] = {}
        self._uses: dict[tuple[int, int], list[Place]] = {}
        self._parts = [self.parts(revision) for revision in range(reader.total_revisions)]
        self._packed_starts: dict[int, list[int]] = {}
        """Of each object stream, the offsets of its objects in their order."""
        self._written = WrittenPaths(self._nesting)
        if len(layout.sections) != reader.total_revisions:
            raise Inconclusive
        for revision in range(reader.total_revisions):
            self._check_places(revision)

    def _check_places(self, revision: int) -> None:
        """Every entry of the tables leads to an object of that number, inside its own or an earlier revision."""
        section, xrefs = self.layout.sections[revision], self.reader.xrefs
        if xrefs.get_startxref_for_revision(revision) != section.stated:
            raise Inconclusive
        data = xrefs.get_xref_data(revision)
        numbers, end = self.layout.numbers, section.end
        if data.hybrid:
            meta = data.hybrid.meta_info
            own = meta.stream_ref.idnum if meta.stream_ref else None
            if numbers.get(meta.start_location) != own or own is None or meta.start_location >= end:
                raise Inconclusive
        for part in self.parts(revision):
            for number, (generation, offset) in part.standard_xrefs.items():
                start = offset if offset in numbers else self._start(offset)
                if numbers.get(start) != number or generation or start >= end:
                    raise Inconclusive

    def reads_alone(self, revision: int, end: int) -> bool:
        """Whether all up to ``revision`` lies before ``end``, and no later object sets a stream's length."""
        section = self.layout.sections[revision]
        if not section.marker_end <= end <= section.end:
            return False
        for number, start, data_end in self.layout.lengths:
            if start < end and not self._has_length(number, revision, start, data_end):
                return False
        return True

    def _has_length(self, number: int, revision: int, start: int, end: int) -> bool:
        reference = generic.Reference(number, 0, self.reader)
        xrefs = self.reader.xrefs
        try:
            if xrefs.get_last_change(reference) > revision:
                return False
        except KeyError:
            return False
        length = self.get(Ref(number, 0), revision).value
        return type(length) is int and 0 <= length <= end - start and not self.document[start + length : end].strip()

    def get(self, reference: Ref, revision: int) -> PlainObject:
        """The same instance for revisions that did not change it."""
        key = reference, revision
        if key not in self._known:
            self._known[key] = self._read(reference, revision)
        return self._known[key]

    def _read(self, reference: Ref, revision: int) -> PlainObject:
        place = self._place(reference, revision)
        if place is None:
            return PlainObject("null")
        if place not in self._objects:
            is_packed = isinstance(place, ObjStreamRef)
            read = self._read_packed(reference.number, place) if is_packed else self._read_at(place)
            self._objects[place] = read
        return self._objects[place]

    def _place(self, reference: Ref, revision: int) -> Any:
        """Where the tables say that the object is; None = no revision ever defined it."""
        if reference.generation:
            raise Inconclusive
        place = self._listed(reference.number, revision)
        if place is None and not (
            isinstance(self.reader.xrefs, Tables) and self.reader.xrefs.is_nowhere(reference.number)
        ):
            raise Inconclusive
        return place

    def _listed(self, number: int, revision: int) -> Any:
        """As pyHanko's ``get_historical_ref`` of generation 0: ``_check_places`` let no other pass."""
        for each in range(revision, -1, -1):
            for part in self._parts[each]:
                if number in part.xrefs_in_objstm:
                    return part.xrefs_in_objstm[number]
                if number in part.standard_xrefs:
                    return part.standard_xrefs[number][1]
                if part.freed.get(number) == FREED:
                    return None
        return None

    def _read_packed(self, number: int, place: ObjStreamRef) -> PlainObject:
        data, objects = self.reader.unpacked(place.obj_stream_id)
        index, offset = objects.get(number, (-1, 0))
        if index != place.ix_in_stream:
            raise Inconclusive
        return PlainObject(read_value(data, offset, self._nesting)[0])

    def _read_at(self, offset: int) -> PlainObject:
        header = self._header(offset)
        if header is None:
            raise Inconclusive
        value, end = self.reader.value_at(header.end())
        is_stream = STREAM.match(self.document, end) is not None
        if not is_stream and not AFTER.match(self.document, end):
            raise Inconclusive  # a second value behind the first
        return PlainObject(value, is_stream)

    def _header(self, offset: int) -> "re.Match[bytes] | None":
        return OBJECT.match(self.document, offset) or OBJECT.match(self.document, self._start(offset))

    def _start(self, offset: int) -> int:
        """Where an object begins; some tools count the white space before it."""
        white_space = WHITE_SPACES.match(self.document, offset)
        return white_space.end() if white_space else offset

    def trailer(self, revision: int) -> "dict[str, Value]":
        """That revision's own entries."""
        section = self.layout.sections[revision]
        if section.trailer is not None:
            return section.trailer
        stream = self._read_at(section.xref)
        if not stream.is_stream or not isinstance(stream.value, dict):
            raise Inconclusive
        return stream.value

    def uses(self, number: int, revision: int) -> list[Place]:
        """Raises ``Inconclusive`` if the bytes of an object mention it, and what the object says now does not.

        Mostly a later version has replaced what mentioned it. That the value was read wrongly is not ruled out here.
        """
        key = number, revision
        if key not in self._uses:
            holders = set(self._mentions.holders(number, revision))
            self._uses[key] = [place for holder in holders for place in self._places_in(holder, number, revision)]
        return self._uses[key]

    def _places_in(self, holder: int, number: int, revision: int) -> list[Place]:
        if holder == TRAILER:
            return [Place(TRAILER, path) for path in paths_to(number, self.whole_trailer(revision))]
        paths = self._paths_in(holder, number, revision)
        if not paths:
            raise Inconclusive
        return [Place(holder, path) for path in paths]

    def _paths_in(self, holder: int, number: int, revision: int) -> list[Steps]:
        text = self._text_of(holder, revision)
        paths = None if text is None else self._written.paths_to(number, text)
        return paths_to(number, self.get(Ref(holder, 0), revision).value) if paths is None else paths

    def _text_of(self, number: int, revision: int) -> bytes | None:
        """An object as it is written; None = it is too long, or a stream, or not plain."""
        place = self._place(Ref(number, 0), revision)
        if isinstance(place, ObjStreamRef):
            return self._packed_text(number, place)
        header = self._header(place) if isinstance(place, int) else None
        if header is None:
            return None
        start = header.end()
        end = self.document.find(END_OBJECT, start, start + MAX_SHAPE_BYTES + len(END_OBJECT))
        return None if end < 0 else self.document[start:end]

    def _packed_text(self, number: int, place: ObjStreamRef) -> bytes | None:
        data, objects = self.reader.unpacked(place.obj_stream_id)
        if place.obj_stream_id not in self._packed_starts:
            self._packed_starts[place.obj_stream_id] = sorted(offset for _, offset in objects.values())
        index, start = objects.get(number, (-1, 0))
        starts = self._packed_starts[place.obj_stream_id]
        following = bisect_right(starts, start)
        end = starts[following] if following < len(starts) else len(data)
        return data[start:end] if index == place.ix_in_stream else None

    def mentioned(self, numbers: Collection[int], revision: int) -> set[int]:
        """See ``History``."""
        mentioned = self._mentions.among(numbers, revision)
        return {number for number in mentioned if not self._is_idle(number, revision)}

    def _is_idle(self, number: int, revision: int) -> bool:
        """Only entries of trailers that no standard knows refer to it."""
        if set(self._mentions.holders(number, revision)) != {TRAILER}:
            return False
        trailers = (self.trailer(each) for each in range(revision + 1))
        return all(path[0] not in TRAILER_KEYS for each in trailers for path in paths_to(number, each))

    @cached_property
    def _mentions(self) -> Mentions:
        """References in all bytes of the file."""
        return Mentions(self.reader, self.layout)


def plain_history_of(reader: Reader) -> PlainHistory | None:
    """The history of the document behind ``reader``, made once; None = it is not laid out plainly."""
    if "plain_history" not in reader.memo:
        try:
            reader.memo["plain_history"] = PlainHistory(reader)
        except Exception:
            reader.memo["plain_history"] = None  # whatever it was: the slow way meets it again and names it
    history: PlainHistory | None = reader.memo["plain_history"]
    return history
