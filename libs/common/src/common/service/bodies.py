"""Stores the large bodies of parked messages in the object store, bucket ``parked``."""

import hashlib

from common.facts import ObjectRef
from common.objects import PARKED, Objects


class ParkedBodies:
    """Bodies under ``<service>/<record id>``. The id depends on the bytes, so putting a body again changes nothing. All
    methods raise ``Outage`` while the object store is unavailable."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    async def put(self, key: str, body: bytes) -> ObjectRef:
        """Store a body under a key. Returns the reference to it."""
        await self._objects.put(PARKED, key, body)
        return ObjectRef(bucket=PARKED, key=key, sha256=hashlib.sha256(body).hexdigest(), size_bytes=len(body))

    async def get(self, ref: ObjectRef) -> bytes:
        """The body, checked against its digest. Raises ``ObjectMissing`` or ``ObjectAltered``."""
        return await self._objects.get(ref)
