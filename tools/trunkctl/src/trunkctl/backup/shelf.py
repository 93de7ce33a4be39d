"""Where files of backups lie: a folder, or a prefix in the bucket of the second store."""

import io
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Protocol, TypeVar

from minio import Minio
from minio.error import S3Error

from common.objects import CHUNK_BYTES, NOT_FOUND, STORE_ERRORS, stored_bytes
from trunkctl.command_error import CommandError

T = TypeVar("T")

PART_BYTES = 16 * 1024 * 1024
"""Files of unknown length go to the second store in parts of this size, of which one is held in memory."""


class Shelf(Protocol):
    """Files under names with slashes. Everything may raise ``CommandError``."""

    def put(self, name: str, chunks: Iterable[bytes]) -> None:
        """Write a file; nobody sees a part of it."""

    def get(self, name: str) -> Iterator[bytes]:
        """The bytes of a file, piece by piece."""

    def names(self, prefix: str = "") -> list[str]:
        """All files whose names begin with a prefix, sorted."""

    def remove(self, name: str) -> None:
        """Take a file away, for good."""


class Folder:
    """A shelf on a file system. Only its owner may read what is written."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, name: str, chunks: Iterable[bytes]) -> None:
        """See ``Shelf``."""
        target = self._root / name
        try:
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            unfinished = target.with_name(f".{target.name}.unfinished")
            with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                for chunk in chunks:
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(target)
        except OSError as error:
            raise CommandError(f"{target} cannot be written: {error.strerror}.") from error

    def get(self, name: str) -> Iterator[bytes]:
        """See ``Shelf``."""
        try:
            with (self._root / name).open("rb") as file:
                while chunk := file.read(CHUNK_BYTES):
                    yield chunk
        except OSError as error:
            raise CommandError(f"{self._root / name} cannot be read: {error.strerror}.") from error

    def names(self, prefix: str = "") -> list[str]:
        """See ``Shelf``."""
        files = (path.relative_to(self._root).as_posix() for path in self._root.rglob("*") if path.is_file())
        return sorted(name for name in files if name.startswith(prefix))

    def remove(self, name: str) -> None:
        """See ``Shelf``."""
        path = self._root / name
        path.unlink(missing_ok=True)
        for folder in path.relative_to(self._root).parents[:-1]:
            if any((self._root / folder).iterdir()):
                return
            (self._root / folder).rmdir()


class Bucket:
    """A shelf in a bucket, below a prefix."""

    def __init__(self, client: Minio, bucket: str, prefix: str) -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = prefix

    def put(self, name: str, chunks: Iterable[bytes]) -> None:
        """See ``Shelf``."""
        source, key = _Stream(iter(chunks)), self._prefix + name
        _asked(key, lambda: self._client.put_object(self._bucket, key, source, -1, part_size=PART_BYTES))  # type: ignore[arg-type]

    def get(self, name: str) -> Iterator[bytes]:
        """See ``Shelf``."""
        key = self._prefix + name
        answer = _asked(key, lambda: self._client.get_object(self._bucket, key))
        try:
            yield from stored_bytes(answer)
        except STORE_ERRORS as error:
            raise CommandError(f"{key} at the second store cannot be read ({type(error).__name__}).") from error
        finally:
            answer.close()
            answer.release_conn()

    def names(self, prefix: str = "") -> list[str]:
        """See ``Shelf``."""
        whole = self._prefix + prefix
        listed = _asked(whole, lambda: list(self._client.list_objects(self._bucket, prefix=whole, recursive=True)))
        return sorted((each.object_name or "").removeprefix(self._prefix) for each in listed)

    def remove(self, name: str) -> None:
        """See ``Shelf``."""
        key = self._prefix + name

        def remove() -> None:
            for each in list(self._client.list_objects(self._bucket, prefix=key, include_version=True)):
                if each.object_name == key:
                    self._client.remove_object(self._bucket, key, version_id=each.version_id)

        _asked(key, remove)


def _asked(key: str, ask: Callable[[], T]) -> T:
    try:
        return ask()
    except S3Error as error:
        what = "is missing" if error.code in NOT_FOUND else f"is refused ({error.code})"
        raise CommandError(f"{key} {what} at the second store.") from error
    except STORE_ERRORS as error:
        raise CommandError(f"The second store does not answer ({type(error).__name__}).") from error


class _Stream(io.RawIOBase):
    """Pieces of bytes, to be read like a file."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        super().__init__()
        self._chunks = chunks
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = chunk
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size
