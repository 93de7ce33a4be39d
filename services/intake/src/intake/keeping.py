"""Stores a package: as one object (decision 29), or with its parts beside it, as the former release reads it."""

import io
from typing import BinaryIO, Protocol

from common import envelopes
from common.edxml import Parsed
from common.facts import ObjectRef
from common.objects import Objects, header_inside, package_ref
from common.package_store import PackageStore
from intake.record import Arrival, Stored


class Keeping(Protocol):
    """Stores bytes before the decision about them is saved. All methods raise ``Outage`` while the store is
    unavailable."""

    async def package(self, arrival: Arrival, source: bytes | BinaryIO) -> ObjectRef:
        """Store the package under the unit that submitted it. Idempotent. Leaves a stream at its beginning."""

    async def parts(self, parsed: Parsed) -> Stored:
        """Store those parts of a package that the next steps read without it."""


class WithParts:
    """Stores package, parsed header and files as separate objects, each under its digest."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    async def package(self, arrival: Arrival, source: bytes | BinaryIO) -> ObjectRef:
        """As in ``Keeping``."""
        return await self._objects.put_content(source, arrival.sender)

    async def parts(self, parsed: Parsed) -> Stored:
        """As in ``Keeping``."""
        for file in parsed.files:
            await self._objects.put_content(file)
        return _stored(parsed, await self._objects.put_content(envelopes.to_json(parsed.message)))


class OneObject:
    """Stores the package alone; the archive locks it where it lies.

    The header of a package with files is stored only inside the package: nobody has searched the files yet, and no fact
    may contain words of a secret package. A notice has no files, and intake has searched all of it: its header travels
    with its fact.
    """

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._packages = PackageStore(objects)

    async def package(self, arrival: Arrival, source: bytes | BinaryIO) -> ObjectRef:
        """As in ``Keeping``."""
        known = arrival.package
        if known.version_id is not None:  # it was stored when it began to wait
            return known
        stream = io.BytesIO(source) if isinstance(source, bytes) else source
        wanted = package_ref(known.sha256, known.size_bytes, arrival.package_id)
        return await self._packages.put(wanted, stream, arrival.sender)

    async def parts(self, parsed: Parsed) -> Stored:
        """As in ``Keeping``."""
        header = envelopes.to_json(parsed.message)
        return _stored(parsed, header_inside(header) if parsed.files else await self._objects.carry(header))


def keeping_of(arrival: Arrival, objects: Objects, *, one_object: bool) -> Keeping:
    """How to store an arrival: by the setting, unless it has waited and is stored as one object already."""
    is_one_object = arrival.package.version_id is not None
    return OneObject(objects) if one_object or is_one_object else WithParts(objects)


def _stored(parsed: Parsed, envelope: ObjectRef) -> Stored:
    return Stored(parsed.message, envelope, tuple(map(str, parsed.warnings)), bool(parsed.files))
