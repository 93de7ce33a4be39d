"""Copies of objects at the second store: how one is named, made and read."""

import hashlib
import itertools
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO

from minio import Minio
from minio.commonconfig import COMPLIANCE
from minio.datatypes import Object
from minio.error import S3Error
from minio.retention import Retention

from common.domain.names import UnitCode
from common.objects import (
    ARCHIVE,
    CONTENT,
    DIRECTORY,
    LOG,
    NOT_FOUND,
    PACKAGES,
    PARKED,
    STORE_ERRORS,
    SUBMITTER_META,
    stored_bytes,
    submitter_of,
)
from trunkctl.backup.second_store import OBJECTS
from trunkctl.command_error import CommandError
from trunkctl.store_patience import named

COPIED = (CONTENT, PACKAGES, ARCHIVE, DIRECTORY, PARKED, LOG)
"""What lies in ``uploads`` is still with its unit, which submits it again."""
UNLOCKED = ".unlocked"
"""Ends the name of a copy that was made before its original was locked; one under lock follows, without this ending."""
HELD_BYTES = 8 * 1024 * 1024
"""A larger object goes through a file."""
LAST_PLACE = 999_999
"""Of ``Original.place``, where nobody has counted the versions."""
META = "x-amz-meta-"
VERSION_META, DIGEST_META, ORDER_META = "trunk-version", "trunk-sha256", "trunk-order"


@dataclass(frozen=True, slots=True)
class Original:
    """One version of an object of the trunk, as a listing names it."""

    bucket: str
    key: str
    version_id: str | None
    """None in a bucket without versions."""
    etag: str
    size_bytes: int
    modified_at: datetime
    place: int = 0
    """Among the versions of this object, the oldest first: times of listings may be whole seconds."""

    @property
    def order(self) -> str:
        """Sorts versions of an object from the oldest to the newest."""
        return f"{self.modified_at.astimezone(UTC).isoformat(timespec='milliseconds')} {self.place:06}"

    @property
    def copy_name(self) -> str:
        """Under which its copy lies at the second store; what was put later has another name, also the same bytes."""
        at = self.modified_at.astimezone(UTC)
        return f"{folder(self.bucket, self.key)}{self.version_id or f'{self.etag}-{at:%Y%m%dT%H%M%SZ}'}"


@dataclass(frozen=True, slots=True)
class Read:
    """An object that was read whole; ``file`` stands at its beginning."""

    file: BinaryIO
    sha256: str
    size_bytes: int
    version: str
    """The version that the archive's records know: of a restored object, that of the first original."""
    said_sha256: str
    """What its metadata say; empty for an original."""
    order: str
    """What its metadata say of its place among the versions of its object."""
    locked_until: datetime | None
    submitter: UnitCode | None
    """Of a package."""


class Damaged(Exception):
    """One object is not as it should be; others may be."""


def folder(bucket: str, key: str) -> str:
    """Where copies of an object lie at the second store."""
    return f"{OBJECTS}{bucket}/{key}/"


def originals(client: Minio, bucket: str, prefix: str = "", *, recursive: bool = True) -> Iterator[Original]:
    """All versions in a bucket; delete markers hide nothing here. Those of one object come together.

    ``recursive``: also those in folders behind the prefix.
    """
    with answering("The object store"):
        listed = client.list_objects(bucket, prefix=prefix, recursive=recursive, include_version=True)
        for key, newest_first in itertools.groupby(listed, key=lambda each: each.object_name or ""):
            versions = [each for each in newest_first if not each.is_delete_marker]
            for place, each in enumerate(reversed(versions)):
                yield _original(bucket, key, each, place)


def newest_first(client: Minio, bucket: str, key: str) -> Iterator[Original]:
    """The versions of one object, without delete markers, while the listing goes on: however many there are."""
    with answering("The object store"):
        listed = client.list_objects(bucket, prefix=key, include_version=True)
        versions = (each for each in listed if each.object_name == key and not each.is_delete_marker)
        for number, each in enumerate(versions):
            yield _original(bucket, key, each, max(0, LAST_PLACE - number))


