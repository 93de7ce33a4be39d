"""The bucket of the log: the remembered one and a real store answer the same."""

import asyncio
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from minio.commonconfig import COMPLIANCE
from pydantic import SecretStr
from tests.harness.memory_log import MemoryBucket

from common.buckets import make_missing
from common.objects import LOG, ObjectMissing, Objects
from common.settings import ServiceSettings


@pytest.fixture
def until() -> datetime:
    """An end of locks that is still to come, and comes soon."""
    return datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=2)


@pytest.fixture(params=["memory", "real"])
def bucket(request: pytest.FixtureRequest) -> Any:
    if request.param == "memory":
        return MemoryBucket()
    stack: SimpleNamespace = request.getfixturevalue("stack")
    keys = {"s3_access_key": SecretStr(stack.s3_access_key), "s3_secret_key": SecretStr(stack.s3_secret_key)}
    objects = Objects(ServiceSettings(s3_endpoint=stack.s3_endpoint, **keys))
    make_missing(objects.client)
    return objects


@pytest.fixture
def key() -> str:
    return f"test/{uuid4().hex}"


async def test_the_first_put_counts(bucket: Any, key: str, until: datetime) -> None:
    assert await bucket.put_once(LOG, key, b"first", until)
    assert not await bucket.put_once(LOG, key, b"first", until)
    assert not await bucket.put_once(LOG, key, b"second", until)
    assert await bucket.get_key(LOG, key) == b"first"


async def test_of_many_at_once_one_succeeds(bucket: Any, key: str, until: datetime) -> None:
    bodies = [str(number).encode() for number in range(8)]
    put = await asyncio.gather(*(bucket.put_once(LOG, key, body, until) for body in bodies))
    assert put.count(True) == 1
    assert await bucket.get_key(LOG, key) == bodies[put.index(True)]


async def test_the_newest_version_is_read(bucket: Any, key: str, until: datetime) -> None:
    for body in (b"first", b"second"):
        await bucket.put_over(LOG, key, body, until)
    assert await bucket.get_key(LOG, key) == b"second"
    assert not await bucket.put_once(LOG, key, b"third", until)


async def test_nothing_is_there(bucket: Any, key: str) -> None:
    with pytest.raises(ObjectMissing):
        await bucket.get_key(LOG, key)


async def test_what_was_put_is_under_lock(bucket: Any, key: str, until: datetime) -> None:
    await bucket.put_once(LOG, key, b"x", until)
    await bucket.put_over(LOG, f"{key}/over", b"x", until)
    for each in (key, f"{key}/over"):
        if isinstance(bucket, MemoryBucket):
            assert bucket.until[each] == until
        else:
            lock = bucket.client.get_object_retention(LOG, each)
            assert lock
            assert (lock.mode, lock.retain_until_date) == (COMPLIANCE, until)
