"""``trunkctl stores``: makes the object store's buckets; the archive is made with object lock, once and for all."""

from common.objects import ARCHIVE, BUCKETS, CONTENT
from minio import Minio
from minio.commonconfig import ENABLED
from minio.versioningconfig import VersioningConfig


def apply(client: Minio) -> list[str]:
    """Make what is missing. Returns the buckets made."""
    made = [bucket for bucket in BUCKETS if not client.bucket_exists(bucket)]
    for bucket in made:
        client.make_bucket(bucket, object_lock=bucket == ARCHIVE)
    if CONTENT in made:
        client.set_bucket_versioning(CONTENT, VersioningConfig(ENABLED))
    return made


def check(client: Minio) -> list[str]:
    """What is missing or not as it should be."""
    problems = [f"bucket {bucket}: missing" for bucket in BUCKETS if not client.bucket_exists(bucket)]
    if not problems and client.get_bucket_versioning(ARCHIVE).status != ENABLED:
        problems.append(f"bucket {ARCHIVE}: not versioned, so not under object lock")
    return problems
