"""Compresses small bytes that travel with the reference to them instead of being an object. Pure."""

import zlib

from common.facts.base import MAX_PACKED_BYTES

MAX_UNPACKED_BYTES = 64 * 1024


def packed(data: bytes) -> bytes | None:
    """The compressed bytes; None = they are too many, before (``MAX_UNPACKED_BYTES``) or after compression."""
    if len(data) > MAX_UNPACKED_BYTES:
        return None
    small = zlib.compress(data)
    return small if len(small) <= MAX_PACKED_BYTES else None


def unpacked(small: bytes, size_bytes: int) -> bytes:
    """The decompressed bytes, at most one more than ``size_bytes``. Raises ``ValueError``.

    The caller must compare size and digest.
    """
    if not 0 <= size_bytes <= MAX_UNPACKED_BYTES:
        raise ValueError(f"{size_bytes} bytes are not packed")
    try:
        return zlib.decompressobj().decompress(small, size_bytes + 1)
    except zlib.error as error:
        raise ValueError(str(error)) from error
