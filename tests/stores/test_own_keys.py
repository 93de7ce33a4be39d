"""What each service does at the object store, with its own keys and no others."""

import asyncio
import hashlib
import secrets
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from minio.error import S3Error

from common import buckets
from common.directory import CURRENT, DirectoryReader
from common.domain.reason import Reason
from common.facts import ObjectRef
from common.failure import Permanent, Transient
from common.objects import ARCHIVE, CONTENT, DIRECTORY, PARKED, UPLOADS, ObjectMissing, Objects, submitter_of
from common.store_access import Role
from devstack.servers import Addresses

from .conftest import client, settings

SOON = timedelta(minutes=5)


@pytest.fixture
def objects(addresses: Addresses) -> dict[Role, Objects]:
    return {role: Objects(settings(addresses, role)) for role in Role}


def data() -> bytes:
    return secrets.token_bytes(300)


async def test_every_role_can_tell_whether_the_store_is_there(objects: dict[Role, Objects]) -> None:
    for each in objects.values():
        await each.ping()


async def test_wrong_keys_are_no_readiness(addresses: Addresses) -> None:
    known = addresses.s3_keys[Role.ROUTER]
    wrong = settings(addresses, Role.ROUTER).model_copy(
        update={"s3_secret_key": settings(addresses, Role.INTAKE).s3_secret_key}
    )
    assert known["access"] == wrong.s3_access_key.get_secret_value()
    with pytest.raises(Transient):
        await Objects(wrong).ping()


async def test_a_package_on_its_way(objects: dict[Role, Objects]) -> None:
    """Intake stores, the validator reports, the router hands an address out, the archive locks."""
    package, report = data(), data()
    stored = await objects[Role.INTAKE].put_content(package)
    assert await objects[Role.INTAKE].put_content(package) == stored
    assert await objects[Role.VALIDATOR].get(stored) == package
    reported = await objects[Role.VALIDATOR].put_content(report)
    assert await objects[Role.ROUTER].get(stored) == package
    address = await objects[Role.ROUTER].presigned_get(stored, SOON)
    assert (await asyncio.to_thread(httpx.get, address)).content == package
    until = datetime.now(UTC) + SOON
    for ref in (stored, reported):
        assert await objects[Role.ARCHIVE].put_locked(f"own/{ref.sha256}", ref, until)
    version = await objects[Role.ARCHIVE].put_locked(f"own/{stored.sha256}/record.json", b"{}", until)
    with objects[Role.OPERATOR].client.get_object(
        ARCHIVE, f"own/{stored.sha256}/record.json", version_id=version
    ) as answer:
        assert answer.read() == b"{}"


async def test_what_is_missing_is_told_as_missing(objects: dict[Role, Objects]) -> None:
    absent = ObjectRef(bucket="content", key="no/such", sha256="0" * 64, size_bytes=1)
    for role in (Role.INTAKE, Role.VALIDATOR, Role.ROUTER, Role.ARCHIVE):
        with pytest.raises(ObjectMissing):
            await objects[role].get(absent)


async def test_intake_deletes_for_good(objects: dict[Role, Objects], addresses: Addresses) -> None:
    """All versions of content and uploads."""
    secret = await objects[Role.INTAKE].put_content(data())
    await objects[Role.VALIDATOR].put(secret.bucket, secret.key, b"another version")
    address = await objects[Role.OPERATOR].presigned_put(UPLOADS, "A.01/secret", SOON)
    assert (await asyncio.to_thread(httpx.put, address, content=b"secret")).is_success
    uploaded = ObjectRef(bucket=UPLOADS, key="A.01/secret", sha256="0" * 64, size_bytes=1)
    administrator = client(addresses, None)
    for ref in (secret, uploaded):
        assert list(administrator.list_objects(ref.bucket, prefix=ref.key, include_version=True))
        for _ in range(2):
            await objects[Role.INTAKE].purge(ref)
        assert not list(administrator.list_objects(ref.bucket, prefix=ref.key, include_version=True))


async def test_nobody_deletes_the_body_of_a_parked_message(objects: dict[Role, Objects]) -> None:
    await objects[Role.ROUTER].put(PARKED, "router/1", b"body")
    for role in Role:
        with pytest.raises(Transient):
            await objects[role].purge(ObjectRef(bucket=PARKED, key="router/1", sha256="0" * 64, size_bytes=1))
    assert await objects[Role.ROUTER].get_key(PARKED, "router/1") == b"body"


async def test_nobody_else_deletes_content(objects: dict[Role, Objects]) -> None:
    stored = await objects[Role.INTAKE].put_content(data())
    for role in set(Role) - {Role.INTAKE}:
        with pytest.raises(Transient):
            await objects[role].purge(stored)
        with pytest.raises(S3Error):
            objects[role].client.remove_object(stored.bucket, stored.key)
    assert await objects[Role.ROUTER].get(stored)


async def test_the_unit_directory(objects: dict[Role, Objects]) -> None:
    """The operator writes it; who needs it reads it, and the archive does not."""
    with pytest.raises(Transient, match="none was imported"):
        await DirectoryReader(objects[Role.NOTIFIER], 5).refresh()
    await objects[Role.OPERATOR].put(DIRECTORY, CURRENT, b'{"version": 1, "units": []}')
    for role in (Role.INTAKE, Role.VALIDATOR, Role.ROUTER, Role.NOTIFIER, Role.TOPOLOGY, Role.OPERATOR):
        reader = DirectoryReader(objects[role], 5)
        await reader.refresh()
        assert reader.current.units == {}
    with pytest.raises(Transient):
        await objects[Role.ARCHIVE].get_key(DIRECTORY, CURRENT)


def test_buckets_are_made_and_checked_without_a_right_on_objects(
    objects: dict[Role, Objects], addresses: Addresses
) -> None:
    assert buckets.make_missing(objects[Role.MIGRATE].client) == []
    for role in (Role.MIGRATE, Role.OPERATOR):
        assert buckets.problems(objects[role].client) == []
    with pytest.raises(Transient):
        buckets.problems(objects[Role.ROUTER].client)


async def test_a_package_is_kept_under_the_name_of_each_unit_that_submitted_it(objects: dict[Role, Objects]) -> None:
    body, client = data(), objects[Role.BACKUP].client
    submitters = (None, "000.00.01.H29", "000.00.01.H29", None, "000.00.02.H29")
    refs = [await objects[Role.INTAKE].put_content(body, unit) for unit in submitters]
    listed = client.list_objects(CONTENT, prefix=refs[0].key, include_version=True)
    stats = [client.stat_object(CONTENT, refs[0].key, version_id=each.version_id) for each in listed]
    assert [submitter_of(stat.metadata) for stat in stats] == ["000.00.02.H29", "000.00.01.H29", None]
    await objects[Role.INTAKE].purge(refs[0])
    assert list(client.list_objects(CONTENT, prefix=refs[0].key, include_version=True)) == []


async def test_altered_content_is_seen(objects: dict[Role, Objects]) -> None:
    stored = await objects[Role.INTAKE].put_content(data())
    await objects[Role.VALIDATOR].put(stored.bucket, stored.key, b"x" * stored.size_bytes)
    with pytest.raises(Permanent) as caught:
        await objects[Role.ARCHIVE].put_locked("own/altered", stored, datetime.now(UTC) + SOON)
    assert caught.value.reason is Reason.E_OBJECT
    assert hashlib.sha256(b"x" * stored.size_bytes).hexdigest() != stored.sha256
