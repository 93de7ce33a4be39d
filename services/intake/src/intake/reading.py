"""Parses packages, and searches those that cannot be parsed for a mark of secrecy."""

import tempfile
from typing import BinaryIO, cast

from common.containment import in_thread
from common.domain.outcome import Refused
from common.edxml import Limits, Parsed, Unreadable, parse
from common.secrecy import Mark, mark_in_unreadable

SPOOL_BYTES = 1024 * 1024
HEAD_BYTES = 4 * 1024 * 1024


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


def close_files(parsed: Parsed) -> None:
    """Close the spooled files of a package."""
    for file in parsed.files:
        file.close()


def _spool() -> BinaryIO:
    return cast(BinaryIO, tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES))
