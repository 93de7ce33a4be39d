"""The object store's buckets: made once by ``trunkctl migrate``; the archive is made with object lock, for good."""

from minio import Minio
from minio.commonconfig import ENABLED
from minio.versioningconfig import VersioningConfig

from common.objects import ARCHIVE, BUCKETS, CONTENT


def make_missing(client: Minio) -> list[str]:
    """Make what is missing. Returns the buckets made."""
    made = [bucket for bucket in BUCKETS if not client.bucket_exists(bucket)]
    for bucket in made:
        client.make_bucket(bucket, object_lock=bucket == ARCHIVE)
    if CONTENT in made:
        client.set_bucket_versioning(CONTENT, VersioningConfig(ENABLED))
    return made


def problems(client: Minio) -> list[str]:
    """What is missing or not as it should be."""
    found = [f"bucket {bucket}: missing" for bucket in BUCKETS if not client.bucket_exists(bucket)]
    if not found and client.get_bucket_versioning(ARCHIVE).status != ENABLED:
        found.append(f"bucket {ARCHIVE}: not versioned, so not under object lock")
    return found
