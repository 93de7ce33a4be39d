"""Buckets that another process makes at the same time: a migration beside another one, tests beside each other."""

from types import SimpleNamespace
from typing import Any

import pytest
from minio.commonconfig import ENABLED
from minio.error import S3Error

from common.buckets import ALREADY_MADE, make_missing
from common.failure import Outage
from common.objects import BUCKETS, CONTENT, PACKAGES


def error(code: str) -> S3Error:
    response: Any = SimpleNamespace(status=409, headers={}, data=b"")
    return S3Error(response=response, code=code, message="", resource="", request_id="", host_id="")


class Client:
    """A store in which somebody else makes a bucket between the look and the order to make it."""

    def __init__(self, bucket: str, code: str) -> None:
        self.made: list[str] = []
        self.versioned: list[str] = []
        self._overtaken, self._code = bucket, code

    def get_bucket_versioning(self, bucket: str) -> Any:
        if bucket not in self.made:
            raise error("NoSuchBucket")
        return SimpleNamespace(status_string=ENABLED if bucket in self.versioned else "Off")

    def make_bucket(self, bucket: str, *, object_lock: bool) -> None:
        self.made.append(bucket)
        if bucket == self._overtaken:
            raise error(self._code)

    def set_bucket_versioning(self, bucket: str, _: object) -> None:
        self.versioned.append(bucket)


@pytest.mark.parametrize("bucket", [CONTENT, PACKAGES])
@pytest.mark.parametrize("code", ALREADY_MADE)
def test_what_somebody_else_has_made_meanwhile_is_no_error(bucket: str, code: str) -> None:
    client: Any = Client(bucket, code)
    assert make_missing(client) == [each for each in BUCKETS if each != bucket]
    assert client.versioned == [CONTENT]
    assert make_missing(client) == []


def test_any_other_refusal_is() -> None:
    client: Any = Client(PACKAGES, "AccessDenied")
    with pytest.raises(Outage):
        make_missing(client)
