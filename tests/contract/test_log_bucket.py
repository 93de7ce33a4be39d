"""The bucket of the log: the remembered one and a real store answer the same."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from minio.commonconfig import COMPLIANCE
from minio.error import S3Error
from pydantic import SecretStr
from tests.harness.memory_log import MemoryBucket

from common.objects import ObjectMissing, Objects
from common.settings import ServiceSettings

PLACE = "test-log"
"""A bucket of its own: what these tests put is no part of the log, and stays for as long as it is locked."""


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
    with suppress(S3Error):  # an earlier test has made it
        objects.client.make_bucket(PLACE, object_lock=True)
    return objects


@pytest.fixture
def key() -> str:
    return f"test/{uuid4().hex}"


async def test_the_first_put_counts(bucket: Any, key: str, until: datetime) -> None:
    assert await bucket.put_once(PLACE, key, b"first", until)
    assert not await bucket.put_once(PLACE, key, b"first", until)
    assert not await bucket.put_once(PLACE, key, b"second", until)
    assert await bucket.get_key(PLACE, key) == b"first"


async def test_of_many_at_once_one_succeeds(bucket: Any, key: str, until: datetime) -> None:
    bodies = [str(number).encode() for number in range(8)]
    put = await asyncio.gather(*(bucket.put_once(PLACE, key, body, until) for body in bodies))
    assert put.count(True) == 1
    assert await bucket.get_key(PLACE, key) == bodies[put.index(True)]


async def test_the_newest_version_is_read(bucket: Any, key: str, until: datetime) -> None:
    for body in (b"first", b"second"):
        await bucket.put_over(PLACE, key, body, until)
    assert await bucket.get_key(PLACE, key) == b"second"
    assert not await bucket.put_once(PLACE, key, b"third", until)


async def test_nothing_is_there(bucket: Any, key: str) -> None:
    with pytest.raises(ObjectMissing):
        await bucket.get_key(PLACE, key)


async def test_what_was_put_is_under_lock(bucket: Any, key: str, until: datetime) -> None:
    await bucket.put_once(PLACE, key, b"x", until)
    await bucket.put_over(PLACE, f"{key}/over", b"x", until)
    for each in (key, f"{key}/over"):
        if isinstance(bucket, MemoryBucket):
            assert bucket.until[each] == until
        else:
            lock = bucket.client.get_object_retention(PLACE, each)
            assert lock
            assert (lock.mode, lock.retain_until_date) == (COMPLIANCE, until)


async def test_names_are_told_also_of_what_is_hidden(bucket: Any, key: str, until: datetime) -> None:
    names = [f"{key}/{name}" for name in ("0001", "0002", "0002.p/3", "0002.p/40", "0003")]
    for name in (*names, names[1]):
        await bucket.put_over(PLACE, name, b"x", until)
    hide(bucket, names[1])
    with pytest.raises(ObjectMissing):
        await bucket.get_key(PLACE, names[1])
    assert sorted(await bucket.names(PLACE, f"{key}/")) == names
    assert sorted(await bucket.names(PLACE, names[1])) == names[1:4]
    assert sorted(await bucket.names(PLACE, names[1], recursive=False)) == [names[1], f"{names[1]}.p/"]
    assert await bucket.names(PLACE, f"{key}/none") == []


async def test_a_put_over_a_delete_marker_succeeds(bucket: Any, key: str, until: datetime) -> None:
    """Why what is hidden must be asked for."""
    await bucket.put_once(PLACE, key, b"first", until)
    hide(bucket, key)
    assert await bucket.put_once(PLACE, key, b"second", until)
    assert await bucket.get_key(PLACE, key) == b"second"


def hide(bucket: Any, key: str) -> None:
    if isinstance(bucket, MemoryBucket):
        bucket.hidden.add(key)
    else:
        bucket.client.remove_object(PLACE, key)
