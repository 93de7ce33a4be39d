"""Packages in the object store: each one object, put once under its digest, and locked where it lies or removed.

The store itself compares what it is sent with a SHA-256. ``common.objects`` reads whole packages.
"""

import base64
from collections.abc import Mapping
from datetime import datetime
from typing import BinaryIO, NamedTuple

from minio.commonconfig import COMPLIANCE
from minio.error import S3Error
from minio.retention import Retention

from common.domain.names import Sha256, UnitCode
from common.facts import ObjectRef
from common.failure import Outage
from common.objects import NOT_FOUND, SUBMITTER_META, ObjectAltered, ObjectMissing, Objects, ask_store

ONE_PUT_BYTES = 16 * 1024 * 1024
"""A larger package is put in parts: without a condition, and the store keeps no digest of the whole."""
CHECKSUM = "x-amz-checksum-sha256"
TAKEN = "PreconditionFailed"
REFUSED = "AccessDenied"
NO_SUCH_PART = "InvalidRange"


class StoredVersion(NamedTuple):
    """What the store says of one version."""

    version_id: str
    size_bytes: int
    sha256: Sha256 | None
    """As the store has checked it; None: it does not say."""
    mode: str
    """COMPLIANCE, GOVERNANCE, or empty: not locked."""
    locked_until: datetime | None


