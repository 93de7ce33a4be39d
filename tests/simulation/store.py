"""A model of the object store, in the shape of the client library: versions, retention, and what goes wrong.

Its calls block, as the library's do; ``common.objects`` makes them in a thread, which the loop runs as one step.
``test_store_contract`` asks the model and the real store the same.
"""

import base64
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Lock
from types import SimpleNamespace
from typing import Any, BinaryIO

from minio.commonconfig import COMPLIANCE
from minio.error import S3Error
from urllib3.exceptions import ProtocolError

from tests.simulation.loop import CURRENT, Process

CHECKSUM = "x-amz-checksum-sha256"
LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class Version:
    """One version of one object."""

    version_id: str
    data: bytes
    retain_until: datetime | None = None
    is_marker: bool = False
    metadata: dict[str, str] = field(default_factory=dict)
    """As the store answers it: ``x-amz-meta-…``."""
    checksum: str = ""
    """SHA-256 that came with the bytes, in base64."""
    made_at: float = 0.0
    """Virtual time, in seconds."""
    put_at: datetime = LONG_AGO
    """By the store's clock."""


class Store:
    """All buckets."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.objects: dict[tuple[str, str], list[Version]] = {}
        self.versioned: set[str] = {"archive", "directory", "log", "packages"}
        self.buckets: set[str] = set()
        self.is_down = False
        self.before_step: Callable[[Process | None, str], str] = lambda process, what: ""
        self.after_step: Callable[[Process | None, str], None] = lambda process, what: None
        self.now = now
        self.seconds: Callable[[], float] = lambda: 0.0
        self.count = 0
        self.one_at_a_time = Lock()
        """Outside of the simulation, threads are threads."""


class Ended(BaseException):
    """The process that made the request is dead."""


class Client:
    """In place of ``minio.Minio``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def list_buckets(self) -> list[Any]:
        return self._step("list", lambda: [SimpleNamespace(name=name) for name in sorted(self._store.buckets)])

    def bucket_exists(self, bucket: str) -> bool:
        return self._step("inspect", lambda: bucket in self._store.buckets)

    def make_bucket(self, bucket: str, object_lock: bool = False) -> None:
        def make() -> None:
            self._store.buckets.add(bucket)
            if object_lock:
                self._store.versioned.add(bucket)

        self._step("make", make)

    def set_bucket_versioning(self, bucket: str, config: Any) -> None:
        self._step("version", lambda: self._store.versioned.add(bucket))

    def put_object(
        self,
        bucket: str,
        key: str,
        data: BinaryIO,
        length: int,
        content_type: str = "",
        retention: Any = None,
        metadata: dict[str, str] | None = None,
    ) -> Any:
        body = data.read(length)

        def put() -> Any:
            self._check_bucket(bucket)
            self._store.count += 1
            is_versioned = bucket in self._store.versioned
            until = retention.retain_until_date if retention else None
            version = Version(
                f"v{self._store.count}" if is_versioned else "",
                body,
                until,
                metadata={f"x-amz-meta-{name}": value for name, value in (metadata or {}).items()},
                made_at=self._store.seconds(),
                put_at=self._store.now(),
            )
            kept = self._store.objects.setdefault((bucket, key), [])
            if not is_versioned:
                kept.clear()
            kept.append(version)
            return SimpleNamespace(version_id=version.version_id or None, etag=hashlib.md5(body).hexdigest())

        return self._step(f"put {bucket}", put)

    def _put_object(self, bucket: str, key: str, data: bytes, headers: dict[str, str]) -> Any:
        """The part of the client's own request that ``common`` uses: a put that must find nothing, of checked bytes."""

        def put() -> Any:
            self._check_bucket(bucket)
            kept = self._store.objects.setdefault((bucket, key), [])
            checksum = headers.get(CHECKSUM, "")
            if checksum and checksum != base64.b64encode(hashlib.sha256(data).digest()).decode():
                raise _error("BadDigest", bucket, key)
            if headers["If-None-Match"] == "*" and kept and not kept[-1].is_marker:
                raise _error("PreconditionFailed", bucket, key)
            self._store.count += 1
            until = headers.get("x-amz-object-lock-retain-until-date")
            version = Version(
                f"v{self._store.count}",
                data,
                datetime.fromisoformat(until) if until else None,
                metadata={name: value for name, value in headers.items() if name.startswith("x-amz-meta-")},
                checksum=checksum,
                made_at=self._store.seconds(),
                put_at=self._store.now(),
            )
            kept.append(version)
            return SimpleNamespace(version_id=version.version_id)

        return self._step(f"put {bucket}", put)

    def stat_object(
        self, bucket: str, key: str, version_id: str | None = None, extra_headers: dict[str, str] | None = None
    ) -> Any:
        def stat() -> Any:
            version = self._version(bucket, key, version_id) if version_id else self._newest(bucket, key)
            metadata = dict(version.metadata)
            if version.retain_until:
                metadata |= {"x-amz-object-lock-mode": COMPLIANCE}
                metadata |= {"x-amz-object-lock-retain-until-date": version.retain_until.isoformat()}
            if version.checksum and (extra_headers or {}).get("x-amz-checksum-mode") == "ENABLED":
                metadata |= {CHECKSUM: version.checksum}
            return SimpleNamespace(size=len(version.data), metadata=metadata, version_id=version.version_id or None)

        return self._step(f"stat {bucket}", stat)

    def get_object(
        self, bucket: str, key: str, offset: int = 0, length: int = 0, version_id: str | None = None
    ) -> "Response":
        def get() -> Response:
            version = self._version(bucket, key, version_id) if version_id else self._newest(bucket, key)
            if offset and offset >= len(version.data):
                raise _error("InvalidRange", bucket, key)
            return Response(version.data[offset : offset + length] if length else version.data[offset:])

        return self._step(f"get {bucket}", get)

    def remove_object(self, bucket: str, key: str, version_id: str | None = None) -> None:
        def remove() -> None:
            kept = self._store.objects.get((bucket, key), [])
            if version_id:
                version = next((each for each in kept if each.version_id == version_id), None)
                if version is None:
                    raise _error("NoSuchVersion", bucket, key)
                if version.retain_until and version.retain_until > self._store.now():
                    raise _error("AccessDenied", bucket, key)
                kept.remove(version)
            elif bucket in self._store.versioned:
                self._store.count += 1
                kept.append(Version(f"v{self._store.count}", b"", is_marker=True))
            else:
                kept.clear()

        self._step(f"remove {bucket}", remove)

    def list_objects(
        self, bucket: str, prefix: str = "", recursive: bool = False, include_version: bool = False
    ) -> Iterator[Any]:
        def listed() -> list[Any]:
            below = [key for place, key in self._store.objects if place == bucket and key.startswith(prefix)]
            return [
                SimpleNamespace(
                    object_name=key,
                    version_id=version.version_id or None,
                    is_delete_marker=version.is_marker,
                    last_modified=version.put_at,
                    size=len(version.data),
                )
                for key in sorted(below)
                if recursive or "/" not in key.removeprefix(prefix)
                for version in self._store.objects[bucket, key]
            ]

        return iter(self._step(f"list {bucket}", listed))

    def set_object_retention(self, bucket: str, key: str, retention: Any, version_id: str) -> None:
        def retain() -> None:
            version = self._version(bucket, key, version_id)
            if version.retain_until and retention.retain_until_date < version.retain_until:
                raise _error("AccessDenied", bucket, key)
            version.retain_until = retention.retain_until_date

        self._step(f"retain {bucket}", retain)

    def get_object_retention(self, bucket: str, key: str, version_id: str) -> Any:
        version = self._version(bucket, key, version_id)
        return SimpleNamespace(mode=COMPLIANCE, retain_until_date=version.retain_until)

    def presigned_get_object(self, bucket: str, key: str, expires: timedelta) -> str:
        return f"https://store.invalid/{bucket}/{key}?until={int(expires.total_seconds())}"

    presigned_put_object = presigned_get_object

    # at the store

    def _step(self, what: str, action: Callable[[], Any]) -> Any:
        process = CURRENT.get()
        if self._store.is_down:
            raise ProtocolError("connection refused")
        failure = self._store.before_step(process, what)
        _check_alive(process)
        if failure == "before":
            raise ProtocolError("connection broken")
        with self._store.one_at_a_time:
            result = action()
        self._store.after_step(process, what)
        _check_alive(process)
        if failure == "after":
            raise ProtocolError("connection broken")
        return result

    def _check_bucket(self, bucket: str) -> None:
        if bucket not in self._store.buckets:
            raise _error("NoSuchBucket", bucket, "")

    def _newest(self, bucket: str, key: str) -> Version:
        self._check_bucket(bucket)
        kept = self._store.objects.get((bucket, key), [])
        if not kept or kept[-1].is_marker:
            raise _error("NoSuchKey", bucket, key)
        return kept[-1]

    def _version(self, bucket: str, key: str, version_id: str) -> Version:
        for version in self._store.objects.get((bucket, key), []):
            if version.version_id == version_id and not version.is_marker:
                return version
        raise _error("NoSuchVersion", bucket, key)


class Response:
    """What ``get_object`` returns."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def stream(self, size: int, decode_content: bool = True) -> Iterator[bytes]:
        yield from (self._data[at : at + size] for at in range(0, len(self._data), size))

    def read(self, size: int | None = None) -> bytes:
        return self._data[:size]

    def close(self) -> None:
        """Nothing is held."""

    release_conn = close


def _check_alive(process: Process | None) -> None:
    if process is not None and not process.is_alive:
        raise Ended


def _error(code: str, bucket: str, key: str) -> S3Error:
    response: Any = SimpleNamespace(status=404, headers={}, data=b"")
    values = {"code": code, "message": code, "resource": f"/{bucket}/{key}", "request_id": "", "host_id": ""}
    return S3Error(response=response, bucket_name=bucket, object_name=key, **values)
