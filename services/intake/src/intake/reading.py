"""Parses packages, and searches those that cannot be parsed for a mark of secrecy."""

import re
import tempfile
from html import unescape
from typing import BinaryIO, cast

from common.containment import in_thread
from common.domain.outcome import Refused
from common.edxml import Limits, Parsed, Unreadable, parse
from common.secrecy import Mark, mark_in_text, mark_in_unreadable
from common.secrecy.markup import readings

SPOOL_BYTES = 1024 * 1024
HEAD_BYTES = 4 * 1024 * 1024
_DELIMITERS = re.compile(r"""[<>"'=]|--""")
"""Of markup: what stands between two of them is a line by itself."""


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


def mark_anywhere(data: bytes) -> Mark | None:
    """A mark in a package that was read, also where its reader does not look: in comments, in unknown attributes."""
    texts = (unescape(_DELIMITERS.sub("\n", text)) for text in readings(data))
    return next(filter(None, map(mark_in_text, texts)), None)


def close_files(parsed: Parsed) -> None:
    """Close the spooled files of a package."""
    for file in parsed.files:
        file.close()


def _spool() -> BinaryIO:
    return cast(BinaryIO, tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES))
