"""The model of the object store against the real one, through the client library: the same scenarios and answers."""

import base64
import hashlib
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from minio import Minio
from minio.commonconfig import COMPLIANCE, ENABLED
from minio.error import S3Error
from minio.retention import Retention
from minio.versioningconfig import VersioningConfig

from common.objects import submitter_of
from tests.simulation.store import Client, Store

BODY = bytes(range(256)) * 40
Scenario = Callable[[Any, str], Any]


def put(store: Any, bucket: str, key: str, body: bytes = BODY, **options: Any) -> Any:
    return store.put_object(bucket, key, io.BytesIO(body), len(body), **options).version_id


def read(store: Any, bucket: str, key: str, version_id: str | None = None) -> Any:
    """The bytes, or the code of the refusal."""
    try:
        answer = store.get_object(bucket, key, version_id=version_id)
        return b"".join(answer.stream(1000))
    except S3Error as error:
        return error.code


def refused(call: Callable[..., Any], *args: Any, **options: Any) -> str | None:
    try:
        call(*args, **options)
    except S3Error as error:
        return error.code
    return None


def for_days(days: float) -> Retention:
    return Retention(COMPLIANCE, datetime.now(UTC) + timedelta(days=days))


def plain_objects(store: Any, name: str) -> Any:
    store.make_bucket(name)
    missing = read(store, name, "k"), refused(store.stat_object, name, "k")
    put(store, name, "k", b"first")
    put(store, name, "k", b"second", metadata={"trunk-submitter": "000.00.01.H29"})
    stat = store.stat_object(name, "k")
    size = stat.size, submitter_of(stat.metadata)
    put(store, name, "other")
    others = submitter_of(store.stat_object(name, "other").metadata)
    listed = [each.object_name for each in store.list_objects(name, prefix="k", include_version=True)]
    store.remove_object(name, "k")
    store.remove_object(name, "k")
    return missing, size, others, listed, read(store, name, "k")


def versions(store: Any, name: str) -> Any:
    store.make_bucket(name)
    store.set_bucket_versioning(name, VersioningConfig(ENABLED))
    first, second = put(store, name, "k", b"first"), put(store, name, "k", b"second")
    newest = read(store, name, "k")
    store.remove_object(name, "k")
    hidden = read(store, name, "k"), read(store, name, "k", first), read(store, name, "k", second)
    store.remove_object(name, "k", version_id=first)
    gone = read(store, name, "k", first) in ("NoSuchVersion", "NoSuchKey")
    listed = list(store.list_objects(name, prefix="k", include_version=True))
    (marker,) = [each.version_id for each in listed if each.is_delete_marker]
    store.remove_object(name, "k", version_id=marker)
    return first != second, newest, hidden, gone, len(listed), read(store, name, "k")


def what_a_list_tells(store: Any, name: str) -> Any:
    store.make_bucket(name)
    put(store, name, "a/b/k")
    put(store, name, "a/c", b"12345")
    listed = list(store.list_objects(name, recursive=True))
    fresh = [abs((datetime.now(UTC) - each.last_modified).total_seconds()) < 600 for each in listed]
    return [(each.object_name, each.size) for each in listed], fresh, len(list(store.list_objects(name, "a/c")))


def retention(store: Any, name: str) -> Any:
    store.make_bucket(name, object_lock=True)
    locked = put(store, name, "k", retention=for_days(2))
    removed = refused(store.remove_object, name, "k", version_id=locked)
    shorter = refused(store.set_object_retention, name, "k", for_days(1), version_id=locked)
    put(store, name, "k", b"another")
    store.remove_object(name, "k")
    return removed, shorter is not None, read(store, name, "k", locked) == BODY


def put_once(store: Any, bucket: str, key: str, digest_of: bytes = BODY) -> str | None:
    """A put of checked bytes that must find nothing; the code of the refusal, if it is refused."""
    digest = base64.b64encode(hashlib.sha256(digest_of).digest()).decode()
    headers = {"If-None-Match": "*", "x-amz-checksum-sha256": digest, "x-amz-meta-trunk-submitter": "A.01"}
    return refused(store._put_object, bucket, key, BODY, headers=headers)


def conditional_put(store: Any, name: str) -> Any:
    store.make_bucket(name, object_lock=True)
    wrong = put_once(store, name, "k", b"others"), read(store, name, "k")
    answers = put_once(store, name, "k"), put_once(store, name, "k")
    store.remove_object(name, "k")
    again = put_once(store, name, "k")
    return wrong, answers, again, read(store, name, "k") == BODY


def what_a_look_tells(store: Any, name: str) -> Any:
    store.make_bucket(name, object_lock=True)
    put_once(store, name, "k")
    headers = {"x-amz-checksum-mode": "ENABLED"}
    first = store.stat_object(name, "k", extra_headers=headers).version_id
    put(store, name, "k", b"another")
    lock = for_days(2)
    store.set_object_retention(name, "k", lock, version_id=first)
    status = store.stat_object(name, "k", version_id=first, extra_headers=dict(headers))
    metadata = {key.lower(): value for key, value in status.metadata.items()}
    until = datetime.fromisoformat(metadata["x-amz-object-lock-retain-until-date"])
    described = (
        status.size,
        metadata["x-amz-checksum-sha256"],
        metadata["x-amz-object-lock-mode"],
        submitter_of(metadata),
    )
    unlocked = store.stat_object(name, "k").metadata
    return described, abs(until - lock.retain_until_date).total_seconds() < 1, "x-amz-object-lock-mode" in unlocked


def parts(store: Any, name: str) -> Any:
    store.make_bucket(name)
    put(store, name, "k")
    spans = [(0, 10), (100, 256), (len(BODY) - 5, 5), (len(BODY) - 5, 100)]
    read_parts = [store.get_object(name, "k", offset=start, length=length).read() for start, length in spans]
    return read_parts, refused(store.get_object, name, "k", offset=len(BODY) + 1, length=5)


def missing_bucket(store: Any, name: str) -> Any:
    return refused(put, store, name, "k"), read(store, name, "k")


SCENARIOS = (
    plain_objects,
    versions,
    what_a_list_tells,
    retention,
    conditional_put,
    what_a_look_tells,
    parts,
    missing_bucket,
)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.__name__)
def test_model_and_store_answer_the_same(scenario: Scenario, stack: SimpleNamespace) -> None:
    keys = {"access_key": stack.s3_access_key, "secret_key": stack.s3_secret_key}
    model = Store(lambda: datetime.now(UTC))
    model.versioned.clear()
    name = f"simulation-{uuid4().hex[:12]}"
    assert scenario(Client(model), name) == scenario(Minio(stack.s3_endpoint, **keys, secure=False), name)
