"""The model of the object store against the real one, through the client library: the same scenarios and answers."""

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
    return first != second, newest, hidden, read(store, name, "k", first) in ("NoSuchVersion", "NoSuchKey")


def retention(store: Any, name: str) -> Any:
    store.make_bucket(name, object_lock=True)
    locked = put(store, name, "k", retention=for_days(2))
    removed = refused(store.remove_object, name, "k", version_id=locked)
    shorter = refused(store.set_object_retention, name, "k", for_days(1), version_id=locked)
    put(store, name, "k", b"another")
    store.remove_object(name, "k")
    return removed, shorter is not None, read(store, name, "k", locked) == BODY


def missing_bucket(store: Any, name: str) -> Any:
    return refused(put, store, name, "k"), read(store, name, "k")


SCENARIOS = (plain_objects, versions, retention, missing_bucket)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.__name__)
def test_model_and_store_answer_the_same(scenario: Scenario, stack: SimpleNamespace) -> None:
    keys = {"access_key": stack.s3_access_key, "secret_key": stack.s3_secret_key}
    model = Store(lambda: datetime.now(UTC))
    model.versioned.clear()
    name = f"simulation-{uuid4().hex[:12]}"
    assert scenario(Client(model), name) == scenario(Minio(stack.s3_endpoint, **keys, secure=False), name)
