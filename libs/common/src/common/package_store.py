"""Packages in the object store: each is one object, put once under its digest, and locked where it lies or removed.

The store compares the bytes that it receives with a SHA-256. Whole packages are read with ``common.objects``.
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
"""A larger package is put in parts. Such a put has no condition, and the store keeps no digest of the whole."""
CHECKSUM = "x-amz-checksum-sha256"
TAKEN = "PreconditionFailed"
REFUSED = "AccessDenied"
NO_SUCH_PART = "InvalidRange"


class StoredVersion(NamedTuple):
    """One version of an object, as the store describes it."""

    version_id: str
    size_bytes: int
    sha256: Sha256 | None
    """As the store has checked it; None = the store has none."""
    mode: str
    """``COMPLIANCE``, ``GOVERNANCE``, or empty = not locked."""
    locked_until: datetime | None


class PackageStore:
    """Puts, locks, removes, and partly reads packages. All methods raise ``Outage`` while the store is unavailable."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    async def put(self, wanted: ObjectRef, source: BinaryIO, submitter: UnitCode) -> ObjectRef:
        """Store a package, unless it is stored already. Returns the reference with its version.

        Several calls at once get the same version, unless the package is larger than ``ONE_PUT_BYTES``. ``wanted``:
        made by ``objects.package_ref``, without a version. Raises ``ObjectAltered`` if there are other bytes under its
        key. Leaves ``source`` at its beginning.
        """
        if wanted.size_bytes > ONE_PUT_BYTES:
            version_id = await self._put_in_parts(wanted, source, submitter)
        else:
            async with self._objects.memory.hold(wanted.size_bytes):
                version_id = await ask_store(lambda: self._put(wanted, source, submitter))
        source.seek(0)
        if version_id:
            return _of_version(wanted, version_id)
        if present := await self._present(wanted):
            return present
        raise Outage("object store", f"{_place(wanted)} has gone meanwhile")

    async def read(self, ref: ObjectRef, offset: int, length: int) -> bytes:
        """``length`` bytes of a package from ``offset`` on. They are not checked; the caller knows their digest.

        Raises ``ObjectMissing``, and ``ObjectAltered`` if the object is shorter.
        """
        return await ask_store(lambda: self._read(ref, offset, length))

    async def lock(self, ref: ObjectRef, until: datetime) -> ObjectRef:
        """Put a stored package under compliance retention until a time at least, and verify that. Idempotent.

        Returns the reference with the locked version. After a restore, when the version of the reference does not
        exist, that is the newest one under its key. Raises ``ObjectMissing``, ``ObjectAltered`` for other bytes, and
        ``Outage`` if the store does not report the lock afterwards.
        """
        until = until.replace(microsecond=0)
        if ref.version_id and await self._retained(ref, until):
            return await self._locked(ref, until)
        present = await self._present(ref)
        if present is None or not await self._retained(present, until):
            raise ObjectMissing(_place(ref))
        return await self._locked(present, until)

    async def remove(self, ref: ObjectRef) -> bool:
        """Delete every version of a package, unless one is locked. Idempotent. Only intake has the right to do so.

        False = a version is locked, and stays. The store refuses to delete a version that is locked after the check.
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

    async def _present(self, ref: ObjectRef) -> ObjectRef | None:
        """The reference with the newest version under its key; None = there is none."""
        version = await ask_store(lambda: self._look(ref, None))
        return await self._checked(ref, version) if version else None

    async def _checked(self, ref: ObjectRef, version: StoredVersion) -> ObjectRef:
        """The reference with a version, after checking its bytes. They are read if the store has no digest of them.
        Raises ``ObjectAltered``."""
        checked = _of_version(ref, version.version_id)
        if version.size_bytes != ref.size_bytes or version.sha256 not in (None, ref.sha256):
            raise ObjectAltered(_place(ref))
        if version.sha256 is None:
            await self._objects.check(checked)
        return checked

    def _put(self, wanted: ObjectRef, source: BinaryIO, submitter: UnitCode) -> str | None:
        """Put a package in one request. Returns the id of the version; None = there is an object under the key."""
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
        if not length:  # the client would read the whole object
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
        """Set the retention of a version. False = there is no such version. A refusal is ignored, because a longer
        retention may be in force; the caller verifies it."""
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
            version = None if each.is_delete_marker else self._look(ref, each.version_id)
            if version and version.mode:
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
            status = self._objects.client.stat_object(
                ref.bucket, ref.key, version_id=version_id, extra_headers={"x-amz-checksum-mode": "ENABLED"}
            )
        except S3Error as error:
            if error.code in NOT_FOUND:
                return None
            raise
        metadata = {name.lower(): value for name, value in (status.metadata or {}).items()}
        until = metadata.get("x-amz-object-lock-retain-until-date")
        return StoredVersion(
            version_id=_known(status.version_id, ref),
            size_bytes=status.size or 0,
            sha256=_digest_in(metadata),
            mode=metadata.get("x-amz-object-lock-mode", ""),
            locked_until=datetime.fromisoformat(until) if until else None,
        )


def _of_version(ref: ObjectRef, version_id: str) -> ObjectRef:
    return ref.model_copy(update={"version_id": version_id})


def _known(version_id: str | None, ref: ObjectRef) -> str:
    if not version_id:
        raise Outage("object store", f"bucket {ref.bucket} keeps no versions")
    return version_id


def _digest_in(metadata: Mapping[str, str]) -> Sha256 | None:
    """The digest of the whole object; None = the store has none. Of an object put in parts it has at most a digest of
    digests."""
    encoded = metadata.get(CHECKSUM, "")
    if not encoded or "-" in encoded:
        return None
    return base64.b64decode(encoded, validate=True).hex()


def _place(ref: ObjectRef) -> str:
    return f"{ref.bucket}/{ref.key}"
