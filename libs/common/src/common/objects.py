"""The object store, through the minio SDK: objects addressed by their SHA-256, uploads, and objects under lock.

Calls block in threads. Bytes are checked against their digest while they are read. An object is put before the row that
names it is saved, and the row before its fact is published. ``store_access.py`` says what each service may do here.
"""

import hashlib
import io
import itertools
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from datetime import datetime, timedelta
from typing import BinaryIO, TypeVar
from urllib.parse import urlsplit
from xml.etree.ElementTree import ParseError

import urllib3
from minio import Minio
from minio.commonconfig import COMPLIANCE
from minio.error import MinioException, S3Error
from minio.retention import Retention
from minio.time import to_iso8601utc

from common.byte_budget import ByteBudget
from common.clock import loop_time
from common.containment import in_thread
from common.domain.names import PackageId, Sha256, UnitCode
from common.domain.reason import Reason
from common.facts import ObjectRef
from common.failure import Outage, Permanent, Transient
from common.packing import packed, unpacked
from common.settings import ServiceSettings

UPLOADS = "uploads"
"""Bucket of large packages that units put before they submit a reference; keys begin with ``<unit>/``."""
CONTENT = "content"
"""Bucket of objects under their SHA-256: packages, envelopes, attachments, reports."""
PACKAGES = "packages"
"""Bucket of packages, each under its digest and its id; made with object lock, and locked by the archive
(decision 29)."""
ARCHIVE = "archive"
"""The archive's bucket, under object lock with compliance retention."""
DIRECTORY = "directory"
"""Bucket of the versions of the unit directory; ``current`` is the one in force."""
PARKED = "parked"
"""Bucket of large bodies of parked messages, under ``<service>/<record id>``. It keeps no versions."""
LOG = "log"
"""Bucket of the ledger's log, under object lock: tiles, entries and checkpoints. All of it may be public."""
BUCKETS = (UPLOADS, CONTENT, PACKAGES, ARCHIVE, DIRECTORY, PARKED, LOG)
LOCKED = (PACKAGES, ARCHIVE, LOG)
"""Buckets that are made with object lock."""

INSIDE = "inside-the-package"
"""Key, in ``content``, for a header that exists only inside its package. No object is ever put under it."""

SUBMITTER_META = "trunk-submitter"
"""Metadata of a package: the unit that submitted it, according to the broker. The package may name another unit."""
CHUNK_BYTES = 1024 * 1024
PAGE = 1_000
"""How many versions a store lists in one answer."""
NOT_FOUND = {"NoSuchKey", "NoSuchObject", "NoSuchBucket", "NoSuchVersion"}

SUCCESS_COUNTS_SECONDS = 60.0
"""A failure is attributed to the object itself if the store handled another one within this time before."""

ANSWERED_WITH_AN_ERROR = (MinioException, urllib3.exceptions.ProtocolError, urllib3.exceptions.IncompleteRead)
"""What the client raises if the store is there, and does not give an object, or only its beginning."""

T = TypeVar("T")


class ObjectMissing(Permanent):
    """There is no such object."""

    def __init__(self, place: str) -> None:
        super().__init__(Reason.E_OBJECT, f"missing: {place}")


class ObjectAltered(Permanent):
    """The bytes in the store do not have the size and digest of the reference."""

    def __init__(self, place: str) -> None:
        super().__init__(Reason.E_OBJECT, f"altered: {place}")


