"""Where every byte of a file belongs: to the header, an object, a cross-reference section or an end marker.

One pass over the bytes at the speed of searches in C, which steps over the data of streams. In a file that is laid out
like this, every object, string and stream ends at the same place for every reader. Anything else raises
``Inconclusive``: comments inside of objects, stream lengths that do not fit, bytes that belong to nothing.
"""

import re
from dataclasses import dataclass, field, replace

from validator.patterns import compiled
from validator.pdf.inconclusive import Inconclusive
from validator.pdf.values import SPACE, WHITE_SPACE, Value, read_value

COMMENT = rb"%(?![^\r\n]*(?:[0-9][^\r\n]*obj|xref|trailer|stream|%EOF))[^\r\n]*+[\r\n]"
"""A line on which nobody could find a part of the file. Tools put their name there."""
GAP = SPACE + rb"*+(?:" + COMMENT + SPACE + rb"*+)*+"
"""What may stand between two objects."""
HEADER = compiled(rb"%PDF-[0-9]\.[0-9][ \t]*[\r\n]+(?:%[^\r\n]*[\r\n]+)*+" + SPACE + rb"*+")
OBJECT = re.compile(rb"([0-9]{1,10}+) ([0-9]{1,5}+) obj")
BODY = compiled(
    rb"(?:[^()<>%]++|<<|>>|<[0-9A-Fa-f\x00\t\n\x0c\r ]*+>|"
    rb"\((?:[^()\\]++|\\.|\((?:[^()\\]++|\\.|\((?:[^()\\]++|\\.)*+\))*+\))*+\))*+",
    re.DOTALL,
)
"""What may stand between ``obj`` and ``endobj`` or ``stream``: no open string, no comment."""
STREAM = re.compile(rb"(?<=[\x00\t\n\x0c\r >])stream\r?\n")
LENGTH = re.compile(
    rb"/Length(?![!-$&'*-.0-;=?-Z\\^-z|~])" + SPACE + rb"*+([0-9]{1,10}+)(" + SPACE + rb"++[0-9]++" + SPACE + rb"++R)?"
)
END_STREAM = re.compile(SPACE + rb"*+endstream" + SPACE + rb"*+endobj")
DELIMITED = re.compile(rb"[\x00\t\n\x0c\r \])>]endobj[\x00\t\n\x0c\r ]")
TABLE = compiled(
    rb"xref"
    + SPACE
    + rb"++(?:[0-9]{1,8} [0-9]{1,7} ?(?:\r\n|\r|\n)(?:[0-9]{10} [0-9]{5} [nf](?: [\r\n]|\r\n))*+)++"
    + SPACE
    + rb"*+trailer"
    + SPACE
    + rb"*+(?=<<)"
)
FINISH = compiled(
    GAP + rb"startxref" + SPACE + rb"++([0-9]{1,10}+)" + SPACE + rb"++%%EOF(?=" + SPACE + rb"|$|[0-9])" + GAP
)
SKIP = compiled(GAP)
NO_WORD = rb"e(?!ndobj)|s(?!tream)"
"""A letter with which neither ``endobj`` nor ``stream`` begins."""
PLAIN_OBJECT = compiled(
    rb"([0-9]{1,10}+) 0 obj"
    rb"(?:[^()<>%es]*+(?:" + NO_WORD + rb"|<<|>>|<[0-9A-Fa-f\x00\t\n\x0c\r ]*+>|"
    rb"\([^()\\es]*+(?:(?:" + NO_WORD + rb"|\\[^es])[^()\\es]*+)*\)))*[^()<>%es]*+"
    rb"(?<=[\x00\t\n\x0c\r \])>])endobj(?=[\x00\t\n\x0c\r ])" + GAP,
    re.DOTALL,
)
"""An object without a stream, and what follows it: one match for what ``_object`` looks for piece by piece.

It matches only what ``_object`` accepts, with the same end; of the rest, ``_object`` decides.
"""
LONGEST_AT_ONCE_BYTES = 65_536
"""Of longer objects the pieces are looked for: a match of this pattern takes memory for each of its steps."""
END_MARKER, END_OBJECT = b"%%EOF", b"endobj"


@dataclass(slots=True)
class Section:
    """One revision, as it lies in the file."""

    start: int
    """Offset of its first object."""
    first: int
    """Index of its first object in ``Layout.offsets``."""
    xref: int = 0
    """Offset of its table, or of the object that holds it."""
    stated: int = 0
    """The same as ``startxref`` says: some tools count the white space before the table."""
    trailer: "dict[str, Value] | None" = None
    """The trailer of a table; None = a cross-reference stream."""
    end: int = 0
    """Behind its end marker and the white space after it."""
    marker_end: int = 0
    """Behind its end marker."""


@dataclass(slots=True)
class Layout:
    """All objects of the file in the order of their bytes."""

    offsets: list[int] = field(default_factory=list)
    numbers: dict[int, int] = field(default_factory=dict)
    """Object number by offset; all generations are 0."""
    streams: list[tuple[int, int]] = field(default_factory=list)
    """Start and end of the data of each stream."""
    lengths: list[tuple[int, int, int]] = field(default_factory=list)
    """Streams whose length is another object's value: number of that object, start, end of the data."""
    tables: list[tuple[int, int]] = field(default_factory=list)
    """Start of each table and end of its trailer."""
    sections: list[Section] = field(default_factory=list)


