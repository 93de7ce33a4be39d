"""Who refers to an object: all bytes of a file are searched up to one revision, object streams unpacked."""

import itertools
import sys
from bisect import bisect_right
from collections.abc import Collection

from validator.pdf.history import TRAILER
from validator.pdf.inconclusive import Inconclusive
from validator.pdf.layout import BODY, Layout
from validator.pdf.reader import Reader
from validator.pdf.written_references import WrittenReferences, read_references

BLANKS = bytes.maketrans(b"\x00\t\n\x0c\r", b"     ")

Packed = tuple[WrittenReferences, list[tuple[int, int]]]
"""Of an object stream: the references in it, and offset and number of its objects in the order of the offsets."""


class Mentions:
    """References to objects in all that was written up to a revision, whether it is in use or not."""

    def __init__(self, reader: Reader, layout: Layout) -> None:
        """Reads the whole file, but no object stream yet. ``layout``: of the document."""
        self._reader, self._layout = reader, layout
        self._streams = {section.xref for section in layout.sections if section.trailer is None}
        end = layout.sections[-1].end
        cuts = [0, *itertools.chain.from_iterable(layout.streams), end]
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
        self._text = read_references(b"".join(pieces).translate(BLANKS))
        self._packed: dict[int, Packed] = {}

    def holders(self, number: int, revision: int) -> list[int]:
        """Numbers of the objects that refer to it, once per reference; ``TRAILER`` for one outside of all objects.

        Raises ``Inconclusive`` for an object stream with a comment in it.
        """
        found = [self._holder(at) for at in self._text.offsets(number, self._end_of(revision))]
        for text, starts in self._packed_until(revision):
            found += [_packed_holder(starts, at) for at in text.offsets(number, sys.maxsize)]
        return found

    def among(self, numbers: Collection[int], revision: int) -> set[int]:
        """Those of ``numbers`` to which anything refers. Raises ``Inconclusive`` as ``holders``."""
        found = self._text.among(numbers, self._end_of(revision))
        return found.union(*(text.among(numbers, sys.maxsize) for text, _ in self._packed_until(revision)))

    def _end_of(self, revision: int) -> int:
        """Offset in the text of the end of a revision, which never lies inside of a stream."""
        end = self._layout.sections[revision].end
        piece = bisect_right(self._starts, end) - 1
        return self._places[piece] + end - self._starts[piece]

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

    def _packed_until(self, revision: int) -> list[Packed]:
        """The object streams that the revisions up to this one use."""
        used: set[int] = set()
        for each in range(revision + 1):
            used.update(*(part.obj_streams_used for part in self._reader.tables_in(each)))
        return [self._packed_in(number) for number in sorted(used)]

    def _packed_in(self, number: int) -> Packed:
        if number not in self._packed:
            text, objects = self._reader.unpacked(number)
            if b"%" in text and not BODY.fullmatch(text):
                raise Inconclusive  # a comment might stand inside of a reference
            starts = sorted((offset, packed) for packed, (_, offset) in objects.items())
            self._packed[number] = read_references(text.translate(BLANKS)), starts
        return self._packed[number]


def _packed_holder(starts: list[tuple[int, int]], at: int) -> int:
    before = bisect_right(starts, (at, sys.maxsize)) - 1
    return starts[before][1] if before >= 0 else -1