class Objects:
    """A client of the object store. All methods raise ``Outage`` while the store is unavailable.

    ``get``, ``fetch``, ``check`` and ``purge`` raise ``Transient`` instead for an object that the store cannot hand out
    or list while it answers and hands out others. A unit can make such an upload: encrypted with a key of its own, or
    with more metadata than the client library reads. It must not hold up the submissions of others.
    """

    def __init__(self, settings: ServiceSettings) -> None:
        self.client = _client(settings, settings.s3_endpoint, settings.s3_secure)
        public = urlsplit(settings.s3_public_address)
        self.memory = ByteBudget(settings.object_bytes)
        """Budget for whole files in memory. Who reads one into memory must hold its size."""
        self._last_success: tuple[str, float] | None = None
        """The place of the object that was last handled successfully, and when, by the clock of the event loop."""
        self._signer = _client(settings, public.netloc, public.scheme == "https") if public.netloc else self.client

    async def ping(self) -> None:
        """Raises ``Outage`` if the store does not answer or does not know the keys. Needs no right on a bucket."""
        await ask_store(self.client.list_buckets)

    async def put_content(self, source: bytes | BinaryIO, submitter: UnitCode | None = None) -> ObjectRef:
        """Store bytes under their digest, unless they are stored already. Returns the reference.

        ``submitter``: of a package, the unit that submitted it. If the bytes are stored for another unit, or as a part
        of a package, they are put again as another version. A stream is left at its beginning.
        """
        ref, is_put = await ask_store(lambda: self._put_content(source, submitter))
        if is_put:
            self.note_success(ref.bucket, ref.key)
        return ref

    async def carry(self, data: bytes) -> ObjectRef:
        """A reference that carries the bytes itself, if they are small; otherwise as ``put_content``."""
        small = packed(data)
        if small is None:
            return await self.put_content(data)
        return content_ref(*digest_of(io.BytesIO(data))).model_copy(update={"packed": small})

    async def get(self, ref: ObjectRef) -> bytes:
        """The bytes of a reference, checked. Raises ``ObjectMissing`` or ``ObjectAltered``."""
        buffer = io.BytesIO()
        await self.fetch(ref, buffer)
        return buffer.getvalue()

    async def fetch(self, ref: ObjectRef, target: BinaryIO) -> None:
        """Write the bytes of a reference into ``target``, checked, and rewind it. Raises ``ObjectMissing`` or
        ``ObjectAltered``; then ``target`` may have some of the bytes.

        The bytes are those that the reference carries, or those of the version that it names, or, if that version does
        not exist, is damaged or cannot be read, of the newest one under its key: once restored, the same bytes have
        another version.
        """
        await self._about_ref(ref, lambda: self._fetch(ref, target))

    async def check(self, ref: ObjectRef) -> None:
        """Check the bytes of a reference without keeping them. Raises ``ObjectMissing`` or ``ObjectAltered``."""
        await self._about_ref(ref, lambda: self._sound(ref, lambda each: deque(self._verified(each), maxlen=0)))

    async def put(self, bucket: str, key: str, data: bytes, content_type: str = "application/octet-stream") -> None:
        """Store bytes under a key of the caller's choice."""
        await ask_store(
            lambda: self.client.put_object(bucket, key, io.BytesIO(data), len(data), content_type=content_type)
        )

    async def get_key(self, bucket: str, key: str) -> bytes:
        """The bytes under a key, unchecked. Raises ``ObjectMissing``."""
        return await ask_store(lambda: self._read(bucket, key))

    async def purge(self, ref: ObjectRef) -> None:
        """Delete every version of an object. Idempotent. Only intake has the right to do so."""
        await self._about(ref.bucket, ref.key, lambda: self._purge(ref.bucket, ref.key))

    async def put_locked(self, key: str, source: ObjectRef | bytes, retain_until: datetime) -> str:
        """Put bytes, or the checked bytes of a reference, into the archive's bucket under compliance retention.

        Each call adds a version. Returns its id. Raises ``Outage`` if the bucket keeps no versions, and what ``get``
        raises.
        """
        size_bytes = source.size_bytes if isinstance(source, ObjectRef) else len(source)
        async with self.memory.hold(size_bytes):
            return await ask_store(lambda: self._put_locked(key, source, retain_until))

    async def put_once(self, bucket: str, key: str, data: bytes, retain_until: datetime) -> bool:
        """Put bytes under compliance retention, unless there is an object under the key. Of several calls at once, one
        succeeds.

        Returns whether these bytes were put. Raises ``Outage`` if the bucket keeps no versions.
        """
        return await ask_store(lambda: self._put_once(bucket, key, data, retain_until))

    async def put_over(self, bucket: str, key: str, data: bytes, retain_until: datetime) -> None:
        """Put bytes under compliance retention as the newest version of a key."""
        lock = Retention(COMPLIANCE, retain_until)
        await ask_store(lambda: self.client.put_object(bucket, key, io.BytesIO(data), len(data), retention=lock))

    async def names(self, bucket: str, prefix: str, *, recursive: bool = True) -> list[str]:
        """Keys that begin with ``prefix``, including those hidden by delete markers, of the first ``PAGE`` versions.

        ``recursive``: whether to include keys with a further slash. Needs the right to list the bucket. On SeaweedFS
        the time grows with the number of objects in the folder of the prefix.
        """
        return await ask_store(lambda: self._names(bucket, prefix, recursive))

    async def presigned_get(self, ref: ObjectRef, expires: timedelta) -> str:
        """An address from which the holder may read one object until it expires."""
        return await ask_store(lambda: self._signer.presigned_get_object(ref.bucket, ref.key, expires=expires))

    async def presigned_put(self, bucket: str, key: str, expires: timedelta) -> str:
        """An address to which the holder may write one object until it expires."""
        return await ask_store(lambda: self._signer.presigned_put_object(bucket, key, expires=expires))

    async def _about_ref(self, ref: ObjectRef, call: Callable[[], object]) -> None:
        """As ``_about``. Bytes that a reference carries show nothing about the store."""
        await (self._about(ref.bucket, ref.key, call) if ref.packed is None else ask_store(call))

    async def _about(self, bucket: str, key: str, call: Callable[[], T]) -> T:
        """The result of a call about one object. Raises ``Outage``, or ``Transient`` if the object seems at fault."""
        place = f"{bucket}/{key}"
        try:
            result = await ask_store(call)
        except Outage as error:
            if self._others_succeed(place):
                await self.ping()
                raise Transient(error.reason, f"{place}: {error.detail}") from error
            raise
        self.note_success(bucket, key)
        return result

    def note_success(self, bucket: str, key: str) -> None:
        """Note that the store handled an object, so that it is not away."""
        self._last_success = f"{bucket}/{key}", loop_time()

    def _others_succeed(self, place: str) -> bool:
        if self._last_success is None or self._last_success[0] == place:
            return False
        return loop_time() - self._last_success[1] <= SUCCESS_COUNTS_SECONDS

    def _put_content(self, source: bytes | BinaryIO, submitter: UnitCode | None) -> tuple[ObjectRef, bool]:
        """The reference, and whether the bytes were put: otherwise they were there."""
        stream = io.BytesIO(source) if isinstance(source, bytes) else source
        ref = content_ref(*digest_of(stream))
        is_put = not self._holds(ref, submitter)
        if is_put:
            stream.seek(0)
            self.client.put_object(
                ref.bucket,
                ref.key,
                stream,
                ref.size_bytes,
                metadata={SUBMITTER_META: submitter} if submitter else None,
            )
        stream.seek(0)
        return ref, is_put

    def _holds(self, ref: ObjectRef, submitter: UnitCode | None) -> bool:
        try:
            held = self.client.stat_object(ref.bucket, ref.key)
        except S3Error as error:
            if error.code in NOT_FOUND:
                return False
            raise
        return held.size == ref.size_bytes and submitter in (None, submitter_of(held.metadata))

    def _fetch(self, ref: ObjectRef, target: BinaryIO) -> None:
        def write(each: ObjectRef) -> None:
            if target.tell():  # the beginning of a damaged version
                target.seek(0)
                target.truncate()
            for chunk in self._verified(each):
                target.write(chunk)

        self._sound(ref, write)
        target.seek(0)

    def _sound(self, ref: ObjectRef, read: Callable[[ObjectRef], object]) -> None:
        """Read the version of a reference, or the newest one where the store answers with other bytes or an error.
        Raises what ``read`` raised the first time."""
        try:
            read(ref)
        except (ObjectAltered, *ANSWERED_WITH_AN_ERROR):
            if ref.version_id is None or ref.packed is not None:
                raise
            with suppress(ObjectMissing, ObjectAltered, *STORE_ERRORS):
                read(ref.model_copy(update={"version_id": None}))
                return
            raise

    def _verified(self, ref: ObjectRef) -> Iterator[bytes]:
        """The bytes of a reference, in chunks. Raises ``ObjectAltered`` after the last chunk if they are others."""
        digest, size = hashlib.sha256(), 0
        for chunk in self._pieces(ref):
            digest.update(chunk)
            size += len(chunk)
            if size > ref.size_bytes:
                break
            yield chunk
        if size != ref.size_bytes or digest.hexdigest() != ref.sha256:
            raise ObjectAltered(f"{ref.bucket}/{ref.key}")

    def _pieces(self, ref: ObjectRef) -> Iterator[bytes]:
        if ref.packed is None:
            yield from self._chunks(ref.bucket, ref.key, ref.version_id)
            return
        try:
            yield unpacked(ref.packed, ref.size_bytes)
        except ValueError as error:
            raise ObjectAltered(f"{ref.key}, as it came with its reference") from error

    def _chunks(self, bucket: str, key: str, version_id: str | None = None) -> Iterator[bytes]:
        with closing(self._opened(bucket, key, version_id)) as response:
            yield from stored_bytes(response)

    def _opened(self, bucket: str, key: str, version_id: str | None) -> "urllib3.BaseHTTPResponse":
        try:
            return self.client.get_object(bucket, key, version_id=version_id)
        except S3Error as error:
            if error.code not in NOT_FOUND:
                raise
            if version_id is None:
                raise ObjectMissing(f"{bucket}/{key}") from error
        return self._opened(bucket, key, None)

    def _read(self, bucket: str, key: str) -> bytes:
        return b"".join(self._chunks(bucket, key))

    def _names(self, bucket: str, prefix: str, recursive: bool) -> list[str]:
        listed = self.client.list_objects(bucket, prefix=prefix, recursive=recursive, include_version=True)
        return list(dict.fromkeys(each.object_name or "" for each in itertools.islice(listed, PAGE)))

    def _purge(self, bucket: str, key: str) -> None:
        versions = list(self.client.list_objects(bucket, prefix=key, include_version=True))
        for version in versions:
            if version.object_name == key:
                self.client.remove_object(bucket, key, version_id=version.version_id)

    def _put_locked(self, key: str, source: ObjectRef | bytes, retain_until: datetime) -> str:
        buffer = io.BytesIO(source if isinstance(source, bytes) else b"")
        if isinstance(source, ObjectRef):
            self._fetch(source, buffer)
        lock = Retention(COMPLIANCE, retain_until)
        put = self.client.put_object(ARCHIVE, key, buffer, buffer.getbuffer().nbytes, retention=lock)
        if not put.version_id:
            raise Outage("object store", f"bucket {ARCHIVE} keeps no versions")
        return put.version_id

    def _put_once(self, bucket: str, key: str, data: bytes, retain_until: datetime) -> bool:
        headers = {
            "Content-Type": "application/octet-stream",
            "If-None-Match": "*",
            "x-amz-object-lock-mode": COMPLIANCE,
            "x-amz-object-lock-retain-until-date": to_iso8601utc(retain_until) or "",
        }
        try:
            # The public call of this client cannot make a condition.
            put = self.client._put_object(bucket, key, data, headers=dict(headers))
        except S3Error as error:
            if error.code == "PreconditionFailed":
                return False
            raise
        if not put.version_id:
            raise Outage("object store", f"bucket {bucket} keeps no versions")
        return True


