"""The bucket ``uploads``: objects that units have put there, and which of them no submission needs any more."""

from collections.abc import Container, Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import NamedTuple

from common.domain.names import UnitCode
from common.facts import ObjectRef
from common.objects import UPLOADS, Objects, ask_store


class Upload(NamedTuple):
    """One object in the bucket."""

    bucket: str
    key: str
    put_at: datetime
    """By the store's clock."""
    size_bytes: int

    @property
    def unit(self) -> UnitCode:
        """The unit in whose folder the object lies."""
        return self.key.partition("/")[0]

    @property
    def place(self) -> ObjectRef:
        """A reference for ``Objects.purge``, which does not check the digest."""
        return ObjectRef(bucket=self.bucket, key=self.key, sha256="0" * 64, size_bytes=self.size_bytes)


class Uploads:
    """The objects in the bucket. All methods raise ``Outage`` while the object store is unavailable."""

    def __init__(self, objects: Objects, bucket: str = UPLOADS) -> None:
        self._objects = objects
        self._bucket = bucket

    async def put_before(self, at: datetime, limit: int) -> list[Upload]:
        """At most ``limit`` uploads that were put before ``at``, in the order of their keys."""
        return await ask_store(lambda: list(islice(self._listed(at), limit)))

    async def remove(self, upload: Upload) -> None:
        """Delete an upload with all of its versions."""
        await self._objects.purge(upload.place)

    def _listed(self, before: datetime) -> Iterator[Upload]:
        for each in self._objects.client.list_objects(self._bucket, recursive=True):
            if each.object_name and each.last_modified and each.last_modified < before:
                yield Upload(self._bucket, each.object_name, each.last_modified, each.size or 0)


def unneeded(
    uploads: Iterable[Upload], disabled: Container[UnitCode], with_messages: Container[UnitCode]
) -> list[Upload]:
    """Those uploads to which no submission can still refer.

    ``disabled``: units whose submissions wait in their queues until they are enabled; ``with_messages``: units with
    messages that intake has parked, or will try again.
    """
    return [each for each in uploads if each.unit not in disabled and each.unit not in with_messages]
