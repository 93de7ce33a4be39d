"""How a package is kept: as one object (decision 29), or with its parts beside it, as the former release reads it."""

import io
from typing import BinaryIO, Protocol

from common import envelopes
from common.containment import in_thread
from common.edxml import Parsed
from common.facts import ObjectRef
from common.objects import Objects, header_inside, package_ref
from common.package_store import PackageStore
from common.packing import MAX_UNPACKED_BYTES, packed
from intake.reading import is_searched
from intake.record import Arrival, Stored


class Keeping(Protocol):
    """Stores bytes before the decision about them is saved.

    All methods raise ``Outage`` while the store is unavailable, and leave streams at their beginning.
    """

    async def package(self, arrival: Arrival, source: bytes | BinaryIO) -> ObjectRef:
        """Store the package, with the unit that submitted it. Idempotent."""

    async def notice(self, arrival: Arrival, source: bytes | BinaryIO) -> ObjectRef:
        """Store a package whose record says ``is_searched_notice``. Idempotent."""

    async def parts(self, parsed: Parsed) -> Stored:
        """Store the parts that the next steps read separately from the package. Idempotent."""


class WithParts:
    """Package, parsed header and files: each an object under its digest."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    async def package(self, arrival: Arrival, source: bytes | BinaryIO) -> ObjectRef:
        """Store the package. Idempotent."""
        return await self._objects.put_content(source, arrival.sender)

    async def notice(self, arrival: Arrival, source: bytes | BinaryIO) -> ObjectRef:
        """Store a package whose record says ``is_searched_notice``. Idempotent."""
        return await self.package(arrival, source)

    async def parts(self, parsed: Parsed) -> Stored:
        """Store the parts that the next steps read separately. Idempotent."""
        for file in parsed.files:
            await self._objects.put_content(file)
        return _stored(parsed, await self._objects.put_content(envelopes.to_json(parsed.message)))


class OneObject:
    """The package is one object, which the archive locks where it lies.

    The header of a package with files stays inside the package: the files have not been searched yet, and no fact may
    contain words of a secret package. A notice has no files, and intake has searched all of it. So its header travels
    with its fact, and so does the notice itself if it is small; then it is not stored as an object. A package that
    waits or is refused is always stored as an object.
    """

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._packages = PackageStore(objects)

    async def package(self, arrival: Arrival, source: bytes | BinaryIO) -> ObjectRef:
        """Store the package. Idempotent."""
        known = arrival.package
        if known.version_id is not None:  # it has waited, and was stored then
            return known
        wanted = package_ref(known.sha256, known.size_bytes, arrival.package_id)
        return await self._packages.put(wanted, _stream(source), arrival.sender)

    async def notice(self, arrival: Arrival, source: bytes | BinaryIO) -> ObjectRef:
        """Store a package whose record says ``is_searched_notice``. Idempotent."""
        known = arrival.package
        if known.version_id is None and (small := await in_thread(_small, _stream(source), known.size_bytes)):
            return known.model_copy(update={"packed": small})
        return await self.package(arrival, source)

    async def parts(self, parsed: Parsed) -> Stored:
        """Store the parts that the next steps read separately. Idempotent."""
        header = envelopes.to_json(parsed.message)
        return _stored(parsed, header_inside(header) if parsed.files else await self._objects.carry(header))


def keeping_of(arrival: Arrival, objects: Objects, *, one_object: bool) -> Keeping:
    """The way to store an arrival: as the setting says, unless it has waited and was stored in ``packages`` then."""
    is_there = arrival.package.version_id is not None
    return OneObject(objects) if one_object or is_there else WithParts(objects)


def _stream(source: bytes | BinaryIO) -> BinaryIO:
    return io.BytesIO(source) if isinstance(source, bytes) else source


def _small(stream: BinaryIO, size_bytes: int) -> bytes | None:
    """The compressed bytes of a notice. None = it is not small, or a part of it, such as a signature, cannot be
    searched."""
    if size_bytes > MAX_UNPACKED_BYTES:
        return None
    stream.seek(0)
    data = stream.read()
    stream.seek(0)
    return packed(data) if is_searched(data) else None


def _stored(parsed: Parsed, envelope: ObjectRef) -> Stored:
    return Stored(parsed.message, envelope, tuple(map(str, parsed.warnings)), bool(parsed.files))
