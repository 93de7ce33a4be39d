"""What can be asked of an object store, each with the rights that it takes; none at all = nobody may."""

import io
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import urllib3
from minio import Minio
from minio.commonconfig import COMPLIANCE, ENABLED, GOVERNANCE, CopySource, Filter
from minio.deleteobjects import DeleteObject
from minio.error import S3Error
from minio.lifecycleconfig import Expiration, LifecycleConfig, Rule
from minio.retention import Retention
from minio.versioningconfig import VersioningConfig

from common.objects import BUCKETS, CONTENT, LOCKED
from common.store_access import Right

DATA = b"x" * 100
PARTS = b"y" * (6 * 1024 * 1024)
NUMBERS = itertools.count()
AFTER = timedelta(minutes=5)


class Refused(Exception):
    """The store refused for want of a right."""


@dataclass(frozen=True)
class Target:
    """A bucket, the client of a role, and an administrator who prepares what is asked for."""

    client: Minio
    administrator: Minio
    bucket: str
    has_lock: bool

    def key(self) -> str:
        """A fresh one."""
        return f"rights/{next(NUMBERS)}"

    def seed(self, retention: Retention | None = None) -> tuple[str, str | None]:
        """Key and version id of an object that lies there."""
        key = self.key()
        retention = retention if self.has_lock else None
        put = self.administrator.put_object(self.bucket, key, io.BytesIO(DATA), len(DATA), retention=retention)
        return key, put.version_id

    def raw(self, method: str, key: str | None = None, **more: Any) -> Any:
        """A request that the SDK has no method for."""
        return self.client._execute(method, self.bucket, key, **more)

    def signed(self, method: str, key: str, body: bytes | None = None) -> None:
        """By an address that the role signs, without its keys."""
        address = self.client.get_presigned_url(method, self.bucket, key, expires=AFTER)
        answer = urllib3.request(method, address, body=body)
        if answer.status == 403:
            raise Refused
        assert answer.status < 300, answer.data


@dataclass(frozen=True)
class Operation:
    """``takes``: all of these rights; empty = nobody has it. ``besides``: answers of a store that allows it, too.

    ``buckets``: where it means something of its own.
    """

    name: str
    ask: Callable[[Target], Any]
    takes: frozenset[Right] = frozenset()
    besides: tuple[str, ...] = ()
    buckets: tuple[str, ...] = BUCKETS


def soon(mode: str = COMPLIANCE) -> Retention:
    """A lock that ends by itself."""
    return Retention(mode, datetime.now(UTC).replace(microsecond=0) + AFTER)


def refused(ask: Callable[[Target], Any], target: Target, besides: tuple[str, ...]) -> bool:
    """Whether the store itself refuses. Raises what is neither a refusal nor an answer that was expected."""
    try:
        ask(target)
    except Refused:
        return True
    except S3Error as error:
        if error.code == "AccessDenied":
            return True
        if error.code not in besides:
            raise
    return False


def _batch(t: Target, *objects: DeleteObject) -> None:
    for error in t.client.remove_objects(t.bucket, objects):
        raise Refused if error.code == "AccessDenied" else AssertionError(error)


def _bypass(t: Target, method: str, body: bytes | None = None, **query: str) -> None:
    key, version = t.seed(soon(GOVERNANCE))
    header = {"x-amz-bypass-governance-retention": "true"}
    t.raw(method, key, body=body, headers=header, query_params={**query, "versionId": version or "null"})


