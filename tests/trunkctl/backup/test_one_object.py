"""``restore object``: of an object of a store in use, what is damaged or gone is put back, and nothing else."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from common.domain.reason import Reason
from common.objects import ARCHIVE, CONTENT, LOG, PACKAGES
from common.tlog.names import CHECKPOINT
from trunkctl import store_patience
from trunkctl.command_error import CommandError
from trunkctl.restore.one_object import ObjectRestore

from .memory_store import MemoryStore, locked, refusal

BACKUP = "backup"
KEY = "aa/package-1/record.json"
PLACE = f"{ARCHIVE}/{KEY}"
UNTIL = datetime(2050, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_patience.time, "sleep", lambda _: None)


class Rows:
    """Rows of one collection. Of a query it understands alternatives, equality, and dots into objects and lists."""

    def __init__(self, *rows: Mapping[str, Any]) -> None:
        self.rows = rows

    def find_one(self, wanted: Mapping[str, Any], _: object = None) -> Mapping[str, Any] | None:
        return next((row for row in self.rows if self._fits(row, wanted)), None)

    def _fits(self, row: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
        return all(
            any(self._fits(row, each) for each in value) if name == "$or" else value in values_at(row, name)
            for name, value in wanted.items()
        )


def values_at(value: Any, path: str) -> list[Any]:
    """What lies at a path of fields; of a list, in each of its elements."""
    if isinstance(value, list):
        return [each for element in value for each in values_at(element, path)]
    if not path:
        return [value]
    name, _, rest = path.partition(".")
    return values_at(value[name], rest) if isinstance(value, Mapping) and name in value else []


class World:
    """The trunk's store, the second store with copies of it, and intake's rows."""

    def __init__(self) -> None:
        self.store, self.second = MemoryStore(), MemoryStore()
        self.packages, self.removals = Rows(), Rows()

    def keep(self, data: bytes, *, bucket: str = ARCHIVE, key: str = KEY, **headers: str) -> str:
        """Put a version and its copy. Returns the version."""
        version = self.store.put(bucket, key, data, **headers)
        said = {"sha256": hashlib.sha256(data).hexdigest(), "version": version, "order": version}
        metadata = {f"x-amz-meta-trunk-{name}": value for name, value in said.items()}
        self.second.put(BACKUP, f"objects/{bucket}/{key}/{version}", data, **metadata, **headers)
        return version

    def damage(self, version: str, data: bytes = b"flipped", *, bucket: str = ARCHIVE, key: str = KEY) -> None:
        self.store.objects[bucket, key][version].data = data

    def lose(self, *, bucket: str = ARCHIVE, key: str = KEY) -> None:
        del self.store.objects[bucket, key]

    def restore(self, place: str = PLACE, version: str = "") -> list[str]:
        database: Any = {"trunk_intake": {"packages": self.packages, "removals": self.removals}}
        second: Any = self.second
        store: Any = self.store
        return ObjectRestore(second, BACKUP, store, database).run(place, version)

    def newest(self, *, bucket: str = ARCHIVE, key: str = KEY) -> Any:
        *_, stored = self.store.objects[bucket, key].values()
        return stored


@pytest.fixture
def world() -> World:
    return World()


def test_a_lost_object_comes_back_under_lock_and_names_the_version_that_it_replaces(world: World) -> None:
    former = world.keep(b"record", **locked(UNTIL))
    world.keep(b"of another key", key=f"{KEY}2")
    world.lose()
    (version,) = world.restore()
    assert list(world.store.objects[ARCHIVE, KEY]) == [version]
    restored = world.newest()
    assert restored.data == b"record"
    assert restored.headers["x-amz-meta-trunk-version"] == former
    assert restored.headers["x-amz-object-lock-retain-until-date"] == UNTIL.isoformat()
    assert len(world.store.objects[ARCHIVE, f"{KEY}2"]) == 1


@pytest.mark.parametrize("damage", ["flipped", "not given"])
def test_a_damaged_version_stays_and_the_copy_lies_above_it(world: World, damage: str) -> None:
    former = world.keep(b"record")
    if damage == "flipped":
        world.damage(former)
    else:
        get_object = world.store.get_object

        def get(bucket: str, key: str, version_id: str | None = None) -> Any:
            if version_id == former:
                raise refusal("InternalError", bucket, key)
            return get_object(bucket, key, version_id)

        world.store.get_object = get  # type: ignore[method-assign]
    (version,) = world.restore()
    assert list(world.store.objects[ARCHIVE, KEY]) == [former, version]
    assert world.newest().data == b"record"
    assert world.restore() == [], "once is enough"


def test_what_is_sound_is_not_put_again(world: World) -> None:
    world.keep(b"record")
    assert world.restore() == []
    assert len(world.store.objects[ARCHIVE, KEY]) == 1


def test_of_several_versions_with_the_same_bytes_the_lost_one_is_put_back(world: World) -> None:
    """Two replicas may have put the same record; each names its own version."""
    first, second = world.keep(b"record"), world.keep(b"record")
    world.damage(first)
    (version,) = world.restore()
    assert world.newest().headers["x-amz-meta-trunk-version"] == first
    assert list(world.store.objects[ARCHIVE, KEY]) == [first, second, version]


def test_of_versions_with_different_bytes_the_operator_chooses(world: World) -> None:
    record, overlaid = world.keep(b"record"), world.keep(b"what a thief laid over it")
    world.damage(record)
    with pytest.raises(CommandError, match=f"have different bytes: {record} .*; {overlaid} .*Use --version"):
        world.restore()
    world.restore(version=record)
    assert world.newest().data == b"record"


def test_bytes_that_somebody_laid_over_the_copy_are_not_put_back(world: World) -> None:
    data = b"a package"
    key = f"ab/{hashlib.sha256(data).hexdigest()}-id"
    version = world.keep(data, bucket=PACKAGES, key=key)
    world.lose(bucket=PACKAGES, key=key)
    forged = {"x-amz-meta-trunk-sha256": hashlib.sha256(b"forged").hexdigest(), "x-amz-meta-trunk-version": version}
    world.second.put(BACKUP, f"objects/{PACKAGES}/{key}/{version}", b"forged", **forged)
    world.restore(f"{PACKAGES}/{key}")
    assert world.newest(bucket=PACKAGES, key=key).data == data


@pytest.mark.parametrize(
    ("packages", "removals", "sentence"),
    [
        ({"purge": [{"bucket": ARCHIVE, "key": KEY}]}, {}, "because the package is secret"),
        ({"reason": Reason.E_SECRET.value, "package": {"key": KEY}}, {}, "because the package is secret"),
        ({}, {"bucket": ARCHIVE, "key": KEY}, "removed at its end"),
    ],
    ids=["purged", "found secret", "came to its end"],
)
def test_what_was_removed_by_right_does_not_come_back(
    world: World, packages: dict[str, Any], removals: dict[str, Any], sentence: str
) -> None:
    world.keep(b"record")
    world.lose()
    world.packages, world.removals = Rows(packages), Rows(removals)
    with pytest.raises(CommandError, match=sentence):
        world.restore()
    assert (ARCHIVE, KEY) not in world.store.objects
    world.packages = Rows({"purge": [{"bucket": ARCHIVE, "key": "another"}], "reason": Reason.E_SECRET.value})
    world.removals = Rows({"bucket": CONTENT, "key": KEY})
    assert world.restore()


def test_without_a_sound_copy_nothing_is_put(world: World) -> None:
    world.keep(b"record")
    world.lose()
    (copy,) = (key for bucket, key in world.second.objects if bucket == BACKUP)
    for stored in world.second.objects[BACKUP, copy].values():
        stored.data = b"flipped"
    with pytest.raises(CommandError, match=r"no sound copy of archive/.* is damaged at the second store"):
        world.restore()
    world.second.failing[BACKUP, copy] = refusal("InternalError", BACKUP, copy)
    with pytest.raises(CommandError, match=r"no sound copy of archive/.* cannot be read: InternalError"):
        world.restore()
    with pytest.raises(CommandError, match="no sound copy of archive/nothing"):
        world.restore(f"{ARCHIVE}/nothing")


@pytest.mark.parametrize("place", [f"{LOG}/{CHECKPOINT}", "directory/current", "uploads/A.1/x", ARCHIVE, ""])
def test_what_is_put_again_and_again_is_not_put_back(world: World, place: str) -> None:
    with pytest.raises(CommandError, match="is no object of content, packages, archive, log that is written once"):
        world.restore(place)


def test_a_tile_of_the_log_is_locked_for_as_long_as_a_new_one(world: World) -> None:
    version = world.keep(b"tile", bucket=LOG, key="tile/0/000", **locked(UNTIL))
    world.damage(version, bucket=LOG, key="tile/0/000")
    world.restore(f"{LOG}/tile/0/000")
    restored = world.newest(bucket=LOG, key="tile/0/000")
    until = datetime.fromisoformat(restored.headers["x-amz-object-lock-retain-until-date"])
    assert until > datetime(2120, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("away", ["store", "second"])
def test_a_store_that_is_away_is_named(world: World, away: str) -> None:
    world.keep(b"record")
    getattr(world, away).is_away = True
    with pytest.raises(CommandError, match="does not answer as it should"):
        world.restore()
