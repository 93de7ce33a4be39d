"""Whether a ZIP file reads the same from its first byte as from its directory (PKWARE APPNOTE 4.3).

Receivers' software reads either way. So there are only listed members, one behind the other from the first byte on, and
their local headers say what the directory says.
"""

import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

CHUNK_BYTES = 64 * 1024
HAS_DESCRIPTOR = 0x8
UTF8_NAME = 0x800
COMPARED_FLAGS = 0x1 | HAS_DESCRIPTOR
ZIP64_TAG = 1
IN_ZIP64 = 0xFFFFFFFF
"""A size that stands in the extra field instead."""
_LOCAL = struct.Struct("<4s5H3L2H")
_END = struct.Struct("<4s4H2LH")
_DESCRIPTORS = tuple(
    (signature, struct.Struct(form)) for signature in (b"PK\x07\x08", b"") for form in ("<LLL", "<LQQ")
)


class Disagreement(Exception):
    """Two readers of this archive may find different files in it."""


class Seekable(Protocol):
    """A binary file, as far as it is used here."""

    def read(self, size: int = -1) -> bytes:
        """Read."""

    def seek(self, offset: int, whence: int = 0) -> int:
        """Seek."""


@dataclass(frozen=True, slots=True)
class Member:
    """One member and the place of its packed bytes."""

    entry: zipfile.ZipInfo
    data_start: int


def members_in_order(archive: zipfile.ZipFile, file: Seekable) -> list[Member]:
    """The members as they follow each other. Raises ``Disagreement``; ``zipfile.BadZipFile`` where nothing stands."""
    listed = sorted(archive.infolist(), key=lambda entry: entry.header_offset)
    starts = [*(entry.header_offset for entry in listed[1:]), archive.start_dir]
    position = 0
    members: list[Member] = []
    for entry, next_start in zip(listed, starts, strict=True):
        if entry.header_offset != position:
            raise Disagreement("bytes that belong to no member")
        member = _member(entry, file)
        members.append(member)
        position = member.data_start + entry.compress_size
        if _flags(entry, file) & HAS_DESCRIPTOR:
            position += _descriptor_bytes(entry, file, position, next_start)
    if position != archive.start_dir:
        raise Disagreement("bytes that belong to no member")
    _check_end(archive, file)
    return members


def unpacked(member: Member, file: Seekable) -> Iterator[bytes]:
    """The content in pieces. Raises ``Disagreement`` unless it ends where the directory says;
    ``zipfile.BadZipFile`` or ``zlib.error`` for damage.
    """
    entry = member.entry
    size = checksum = 0
    file.seek(member.data_start)
    stored = entry.compress_type == zipfile.ZIP_STORED
    for chunk in _pieces(file, entry.compress_size) if stored else _inflated(file, entry.compress_size):
        size += len(chunk)
        if size > entry.file_size:
            raise Disagreement("a member longer than the directory says")
        checksum = zlib.crc32(chunk, checksum)
        yield chunk
    if size != entry.file_size or checksum != entry.CRC:
        raise zipfile.BadZipFile("size or checksum of a member")


def _inflated(file: Seekable, packed_bytes: int) -> Iterator[bytes]:
    """What a deflate stream holds, which must take all of ``packed_bytes``."""
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    for piece in _pieces(file, packed_bytes):
        if inflate.eof:
            raise Disagreement("bytes behind the content of a member")
        waiting = piece
        while waiting and not inflate.eof:
            yield inflate.decompress(waiting, CHUNK_BYTES)
            waiting = inflate.unconsumed_tail
    while not inflate.eof and (rest := inflate.decompress(inflate.unconsumed_tail, CHUNK_BYTES)):
        yield rest
    if not inflate.eof:
        raise zipfile.BadZipFile("a member ends too early")
    if inflate.unused_data:
        raise Disagreement("bytes behind the content of a member")


def _pieces(file: Seekable, size: int) -> Iterator[bytes]:
    while size:
        piece = file.read(min(size, CHUNK_BYTES))
        if not piece:
            raise zipfile.BadZipFile("a member ends too early")
        size -= len(piece)
        yield piece


def _header(entry: zipfile.ZipInfo, file: Seekable) -> tuple[Any, ...]:
    file.seek(entry.header_offset)
    header = file.read(_LOCAL.size)
    if len(header) < _LOCAL.size or header[:4] != b"PK\x03\x04":
        raise zipfile.BadZipFile("no member where the directory says")
    return _LOCAL.unpack(header)


def _flags(entry: zipfile.ZipInfo, file: Seekable) -> int:
    return int(_header(entry, file)[2])


def _member(entry: zipfile.ZipInfo, file: Seekable) -> Member:
    _, _, flags, method, _, _, checksum, packed, size, name_bytes, extra_bytes = _header(entry, file)
    name, extra = file.read(name_bytes), file.read(extra_bytes)
    written = entry.orig_filename.encode("utf-8" if entry.flag_bits & UTF8_NAME else "cp437")
    if name != written or method != entry.compress_type or (flags ^ entry.flag_bits) & COMPARED_FLAGS:
        raise Disagreement("a local header says something else than the directory")
    if IN_ZIP64 in (packed, size):
        packed, size = _large_sizes(extra)
    said, listed = (checksum, packed, size), (entry.CRC, entry.compress_size, entry.file_size)
    is_later = bool(flags & HAS_DESCRIPTOR) and said == (0, 0, 0) and (method != zipfile.ZIP_STORED or not any(listed))
    if said != listed and not is_later:
        raise Disagreement("a local header says something else than the directory")
    return Member(entry, entry.header_offset + _LOCAL.size + name_bytes + extra_bytes)


def _large_sizes(extra: bytes) -> tuple[int, int]:
    """Packed and unpacked size in a local header's extra field (4.5.3)."""
    while len(extra) >= 4:
        tag, length = struct.unpack_from("<HH", extra)
        if tag == ZIP64_TAG and length >= 16:
            size, packed = struct.unpack_from("<QQ", extra, 4)
            return packed, size
        extra = extra[4 + length :]
    raise Disagreement("a local header without sizes")


def _descriptor_bytes(entry: zipfile.ZipInfo, file: Seekable, at: int, next_start: int) -> int:
    """Length of the data descriptor (4.3.9), which has four forms."""
    file.seek(at)
    found = file.read(max(0, min(next_start - at, 24)))
    for signature, form in _DESCRIPTORS:
        if found == signature + _packed(form.pack, entry):
            return len(found)
    raise Disagreement("a data descriptor says something else than the directory")


def _packed(pack: Callable[..., bytes], entry: zipfile.ZipInfo) -> bytes:
    return pack(entry.CRC, entry.compress_size, entry.file_size)


def _check_end(archive: zipfile.ZipFile, file: Seekable) -> None:
    """The directory ends the file; its comment holds no second end."""
    if b"PK" in archive.comment:
        raise Disagreement("a comment that looks like an archive")
    at = file.seek(0, 2) - _END.size - len(archive.comment)
    file.seek(at)
    fields = _END.unpack(file.read(_END.size))
    count, directory_bytes = len(archive.infolist()), at - archive.start_dir
    if fields != (b"PK\x05\x06", 0, 0, count, count, directory_bytes, archive.start_dir, len(archive.comment)):
        raise Disagreement("the directory is not what ends the file")