def _client(settings: ServiceSettings, place: str, secure: bool) -> Minio:
    return Minio(
        place,
        access_key=settings.s3_access_key.get_secret_value(),
        secret_key=settings.s3_secret_key.get_secret_value(),
        secure=secure,
        region="us-east-1",
        http_client=urllib3.PoolManager(
            maxsize=32, timeout=urllib3.Timeout(connect=5, read=30), retries=urllib3.Retry(1)
        ),
    )


def submitter_of(metadata: Mapping[str, str] | None) -> UnitCode | None:
    """The unit that submitted a package, from the metadata of its object; None = the object is no package, or of an
    earlier release."""
    lowered = ((name.lower(), value) for name, value in (metadata or {}).items())
    return next((value for name, value in lowered if name == f"x-amz-meta-{SUBMITTER_META}"), None)


def content_key(sha256: Sha256) -> str:
    """Key, in ``content``, of the bytes with this digest."""
    return f"{sha256[:2]}/{sha256}"


def package_ref(sha256: Sha256, size_bytes: int, package_id: PackageId) -> ObjectRef:
    """The reference to a package in ``packages``. The same bytes of another sender have another key."""
    key = f"{content_key(sha256)}-{package_id}"
    return ObjectRef(bucket=PACKAGES, key=key, sha256=sha256, size_bytes=size_bytes)


