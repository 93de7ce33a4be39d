"""The revisions of a file that is laid out plainly, their objects as plain values, and who mentions whom."""

import itertools
import re
from bisect import bisect_right
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.xref import ObjStreamRef

from validator.pdf.inconclusive import Unsure
from validator.pdf.layout import BODY, OBJECT, Layout
from validator.pdf.reader import STREAM, Reader
from validator.pdf.values import Ref, Value, read_value

MENTION = re.compile(rb"([0-9]{1,12}+) ++[0-9]++ ++R")
MAX_DIGITS = 12
DIGITS = b"0123456789"
MANY = 100
"""From here on, numbers are looked for by the tens."""
BLANKS = bytes.maketrans(b"\x00\t\n\x0c\r", b"     ")
TRAILER = 0
"""Stands for the trailers where an object's number is asked for."""


@dataclass(frozen=True, slots=True)
class Found:
    """An object as one revision has it."""

    value: Value
    is_stream: bool


class History:
    """What each revision changed. Raises ``Unsure`` where tables and layout do not say the same."""

    def __init__(self, reader: Reader) -> None:
        layout = reader.layout
        if layout is None:
            raise Unsure
        self.reader, self.layout, self.document = reader, layout, reader.document
        self._found: dict[Any, Found] = {}
        self._mentions: dict[int, Mentions] = {}
        if len(layout.sections) != reader.total_revisions:
            raise Unsure
        for revision in range(reader.total_revisions):
            self._check_places(revision)

    def _check_places(self, revision: int) -> None:
        """Every entry of the tables leads to an object of that number, inside of its own or an earlier revision."""
        section, xrefs = self.layout.sections[revision], self.reader.xrefs
        if xrefs.get_startxref_for_revision(revision) != section.xref:
            raise Unsure
        data = xrefs.get_xref_data(revision)
        numbers, end = self.layout.numbers, section.end
        if data.hybrid:
            meta = data.hybrid.meta_info
            own = meta.stream_ref.idnum if meta.stream_ref else None
            if numbers.get(meta.start_location) != own or own is None or meta.start_location >= end:
                raise Unsure
        for part in (data, data.hybrid.xref_data) if data.hybrid else (data,):
            for number, (generation, offset) in part.standard_xrefs.items():
                if numbers.get(offset) != number or generation or offset >= end:
                    raise Unsure

    def reads_alone(self, revision: int, end: int) -> bool:
        """Whether all up to ``revision`` lies before ``end``, and no stream's length is set later."""
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

    def where(self, number: int, revision: int) -> Any:
        """Offset or place in an object stream; None = not there."""
        return self.reader.xrefs.get_historical_ref(generic.Reference(number), revision)

    def get(self, number: int, revision: int) -> Found:
        """The object; the same instance for revisions that did not change it."""
        place = self.where(number, revision)
        if place is None:
            raise Unsure
        found = self._found.get(place)
        if found is None:
            found = self._found[place] = (
                self._packed(number, place) if isinstance(place, ObjStreamRef) else self._at(place)
            )
        return found

    def _packed(self, number: int, place: ObjStreamRef) -> Found:
        data, objects = self.reader.unpacked(place.obj_stream_id)
        index, offset = objects.get(number, (-1, 0))
        if index != place.ix_in_stream:
            raise Unsure
        return Found(read_value(data, offset)[0], False)

    def _at(self, offset: int) -> Found:
        header = OBJECT.match(self.document, offset)
        if header is None:
            raise Unsure
        value, end = read_value(self.document, header.end())
        return Found(value, STREAM.match(self.document, end) is not None)

    def dictionary(self, value: "Value | None", revision: int) -> "dict[str, Value]":
        """A dictionary, itself or by reference; never that of a stream."""
        if isinstance(value, Ref):
            found = self.get(value.number, revision)
            if value.generation or found.is_stream:
                raise Unsure
            value = found.value
        if not isinstance(value, dict):
            raise Unsure
        return value

    def array(self, value: "Value | None", revision: int) -> "list[Value]":
        """An array, itself or by reference."""
        if isinstance(value, Ref) and not value.generation:
            value = self.get(value.number, revision).value
        if not isinstance(value, list):
            raise Unsure
        return value

    def trailer(self, revision: int) -> "dict[str, Value]":
        """That revision's own entries."""
        section = self.layout.sections[revision]
        if section.trailer is not None:
            return section.trailer
        return self.dictionary_of_stream(self.layout.numbers[section.xref], revision)

    def dictionary_of_stream(self, number: int, revision: int) -> "dict[str, Value]":
        """The entries of a stream."""
        found = self.get(number, revision)
        if not found.is_stream or not isinstance(found.value, dict):
            raise Unsure
        return found.value

    def mentions(self, revision: int) -> "Mentions":
        """Of all bytes up to the end of ``revision``."""
        if revision not in self._mentions:
            self._mentions[revision] = Mentions(self, revision)
        return self._mentions[revision]