def _original(bucket: str, key: str, each: Object, place: int) -> Original:
    return Original(
        bucket=bucket,
        key=key,
        version_id=each.version_id if each.version_id not in (None, "", "null") else None,
        etag=(each.etag or "").strip('"'),
        size_bytes=each.size or 0,
        modified_at=each.last_modified or datetime.now(UTC),
        place=place,
    )


@contextmanager
def read(
    client: Minio, bucket: str, key: str, version_id: str | None = None, *, with_bytes: bool = True
) -> Iterator[Read | None]:
    """Read one version whole, or its digest alone; None = it is gone. Raises what the client raises."""
    try:
        answer = client.get_object(bucket, key, version_id=version_id)
    except S3Error as error:
        if error.code in NOT_FOUND:
            yield None
            return
        raise
    with tempfile.SpooledTemporaryFile(HELD_BYTES) as file:
        digest, size = hashlib.sha256(), 0
        try:
            for chunk in stored_bytes(answer):
                digest.update(chunk)
                size += len(chunk)
                if with_bytes:
                    file.write(chunk)
        finally:
            answer.close()
            answer.release_conn()
        file.seek(0)
        headers = answer.headers
        said_sha256 = headers.get(META + DIGEST_META, "")
        until = headers.get("x-amz-object-lock-retain-until-date")
        yield Read(
            file=file,  # type: ignore[arg-type]
            sha256=digest.hexdigest(),
            size_bytes=size,
            version=headers.get(META + VERSION_META, "") if said_sha256 else version_id or "",
            said_sha256=said_sha256,
            order=headers.get(META + ORDER_META, ""),
            locked_until=datetime.fromisoformat(until) if until else None,
            submitter=submitter_of(headers),
        )


def write(client: Minio, bucket: str, key: str, what: Read, order: str) -> str:
    """Put what was read under a key, with its lock, and read it back. Returns the version, empty if none is kept.

    Raises ``Damaged`` if that differs. Then the version that was put is removed, unless it is locked; others under
    the key stay.
    """
    said = {VERSION_META: what.version, DIGEST_META: what.sha256, ORDER_META: order, SUBMITTER_META: what.submitter}
    until = what.locked_until.replace(microsecond=0) if what.locked_until else None
    retention = Retention(COMPLIANCE, until) if until and until > datetime.now(UTC) else None
    what.file.seek(0)
    put = client.put_object(
        bucket,
        key,
        what.file,
        what.size_bytes,
        metadata={name: value for name, value in said.items() if value},
        retention=retention,
    )
    with read(client, bucket, key, put.version_id, with_bytes=False) as written:
        if fault := _fault_of(written, what, retention):
            with suppress(*STORE_ERRORS):
                client.remove_object(bucket, key, version_id=put.version_id)
            raise Damaged(fault)
    return put.version_id or ""


def _fault_of(written: Read | None, what: Read, retention: Retention | None) -> str:
    """What is wrong with what was written; empty = nothing."""
    if written is None or written.sha256 != what.sha256:
        return "reads back as other bytes"
    if retention and (written.locked_until is None or written.locked_until < retention.retain_until_date):
        return "is not locked as the original is"
    return ""


def erase(client: Minio, bucket: str, name: str) -> int:
    """Delete every version of an object for good; where ``name`` ends with a slash, of every object below it. Returns
    how many versions there were."""
    with answering("The second store"):
        listed = client.list_objects(bucket, prefix=name, recursive=True, include_version=True)
        versions = [each for each in listed if name.endswith("/") or each.object_name == name]
        for each in versions:
            client.remove_object(bucket, each.object_name or "", version_id=each.version_id)
    return len(versions)


def said(each: Object, name: str) -> str:
    """What the metadata of an object say; empty = nothing."""
    return str((each.metadata or {}).get(META + name, ""))


@contextmanager
def answering(store: str) -> Iterator[None]:
    """Turn what the client raises into a sentence."""
    try:
        yield
    except STORE_ERRORS as error:
        raise CommandError(f"{store} does not answer as it should ({named(error)}).") from error
