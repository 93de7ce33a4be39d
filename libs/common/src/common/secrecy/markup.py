"""The text of markup as people read it, and the encodings in which bytes may be read as text.

Tags become line ends, except those inside a line; references are resolved after that, so that "&lt;" begins no tag.
"""

import codecs
import re
from collections.abc import Iterator
from enum import Enum
from html import escape, unescape

_UTF_32 = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
HEAD_CHARS = 1024
_TAG = re.compile(r"<[^<>]*+>")
_BREAKS = "p|h|br|cr|tab|tc|tr|tbl|txbxContent|line-break|list-item|table-cell|table-row|note-body|sectPr|body|txBody"
_PREFIXED = rf"(?:w|w14|w15|a|text|m|v):(?!(?:{_BREAKS})[\s/>])[\w.\-]++"
"""Elements inside a paragraph of Word, of slides and of OpenDocument."""
_HTML = (
    "a|abbr|acronym|b|bdi|bdo|big|cite|code|data|del|dfn|em|font|i|ins|kbd|label|mark|nobr|q|s|samp|small|span"
    "|strike|strong|sub|sup|time|tt|u|var|wbr"
)
_SHEET = "r|t|rPr|b|i|u|sz|color|rFont|family|charset|scheme|strike|vertAlign"


class Markup(Enum):
    """Which tags stand inside a line."""

    HTML = _HTML
    XML = "(?!)"
    SHEET = _SHEET
    """Parts of office files; in sheets their elements have no prefix."""

    def __init__(self, names: str) -> None:
        self.inside_a_line = re.compile(rf"</?(?:{_PREFIXED}|(?:{names})(?=[\s/>]))[^<>]*+>", re.IGNORECASE)


def readings(data: bytes) -> Iterator[str]:
    """The texts that bytes may mean: UTF-8, UTF-16 and UTF-32 with or without a mark, else Windows-1258.

    TCVN3 and VNI read in Windows-1258 as in Windows-1252, which is how marks in them are known.
    """
    if data.startswith(_UTF_32):
        yield data.decode("utf-32", "replace")
    if data.startswith(_UTF_16):
        yield data.decode("utf-16", "replace")
    elif b"\0" in data:
        for encoding in ("utf-16-le", "utf-16-be"):
            yield data.decode(encoding, "replace")
    try:
        yield data.decode("utf-8-sig")
    except UnicodeDecodeError:
        yield data.decode("utf-8-sig", "replace")
        yield data.decode("cp1258", "replace")


def markup_of(text: str) -> Markup:
    """Which tags to expect in a text that is no part of an office file."""
    head = text[:HEAD_CHARS].removeprefix("\ufeff").lstrip().lower()
    return Markup.XML if head.startswith("<?xml") and "<html" not in head else Markup.HTML


def lines_of(text: str, markup: Markup) -> str:
    """Text without tags, a line for each block."""
    text = markup.inside_a_line.sub("", _without_sections(text))
    return unescape(_TAG.sub("\n", text))


def values_of(text: str) -> Iterator[str]:
    """What stands between two tags, one by one, as in a file's metadata."""
    for value in _TAG.split(_without_sections(text)):
        if bare := value.strip():
            yield unescape(bare)


def _without_sections(text: str) -> str:
    """CDATA sections as plain text."""
    first, *others = text.split("<![CDATA[")
    made = [first]
    for each in others:
        inside, end, behind = each.partition("]]>")
        made += [escape(inside, quote=False), behind] if end else [each]
    return "".join(made)
