"""Who refers to an object: an index over all bytes of a file up to one revision, object streams unpacked."""

import itertools
import re
from bisect import bisect_right
from collections.abc import Collection, Iterator

from validator.pdf.history import TRAILER
from validator.pdf.inconclusive import Inconclusive
from validator.pdf.layout import BODY, Layout
from validator.pdf.reader import Reader

MAX_DIGITS = 12
"""Of an object number; a longer one is not plain."""
REFERENCE = re.compile(rb"([0-9]{1,%d}+) ++[0-9]++ ++R" % MAX_DIGITS)
DIGITS = b"0123456789"
SEARCHED_BY_TENS = 100
"""From here on, numbers are searched for without their last digit, ten of them at a time."""
BLANKS = bytes.maketrans(b"\x00\t\n\x0c\r", b"     ")


class Mentions:
    """References to objects in all that was written up to a revision, whether it is in use or not."""

    def __init__(self, reader: Reader, layout: Layout, revision: int) -> None:
        """Raises ``Inconclusive`` for an object stream with a comment in it. ``layout``: of the document."""
        self._layout = layout
        self._streams = {section.xref for section in layout.sections if section.trailer is None}
        end = layout.sections[revision].end
        cuts = [0, *itertools.chain.from_iterable(stream for stream in layout.streams if stream[1] <= end), end]
        self._starts: list[int] = []
        """Offsets in the document of the pieces of the text, which leaves the data of streams out."""
        self._places: list[int] = []
        """Offsets of the same pieces in the text."""
        pieces, place = [], 0
        for start, stop in zip(cuts[::2], cuts[1::2], strict=True):
            self._starts.append(start)
            self._places.append(place)
            pieces.append(reader.document[start:stop])
            place += stop - start
        self._text = b"".join(pieces).translate(BLANKS)
        self._packed = list(_packed_texts(reader, revision))

    def holders(self, number: int) -> list[int]:
        """Numbers of the objects that refer to it, once per reference; ``TRAILER`` for one outside of all objects."""
        return [holder for _, holder in self._find({number})]

    def among(self, numbers: Collection[int]) -> set[int]:
        """Those of ``numbers`` to which anything refers."""
        return {number for number, _ in self._find(set(numbers))}

    def _find(self, numbers: set[int]) -> Iterator[tuple[int, int]]:
        for number, at in _references(self._text, numbers):
            yield number, self._holder(at)
        for data, objects in self._packed:
            for number, at in _references(data.translate(BLANKS), numbers):
                yield number, _packed_holder(objects, at)

    def _holder(self, at: int) -> int:
        piece = bisect_right(self._places, at) - 1
        offset = self._starts[piece] + at - self._places[piece]
        offsets, tables = self._layout.offsets, self._layout.tables
        table = bisect_right(tables, (offset, offset)) - 1
        if table >= 0 and offset < tables[table][1]:
            return TRAILER
        before = bisect_right(offsets, offset) - 1
        if before < 0:
            return TRAILER
        if offsets[before] in self._streams:
            return TRAILER  # a cross-reference stream is a trailer too
        return self._layout.numbers[offsets[before]]


def _packed_texts(reader: Reader, revision: int) -> Iterator[tuple[bytes, dict[int, tuple[int, int]]]]:
    used: set[int] = set()
    for each in range(revision + 1):
        data = reader.xrefs.get_xref_data(each)
        used |= data.obj_streams_used
        if data.hybrid:
            used |= data.hybrid.xref_data.obj_streams_used
    for number in sorted(used):
        text, objects = reader.unpacked(number)
        if b"%" in text and not BODY.fullmatch(text):
            raise Inconclusive  # a comment might stand inside of a reference
        yield text, objects


def _packed_holder(objects: dict[int, tuple[int, int]], at: int) -> int:
    before = [(offset, number) for number, (_, offset) in objects.items() if offset <= at]
    return max(before)[1] if before else -1


def _references(text: bytes, numbers: set[int]) -> Iterator[tuple[int, int]]:
    """Each ``<number> <generation> R`` of one of the numbers, with its offset; blanks separate tokens in ``text``."""
    by_start: dict[bytes, set[int]] = {}
    for number in numbers:
        start = b"%d" % (number // 10) if number >= SEARCHED_BY_TENS else b"%d " % number
        by_start.setdefault(start, set()).add(number)
    for digits, wanted in by_start.items():
        at = text.find(digits)
        while at >= 0:
            match = REFERENCE.match(text, at)
            if match and int(text[_start_of_number(text, at) : match.end(1)]) in wanted:
                yield int(match[1]), at
            at = text.find(digits, at + 1)


def _start_of_number(text: bytes, at: int) -> int:
    """Where the number begins that ``at`` lies in."""
    start = at
    while start > 0 and text[start - 1] in DIGITS:
        start -= 1
        if at - start > MAX_DIGITS:
            raise Inconclusive
    return start
