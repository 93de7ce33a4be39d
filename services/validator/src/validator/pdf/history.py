"""The revisions of a file that is laid out plainly, with their objects as plain values."""

from dataclasses import dataclass
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.xref import ObjStreamRef

from validator.pdf.inconclusive import Inconclusive
from validator.pdf.layout import OBJECT
from validator.pdf.mentions import Mentions
from validator.pdf.reader import STREAM, Reader
from validator.pdf.values import Ref, Value, read_value


@dataclass(frozen=True, slots=True)
class PlainObject:
    """An object as one revision has it."""

    value: Value
    is_stream: bool


class History:
    """What each revision changed. Methods raise ``Inconclusive`` for what is not plain."""

    def __init__(self, reader: Reader) -> None:
        """Raises ``Inconclusive`` where tables and layout contradict each other."""
        layout = reader.layout
        if layout is None:
            raise Inconclusive
        self.reader, self.layout, self.document = reader, layout, reader.document
        self._nesting = reader.policy.pdf.max_nesting
        self._objects: dict[Any, PlainObject] = {}
        self._mentions: dict[int, Mentions] = {}
        if len(layout.sections) != reader.total_revisions:
            raise Inconclusive
        for revision in range(reader.total_revisions):
            self._check_places(revision)

    def _check_places(self, revision: int) -> None:
        """Every entry of the tables leads to an object of that number, inside its own or an earlier revision."""
        section, xrefs = self.layout.sections[revision], self.reader.xrefs
        if xrefs.get_startxref_for_revision(revision) != section.xref:
            raise Inconclusive
        data = xrefs.get_xref_data(revision)
        numbers, end = self.layout.numbers, section.end
        if data.hybrid:
            meta = data.hybrid.meta_info
            own = meta.stream_ref.idnum if meta.stream_ref else None
            if numbers.get(meta.start_location) != own or own is None or meta.start_location >= end:
                raise Inconclusive
        for part in (data, data.hybrid.xref_data) if data.hybrid else (data,):
            for number, (generation, offset) in part.standard_xrefs.items():
                if numbers.get(offset) != number or generation or offset >= end:
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
        length = self.get(number, revision).value
        return type(length) is int and 0 <= length <= end - start and not self.document[start + length : end].strip()

    def get(self, number: int, revision: int) -> PlainObject:
        """The object; the same instance for revisions that did not change it."""
        place = self.reader.xrefs.get_historical_ref(generic.Reference(number), revision)
        if place is None:
            raise Inconclusive
        known = self._objects.get(place)
        if known is None:
            read = self._read_packed(number, place) if isinstance(place, ObjStreamRef) else self._read_at(place)
            known = self._objects[place] = read
        return known

    def _read_packed(self, number: int, place: ObjStreamRef) -> PlainObject:
        data, objects = self.reader.unpacked(place.obj_stream_id)
        index, offset = objects.get(number, (-1, 0))
        if index != place.ix_in_stream:
            raise Inconclusive
        return PlainObject(read_value(data, offset, self._nesting)[0], False)

    def _read_at(self, offset: int) -> PlainObject:
        header = OBJECT.match(self.document, offset)
        if header is None:
            raise Inconclusive
        value, end = read_value(self.document, header.end(), self._nesting)
        return PlainObject(value, STREAM.match(self.document, end) is not None)

    def dictionary(self, value: "Value | None", revision: int) -> "dict[str, Value]":
        """A dictionary, itself or by reference; never that of a stream."""
        if isinstance(value, Ref):
            target = self.get(value.number, revision)
            if value.generation or target.is_stream:
                raise Inconclusive
            value = target.value
        if not isinstance(value, dict):
            raise Inconclusive
        return value

    def array(self, value: "Value | None", revision: int) -> "list[Value]":
        """An array, itself or by reference."""
        if isinstance(value, Ref) and not value.generation:
            value = self.get(value.number, revision).value
        if not isinstance(value, list):
            raise Inconclusive
        return value

    def trailer(self, revision: int) -> "dict[str, Value]":
        """That revision's own entries."""
        section = self.layout.sections[revision]
        if section.trailer is not None:
            return section.trailer
        return self.dictionary_of_stream(self.layout.numbers[section.xref], revision)

    def dictionary_of_stream(self, number: int, revision: int) -> "dict[str, Value]":
        """The entries of a stream."""
        stream = self.get(number, revision)
        if not stream.is_stream or not isinstance(stream.value, dict):
            raise Inconclusive
        return stream.value

    def mentions(self, revision: int) -> Mentions:
        """References in all bytes up to the end of ``revision``."""
        if revision not in self._mentions:
            self._mentions[revision] = Mentions(self.reader, self.layout, revision)
        return self._mentions[revision]


def history_of(reader: Reader) -> History | None:
    """The history of the document behind ``reader``, made once; None = it is not plain."""
    if "history" not in reader.memo:
        try:
            reader.memo["history"] = History(reader)
        except Exception:
            reader.memo["history"] = None  # whatever it was: the slow way meets it again and names it
    history: History | None = reader.memo["history"]
    return history
