"""An object store in memory, in the shape of ``minio.Minio``, as far as backup and restore use it.

Every bucket keeps versions. They are listed a page at a time, as SeaweedFS lists them: in the order of its folders,
where the versions of ``000`` lie in ``000.versions``, and each page goes on behind the greatest key of the one before.
So ``000`` is left out where a page ends among ``000.p/…``.
"""

import hashlib
import itertools
from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, BinaryIO

from minio.commonconfig import COMPLIANCE
from minio.error import S3Error

from common.objects import PAGE

AT = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
Objects = dict[tuple[str, str], dict[str, "Stored"]]


class Stored:
    """One version of one object."""

    def __init__(self, data: bytes, headers: dict[str, str]) -> None:
        self.data, self.headers = data, headers


class Answer:
    """What ``get_object`` returns."""

    def __init__(self, stored: Stored) -> None:
        self._data, self.headers = stored.data, stored.headers

    def stream(self, _: int, *, decode_content: bool) -> Iterator[bytes]:
        yield self._data

    def close(self) -> None:
        """Nothing is held."""

    release_conn = close


class MemoryStore:
    """One store. ``page``: how many versions it lists at a time."""

    def __init__(self, page: int = PAGE) -> None:
        self.objects: Objects = {}
        self.failing: dict[tuple[str, str], Exception] = {}
        """What the store answers to each read of these objects."""
        self.is_away = False
        self.asked: list[str] = []
        """Names of the objects that were read, each as often as it was."""
        self.removed: list[tuple[str, str | None]] = []
        """Names and versions."""
        self._page, self._numbers = page, itertools.count(1)

    def put(self, bucket: str, key: str, data: bytes, **headers: str) -> str:
        """Returns the version."""
        version = f"{next(self._numbers):032x}"
        self.objects.setdefault((bucket, key), {})[version] = Stored(data, headers)
        return version

    def names(self, bucket: str) -> list[str]:
        """Names of the objects in a bucket."""
        return sorted(key for place, key in self.objects if place == bucket)

    def lock(self, bucket: str, key: str, until: datetime) -> None:
        """Lock all versions of an object."""
        for stored in self.objects[bucket, key].values():
            stored.headers |= locked(until)

    # as the client has it

    def list_buckets(self) -> list[Any]:
        self._expect_there()
        return []

    def put_object(
        self,
        bucket: str,
        key: str,
        data: BinaryIO,
        length: int,
        metadata: dict[str, str] | None = None,
        retention: Any = None,
    ) -> Any:
        self._expect_there()
        headers = {f"x-amz-meta-{name}": value for name, value in (metadata or {}).items()}
        headers |= locked(retention.retain_until_date) if retention else {}
        return SimpleNamespace(version_id=self.put(bucket, key, data.read(length), **headers))

    def get_object(self, bucket: str, key: str, version_id: str | None = None) -> Answer:
        self._expect_there()
        self.asked.append(key)
        if failure := self.failing.get((bucket, key)):
            raise failure
        return Answer(self._stored(bucket, key, version_id))

    def stat_object(self, bucket: str, key: str, version_id: str | None = None) -> Any:
        self._expect_there()
        if failure := self.failing.get((bucket, key)):
            raise failure
        return SimpleNamespace(metadata=self._stored(bucket, key, version_id).headers, last_modified=AT)

    def remove_object(self, bucket: str, key: str, version_id: str | None = None) -> None:
        self._expect_there()
        stored = self._stored(bucket, key, version_id)
        if stored.headers.get("x-amz-object-lock-mode"):
            raise refusal("AccessDenied", bucket, key)
        versions = self.objects[bucket, key]
        del versions[version_id or next(reversed(versions))]
        if not versions:
            del self.objects[bucket, key]
        self.removed.append((key, version_id))

    def list_objects(
        self, bucket: str, prefix: str = "", recursive: bool = False, include_version: bool = False
    ) -> Iterator[Any]:
        self._expect_there()
        below = [key for place, key in self.objects if place == bucket and key.startswith(prefix)]
        keys = sorted((key for key in below if recursive or "/" not in key.removeprefix(prefix)), key=in_folders)
        after = ""
        while page := [key for key in keys if key > after][: self._page]:
            yield from (each for key in page for each in self._listed(bucket, key))
            after = max(page)

    def _listed(self, bucket: str, key: str) -> Iterator[Any]:
        versions = self.objects.get((bucket, key), {})
        for version, stored in reversed([*versions.items()]):
            yield SimpleNamespace(
                object_name=key,
                version_id=version,
                etag=hashlib.md5(stored.data, usedforsecurity=False).hexdigest(),
                size=len(stored.data),
                last_modified=AT,
                is_delete_marker=False,
                is_latest="true",
            )

    def _stored(self, bucket: str, key: str, version_id: str | None) -> Stored:
        versions = self.objects.get((bucket, key), {})
        version = version_id or next(reversed(versions), "")
        if version not in versions:
            raise refusal("NoSuchKey", bucket, key)
        return versions[version]

    def _expect_there(self) -> None:
        if self.is_away:
            raise ConnectionError("connection refused")


def locked(until: datetime) -> dict[str, str]:
    """The headers of an object under lock."""
    return {"x-amz-object-lock-mode": COMPLIANCE, "x-amz-object-lock-retain-until-date": until.isoformat()}


def in_folders(key: str) -> list[str]:
    """Sorts keys as their versions lie in the folders of SeaweedFS."""
    *folders, name = key.split("/")
    return [*folders, f"{name}.versions"]


def refusal(code: str, bucket: str, key: str) -> S3Error:
    """An answer of the store that is an error."""
    response: Any = SimpleNamespace(status=404 if code.startswith("NoSuch") else 500, headers={}, data=b"")
    values = {"code": code, "message": code, "resource": f"/{bucket}/{key}", "request_id": "", "host_id": ""}
    return S3Error(response=response, bucket_name=bucket, object_name=key, **values)