class Mentions:
    """References to an object in all that was written up to a revision, used or not; object streams unpacked."""

    def __init__(self, history: History, revision: int) -> None:
        self._layout: Layout = history.layout
        end = history.layout.sections[revision].end
        document = history.document
        cuts = [0, *itertools.chain.from_iterable(s for s in history.layout.streams if s[1] <= end), end]
        self._starts: list[int] = []
        """Offsets in the document of the pieces of the text, which leaves the data of streams out."""
        self._places: list[int] = []
        pieces, place = [], 0
        for start, stop in zip(cuts[::2], cuts[1::2], strict=True):
            self._starts.append(start)
            self._places.append(place)
            pieces.append(document[start:stop])
            place += stop - start
        self._text = b"".join(pieces).translate(BLANKS)
        self._packed = list(_packed_texts(history, revision))

    def holders(self, number: int) -> list[int]:
        """Object numbers, once a mention; ``TRAILER``: outside of all objects."""
        return [holder for _, holder in self._find({number})]

    def any_of(self, numbers: Collection[int]) -> bool:
        """Whether one of them is mentioned."""
        return next(self._find(set(numbers)), None) is not None

    def _find(self, numbers: set[int]) -> Iterator[tuple[int, int]]:
        for number, at in _mentioned(self._text, numbers):
            yield number, self._holder(at)
        for data, objects in self._packed:
            for number, at in _mentioned(data.translate(BLANKS), numbers):
                yield number, _packed_holder(objects, at)

    def _holder(self, at: int) -> int:
        piece = bisect_right(self._places, at) - 1
        offset = self._starts[piece] + at - self._places[piece]
        offsets = self._layout.offsets
        before = bisect_right(offsets, offset) - 1
        if before < 0:
            return TRAILER
        section = self._layout.sections[bisect_right([each.start for each in self._layout.sections], offset) - 1]
        if section.trailer is not None and offset >= section.xref:
            return TRAILER
        if offsets[before] == section.xref:
            return TRAILER  # a cross-reference stream is a trailer too
        return self._layout.numbers[offsets[before]]


def _packed_texts(history: History, revision: int) -> Iterator[tuple[bytes, dict[int, tuple[int, int]]]]:
    used: set[int] = set()
    for each in range(revision + 1):
        data = history.reader.xrefs.get_xref_data(each)
        used |= data.obj_streams_used
        if data.hybrid:
            used |= data.hybrid.xref_data.obj_streams_used
    for number in sorted(used):
        text, objects = history.reader.unpacked(number)
        if b"%" in text and not BODY.fullmatch(text):
            raise Unsure  # a comment might stand inside of a reference
        yield text, objects


def _packed_holder(objects: dict[int, tuple[int, int]], at: int) -> int:
    before = [(offset, number) for number, (_, offset) in objects.items() if offset <= at]
    return max(before)[1] if before else -1


def _mentioned(text: bytes, numbers: set[int]) -> Iterator[tuple[int, int]]:
    """Each ``<number> <generation> R`` of one of the numbers, with its offset; ``text`` knows blanks only."""
    by_start: dict[bytes, set[int]] = {}
    for number in numbers:
        start = b"%d" % (number // 10) if number >= MANY else b"%d " % number
        by_start.setdefault(start, set()).add(number)
    for digits, wanted in by_start.items():
        at = text.find(digits)
        while at >= 0:
            if (match := MENTION.match(text, at)) and int(text[_run_of_digits(text, at) : match.end(1)]) in wanted:
                yield int(match[1]), at
            at = text.find(digits, at + 1)


def _run_of_digits(text: bytes, at: int) -> int:
    """Where the number begins that ``at`` is in."""
    start = at
    while start > 0 and text[start - 1] in DIGITS:
        start -= 1
        if at - start > MAX_DIGITS:
            raise Unsure
    return start
