"""The bucket ``uploads``: what units have put there, and for how long it is needed."""

from collections.abc import Container, Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import NamedTuple

from common.domain.names import UnitCode
from common.facts import ObjectRef
from common.objects import UPLOADS, Objects, ask_store


class Upload(NamedTuple):
    """One object."""

    bucket: str
    key: str
    put_at: datetime
    """By the store's clock."""
    size_bytes: int

    @property
    def unit(self) -> UnitCode:
        """Whose folder it lies in."""
        return self.key.partition("/")[0]

    @property
    def place(self) -> ObjectRef:
        """For ``Objects.purge``, which asks for no digest."""
        return ObjectRef(bucket=self.bucket, key=self.key, sha256="0" * 64, size_bytes=self.size_bytes)


class Uploads:
    """Raises ``Outage`` while the store is away."""

    def __init__(self, objects: Objects, bucket: str = UPLOADS) -> None:
        self._objects = objects
        self._bucket = bucket

    async def put_before(self, at: datetime, limit: int) -> list[Upload]:
        """Some that were put before that time, by key."""
        return await ask_store(lambda: list(islice(self._listed(at), limit)))

    async def remove(self, upload: Upload) -> None:
        """Delete it, whatever versions it has."""
        await self._objects.purge(upload.place)

    def _listed(self, before: datetime) -> Iterator[Upload]:
        for each in self._objects.client.list_objects(self._bucket, recursive=True):
            if each.object_name and each.last_modified and each.last_modified < before:
                yield Upload(self._bucket, each.object_name, each.last_modified, each.size or 0)


def unneeded(
    uploads: Iterable[Upload], disabled: Container[UnitCode], with_messages: Container[UnitCode]
) -> list[Upload]:
    """Those that no submission can still refer to.

    What a disabled unit has submitted waits in its queues until it is enabled, and a message that intake has parked, or
    will try again, may be handled at any time.
    """
    return [each for each in uploads if each.unit not in disabled and each.unit not in with_messages]
