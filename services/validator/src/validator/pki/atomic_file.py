"""Files that are replaced in one step, by whichever of several processes comes first."""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

LOCK = ".lock"


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

    Makes missing folders. Raises ``OSError`` where nothing can be written. A file system without locks has none.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("ab") as file:
        with suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
