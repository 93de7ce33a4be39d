"""Files of BSON documents, compressed with gzip; written and read piece by piece."""

import hashlib
import zlib
from collections.abc import Iterable, Iterator

from trunkctl.command_error import CommandError

GZIP = 31
"""For ``zlib``: with the header and the check sum of gzip."""
LENGTH_BYTES = 4
"""A BSON document begins with its own length, little endian."""


class Packed:
    """Compresses batches of BSON documents, and counts what went through. To be iterated over once."""

    def __init__(self, batches: Iterable[bytes]) -> None:
        self._batches = batches
        self._digest = hashlib.sha256()
        self.rows = 0
        self.size_bytes = 0

    @property
    def sha256(self) -> str:
        """Of what was compressed so far."""
        return self._digest.hexdigest()

    def __iter__(self) -> Iterator[bytes]:
        packer = zlib.compressobj(level=6, wbits=GZIP)
        for batch in self._batches:
            self.rows += sum(1 for _ in documents_in(batch))
            yield from self._counted(packer.compress(batch))
        yield from self._counted(packer.flush())

    def _counted(self, chunk: bytes) -> Iterator[bytes]:
        if chunk:
            self._digest.update(chunk)
            self.size_bytes += len(chunk)
            yield chunk


def documents_in(batch: bytes) -> Iterator[bytes]:
    """The documents of a batch, whole."""
    at = 0
    while at < len(batch):
        length = int.from_bytes(batch[at : at + LENGTH_BYTES], "little")
        yield batch[at : at + length]
        at += max(length, LENGTH_BYTES)


def unpacked(chunks: Iterable[bytes], name: str) -> Iterator[bytes]:
    """The BSON documents of a compressed file. Raises ``CommandError`` if it is damaged or ends too early."""
    opener, rest = zlib.decompressobj(wbits=GZIP), b""
    try:
        for chunk in chunks:
            rest += opener.decompress(chunk)
            whole = _whole(rest)
            yield from documents_in(rest[:whole])
            rest = rest[whole:]
    except zlib.error as error:
        raise CommandError(f"{name} of the backup is damaged: {error}.") from error
    if rest or not opener.eof:
        raise CommandError(f"{name} of the backup ends too early.")


def _whole(data: bytes) -> int:
    """How many of the bytes are whole documents."""
    at = 0
    while at + LENGTH_BYTES <= len(data):
        length = int.from_bytes(data[at : at + LENGTH_BYTES], "little")
        if at + length > len(data) or length < LENGTH_BYTES:
            break
        at += length
    return at


def digest_of(chunks: Iterable[bytes]) -> tuple[str, int]:
    """SHA-256 and size of a file."""
    digest, size = hashlib.sha256(), 0
    for chunk in chunks:
        digest.update(chunk)
        size += len(chunk)
    return digest.hexdigest(), size
