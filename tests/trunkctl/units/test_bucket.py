"""The bucket of the directory, on a real object store: history without gaps, and copies for the services."""

import hashlib
import io
import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from common.directory import ACCESS, CURRENT
from common.failure import Outage
from common.objects import Objects
from trunkctl.command_error import CommandError
from trunkctl.units.access_acts import access_entry
from trunkctl.units.bucket import DirectoryBucket
from trunkctl.units.history import Act, Decision, Entry, Head, following

NOW = datetime(2026, 11, 28, 8, tzinfo=UTC)


def file_of(*codes: str) -> bytes:
    units = [{"code": code, "name": code, "valid_from": "2025-07-01"} for code in codes]
    return json.dumps({"version": 1, "units": units}).encode()


def version_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def who(by: str = "A", at: datetime = NOW) -> Decision:
    return Decision(by=by, why="vì", at=at)


def into_force(data: bytes, at: datetime = NOW) -> Callable[[Head], Entry]:
    """An entry that puts a version into force."""

    def make(head: Head) -> Entry:
        state = head.state.model_copy(update={"in_force": version_of(data)})
        return following(head, Act.IMPORTED, who(at=at), state, version=version_of(data))

    return make


def access(act: Act, unit: str, by: str = "A") -> Callable[[Head], Entry]:
    return lambda head: access_entry(head, act, unit, who(by))


def put(objects: Objects, name: str, key: str, data: bytes) -> None:
    """Past the history, as somebody does who has the store's keys."""
    objects.client.put_object(name, key, io.BytesIO(data), len(data))


def read(objects: Objects, name: str, key: str) -> bytes:
    return objects.client.get_object(name, key).data


def test_an_empty_bucket(bucket: DirectoryBucket) -> None:
    assert bucket.head() == Head()
    assert bucket.directory("").units == {}
    assert bucket.in_force_at(NOW) is None
    with pytest.raises(CommandError, match="Entry 1 of the history is missing"):
        bucket.entry(1)


def test_services_read_what_the_newest_entry_says(bucket: DirectoryBucket, objects: Objects, bucket_name: str) -> None:
    data = file_of("A.01")
    bucket.keep_version(data)
    entry, noticed = bucket.record(into_force(data))
    assert (entry.number, noticed) == (1, [])
    assert read(objects, bucket_name, CURRENT) == data
    assert json.loads(read(objects, bucket_name, ACCESS)) == {"version": 1, "disabled": []}
    bucket.record(access(Act.DISABLED, "A.01"))
    assert json.loads(read(objects, bucket_name, ACCESS))["disabled"] == ["A.01"]
    assert bucket.head().number == 2
    assert bucket.head().state.disabled["A.01"].why == "vì"


def test_a_directory_of_before_the_history_is_in_force(
    bucket: DirectoryBucket, objects: Objects, bucket_name: str
) -> None:
    old, new = file_of("A.01"), file_of("A.01", "B.02")
    put(objects, bucket_name, CURRENT, old)
    assert bucket.head().state.in_force == version_of(old)
    assert set(bucket.directory(version_of(old)).units) == {"A.01"}
    bucket.keep_version(new)
    entry, noticed = bucket.record(into_force(new))
    assert (entry.before, noticed) == (version_of(old), [])
    assert read(objects, bucket_name, CURRENT) == new


