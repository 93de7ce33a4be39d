"""From bytes to a parsed message and its files, and what a package that cannot be read still shows."""

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
    """Parse in a thread, with files spooled to disk."""
    try:
        return await in_thread(parse, source, _spool, limits)
    except Unreadable as error:
        return Refused(error.reason, error.detail)


def mark_in_broken(source: BinaryIO) -> Mark | None:
    """A mark in a package that cannot be read."""
    source.seek(0)
    found = mark_in_unreadable(source.read(HEAD_BYTES))
    source.seek(0)
    return found


def mark_anywhere(data: bytes) -> Mark | None:
    """A mark in a package that was read, also where its reader does not look: in comments, in unknown attributes."""
    texts = (unescape(_DELIMITERS.sub("\n", text)) for text in readings(data))
    return next(filter(None, map(mark_in_text, texts)), None)


def close_files(parsed: Parsed) -> None:
    """Free the spooled files."""
    for file in parsed.files:
        file.close()


def _spool() -> BinaryIO:
    return cast(BinaryIO, tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES))
