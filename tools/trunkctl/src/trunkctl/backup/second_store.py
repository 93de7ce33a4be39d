"""The second store: another object store, best in another place, with one bucket for all that backups consist of.

``database/<backup>/…`` holds copies of the databases, ``objects/<bucket>/<key>/<version>`` those of objects, and
``store/<backup>.json`` says what the latter were complete for.
"""

import urllib3
from minio import Minio

from common.objects import STORE_ERRORS
from trunkctl.backup.shelf import Bucket
from trunkctl.command_error import CommandError
from trunkctl.settings import ControlSettings
from trunkctl.store_patience import named

DATABASE = "database/"
OBJECTS = "objects/"
STORE = "store/"
NEEDED = ("TRUNK_BACKUP_S3_ENDPOINT", "TRUNK_BACKUP_S3_ACCESS_KEY", "TRUNK_BACKUP_S3_SECRET_KEY")


def second_store(settings: ControlSettings) -> Minio:
    """A client whose bucket is there, under object lock. Raises ``CommandError``."""
    if not settings.backup_s3_endpoint:
        raise CommandError(f"No second store is named: set {', '.join(NEEDED)}.")
    client = Minio(
        settings.backup_s3_endpoint,
        access_key=settings.backup_s3_access_key.get_secret_value(),
        secret_key=settings.backup_s3_secret_key.get_secret_value(),
        secure=settings.backup_s3_secure,
        region="us-east-1",
        http_client=urllib3.PoolManager(
            maxsize=16, timeout=urllib3.Timeout(connect=5, read=60), retries=urllib3.Retry(2)
        ),
    )
    try:
        if not client.bucket_exists(settings.backup_bucket):
            client.make_bucket(settings.backup_bucket, object_lock=True)
    except STORE_ERRORS as error:
        where = f"the bucket {settings.backup_bucket} ({named(error)})"
        raise CommandError(f"The second store does not give {where}.") from error
    return client


def shelf(settings: ControlSettings, prefix: str) -> Bucket:
    """The files below a prefix of the second store's bucket."""
    return Bucket(second_store(settings), settings.backup_bucket, prefix)
