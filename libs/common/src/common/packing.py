"""Small bytes that travel with the reference to them, compressed, instead of lying in the object store; pure."""

import zlib

from common.facts.base import MAX_PACKED_BYTES

MAX_UNPACKED_BYTES = 64 * 1024


def packed(data: bytes) -> bytes | None:
    """The bytes compressed; None = too many, before or after."""
    if len(data) > MAX_UNPACKED_BYTES:
        return None
    small = zlib.compress(data)
    return small if len(small) <= MAX_PACKED_BYTES else None


def unpacked(small: bytes, size_bytes: int) -> bytes:
    """The bytes; one more than ``size_bytes`` where there are more. Raises ``ValueError``.

    The caller compares size and digest: these bytes prove nothing.
    """
    if not 0 <= size_bytes <= MAX_UNPACKED_BYTES:
        raise ValueError(f"{size_bytes} bytes are not packed")
    try:
        return zlib.decompressobj().decompress(small, size_bytes + 1)
    except zlib.error as error:
        raise ValueError(str(error)) from error