def read_layout(document: bytes, nesting: int) -> Layout:
    """The layout of a file; ``nesting`` as in ``read_value``. Raises ``Inconclusive``."""
    header = HEADER.match(document)
    if header is None:
        raise Inconclusive
    layout, at = Layout(), header.end()
    section = Section(at, 0)
    while at < len(document):
        within = at + LONGEST_AT_ONCE_BYTES
        if (plain := PLAIN_OBJECT.match(document, at, within)) and plain.end() < within:
            layout.offsets.append(at)
            layout.numbers[at] = int(plain[1])
            at = plain.end()
            continue
        if match := OBJECT.match(document, at):
            at = _object(document, layout, match)
            continue
        if table := TABLE.match(document, at):
            section.xref = at
            trailer, at = read_value(document, table.end(), nesting)
            if not isinstance(trailer, dict):
                raise Inconclusive
            section.trailer = trailer
            layout.tables.append((section.xref, at))
        at = _finish(document, layout, section, at)
        section = Section(at, len(layout.offsets))
    if section.first != len(layout.offsets) or not layout.sections:
        raise Inconclusive
    _check_chain(document, layout)
    return layout


def _check_chain(document: bytes, layout: Layout) -> None:
    """Each end leads to the table before it."""
    sections = layout.sections
    if b"/Linearized" in document[: sections[0].end]:
        sections[:] = [*_halves(layout), *sections[2:]]
    for section in sections:
        if not section.stated <= section.xref or document[section.stated : section.xref].strip(WHITE_SPACE):
            raise Inconclusive


def _halves(layout: Layout) -> list[Section]:
    """The first sections of a linearized file, where two are one revision that was written in halves.

    The end of the whole leads to the table in front, and that one names the table of the rest (ISO 32000-1 annex F.3).
    An end between the halves leads nowhere. It may be missing.
    """
    first, *more = layout.sections[:2]
    if more and more[0].stated == first.xref:
        whole, rest, front = more[0], more[0], first
    elif first.trailer is None and first.stated in layout.numbers and first.stated != first.xref:
        whole, rest, front = first, first, replace(first, xref=first.stated)
    else:
        return [first, *more]
    halves = [
        replace(
            half, stated=half.xref, start=first.start, first=first.first, end=whole.end, marker_end=whole.marker_end
        )
        for half in (rest, front)
    ]
    return halves if whole is not first else [*halves, *more]


def _finish(document: bytes, layout: Layout, section: Section, at: int) -> int:
    finish = FINISH.match(document, at)
    if finish is None:
        raise Inconclusive
    section.stated = int(finish[1])
    if section.trailer is None:
        section.xref = layout.offsets[-1] if len(layout.offsets) > section.first else -1
    section.end = finish.end()
    section.marker_end = document.rindex(END_MARKER, at, finish.end()) + len(END_MARKER)
    layout.sections.append(section)
    return section.end


def _object(document: bytes, layout: Layout, header: "re.Match[bytes]") -> int:
    start, inside = header.start(), header.end()
    end = document.find(END_OBJECT, inside)
    keyword = document.find(b"stream", inside, end)
    if end < 0 or header[2] != b"0":
        raise Inconclusive
    if keyword < 0:
        if not BODY.fullmatch(document, inside, end) or not DELIMITED.match(document, end - 1):
            raise Inconclusive
        behind = end + len(END_OBJECT)
    else:
        behind = _stream(document, layout, inside, keyword)
    layout.offsets.append(start)
    layout.numbers[start] = int(header[1])
    return SKIP.match(document, behind).end()  # type: ignore[union-attr]


def _stream(document: bytes, layout: Layout, inside: int, keyword: int) -> int:
    word = STREAM.match(document, keyword)
    if word is None or not BODY.fullmatch(document, inside, keyword):
        raise Inconclusive
    lengths = LENGTH.findall(document, inside, keyword)
    if len(lengths) != 1 or (document.find(b"#", inside, keyword) >= 0 and _hides_length(document[inside:keyword])):
        raise Inconclusive
    value, reference = lengths[0]
    if reference:
        end = document.find(b"endstream", word.end())
        if end < 0:
            raise Inconclusive
        layout.lengths.append((int(value), word.end(), end))
    else:
        end = word.end() + int(value)
    finish = END_STREAM.match(document, end)
    if finish is None or document[finish.end() : finish.end() + 1] not in b"\x00\t\n\x0c\r ":
        raise Inconclusive
    layout.streams.append((word.end(), end))
    return finish.end()


def _hides_length(head: bytes) -> bool:
    """Whether some name spells /Length with escapes."""
    names = re.findall(rb"/[!-$&'*-.0-;=?-Z\\^-z|~]*#[!-$&'*-.0-;=?-Z\\^-z|~]*", head)
    plain = (re.sub(rb"#([0-9A-Fa-f]{2})", lambda code: bytes((int(code[1], 16),)), name) for name in names)
    return any(name.startswith(b"/Length") for name in plain)
