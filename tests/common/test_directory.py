"""The directory's reader on a real object store: who is disabled is known before anything counts."""

import json
import secrets
from collections.abc import Iterator
from datetime import date
from types import SimpleNamespace

import pytest
from pydantic import SecretStr, ValidationError

from common.directory import ACCESS, CURRENT, DirectoryReader, read_disabled
from common.domain.directory import BrokerLogin, Unit
from common.domain.names import Lane
from common.failure import Outage, Transient
from common.objects import Objects
from common.settings import ServiceSettings
from common.topology import NOTHING, SUBMIT, unit_topology
from intake.submission import submit_queues

FILE = b'{"version": 1, "units": [{"code": "A.01", "name": "A", "valid_from": "2025-07-01"},'
FILE += b' {"code": "B.02", "name": "B", "valid_from": "2025-07-01"}]}'


class OwnBucket(Objects):
    """The object store, with another bucket in the place of each."""

    def __init__(self, settings: ServiceSettings, name: str) -> None:
        super().__init__(settings)
        self.name = name

    async def get_key(self, bucket: str, key: str) -> bytes:
        return await super().get_key(self.name, key)

    async def keep(self, key: str, data: bytes) -> None:
        await self.put(self.name, key, data)


@pytest.fixture
def objects(stack: SimpleNamespace) -> Iterator[OwnBucket]:
    settings = ServiceSettings(
        s3_endpoint=stack.s3_endpoint,
        s3_access_key=SecretStr(stack.s3_access_key),
        s3_secret_key=SecretStr(stack.s3_secret_key),
    )
    bucket = OwnBucket(settings, f"test-directory-{secrets.token_hex(4)}")
    bucket.client.make_bucket(bucket.name)
    try:
        yield bucket
    finally:
        for stored_object in list(bucket.client.list_objects(bucket.name, recursive=True)):
            bucket.client.remove_object(bucket.name, stored_object.object_name or "")
        bucket.client.remove_bucket(bucket.name)


def disabled(*codes: str, **more: object) -> bytes:
    return json.dumps({"version": 1, "disabled": codes, **more}).encode()


async def test_before_the_first_list_nobody_is_disabled(objects: OwnBucket) -> None:
    await objects.keep(CURRENT, FILE)
    reader = DirectoryReader(objects, 5)
    await reader.refresh()
    assert reader.is_loaded
    assert reader.disabled == frozenset()


async def test_intake_takes_nothing_of_a_disabled_unit_and_the_rest_of_all_others(objects: OwnBucket) -> None:
    await objects.keep(CURRENT, FILE)
    reader = DirectoryReader(objects, 5)
    assert submit_queues(reader, Lane.NORMAL) == []
    await reader.refresh()
    assert submit_queues(reader, Lane.NORMAL) == ["submit.A.01.normal", "submit.B.02.normal"]
    await objects.keep(ACCESS, disabled("A.01", "X.99"))
    await reader.refresh()
    assert [submit_queues(reader, lane) for lane in Lane] == [["submit.B.02.normal"], ["submit.B.02.urgent"]]
    await objects.keep(ACCESS, disabled())
    await reader.refresh()
    assert len(submit_queues(reader, Lane.URGENT)) == 2


async def test_a_list_that_cannot_be_read_changes_nothing(objects: OwnBucket) -> None:
    await objects.keep(CURRENT, FILE)
    await objects.keep(ACCESS, disabled("A.01"))
    reader = DirectoryReader(objects, 5)
    await reader.refresh()
    await objects.keep(ACCESS, b"{")
    with pytest.raises(ValidationError):
        await reader.refresh()
    assert reader.disabled == {"A.01"}
    assert submit_queues(reader, Lane.NORMAL) == ["submit.B.02.normal"]


async def test_no_directory_counts_before_it_is_known_who_is_disabled(objects: OwnBucket) -> None:
    await objects.keep(CURRENT, FILE)
    await objects.keep(ACCESS, b'{"disabled": 1}')
    reader = DirectoryReader(objects, 5)
    with pytest.raises(ValidationError):
        await reader.refresh()
    assert not reader.is_loaded
    assert submit_queues(reader, Lane.NORMAL) == []


