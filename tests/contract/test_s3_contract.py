"""What the trunk relies on in S3, asked of the store that devstack is configured for."""

import hashlib
import io
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from minio import Minio
from minio.commonconfig import COMPLIANCE, ENABLED
from minio.error import S3Error
from minio.retention import Retention
from minio.versioningconfig import VersioningConfig

from common.buckets import ALREADY_MADE
from devstack import servers
from devstack.servers import Addresses

BODY = bytes(range(256)) * 40


def client(addresses: Addresses, secret_key: str | None = None) -> Minio:
    keys = {"access_key": addresses.s3_access_key, "secret_key": secret_key or addresses.s3_secret_key}
    return Minio(addresses.s3_endpoint, **keys, secure=False)


def put(store: Minio, bucket: str, key: str, body: bytes = BODY, **options) -> str:
    """Store an object and return the id of its version."""
    return store.put_object(bucket, key, io.BytesIO(body), len(body), **options).version_id


def get(store: Minio, bucket: str, key: str, version_id: str | None = None) -> bytes:
    answer = store.get_object(bucket, key, version_id=version_id)
    try:
        return answer.read()
    finally:
        answer.release_conn()


def for_a_day() -> Retention:
    return Retention(COMPLIANCE, datetime.now(UTC) + timedelta(days=1))


@pytest.fixture
def store(addresses) -> Minio:
    return client(addresses)


@pytest.fixture
def locked(store, name) -> str:
    """A bucket with object lock. It stays behind: that is what the lock is for."""
    store.make_bucket(name, object_lock=True)
    return name


@pytest.mark.parametrize("object_lock", [False, True])
def test_a_bucket_that_is_there_is_not_made_again(store, name, object_lock):
    store.make_bucket(name, object_lock=object_lock)
    with pytest.raises(S3Error) as refusal:
        store.make_bucket(name, object_lock=object_lock)
    assert refusal.value.code in ALREADY_MADE


def test_versions_are_kept(store, name):
    store.make_bucket(name)
    store.set_bucket_versioning(name, VersioningConfig(ENABLED))
    first, second = put(store, name, "k", b"first"), put(store, name, "k", b"second")
    store.remove_object(name, "k")
    assert get(store, name, "k", first) == b"first"
    assert get(store, name, "k", second) == b"second"
    with pytest.raises(S3Error) as refusal:
        get(store, name, "k")
    assert refusal.value.code == "NoSuchKey"


def test_retained_version_cannot_be_deleted(store, locked):
    version_id = put(store, locked, "k", retention=for_a_day())
    with pytest.raises(S3Error) as refusal:
        store.remove_object(locked, "k", version_id=version_id)
    assert refusal.value.code == "AccessDenied"
    assert get(store, locked, "k", version_id) == BODY


def test_retention_set_later_cannot_be_deleted_or_shortened(store, locked):
    version_id = put(store, locked, "k")
    store.set_object_retention(locked, "k", for_a_day(), version_id=version_id)
    shorter = Retention(COMPLIANCE, datetime.now(UTC) + timedelta(minutes=1))
    with pytest.raises(S3Error):
        store.set_object_retention(locked, "k", shorter, version_id=version_id)
    with pytest.raises(S3Error):
        store.remove_object(locked, "k", version_id=version_id)
    assert store.get_object_retention(locked, "k", version_id=version_id).mode == COMPLIANCE


def test_overwriting_and_deleting_leave_the_retained_version(store, locked):
    version_id = put(store, locked, "k", retention=for_a_day())
    put(store, locked, "k", b"another")
    store.remove_object(locked, "k")
    assert get(store, locked, "k", version_id) == BODY


def test_bucket_with_retained_objects_cannot_be_removed(store, locked):
    put(store, locked, "k", retention=for_a_day())
    with pytest.raises(S3Error):
        store.remove_bucket(locked)
    assert store.bucket_exists(locked)


def test_upload_by_presigned_address(store, name):
    store.make_bucket(name)
    request = urllib.request.Request(
        store.presigned_put_object(name, "k", timedelta(minutes=1)), data=BODY, method="PUT"
    )
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 200
    assert get(store, name, "k") == BODY


def test_wrong_secret_is_refused(addresses, name):
    with pytest.raises(S3Error) as refusal:
        client(addresses, "wrong").make_bucket(name)
    assert refusal.value.code == "SignatureDoesNotMatch"


def test_upload_into_a_missing_bucket_is_refused(store, name):
    with pytest.raises(S3Error) as refusal:
        put(store, name, "k")
    assert refusal.value.code == "NoSuchBucket"


def test_kill_loses_nothing_acknowledged(spare, tmp_path: Path):
    store = client(spare("s3"))
    store.make_bucket("kill")
    written = {hashlib.sha256(bytes([n])).hexdigest(): bytes([n]) * 5_000 for n in range(50)}
    for key, body in written.items():
        put(store, "kill", key, body)
    servers.kill(tmp_path, "s3")
    servers.revive(tmp_path, "s3")
    assert {key: get(store, "kill", key) for key in written} == written
