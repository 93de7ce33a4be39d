"""Parses packages, and searches those that cannot be parsed for a mark of secrecy."""

import re
import tempfile
from html import unescape
from typing import BinaryIO, cast

from common.containment import in_thread
from common.domain.outcome import Refused
from common.edxml import Limits, Parsed, Unreadable, parse
from common.secrecy import Mark, mark_in_field, mark_in_unreadable
from common.secrecy.markup import readings

SPOOL_BYTES = 1024 * 1024
HEAD_BYTES = 4 * 1024 * 1024
_TAGS = re.compile(r"[<>]|--")
_DELIMITERS = re.compile(r"""[<>"'=]|--""")
"""Delimiters of markup, without and with its attributes. The text between two of them is searched as a line of its
own."""
_LINE_ENDS = re.compile(r"[\r\n\v\f\x85]+")
LINE_CHARS = 600
"""Longest line that is searched. No field may be longer, and the time of a search grows with the square of the
length."""
_ENCODED = re.compile(r"[A-Za-z0-9+/=]{60,}")
"""Base64, for example of a signature or of a misplaced file. It is not decoded, so it cannot be searched."""


async def read_package(source: BinaryIO, limits: Limits) -> Parsed | Refused:
    """The parsed package, or why it cannot be read. Parses in a thread; files above ``SPOOL_BYTES`` lie on disk."""
    try:
        return await in_thread(parse, source, _spool, limits)
    except Unreadable as error:
        return Refused(error.reason, error.detail)


def mark_in_broken(source: BinaryIO) -> Mark | None:
    """The mark of secrecy in the first ``HEAD_BYTES`` of a package that cannot be parsed; None = there is none."""
    source.seek(0)
    mark = mark_in_unreadable(source.read(HEAD_BYTES))
    source.seek(0)
    return mark


def is_searched(data: bytes) -> bool:
    """Whether a package that was parsed consists of text without a mark of secrecy, including what the parser ignores:
    comments, unknown attributes, signatures, and misplaced fields."""
    readable = (delimiters.sub("\n", text) for text in readings(data) for delimiters in (_TAGS, _DELIMITERS))
    return all(map(_is_clear, readable))


def _is_clear(text: str) -> bool:
    """Whether a text has no mark of secrecy, no encoded bytes, and no line that is longer than a field may be."""
    is_long = any(len(line) > LINE_CHARS for line in _LINE_ENDS.split(text))
    return not (is_long or _ENCODED.search(text) or mark_in_field(unescape(text)))


def close_files(parsed: Parsed) -> None:
    """Close the spooled files of a package."""
    for file in parsed.files:
        file.close()


def _spool() -> BinaryIO:
    return cast(BinaryIO, tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES))
