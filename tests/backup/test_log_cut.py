"""What a backup copies of ``checkpoint``, of which there is a version for each batch: few, and it holds none."""

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from common.tlog.names import BATCH_CHECKPOINTS, CHECKPOINT, batch_checkpoint
from trunkctl.backup import log_cut

AT = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
BATCHES = 5_000


class Client:
    """Lists a log of many batches. ``odd``: versions of ``checkpoint`` that are of none."""

    def __init__(self, *odd: int) -> None:
        self.odd, self.listed = odd, 0

    def list_objects(self, _: str, prefix: str = "", **__: Any) -> Iterator[Any]:
        if prefix == BATCH_CHECKPOINTS:
            yield from (listed(batch_checkpoint(number), "v", f"etag {number}") for number in range(BATCHES))
        if prefix == CHECKPOINT:
            for number in reversed(range(BATCHES)):
                self.listed += 1
                etag = "of another history" if number in self.odd else f"etag {number}"
                yield listed(CHECKPOINT, f"v{number}", etag, AT + timedelta(seconds=number // 3))
            yield SimpleNamespace(object_name=BATCH_CHECKPOINTS, is_delete_marker=False)


def listed(name: str, version_id: str, etag: str, at: datetime = AT) -> Any:
    return SimpleNamespace(
        object_name=name, version_id=version_id, etag=etag, size=200, last_modified=at, is_delete_marker=False
    )


@pytest.fixture(autouse=True)
def _empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_cut, "end_of", lambda _: BATCHES)
    monkeypatch.setattr(log_cut, "all_tiles_of", lambda _: [])


def copied(client: Any) -> list[str]:
    return [each.version_id or "" for each in log_cut.log_originals(client, lambda _: None) if each.key == CHECKPOINT]


def test_of_the_newest_checkpoint_one_version_is_copied() -> None:
    assert copied(Client()) == [f"v{BATCHES - 1}"]


def test_versions_that_show_another_history_are_copied_and_stay_in_their_order() -> None:
    assert copied(Client(7, 8, BATCHES - 1)) == [f"v{BATCHES - 1}", "v8", "v7"]
    checkpoints = [each for each in log_cut.log_originals(Client(6, 7, 8), lambda _: None) if each.key == CHECKPOINT]  # type: ignore[arg-type]
    assert sorted(checkpoints, key=lambda each: each.order) == checkpoints[::-1]


def test_no_more_versions_are_listed_than_are_looked_at() -> None:
    client: Any = Client()
    assert len([*itertools.islice(log_cut.log_originals(client, lambda _: None), 1)]) == 1
    assert client.listed == 1