def header_inside(data: bytes) -> ObjectRef:
    """The reference to a parsed header that is not stored. It is read by parsing the package, and its digest can be
    compared."""
    sha256, size_bytes = digest_of(io.BytesIO(data))
    return ObjectRef(bucket=CONTENT, key=INSIDE, sha256=sha256, size_bytes=size_bytes)


def digest_in_key(bucket: str, key: str) -> Sha256 | None:
    """The SHA-256 in a key; None = the keys of this bucket have none."""
    return key.rpartition("/")[2].partition("-")[0] if bucket in (CONTENT, PACKAGES) else None


def content_ref(sha256: Sha256, size_bytes: int) -> ObjectRef:
    """The reference to the bytes with this digest in ``content``."""
    return ObjectRef(bucket=CONTENT, key=content_key(sha256), sha256=sha256, size_bytes=size_bytes)


def stored_bytes(response: "urllib3.BaseHTTPResponse") -> Iterator[bytes]:
    """The bytes of an object in chunks, as they are stored. Whoever puts an object may give it the header
    ``Content-Encoding``, whatever its bytes are."""
    yield from response.stream(CHUNK_BYTES, decode_content=False)


def digest_of(stream: BinaryIO) -> tuple[Sha256, int]:
    """SHA-256 and size of a stream, read from its beginning."""
    stream.seek(0)
    digest, size = hashlib.sha256(), 0
    while chunk := stream.read(CHUNK_BYTES):
        digest.update(chunk)
        size += len(chunk)
    return digest.hexdigest(), size


STORE_ERRORS = (
    MinioException, urllib3.exceptions.HTTPError, OSError, ParseError, LookupError, ValueError, TypeError,
)  # fmt: skip


@contextmanager
def store_errors_as_outages() -> Iterator[None]:
    """Turns the errors of the store's client into ``Outage``.

    For an answer that it cannot read (no XML, no such element, no date), the client library raises ``ParseError``,
    ``ValueError``, ``KeyError`` or ``TypeError``. Names of objects have been checked before, and do not cause these.
    """
    try:
        yield
    except STORE_ERRORS as error:
        raise Outage("object store", type(error).__name__) from error


async def ask_store(call: Callable[[], T]) -> T:
    """The result of a blocking call of the store's client, which runs in a thread. Raises ``Outage``."""
    with store_errors_as_outages():
        return await in_thread(call)
