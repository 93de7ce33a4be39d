"""Packages in a bucket under lock: the simulation's model of a store and a real one, asked the same."""

import asyncio
import hashlib
import io
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr

from common.facts import ObjectRef
from common.failure import Outage
from common.objects import ObjectAltered, ObjectMissing, Objects, package_ref, submitter_of
from common.package_store import PackageStore
from common.settings import ServiceSettings
from tests.simulation.store import Client, Store

BODY = b"<edXML>" + bytes(range(256)) * 20 + b"</edXML>"
UNTIL = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=6)
"""After the last test, however long the others before this file take."""
SENDER = "000.00.14.H29"


@pytest.fixture(params=["model", "real"])
def objects(request: pytest.FixtureRequest) -> Objects:
    if request.param == "real":
        stack: SimpleNamespace = request.getfixturevalue("stack")
        keys = {"s3_access_key": SecretStr(stack.s3_access_key), "s3_secret_key": SecretStr(stack.s3_secret_key)}
        return Objects(ServiceSettings(s3_endpoint=stack.s3_endpoint, **keys))
    opened = Objects(ServiceSettings())
    client: Any = Client(Store(lambda: datetime.now(UTC)))
    opened.client = client
    return opened


@pytest.fixture
def bucket(objects: Objects) -> str:
    """A bucket under lock; a real one stays behind."""
    name = f"packages-{uuid4().hex[:12]}"
    objects.client.make_bucket(name, object_lock=True)
    return name


@pytest.fixture
def store(objects: Objects) -> PackageStore:
    return PackageStore(objects)


@pytest.fixture
def wanted(bucket: str) -> ObjectRef:
    ref = package_ref(hashlib.sha256(BODY).hexdigest(), len(BODY), "f" * 32)
    return ref.model_copy(update={"bucket": bucket})


async def put(store: PackageStore, wanted: ObjectRef, body: bytes = BODY) -> ObjectRef:
    return await store.put(wanted, io.BytesIO(body), SENDER)


def versions(objects: Objects, ref: ObjectRef) -> list[str | None]:
    listed = objects.client.list_objects(ref.bucket, prefix=ref.key, include_version=True)
    return [each.version_id for each in listed]


async def test_a_package_is_put_once(store: PackageStore, objects: Objects, wanted: ObjectRef) -> None:
    first, second = await put(store, wanted), await put(store, wanted)
    assert first.version_id
    assert first == second
    assert versions(objects, wanted) == [first.version_id]
    assert await objects.get(first) == BODY
    assert submitter_of(objects.client.stat_object(wanted.bucket, wanted.key).metadata) == SENDER


async def test_of_many_at_once_all_get_the_same_version(
    store: PackageStore, objects: Objects, wanted: ObjectRef
) -> None:
    refs = await asyncio.gather(*(put(store, wanted) for _ in range(8)))
    assert versions(objects, wanted) == [refs[0].version_id]
    assert set(refs) == {refs[0]}


async def test_the_store_refuses_other_bytes_than_are_named(
    store: PackageStore, objects: Objects, wanted: ObjectRef
) -> None:
    with pytest.raises(Outage):
        await put(store, wanted, BODY[:-1] + b"?")
    assert versions(objects, wanted) == []


async def test_other_bytes_under_the_key_are_no_package(
    store: PackageStore, objects: Objects, wanted: ObjectRef
) -> None:
    other = BODY[:-1] + b"?"
    objects.client.put_object(wanted.bucket, wanted.key, io.BytesIO(other), len(other))
    with pytest.raises(ObjectAltered):
        await put(store, wanted)


async def test_a_package_that_was_removed_can_be_put_again(
    store: PackageStore, objects: Objects, wanted: ObjectRef
) -> None:
    first = await put(store, wanted)
    await objects.purge(first)
    with pytest.raises(ObjectMissing):
        await objects.get(first)
    second = await put(store, wanted)
    assert second.version_id != first.version_id
    assert await objects.get(first) == BODY  # as after a restore: another version of the same bytes


async def test_a_package_is_removed_with_all_that_lies_under_its_key(
    store: PackageStore, objects: Objects, wanted: ObjectRef
) -> None:
    ref = await put(store, wanted)
    longer = wanted.model_copy(update={"key": f"{wanted.key}-2"})
    other = await put(store, longer)
    objects.client.put_object(wanted.bucket, wanted.key, io.BytesIO(b"another"), 7)
    objects.client.remove_object(wanted.bucket, wanted.key)  # leaves a marker
    assert [await store.remove(ref) for _ in range(2)] == [True, True]
    assert versions(objects, wanted) == [other.version_id]