def _weaker(t: Target) -> None:
    until = (datetime.now(UTC) + timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    text = f"<Retention><Mode>GOVERNANCE</Mode><RetainUntilDate>{until}</RetainUntilDate></Retention>"
    _bypass(t, "PUT", text.encode(), retention="")


def _put(t: Target, key: str, data: bytes = DATA, **options: Any) -> None:
    t.client.put_object(t.bucket, key, io.BytesIO(data), len(data), **options)


def _abort(t: Target) -> None:
    key = t.key()
    t.client._abort_multipart_upload(t.bucket, key, t.administrator._create_multipart_upload(t.bucket, key, {}))


def _expire() -> LifecycleConfig:
    return LifecycleConfig([Rule(ENABLED, rule_filter=Filter(prefix="rights/"), expiration=Expiration(days=3000))])


TAGS = b"<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>"
OPEN = {"x-amz-acl": "public-read"}
PUBLIC = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":["s3:GetObject"],"Resource":["arn:aws:s3:::%s/*"]}]}'  # noqa: E501
NO_LOCK = ("ObjectLockConfigurationNotFoundError",)
NO_RETENTION = ("NoSuchObjectLockConfiguration", "ObjectLockConfigurationNotFoundError", "InvalidRequest")


def _operations() -> Iterator[Operation]:
    read, write, lists, lock, delete, prune = (
        frozenset({right}) for right in (Right.READ, Right.WRITE, Right.LIST, Right.LOCK, Right.DELETE, Right.PRUNE)
    )
    inspect, make = frozenset({Right.INSPECT}), frozenset({Right.MAKE})
    yield Operation("get", lambda t: t.client.get_object(t.bucket, t.seed()[0]).read(), read)
    yield Operation(
        "get a version",
        lambda t: (lambda s: t.client.get_object(t.bucket, s[0], version_id=s[1]).read())(t.seed()),
        read,
    )
    yield Operation("stat", lambda t: t.client.stat_object(t.bucket, t.seed()[0]), read)
    yield Operation("stat what is missing", lambda t: t.client.stat_object(t.bucket, t.key()), read, ("NoSuchKey",))
    yield Operation("get by a signed address", lambda t: t.signed("GET", t.seed()[0]), read)
    yield Operation(
        "get retention",
        lambda t: (lambda s: t.client.get_object_retention(t.bucket, s[0], version_id=s[1]))(t.seed()),
        read,
        NO_RETENTION,
    )
    yield Operation("put", lambda t: _put(t, t.key()), write)
    yield Operation("put over", lambda t: _put(t, t.seed()[0]), write)
    yield Operation("put in parts", lambda t: _put(t, t.key(), PARTS, part_size=5 * 1024 * 1024), write)
    yield Operation("begin parts", lambda t: t.client._create_multipart_upload(t.bucket, t.key(), {}), write)
    yield Operation("give parts up", _abort, write)
    yield Operation("put by a signed address", lambda t: t.signed("PUT", t.key(), DATA), write)
    yield Operation(
        "copy", lambda t: t.client.copy_object(t.bucket, t.key(), CopySource(t.bucket, t.seed()[0])), read | write
    )
    yield Operation("list", lambda t: list(t.client.list_objects(t.bucket, prefix="none/")), lists)
    yield Operation(
        "list versions", lambda t: list(t.client.list_objects(t.bucket, prefix="none/", include_version=True)), lists
    )
    yield Operation("head the bucket", lambda t: t.client.bucket_exists(t.bucket), lists)
    yield Operation("delete", lambda t: t.client.remove_object(t.bucket, t.seed()[0]), delete)
    yield Operation(
        "delete a version",
        lambda t: (lambda s: t.client.remove_object(t.bucket, s[0], version_id=s[1]))(t.seed()),
        prune,
    )
    yield Operation("delete in a batch", lambda t: _batch(t, DeleteObject(t.seed()[0])), delete)
    yield Operation("delete versions in a batch", lambda t: _batch(t, DeleteObject(*t.seed())), prune)
    yield Operation("delete by a signed address", lambda t: t.signed("DELETE", t.seed()[0]), delete)
    yield Operation(
        "put retention",
        lambda t: (lambda s: t.client.set_object_retention(t.bucket, s[0], soon(), version_id=s[1]))(t.seed()),
        lock,
    )
    yield Operation("put under lock", lambda t: _put(t, t.key(), retention=soon()), write | lock, buckets=LOCKED)
    yield Operation(
        "put in parts under lock",
        lambda t: _put(t, t.key(), PARTS, part_size=5 * 1024 * 1024, retention=soon()),
        write | lock,
        buckets=LOCKED,
    )
    yield Operation("see versioning", lambda t: t.client.get_bucket_versioning(t.bucket), inspect)
    yield Operation("see object lock", lambda t: t.client.get_object_lock_config(t.bucket), inspect, NO_LOCK)
    yield Operation(
        "turn versions on",
        lambda t: t.client.set_bucket_versioning(t.bucket, VersioningConfig(ENABLED)),
        make,
        buckets=(CONTENT, *LOCKED),  # elsewhere it would change the bucket
    )
    yield Operation(
        "make the bucket",
        lambda t: t.client.make_bucket(t.bucket),
        make,
        ("BucketAlreadyExists", "BucketAlreadyOwnedByYou"),
    )
    yield Operation("make another bucket", lambda t: t.client.make_bucket(f"{t.bucket}-{next(NUMBERS)}"))
    yield Operation("bypass a lock to delete", lambda t: _bypass(t, "DELETE"), buckets=LOCKED)
    yield Operation("bypass a lock to shorten it", _weaker, buckets=LOCKED)
    yield Operation("put a legal hold", lambda t: t.client.enable_object_legal_hold(t.bucket, t.seed()[0]))
    yield Operation("let objects expire", lambda t: t.client.set_bucket_lifecycle(t.bucket, _expire()))
    yield Operation("see expiry", lambda t: t.client.get_bucket_lifecycle(t.bucket))
    yield Operation("end expiry", lambda t: t.client.delete_bucket_lifecycle(t.bucket))
    yield Operation("put a bucket policy", lambda t: t.client.set_bucket_policy(t.bucket, PUBLIC % t.bucket))
    yield Operation("see the bucket policy", lambda t: t.client.get_bucket_policy(t.bucket))
    yield Operation("delete the bucket policy", lambda t: t.client.delete_bucket_policy(t.bucket))
    yield Operation("open the bucket", lambda t: t.raw("PUT", headers=OPEN, query_params={"acl": ""}))
    yield Operation("open an object", lambda t: t.raw("PUT", t.seed()[0], headers=OPEN, query_params={"acl": ""}))
    yield Operation("tag", lambda t: t.raw("PUT", t.seed()[0], body=TAGS, query_params={"tagging": ""}))
    yield Operation("see uploads in parts", lambda t: t.raw("GET", query_params={"uploads": ""}))
    yield Operation("delete the bucket", lambda t: t.client.remove_bucket(t.bucket))


OPERATIONS = tuple(_operations())