class PackageStore:
    """Puts, reads in part, and locks packages. Everything raises ``Outage`` while the store is away."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    async def put(self, wanted: ObjectRef, source: BinaryIO, submitter: UnitCode) -> ObjectRef:
        """Store a package unless it lies there; of several at once, all get the same version of one that is small.

        ``wanted``: of ``objects.package_ref``, without a version. Raises ``ObjectAltered`` when other bytes lie under
        its key. Leaves ``source`` at its beginning.
        """
        if wanted.size_bytes > ONE_PUT_BYTES:
            version_id = await self._put_in_parts(wanted, source, submitter)
        else:
            async with self._objects.memory.hold(wanted.size_bytes):
                version_id = await ask_store(lambda: self._put(wanted, source, submitter))
        source.seek(0)
        if version_id:
            return _of_version(wanted, version_id)
        if found := await self._found(wanted):
            return found
        raise Outage("object store", f"{_place(wanted)} has gone meanwhile")

    async def read(self, ref: ObjectRef, offset: int, length: int) -> bytes:
        """A part of a package, unchecked: the caller knows its digest.

        Raises ``ObjectMissing``, and ``ObjectAltered`` where the object ends before.
        """
        return await ask_store(lambda: self._read(ref, offset, length))

    async def lock(self, ref: ObjectRef, until: datetime) -> ObjectRef:
        """Put a version that somebody has put under compliance retention, and look whether it is.

        Returns the reference with the version that is locked, at least until then. Again, the same. After a restore
        that is the version that lies under the key. Raises ``ObjectMissing``; ``ObjectAltered`` for other bytes;
        ``Outage`` as long as the store does not say that it is locked, whatever it has answered.
        """
        until = until.replace(microsecond=0)
        if ref.version_id and await self._retained(ref, until):
            return await self._locked(ref, until)
        found = await self._found(ref)
        if found is None or not await self._retained(found, until):
            raise ObjectMissing(_place(ref))
        return await self._locked(found, until)

    async def remove(self, ref: ObjectRef) -> bool:
        """Delete every version under the key of a package, unless one is locked. Again does nothing; intake's keys may.

        False = something is locked, and stays. The store refuses what is locked between the look and the removal.
        """
        return await ask_store(lambda: self._remove(ref))

    async def _retained(self, ref: ObjectRef, until: datetime) -> bool:
        return await ask_store(lambda: self._retain(ref, until))

    async def _locked(self, ref: ObjectRef, until: datetime) -> ObjectRef:
        version = await ask_store(lambda: self._look(ref, ref.version_id))
        if version is None:
            raise ObjectMissing(_place(ref))
        if version.mode != COMPLIANCE or version.locked_until is None or version.locked_until < until:
            raise Outage("object store", f"{_place(ref)} is not locked until {until.isoformat()}")
        return await self._checked(ref, version)

    async def _found(self, ref: ObjectRef) -> ObjectRef | None:
        """The reference to the version that lies under the key; None = nothing does."""
        version = await ask_store(lambda: self._look(ref, None))
        return await self._checked(ref, version) if version else None

    async def _checked(self, ref: ObjectRef, version: StoredVersion) -> ObjectRef:
        """The reference to a version with these bytes; read whole where the store has no digest of it."""
        found = _of_version(ref, version.version_id)
        if version.size_bytes != ref.size_bytes or version.sha256 not in (None, ref.sha256):
            raise ObjectAltered(_place(ref))
        if version.sha256 is None:
            await self._objects.check(found)
        return found

    def _put(self, wanted: ObjectRef, source: BinaryIO, submitter: UnitCode) -> str | None:
        """Returns the version; None = something lies under the key."""
        source.seek(0)
        headers = {
            "Content-Type": "application/octet-stream",
            "If-None-Match": "*",
            CHECKSUM: base64.b64encode(bytes.fromhex(wanted.sha256)).decode(),
            f"x-amz-meta-{SUBMITTER_META}": submitter,
        }
        try:
            # The public call of this client cannot make a condition.
            put = self._objects.client._put_object(wanted.bucket, wanted.key, source.read(), headers=dict(headers))
        except S3Error as error:
            if error.code == TAKEN:
                return None
            raise
        return _known(put.version_id, wanted)

    async def _put_in_parts(self, wanted: ObjectRef, source: BinaryIO, submitter: UnitCode) -> str | None:
        if await ask_store(lambda: self._look(wanted, None)):
            return None
        source.seek(0)
        put = await ask_store(
            lambda: self._objects.client.put_object(
                wanted.bucket, wanted.key, source, wanted.size_bytes, metadata={SUBMITTER_META: submitter}
            )
        )
        return _known(put.version_id, wanted)

    def _read(self, ref: ObjectRef, offset: int, length: int) -> bytes:
        if not length:  # the client takes it for the whole object
            return b""
        try:
            response = self._objects.client.get_object(
                ref.bucket, ref.key, offset=offset, length=length, version_id=ref.version_id
            )
        except S3Error as error:
            if error.code in NOT_FOUND:
                raise ObjectMissing(_place(ref)) from error
            if error.code == NO_SUCH_PART:
                raise ObjectAltered(_place(ref)) from error
            raise
        try:
            data: bytes = response.read(length + 1)
        finally:
            response.close()
            response.release_conn()
        if len(data) != length:
            raise ObjectAltered(_place(ref))
        return data

    def _retain(self, ref: ObjectRef, until: datetime) -> bool:
        """False = there is no such version. A refusal is no answer: a longer term may be in force."""
        lock = Retention(COMPLIANCE, until)
        try:
            self._objects.client.set_object_retention(ref.bucket, ref.key, lock, version_id=ref.version_id)
        except S3Error as error:
            if error.code in NOT_FOUND:
                return False
            if error.code != REFUSED:
                raise
        return True

    def _remove(self, ref: ObjectRef) -> bool:
        client = self._objects.client
        listed = client.list_objects(ref.bucket, prefix=ref.key, include_version=True)
        versions = [each for each in listed if each.object_name == ref.key]
        for each in versions:
            found = None if each.is_delete_marker else self._look(ref, each.version_id)
            if found and found.mode:
                return False
        try:
            for each in versions:
                client.remove_object(ref.bucket, ref.key, version_id=each.version_id)
        except S3Error as error:
            if error.code != REFUSED:
                raise
            return False
        return True

    def _look(self, ref: ObjectRef, version_id: str | None) -> StoredVersion | None:
        try:
            found = self._objects.client.stat_object(
                ref.bucket, ref.key, version_id=version_id, extra_headers={"x-amz-checksum-mode": "ENABLED"}
            )
        except S3Error as error:
            if error.code in NOT_FOUND:
                return None
            raise
        said = {name.lower(): value for name, value in (found.metadata or {}).items()}
        until = said.get("x-amz-object-lock-retain-until-date")
        return StoredVersion(
            version_id=_known(found.version_id, ref),
            size_bytes=found.size or 0,
            sha256=_digest_in(said),
            mode=said.get("x-amz-object-lock-mode", ""),
            locked_until=datetime.fromisoformat(until) if until else None,
        )


def _of_version(ref: ObjectRef, version_id: str) -> ObjectRef:
    return ref.model_copy(update={"version_id": version_id})


def _known(version_id: str | None, ref: ObjectRef) -> str:
    if not version_id:
        raise Outage("object store", f"bucket {ref.bucket} keeps no versions")
    return version_id


def _digest_in(said: Mapping[str, str]) -> Sha256 | None:
    """That of the whole object; of one in parts the store has a digest of digests at most."""
    encoded = said.get(CHECKSUM, "")
    if not encoded or "-" in encoded:
        return None
    return base64.b64decode(encoded, validate=True).hex()


def _place(ref: ObjectRef) -> str:
    return f"{ref.bucket}/{ref.key}"
