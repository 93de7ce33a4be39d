"""A command that ended between the history and the copies that services read is finished by its second run."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from common.directory import ACCESS, CURRENT
from common.failure import Outage
from common.objects import Objects
from trunkctl.commands import units_access, units_directory
from trunkctl.settings import ControlSettings
from trunkctl.units import bucket as bucket_module
from trunkctl.units.bucket import ENTRY_KEY, DirectoryBucket, disabled_units
from trunkctl.units.history import Decision

A = "A.1"


def directory_file(**fields: str) -> bytes:
    return json.dumps({"version": 1, "units": [{"code": A, "name": "A", "valid_from": "2025-07-01"} | fields]}).encode()


class MemoryBucket(DirectoryBucket):
    """The bucket in memory."""

    kept: dict[str, bytes]
    away: frozenset[str] = frozenset()
    """Keys that the store does not take at the moment."""

    def __init__(self, *_: Any) -> None:
        pass

    def _read(self, key: str) -> bytes | None:
        return self.kept.get(key)

    def _put(self, key: str, data: bytes) -> None:
        if key in self.away:
            raise Outage("object store", "away")
        self.kept[key] = data

    def _create(self, key: str, data: bytes) -> bool:
        return self.kept.setdefault(key, data) == data

    def _numbers(self, after: int) -> Iterator[int]:
        found = (int(match[1]) for key in self.kept if (match := ENTRY_KEY.fullmatch(key)))
        return (number for number in found if number > after)

    @property
    def access(self) -> list[str]:
        """The list that services read."""
        return list(json.loads(self.kept[ACCESS])["disabled"])


class Broker:
    """Takes everything."""

    def disable(self, unit: object) -> int:
        return 0

    def set_rights(self, unit: object) -> None:
        pass


class Person:
    """Who decides."""

    by = "Nguyễn Văn A"

    def __call__(self, by: str, why: str) -> Decision:
        return Decision(by=self.by, why="thử", at=datetime.now(UTC))


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> MemoryBucket:
    monkeypatch.setattr(MemoryBucket, "kept", {CURRENT: directory_file()}, raising=False)
    monkeypatch.setattr(MemoryBucket, "away", frozenset())
    for module in (units_directory, units_access):
        monkeypatch.setattr(module, "DirectoryBucket", MemoryBucket)
        monkeypatch.setattr(module, "settings", lambda _: ControlSettings())
        monkeypatch.setattr(module, "announce", lambda *_: True)
        monkeypatch.setattr(module, "decision", Person())
    monkeypatch.setattr(bucket_module, "DirectoryBucket", MemoryBucket)
    monkeypatch.setattr(units_access, "BrokerAccess", lambda *_: Broker())
    return MemoryBucket()


def broken_off(bucket: MemoryBucket, monkeypatch: pytest.MonkeyPatch, key: str, command: Any, *arguments: Any) -> None:
    """A run that ends before it writes the copy."""
    with monkeypatch.context() as away:
        away.setattr(MemoryBucket, "away", frozenset({key}))
        with pytest.raises(Outage):
            command(*arguments)


def test_disabling(bucket: MemoryBucket, monkeypatch: pytest.MonkeyPatch) -> None:
    broken_off(bucket, monkeypatch, ACCESS, units_access.disable, [A])
    units_access.disable([A])
    assert bucket.access == [A]


def test_enabling(bucket: MemoryBucket, monkeypatch: pytest.MonkeyPatch) -> None:
    units_access.disable([A])
    broken_off(bucket, monkeypatch, ACCESS, units_access.enable, [A])
    assert bucket.access == [A]
    units_access.enable([A])
    assert bucket.access == []


def test_confirming(bucket: MemoryBucket, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    file, changed = tmp_path / "units.json", directory_file(broker_user="other")
    file.write_bytes(changed)
    units_directory.units_import(file)
    pending = bucket.head().state.pending
    assert pending is not None
    monkeypatch.setattr(Person, "by", "Trần Thị B")
    broken_off(bucket, monkeypatch, CURRENT, units_directory.units_confirm, pending.version)
    assert bucket.kept[CURRENT] != changed
    units_directory.units_confirm(pending.version[:12])
    assert bucket.kept[CURRENT] == changed


def disabled(bucket: MemoryBucket) -> frozenset[str]:
    return asyncio.run(disabled_units(cast(Objects, None)))


@pytest.mark.parametrize("announced", [0, 1])
def test_the_topology_is_made_as_the_history_says(
    bucket: MemoryBucket, monkeypatch: pytest.MonkeyPatch, announced: int
) -> None:
    """``topology apply`` may not list keys; it reads on from the last entry that was announced."""
    units_access.disable([A])
    if announced:
        bucket.mark_announced(announced)
    monkeypatch.setattr(MemoryBucket, "_numbers", None)
    assert disabled(bucket) == {A}


def test_an_interrupted_disabling_counts_for_the_topology(
    bucket: MemoryBucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    units_access.disable([A])
    units_access.enable([A])
    broken_off(bucket, monkeypatch, ACCESS, units_access.disable, [A])
    assert bucket.access == []
    assert disabled(bucket) == {A}


def test_without_a_history_the_list_of_the_services_counts(
    bucket: MemoryBucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def listed(_: object) -> frozenset[str]:
        return frozenset({"B.1"})

    monkeypatch.setattr(bucket_module, "read_disabled", listed)
    assert disabled(bucket) == {"B.1"}
