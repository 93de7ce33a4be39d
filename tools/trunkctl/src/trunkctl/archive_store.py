"""A bucket under lock as ``trunkctl archive check`` reads it: with keys that may read and list, and nothing else."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeVar

import urllib3
from minio import Minio
from minio.datatypes import Object
from minio.error import S3Error

from common.objects import ARCHIVE, NOT_FOUND, STORE_ERRORS, stored_bytes
from trunkctl.archive_check import Version, VersionContent
from trunkctl.archive_missing import Put
from trunkctl.backup.copies import META, VERSION_META
from trunkctl.pace import Pace
from trunkctl.store_patience import NoAnswer, Patience, named

T = TypeVar("T")

LONG_AGO = datetime.min.replace(tzinfo=UTC)
MAX_DATA_BYTES = 4 * 1024 * 1024
"""A ``record.json`` is far below; what is larger is compared by its digest alone."""


class ArchiveStore:
    """Reads versions in full, in pieces of one MiB. Safe for several threads. Everything may raise ``NoAnswer``."""

    def __init__(
        self, client: Minio, bucket: str = ARCHIVE, *, pace: Pace | None = None, patience: Patience | None = None
    ) -> None:
        """``pace``: at which objects are read; none = as fast as can be."""
        self._client = client
        self._bucket = bucket
        self._pace = pace or Pace()
        self._patience = patience or Patience()

    def of(self, bucket: str) -> "ArchiveStore":
        """See ``archive_check.Stores``."""
        return ArchiveStore(self._client, bucket, pace=self._pace, patience=self._patience)

    def versions(self, folder: str) -> Mapping[str, Sequence[Version]]:
        """See ``archive_check.Store``."""
        return self._patiently(folder, lambda: self._listed(f"{folder}/" if folder else "", recursive=True))

    def versions_of(self, key: str) -> Sequence[Version]:
        """All versions of one object; those of objects whose keys only begin so are passed over."""
        return self._patiently(key, lambda: self._listed(key, recursive=False).get(key, ()))

    def held(self, key: str, version_id: str, *, with_data: bool = False) -> VersionContent | None:
        """See ``archive_check.Store``."""
        return self._patiently(key, lambda: self._held(key, version_id, with_data))

    def puts(self) -> Iterator[Put]:
        """Every version of every object, in the order of keys; also what is hidden."""
        return (Put(key, each.modified_at) for key, each in self.all_versions() if not each.is_delete_marker)

    def all_versions(self, prefix: str = "") -> Iterator[tuple[str, Version]]:
        """Every version of every object, while the listing goes on: in the order of keys, the newest first."""
        try:
            for each in self._client.list_objects(self._bucket, prefix=prefix, recursive=True, include_version=True):
                yield each.object_name or "", _version(each)
        except STORE_ERRORS as error:
            raise NoAnswer(f"{self._bucket}: {named(error)}") from error

    def _patiently(self, place: str, ask: Callable[[], T]) -> T:
        return self._patience.ask(f"{self._bucket}/{place}", ask, self._client.list_buckets)

    def _listed(self, prefix: str, *, recursive: bool) -> Mapping[str, Sequence[Version]]:
        by_key: dict[str, list[Version]] = {}
        for each in self._client.list_objects(self._bucket, prefix=prefix, recursive=recursive, include_version=True):
            by_key.setdefault(each.object_name or "", []).append(_version(each))
        return by_key

    def _held(self, key: str, version_id: str, with_data: bool) -> VersionContent | None:
        try:
            answer = self._client.get_object(self._bucket, key, version_id=version_id)
        except S3Error as error:
            if error.code in NOT_FOUND:
                return None
            raise
        try:
            return _held(answer, self._pace, with_data=with_data)
        finally:
            answer.close()
            answer.release_conn()


def _version(each: Object) -> Version:
    return Version(
        version_id=each.version_id or "",
        modified_at=each.last_modified or LONG_AGO,
        is_latest=str(each.is_latest).lower() == "true",
        is_delete_marker=each.is_delete_marker,
        size_bytes=each.size or 0,
        etag=each.etag or "",
    )


def _held(answer: "urllib3.BaseHTTPResponse", pace: Pace, *, with_data: bool) -> VersionContent:
    digest, size, data = hashlib.sha256(), 0, bytearray()
    for chunk in stored_bytes(answer):
        pace.take(len(chunk))
        digest.update(chunk)
        size += len(chunk)
        if with_data and size <= MAX_DATA_BYTES:
            data += chunk
    until = answer.headers.get("x-amz-object-lock-retain-until-date")
    return VersionContent(
        sha256=digest.hexdigest(),
        size_bytes=size,
        mode=answer.headers.get("x-amz-object-lock-mode", ""),
        locked_until=datetime.fromisoformat(until) if until else None,
        data=bytes(data),
        restored_from=answer.headers.get(META + VERSION_META, ""),
    )
