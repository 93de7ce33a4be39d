"""The object store's buckets: made once by ``trunkctl migrate``; some are made with object lock, for good."""

from minio import Minio
from minio.commonconfig import ENABLED
from minio.error import S3Error
from minio.versioningconfig import VersioningConfig

from common.objects import BUCKETS, CONTENT, LOCKED, store_errors_as_outages

ALREADY_MADE = ("BucketAlreadyOwnedByYou", "BucketAlreadyExists")
"""Errors of the store if somebody else has made the bucket a moment before."""


def make_missing(client: Minio) -> list[str]:
    """Make the missing buckets. Returns those made, without those that another process makes at the same time. Raises
    ``Transient``."""
    with store_errors_as_outages():
        missing = [bucket for bucket in BUCKETS if _versioning(client, bucket) is None]
        created = [bucket for bucket in missing if _make(client, bucket)]
        if _versioning(client, CONTENT) != ENABLED:
            client.set_bucket_versioning(CONTENT, VersioningConfig(ENABLED))
    return created


def problems(client: Minio) -> list[str]:
    """A sentence for each bucket that is missing or has other properties than it should. Raises ``Transient``."""
    with store_errors_as_outages():
        versioning = {bucket: _versioning(client, bucket) for bucket in BUCKETS}
        differences = [f"bucket {bucket}: missing" for bucket, status in versioning.items() if status is None]
        if versioning[CONTENT] not in (None, ENABLED):
            differences.append(f"bucket {CONTENT}: not versioned")
        differences += [
            f"bucket {bucket}: not under object lock"
            for bucket in LOCKED
            if versioning[bucket] is not None and not _is_locked(client, bucket)
        ]
    return differences


def _make(client: Minio, bucket: str) -> bool:
    """Make a bucket. False = another process has made it meanwhile."""
    try:
        client.make_bucket(bucket, object_lock=bucket in LOCKED)
    except S3Error as error:
        if error.code in ALREADY_MADE:
            return False
        raise
    return True


def _versioning(client: Minio, bucket: str) -> str | None:
    """``Enabled``, ``Suspended`` or ``Off``; None = no such bucket. Needs no right to list."""
    try:
        return client.get_bucket_versioning(bucket).status_string
    except S3Error as error:
        if error.code == "NoSuchBucket":
            return None
        raise


def _is_locked(client: Minio, bucket: str) -> bool:
    try:
        client.get_object_lock_config(bucket)
    except S3Error as error:
        if error.code == "ObjectLockConfigurationNotFoundError":
            return False
        raise
    return True
