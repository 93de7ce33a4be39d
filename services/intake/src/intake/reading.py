"""From bytes to a parsed message and its files, and what a package that cannot be read still shows."""

import tempfile
from typing import BinaryIO, cast

from common.containment import in_thread
from common.domain.outcome import Refused
from common.edxml import Limits, Parsed, Unreadable, parse
from common.secrecy import Mark, mark_in_unreadable

SPOOL_BYTES = 1024 * 1024
HEAD_BYTES = 4 * 1024 * 1024


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


def close_files(parsed: Parsed) -> None:
    """Free the spooled files."""
    for file in parsed.files:
        file.close()


def _spool() -> BinaryIO:
    return cast(BinaryIO, tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES))