async def test_a_store_that_is_away_is_an_outage(stack: SimpleNamespace) -> None:
    away = OwnBucket(ServiceSettings(s3_endpoint="127.0.0.1:9"), "nowhere")
    with pytest.raises(Outage):
        await read_disabled(away)


async def test_what_is_refused_by_the_directory_is_refused_by_the_newest(objects: OwnBucket) -> None:
    await objects.keep(CURRENT, FILE)
    reader = DirectoryReader(objects, 3600)
    await reader.refresh()
    await reader.confirm()
    for key, data in ((CURRENT, FILE.replace(b"B.02", b"C.03")), (ACCESS, disabled("A.01"))):
        await objects.keep(key, data)
        with pytest.raises(Outage, match="changed"):
            await reader.confirm()
        await reader.confirm()
    assert set(reader.current.units) == {"A.01", "C.03"}


async def test_without_the_store_nothing_is_refused_by_the_directory(objects: OwnBucket) -> None:
    await objects.keep(CURRENT, FILE)
    reader = DirectoryReader(objects, 3600)
    await reader.refresh()
    reader._objects = OwnBucket(ServiceSettings(s3_endpoint="127.0.0.1:9"), "nowhere")
    with pytest.raises(Outage):
        await reader.confirm()
    assert reader.is_loaded


@pytest.mark.parametrize("key", [CURRENT, ACCESS])
async def test_by_a_directory_that_cannot_be_understood_nothing_is_refused_and_nothing_else_held_up(key: str) -> None:
    """It may be of a later release. As any other error it would be counted against the message."""
    contents = {CURRENT: FILE, ACCESS: disabled("A.01")}

    class Held:
        async def get_key(self, _: str, wanted: str) -> bytes:
            return contents[wanted]

    reader = DirectoryReader(Held(), 3600)  # type: ignore[arg-type]
    await reader.refresh()
    contents[key] = b'{"units": "of another kind", "disabled": "too"}'
    with pytest.raises(Transient) as raised:
        await reader.confirm()
    assert not isinstance(raised.value, Outage)
    assert set(reader.current.units) == {"A.01", "B.02"}


async def test_a_newer_list_is_read_by_an_older_reader(objects: OwnBucket) -> None:
    await objects.keep(ACCESS, disabled("A.01", reasons={"A.01": "x"}))
    assert await read_disabled(objects) == {"A.01"}


UNIT = Unit(code="A.01", name="A", valid_from=date(2025, 7, 1))


def test_the_user_of_a_disabled_unit_may_do_nothing_and_its_queues_stay() -> None:
    enabled, closed = unit_topology(UNIT), unit_topology(UNIT, is_disabled=True)
    assert (closed.queues, closed.bindings) == (enabled.queues, enabled.bindings)
    (user,) = closed.users
    assert (user.write, user.read, user.configure, user.has_password) == (NOTHING, NOTHING, NOTHING, False)
    assert [(topic.exchange, topic.write) for topic in user.topics] == [(SUBMIT, NOTHING)]
    assert user.limits == {"max-connections": 0, "max-channels": 0}
    assert user.limits.keys() == enabled.users[0].limits.keys()
    assert {topic.exchange for topic in user.topics} == {topic.exchange for topic in enabled.users[0].topics}


def test_a_unit_with_a_certificate_has_the_same_rights_and_no_password() -> None:
    by_certificate = Unit(code="A.01", name="A", valid_from=date(2025, 7, 1), broker_login=BrokerLogin.CERTIFICATE)
    (one,), (other,) = unit_topology(UNIT).users, unit_topology(by_certificate).users
    assert one.has_password
    assert not other.has_password
    assert (one.write, one.read, one.topics, one.limits) == (other.write, other.read, other.topics, other.limits)
