"""Words in the structure of a file, which is what lies outside of the data of streams and outside of strings.

A picture, an attached PDF or the text of a page may hold any bytes, and they have no meaning for the file around it.
Where a file is not laid out plainly, nobody knows for sure what is a string, and only the data of certain streams is
left out: a stream must not swallow anything to which a table leads.
"""

import re
from bisect import bisect_right

from validator.patterns import compiled
from validator.pdf.reader import Reader

BYTE_RANGE = b"/ByteRange"
STRING_OR_COMMENT = rb"\((?:[^()\\]++|\\.|\((?:[^()\\]++|\\.)*+\))*+\)|%(?!%EOF)[^\r\n]*+"
SKIPPED = compiled(STRING_OR_COMMENT, re.DOTALL)
MANY_STRINGS = 100
"""Strings and comments of one object; a signature has a handful."""


def count_in_structure(reader: Reader, word: bytes, start: int = 0, end: int | None = None) -> int:
    """How often ``word`` stands in the structure between two offsets."""
    document = reader.document
    end = len(document) if end is None else end
    at = document.find(word, start, end)
    if at < 0:
        return 0
    offsets = reader.layout.offsets if reader.layout else None
    spans = [span for span in stream_spans(reader) if start <= span[0] and span[1] <= end]
    count = 0
    while at >= 0:
        place = bisect_right(spans, (at, end))
        from_, to = spans[place - 1][1] if place else start, spans[place][0] if place < len(spans) else end
        if at < from_:  # in the data of a stream
            behind = from_
        elif at + len(word) > to:
            behind = to
        elif offsets is None:
            count, behind = count + 1, at + len(word)
        else:
            first, behind = _object_around(at, from_, to, offsets)
            count += _count(document[first:behind], word)
        at = document.find(word, behind, end)
    return count


def _object_around(at: int, start: int, end: int, offsets: list[int]) -> tuple[int, int]:
    """The part of a piece of a plainly laid out file in which ``at`` lies; no string or comment runs beyond it."""
    behind = bisect_right(offsets, at)
    first = max(start, offsets[behind - 1]) if behind else start
    return first, min(end, offsets[behind]) if behind < len(offsets) else end


def _count(text: bytes, word: bytes) -> int:
    """``word``: neither bracket nor percent sign stands in it behind its first byte."""
    crowded = text.count(b"(") + text.count(b"%") > MANY_STRINGS
    return _count_by_pattern(text, word) if crowded else _count_between_strings(text, word)


def _count_by_pattern(text: bytes, word: bytes) -> int:
    # Each match runs to the next place that may begin something, which is faster than to search at every byte.
    first, rest = re.escape(word[:1]), re.escape(word)
    pattern = compiled(rb"[^(%%%b]*+(?:(%b)|%b|.|\Z)" % (first, rest, STRING_OR_COMMENT), re.DOTALL)
    return sum(match[1] is not None for match in pattern.finditer(text))


def _count_between_strings(text: bytes, word: bytes) -> int:
    """The same, faster where strings and comments are few and far between."""
    count = at = 0
    string, comment = text.find(b"("), text.find(b"%")
    while string >= 0 or comment >= 0:
        begin = comment if string < 0 or 0 <= comment < string else string
        count += text.count(word, at, begin)
        if text.startswith(word, begin):
            count, at = count + 1, begin + len(word)
        else:
            skipped = SKIPPED.match(text, begin)
            at = skipped.end() if skipped else begin + 1
        if 0 <= string < at:
            string = text.find(b"(", at)
        if 0 <= comment < at:
            comment = text.find(b"%", at)
    return count + text.count(word, at)


def stream_spans(reader: Reader) -> list[tuple[int, int]]:
    """Start and end of the data of all streams, in the order of the file, none inside of another.

    Where the file is not laid out plainly, of those streams to which a table leads and whose length is right.
    """
    if "stream_spans" not in reader.memo:
        layout = reader.layout
        reader.memo["stream_spans"] = layout.streams if layout else _listed_streams(reader)
    spans: list[tuple[int, int]] = reader.memo["stream_spans"]
    return spans


def _listed_streams(reader: Reader) -> list[tuple[int, int]]:
    offsets: set[int] = set()
    for revision in range(reader.total_revisions):
        for part in reader.tables_in(revision):
            offsets.update(offset for _, offset in part.standard_xrefs.values())
    known = sorted(offsets | {reader.xrefs.get_startxref_for_revision(each) for each in range(reader.total_revisions)})
    spans: list[tuple[int, int]] = []
    for place, offset in enumerate(known):
        span, following = reader.stream_span(offset), known[place + 1 : place + 2]
        if span is not None and (not following or span[1] <= following[0]):
            spans.append(span)
    return spans
