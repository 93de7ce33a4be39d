"""Keeps the large bodies of parked messages in the object store, bucket ``parked``."""

import hashlib

from common.facts import ObjectRef
from common.objects import PARKED, Objects


class ParkedBodies:
    """Bodies under ``<service>/<record id>``; the id names the bytes, so that writing again changes nothing."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    async def put(self, key: str, body: bytes) -> ObjectRef:
        """Store a body."""
        await self._objects.put(PARKED, key, body)
        return ObjectRef(bucket=PARKED, key=key, sha256=hashlib.sha256(body).hexdigest(), size_bytes=len(body))

    async def get(self, ref: ObjectRef) -> bytes:
        """The body, checked against its digest."""
        return await self._objects.get(ref)