def test_of_many_at_the_same_time_none_is_lost(bucket: DirectoryBucket, objects: Objects, bucket_name: str) -> None:
    """Each disables another unit, so each has to build upon all the others."""
    codes = [f"A.{number:02}" for number in range(8)]
    threads = [threading.Thread(target=bucket.record, args=(access(Act.DISABLED, code),)) for code in codes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert bucket.head().number == len(codes)
    assert set(bucket.head().state.disabled) == set(codes)
    assert json.loads(read(objects, bucket_name, ACCESS))["disabled"] == codes
    entries, broken = bucket.entries(1, len(codes))
    assert broken == []
    assert {entry.unit for entry in entries} == set(codes)


def test_what_a_decision_refuses_is_not_written(bucket: DirectoryBucket) -> None:
    def refuse(_: Head) -> Entry:
        raise CommandError("no")

    with pytest.raises(CommandError, match="no"):
        bucket.record(refuse)
    assert bucket.head().number == 0


def test_what_was_broken_off_is_finished_by_the_next_act(
    bucket: DirectoryBucket, objects: Objects, bucket_name: str
) -> None:
    """The command ended after its entry and before the copies for the services."""
    old, new = file_of("A.01"), file_of("A.01", "B.02")
    for data in (old, new):
        bucket.keep_version(data)
    bucket.record(into_force(old))
    entry = into_force(new)(bucket.head())
    put(objects, bucket_name, "history/00000002.json", entry.data)
    assert read(objects, bucket_name, CURRENT) == old
    bucket.record(access(Act.DISABLED, "B.02"))
    assert read(objects, bucket_name, CURRENT) == new


def test_a_version_that_nobody_recorded_is_replaced_kept_and_named(
    bucket: DirectoryBucket, objects: Objects, bucket_name: str
) -> None:
    ours, strange = file_of("A.01"), file_of("A.01", "X.99")
    bucket.keep_version(ours)
    bucket.record(into_force(ours))
    put(objects, bucket_name, CURRENT, strange)
    put(objects, bucket_name, ACCESS, b'{"version": 1, "disabled": ["A.01"]}')
    _, noticed = bucket.record(access(Act.PROVISIONED, "A.01"))
    assert [version_of(strange) in line for line in noticed] == [True]
    assert read(objects, bucket_name, CURRENT) == ours
    assert json.loads(read(objects, bucket_name, ACCESS))["disabled"] == []
    assert bucket.version_data(version_of(strange)) == strange


def test_the_version_of_a_day(bucket: DirectoryBucket) -> None:
    files = [file_of("A.01"), file_of("A.01", "B.02"), file_of("B.02")]
    for day, data in enumerate(files):
        bucket.keep_version(data)
        bucket.record(into_force(data, NOW + timedelta(days=day)))
        bucket.record(access(Act.PROVISIONED, "A.01"))

    def in_force_at(moment: datetime) -> str | None:
        entry = bucket.in_force_at(moment)
        return entry.state.in_force if entry else None

    assert in_force_at(NOW - timedelta(seconds=1)) is None
    for day, data in enumerate(files):
        assert in_force_at(NOW + timedelta(days=day)) == version_of(data)
        assert in_force_at(NOW + timedelta(days=day, hours=23)) == version_of(data)
    assert in_force_at(NOW + timedelta(days=1000)) == version_of(files[-1])


def test_altered_and_missing_entries_show(bucket: DirectoryBucket, objects: Objects, bucket_name: str) -> None:
    for code in ("A.01", "B.02", "C.03", "D.04"):
        bucket.record(access(Act.DISABLED, code))
    altered = bucket.entry(2).model_copy(update={"decision": who("somebody else")})
    put(objects, bucket_name, "history/00000002.json", altered.data)
    assert bucket.entries(1, 4)[1] == ["entry 3 was not written after entry 2 as that is now"]
    objects.client.remove_object(bucket_name, "history/00000002.json")
    entries, broken = bucket.entries(1, 4)
    assert [entry.number for entry in entries] == [1, 3, 4]
    assert broken == ["entry 2 is missing", "entry 3 was not written after entry 2 as that is now"]
    assert bucket.entries(4, 4)[1] == []


def test_what_is_no_entry_is_not_taken_for_one(bucket: DirectoryBucket, objects: Objects, bucket_name: str) -> None:
    bucket.record(access(Act.DISABLED, "A.01"))
    for name in ("readme.txt", "00000009.json.bak", "9.json", "x/00000007.json"):
        put(objects, bucket_name, f"history/{name}", b"x")
    assert bucket.head().number == 1
    put(objects, bucket_name, "history/00000002.json", b"{}")
    with pytest.raises(CommandError, match="Entry 2 of the history cannot be read"):
        bucket.head()


def test_copies_that_cannot_be_read_are_written_anew(
    bucket: DirectoryBucket, objects: Objects, bucket_name: str
) -> None:
    data = file_of("A.01")
    bucket.keep_version(data)
    bucket.record(into_force(data))
    for key in (CURRENT, ACCESS):
        put(objects, bucket_name, key, b"\xff{")
    noticed = bucket.publish_state()
    assert len(noticed) == 1
    assert read(objects, bucket_name, CURRENT) == data
    assert json.loads(read(objects, bucket_name, ACCESS)) == {"version": 1, "disabled": []}
    assert bucket.publish_state() == []


def test_an_altered_version_is_not_handed_out(bucket: DirectoryBucket, objects: Objects, bucket_name: str) -> None:
    version = bucket.keep_version(file_of("A.01"))
    put(objects, bucket_name, f"versions/{version}.json", file_of("B.02"))
    with pytest.raises(CommandError, match=f"Version {version} of the unit directory is altered"):
        bucket.directory(version)
    with pytest.raises(CommandError, match="is not in the store"):
        bucket.version_data("0" * 64)


def test_a_version_is_found_by_its_first_digits(bucket: DirectoryBucket) -> None:
    versions = [bucket.keep_version(file_of(code)) for code in ("A.01", "B.02")]
    assert bucket.find_version(versions[0][:12]) == versions[0]
    for digits in ("zzz", ""):
        with pytest.raises(CommandError, match=r"versions of the unit directory begin with"):
            bucket.find_version(digits)


def test_the_newest_entry_is_found_wherever_announcing_has_come_to(bucket: DirectoryBucket) -> None:
    for number in range(1, 6):
        bucket.record(access(Act.PROVISIONED, f"A.{number}"))
        for announced in (0, number - 1, number, number + 7):
            bucket.mark_announced(announced)
            assert bucket.head().number == number


def test_a_store_that_is_away_is_an_outage(objects: Objects) -> None:
    with pytest.raises(Outage):
        DirectoryBucket(objects, "no-such-bucket-anywhere").head()
    with pytest.raises(Outage):
        DirectoryBucket(objects, "no-such-bucket-anywhere").keep_version(b"{}")
