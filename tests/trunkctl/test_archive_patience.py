"""How long a run waits for objects that the store does not give: for one of them some seconds, for all a minute."""

import io
from types import SimpleNamespace
from typing import Any
from xml.etree.ElementTree import ParseError

import pytest
from minio.error import S3Error

from trunkctl import store_patience
from trunkctl.archive_store import ArchiveStore
from trunkctl.backup.copies import originals
from trunkctl.command_error import CommandError
from trunkctl.store_patience import PATIENCE_SECONDS, TRIES_AFTER_SECONDS, NoAnswer, Unreadable


class Answer(io.BytesIO):
    headers: dict[str, str] = {}  # noqa: RUF012

    def stream(self, _: int, decode_content: bool = True) -> list[bytes]:
        return [self.read()]

    def release_conn(self) -> None:
        """As the client library's answers do."""


class Client:
    """Answers, and gives an object only when it was asked for often enough."""

    def __init__(self, fails: int) -> None:
        self.fails, self.asked = fails, dict[str, int]()

    def list_buckets(self) -> list[Any]:
        return []

    def get_object(self, bucket: str, key: str, version_id: str) -> Answer:
        self.asked[key] = self.asked.get(key, 0) + 1
        if self.asked[key] <= self.fails:
            response: Any = SimpleNamespace(status=500, headers={}, data=b"")
            raise S3Error(response, "InternalError", "", f"/{bucket}/{key}", "", "", bucket, key)
        return Answer(b"x")


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    seconds: list[float] = []
    monkeypatch.setattr(store_patience.time, "sleep", seconds.append)
    return seconds


def test_many_damaged_objects_are_named_in_bounded_time(slept: list[float]) -> None:
    client: Any = Client(fails=100)
    store = ArchiveStore(client)
    for number in range(1_000):
        with pytest.raises(Unreadable):
            store.of("packages").held(f"{number}", "v")
    assert client.asked["0"] == len(TRIES_AFTER_SECONDS)
    assert client.asked["999"] == 1
    assert sum(slept) <= PATIENCE_SECONDS


def test_waits_that_helped_do_not_count(slept: list[float]) -> None:
    client: Any = Client(fails=1)
    store = ArchiveStore(client)
    assert all(store.held(f"{number}", "v") for number in range(1_000))
    assert sum(slept) > PATIENCE_SECONDS


@pytest.mark.parametrize(
    "failure", [ParseError(), ValueError("no date"), KeyError("Key")], ids=["xml", "date", "element"]
)
def test_an_answer_that_the_client_cannot_read_is_a_fault_of_the_object(
    failure: Exception, monkeypatch: pytest.MonkeyPatch, slept: list[float]
) -> None:
    def garbled(*_: Any, **__: Any) -> Any:
        raise failure

    client: Any = Client(fails=0)
    monkeypatch.setattr(client, "get_object", garbled)
    with pytest.raises(Unreadable, match=type(failure).__name__):
        ArchiveStore(client).held("a", "v")
    client.list_objects = garbled
    with pytest.raises(NoAnswer, match=type(failure).__name__):
        list(ArchiveStore(client).all_versions())
    with pytest.raises(CommandError, match=type(failure).__name__):
        list(originals(client, "archive"))
    assert len(slept) == len(TRIES_AFTER_SECONDS)
