"""An upload that its unit made unreadable holds up nobody else, and is not taken for a store that is away."""

import hashlib
import io
from types import SimpleNamespace
from typing import Any

import pytest
import urllib3
from minio.error import S3Error

from common import objects as objects_module
from common.facts import ObjectRef
from common.failure import Outage, Transient
from common.objects import SUCCESS_COUNTS_SECONDS, UPLOADS, ObjectAltered, Objects
from common.packing import packed
from common.settings import ServiceSettings

DATA = b"<edXML>as it was put</edXML>"
ENCRYPTED = S3Error("InvalidRequest", "encrypted with a key of its owner", "", "", "", urllib3.HTTPResponse())  # type: ignore[arg-type]


def ref(name: str) -> ObjectRef:
    return ObjectRef(bucket=UPLOADS, key=f"A.1/{name}", sha256=hashlib.sha256(DATA).hexdigest(), size_bytes=len(DATA))


class Client:
    """The store's client: answers with ``DATA``, or with an error."""

    def __init__(self) -> None:
        self.errors: dict[str, Exception] = {}
        """By the last part of a key, or by a version."""
        self.data: dict[str | None, bytes] = {}
        """Of versions that are not ``DATA``."""
        self.is_away = False
        self.headers: dict[str, str] = {}

    def get_object(self, bucket: str, key: str, version_id: str | None = None) -> Any:
        self._step()
        if error := self.errors.get(key.rpartition("/")[2]) or self.errors.get(version_id or "newest"):
            raise error
        data = self.data.get(version_id, DATA)
        return urllib3.HTTPResponse(body=io.BytesIO(data), headers=self.headers, preload_content=False)

    def list_objects(self, bucket: str, prefix: str, **_: Any) -> list[Any]:
        self._step()
        if error := self.errors.get(prefix.rpartition("/")[2]):
            raise error
        return []

    def list_buckets(self) -> list[Any]:
        self._step()
        return []

    def _step(self) -> None:
        if self.is_away:
            raise urllib3.exceptions.ProtocolError("away")


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    clock = SimpleNamespace(seconds=1000.0)
    monkeypatch.setattr(objects_module, "loop_time", lambda: clock.seconds)
    return clock


@pytest.fixture
def objects(client: Client, clock: SimpleNamespace) -> Objects:
    objects = Objects(ServiceSettings())
    objects.client = client  # type: ignore[assignment]
    return objects


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br, gzip", "aws-chunked"])
async def test_the_bytes_are_those_that_were_put_whatever_their_encoding_is_said_to_be(
    objects: Objects, client: Client, encoding: str
) -> None:
    client.headers = {"Content-Encoding": encoding}
    assert await objects.get(ref("letter")) == DATA


ASKED = {"fetch": lambda objects, ref: objects.get(ref), "check": Objects.check, "purge": Objects.purge}


@pytest.mark.parametrize("how", ASKED)
@pytest.mark.parametrize(
    "error",
    [ENCRYPTED, urllib3.exceptions.ProtocolError("got more than 100 headers"), ValueError("no XML")],
    ids=["encrypted", "too many headers", "unreadable list"],
)
async def test_an_object_that_cannot_be_read_counts_its_attempts_while_others_can(
    objects: Objects, client: Client, how: str, error: Exception
) -> None:
    await objects.get(ref("of another unit"))
    client.errors["bad"] = error
    for _ in range(3):
        with pytest.raises(Transient) as failure:
            await ASKED[how](objects, ref("bad"))  # type: ignore[no-untyped-call]
        assert not isinstance(failure.value, Outage)
        assert "uploads/A.1/bad" in failure.value.detail


async def fails(objects: Objects, name: str) -> type[Exception]:
    try:
        await objects.get(ref(name))
    except Transient as error:
        return type(error)
    raise AssertionError("it was read")


async def test_a_store_that_is_away_is_an_outage(objects: Objects, client: Client) -> None:
    await objects.get(ref("other"))
    client.is_away = True
    assert await fails(objects, "letter") is Outage


async def test_as_long_as_nothing_was_read_it_may_be_the_store(
    objects: Objects, client: Client, clock: SimpleNamespace
) -> None:
    client.errors = {"bad": ENCRYPTED}
    assert await fails(objects, "bad") is Outage
    await objects.get(ref("other"))
    assert await fails(objects, "bad") is Transient
    clock.seconds += SUCCESS_COUNTS_SECONDS + 1
    assert await fails(objects, "bad") is Outage


@pytest.mark.parametrize("how", ["fetch", "check"])
async def test_bytes_that_a_reference_carries_do_not_show_that_the_store_answers(
    objects: Objects, client: Client, how: str
) -> None:
    await ASKED[how](objects, ref("carried").model_copy(update={"packed": packed(DATA)}))  # type: ignore[no-untyped-call]
    client.errors["bad"] = ENCRYPTED
    assert await fails(objects, "bad") is Outage


async def test_what_was_read_before_is_not_at_fault_itself(objects: Objects, client: Client) -> None:
    await objects.get(ref("letter"))
    client.errors = {"letter": ENCRYPTED}
    assert await fails(objects, "letter") is Outage


DAMAGES: dict[str, bytes | Exception] = {
    "other bytes": DATA.replace(b"put", b"cut"),
    "longer": DATA + b"x",
    "shorter": DATA[:-1],
    "not given": S3Error("InternalError", "checksum", "", "", "", urllib3.HTTPResponse()),  # type: ignore[arg-type]
    "cut off": urllib3.exceptions.IncompleteRead(3, 5),
}


@pytest.mark.parametrize("how", ["fetch", "check"])
@pytest.mark.parametrize("damage", DAMAGES)
async def test_of_a_damaged_version_the_one_that_was_put_back_is_read(
    objects: Objects, client: Client, how: str, damage: str
) -> None:
    def harm(version: str | None) -> None:
        match DAMAGES[damage]:
            case bytes() as data:
                client.data[version] = data
            case Exception() as error:
                client.errors[version or "newest"] = error

    await objects.get(ref("of another unit"))
    harm("v1")
    named = ref("letter").model_copy(update={"version_id": "v1"})
    for _ in range(2):
        assert await ASKED[how](objects, named) in (DATA, None)  # type: ignore[no-untyped-call]
    harm(None)
    with pytest.raises((ObjectAltered, Transient)) as failure:
        await ASKED[how](objects, named)  # type: ignore[no-untyped-call]
    assert isinstance(failure.value, ObjectAltered) is isinstance(DAMAGES[damage], bytes)


async def test_a_damaged_version_is_named_though_there_is_no_other(objects: Objects, client: Client) -> None:
    client.data["v1"] = b"other"
    client.errors["newest"] = S3Error("NoSuchKey", "hidden", "", "", "", urllib3.HTTPResponse())  # type: ignore[arg-type]
    with pytest.raises(ObjectAltered):
        await objects.get(ref("letter").model_copy(update={"version_id": "v1"}))


async def test_a_store_that_is_away_is_not_asked_for_another_version(objects: Objects, client: Client) -> None:
    asked_versions: list[str | None] = []

    def refused(_: str, __: str, version_id: str | None = None) -> Any:
        asked_versions.append(version_id)
        raise urllib3.exceptions.MaxRetryError(None, "", None)  # type: ignore[arg-type]

    client.get_object = refused  # type: ignore[method-assign]
    with pytest.raises(Outage):
        await objects.get(ref("letter").model_copy(update={"version_id": "v1"}))
    assert asked_versions == ["v1"]
