"""The files that ``trunkctl verify`` was given: found in folders, opened without waiting, a package told from a PDF."""

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

HEAD_BYTES = 1024
"""Of a file, that tell a package from a PDF."""
BEFORE_XML = b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n"
"""Bytes that may stand before the first tag: marks of an encoding, halves of UTF-16 characters, white space."""


class TooLarge(Exception):
    """The file is larger than what is read of it."""

    def __init__(self, size_bytes: int) -> None:
        super().__init__(size_bytes)
        self.size_bytes = size_bytes


def files_of(paths: Iterable[Path]) -> Iterator[Path]:
    """The paths themselves; of a folder, everything below it that is no folder and not hidden.

    What cannot be read is among them, folders too, so that it gets its line. Links to folders are not followed.
    """
    for path in paths:
        # Not by ``Path``, which raises where a folder above may not be read or the name is too long.
        yield from _below(path) if os.path.isdir(path) else (path,)  # noqa: PTH112


def _below(folder: Path) -> Iterator[Path]:
    unread: list[Path] = []
    for parent, folders, files in os.walk(folder, onerror=lambda error: unread.append(Path(str(error.filename)))):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(parent, name) for name in sorted(files) if not name.startswith("."))
    yield from unread


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """A regular file. Raises ``OSError``, and ``ValueError`` for what can be no path."""
    # Without waiting: a pipe or a device under that name would never end.
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError("no regular file")
        yield file


def is_package(file: BinaryIO) -> bool:
    """Whether it is XML as far as its beginning shows. A PDF is none, whatever stands before it."""
    file.seek(0)
    head = file.read(HEAD_BYTES)
    file.seek(0)
    return head.lstrip(BEFORE_XML).startswith(b"<") and b"%PDF-" not in head


def read(file: BinaryIO, most_bytes: int) -> bytes:
    """All of it. Raises ``TooLarge``."""
    data = file.read(most_bytes + 1)
    if len(data) > most_bytes:
        raise TooLarge(max(os.fstat(file.fileno()).st_size, len(data)))
    return data


def cause(error: Exception) -> str:
    """Why a file cannot be read."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