@pytest.mark.parametrize("is_newest", [True, False])
async def test_of_a_package_that_is_locked_nothing_is_removed(
    store: PackageStore, objects: Objects, wanted: ObjectRef, is_newest: bool
) -> None:
    ref = await store.lock(await put(store, wanted), UNTIL)
    if not is_newest:
        objects.client.put_object(wanted.bucket, wanted.key, io.BytesIO(b"another"), 7)
    before = versions(objects, wanted)
    assert await store.remove(ref) is False
    assert versions(objects, wanted) == before


async def test_what_is_locked_between_the_look_and_the_removal_stays(
    store: PackageStore, objects: Objects, wanted: ObjectRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = await store.lock(await put(store, wanted), UNTIL)
    monkeypatch.setattr(store, "_look", lambda *_: None)
    assert await store.remove(ref) is False
    assert versions(objects, wanted) == [ref.version_id]


async def test_what_lies_over_a_version_does_not_hide_it(
    store: PackageStore, objects: Objects, wanted: ObjectRef
) -> None:
    ref = await put(store, wanted)
    objects.client.put_object(wanted.bucket, wanted.key, io.BytesIO(b"another"), 7)
    assert await objects.get(ref) == BODY
    assert await store.lock(ref, UNTIL) == ref
    with pytest.raises(ObjectAltered):
        await objects.get(wanted)


async def test_a_large_package_is_put_in_parts(
    store: PackageStore, objects: Objects, wanted: ObjectRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("common.package_store.ONE_PUT_BYTES", len(BODY) - 1)
    first, second = await put(store, wanted), await put(store, wanted)
    assert first == second
    assert versions(objects, wanted) == [first.version_id]
    assert await store.lock(first, UNTIL) == first


@pytest.mark.parametrize(("offset", "length"), [(0, 1), (7, 100), (0, len(BODY)), (len(BODY) - 3, 3), (5, 0)])
async def test_a_part_is_read(store: PackageStore, wanted: ObjectRef, offset: int, length: int) -> None:
    assert await store.read(await put(store, wanted), offset, length) == BODY[offset : offset + length]


@pytest.mark.parametrize(("offset", "length"), [(0, len(BODY) + 1), (len(BODY) - 3, 4), (len(BODY) + 10, 1)])
async def test_a_part_that_is_not_there(store: PackageStore, wanted: ObjectRef, offset: int, length: int) -> None:
    ref = await put(store, wanted)
    with pytest.raises(ObjectAltered):
        await store.read(ref, offset, length)


async def test_nothing_is_there(store: PackageStore, objects: Objects, wanted: ObjectRef) -> None:
    with pytest.raises(ObjectMissing):
        await store.read(wanted, 0, 1)
    with pytest.raises(ObjectMissing):
        await store.lock(wanted, UNTIL)
    with pytest.raises(ObjectMissing):
        await objects.check(wanted)


def locked_until(objects: Objects, ref: ObjectRef) -> datetime:
    lock = objects.client.get_object_retention(ref.bucket, ref.key, version_id=ref.version_id)
    assert lock
    return lock.retain_until_date.replace(microsecond=0)


async def test_a_version_is_locked_where_it_lies(store: PackageStore, objects: Objects, wanted: ObjectRef) -> None:
    ref = await put(store, wanted)
    assert [await store.lock(ref, UNTIL) for _ in range(2)] == [ref, ref]
    assert locked_until(objects, ref) == UNTIL
    assert versions(objects, wanted) == [ref.version_id]
    later = UNTIL + timedelta(minutes=1)
    assert await store.lock(ref, later) == ref
    assert await store.lock(ref, UNTIL) == ref  # a longer term is in force
    assert locked_until(objects, ref) == later


async def test_after_a_restore_the_version_under_the_key_is_locked(
    store: PackageStore, objects: Objects, wanted: ObjectRef
) -> None:
    former = await put(store, wanted)
    await objects.purge(former)
    restored = await put(store, wanted)
    assert await store.lock(former, UNTIL) == restored
    assert locked_until(objects, restored) == UNTIL
    assert await store.lock(wanted, UNTIL) == restored


async def test_a_store_that_does_not_lock_is_found_out(
    store: PackageStore, objects: Objects, wanted: ObjectRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it answers: what counts is what it says afterwards."""
    ref = await put(store, wanted)
    monkeypatch.setattr(objects.client, "set_object_retention", lambda *_, **__: None)
    with pytest.raises(Outage, match="not locked"):
        await store.lock(ref, UNTIL)


async def test_a_version_of_other_bytes_is_not_taken_for_the_package(
    store: PackageStore, objects: Objects, wanted: ObjectRef
) -> None:
    other = BODY[:-1] + b"?"
    result = objects.client.put_object(wanted.bucket, wanted.key, io.BytesIO(other), len(other))
    with pytest.raises(ObjectAltered):
        await store.lock(wanted.model_copy(update={"version_id": result.version_id}), UNTIL)
