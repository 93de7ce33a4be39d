"""Files that are replaced in one step, by whichever of several processes comes first."""

import fcntl
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

LOCK = ".lock"
LOCK_SECONDS = 20.0
"""For which the lock is waited for. Whoever holds it needs milliseconds, unless it hangs."""
PAUSE_SECONDS = 0.05
"""Between two tries."""


def replace_file(path: Path, data: bytes) -> None:
    """Write beside the file, then rename: readers see the old file or the new one. Makes missing folders.

    Of two processes that write at once, one wins, whole. Raises ``OSError``, and leaves nothing behind then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{secrets.token_hex()}.new")
    try:
        with beside.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        with suppress(OSError):
            beside.unlink()


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """While nobody else holds the lock of the folder: to look at a file and replace it as one step.

    Makes missing folders. Raises ``TimeoutError`` where another process keeps the lock. A file system without locks
    has none, and a lock file that another user has made and nobody else may open keeps no list out: files are replaced
    in one step all the same.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as opened:
        file: BinaryIO | None = None
        with suppress(OSError):
            file = opened.enter_context(_lock_file(folder / LOCK))
        if file is not None:
            _wait_for(file)
        yield


def _lock_file(path: Path) -> BinaryIO:
    """Opened to be written, as some file systems require for a lock; to be read where it is another user's."""
    try:
        return path.open("ab")
    except PermissionError:
        return path.open("rb")


def _wait_for(file: BinaryIO) -> None:
    until = time.monotonic() + LOCK_SECONDS
    while not _is_ours(file):
        if time.monotonic() >= until:
            raise TimeoutError("another process keeps the lock of the folder")
        time.sleep(PAUSE_SECONDS)


def _is_ours(file: BinaryIO) -> bool:
    """Whether we hold the lock now, as far as the file system has locks."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True
