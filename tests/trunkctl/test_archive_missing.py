"""Records that were taken out of the database are missed: by the entries of the ledger, and by the objects."""

import json
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from trunkctl.archive_missing import KEPT_FACTS, LATE, PAGE, Put, by_ledger, by_store, or_lost

NOW = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
LONG_AGO = NOW - LATE - timedelta(seconds=1)


def entry(package_id: str, recorded_at: datetime = LONG_AGO, **more: Any) -> dict[str, Any]:
    body = json.dumps({"package_id": package_id})
    return {"_id": f"d/:{package_id}:verified", "recorded_at": recorded_at, "body": body, **more}


class Records:
    """``OnRecord``, which counts how often it is asked."""

    def __init__(self, *package_ids: str) -> None:
        self.ids, self.asked = set(package_ids), 0

    def __call__(self, wanted: Collection[str]) -> set[str]:
        self.asked += 1
        return self.ids.intersection(wanted)


def test_the_facts_that_end_in_a_record() -> None:
    assert set(KEPT_FACTS) == {"document.verified", "document.refused", "package.refused", "notice.accepted"}


def test_an_entry_without_its_record_is_named() -> None:
    found = list(by_ledger(map(entry, ("p1", "p2", "p3")), Records("p1", "p3"), NOW))
    assert [(fault.record_id, fault.key) for fault in found] == [("p2", "d/:p2:verified")]


def test_an_entry_of_now_may_still_get_its_record() -> None:
    assert list(by_ledger([entry("p1", NOW - LATE)], Records(), NOW)) == []


def test_an_entry_without_a_time_is_late() -> None:
    broken = [entry("p1", recorded_at=None), entry("p2", recorded_at="now")]  # type: ignore[arg-type]
    assert [fault.record_id for fault in by_ledger(broken, Records(), NOW)] == ["p1", "p2"]


@pytest.mark.parametrize("body", ["", "[]", "{}", None])
def test_an_entry_that_cannot_be_read_is_told_by_the_comparison_with_the_log(body: Any) -> None:
    assert list(by_ledger([entry("p1", body=body)], Records(), NOW)) == []


def put(key: str, modified_at: datetime = LONG_AGO) -> Put:
    return Put(key, modified_at)


@pytest.mark.parametrize("names", [["record.json"], ["package.edxml", "record.json"], ["attachments/1-a"]])
def test_objects_without_a_record_are_named_once(names: list[str]) -> None:
    versions = [put("d/p1/record.json"), *(put(f"d/p2/{name}") for name in names), put("d/p3/record.json")]
    found = list(by_store(versions, Records("p1", "p3"), NOW))
    assert [(fault.record_id, fault.key) for fault in found] == [("p2", "d/p2")]


@pytest.mark.parametrize(
    "versions",
    [
        [put("d/p2/record.json", NOW)],
        [put("evidence/aa/2036")],
        [put("d/p2")],
        [],
    ],
    ids=["the archive is at it", "shared by records", "of no package", "nothing"],
)
def test_what_is_not_named(versions: list[Put]) -> None:
    assert list(by_store(versions, Records(), NOW)) == []


def test_a_package_that_a_restore_is_known_to_have_lost_is_not_named() -> None:
    known = or_lost(Records("p1"), ["p2"])
    assert [fault.record_id for fault in by_ledger(map(entry, ("p1", "p2", "p3")), known, NOW)] == ["p3"]
    versions = [put(f"d/{package_id}/record.json") for package_id in ("p1", "p2", "p3")]
    assert [fault.record_id for fault in by_store(versions, known, NOW)] == ["p3"]


def test_an_object_that_bears_the_name_of_a_folder_does_not_hide_it() -> None:
    """After a restore all are as old as each other."""
    versions = [put("d/p2"), put("d/p2/record.json")]
    assert [fault.key for fault in by_store(versions, Records(), NOW)] == ["d/p2"]


def test_records_are_asked_for_page_by_page() -> None:
    records = Records(*(f"p{number}" for number in range(2 * PAGE)))
    assert list(by_ledger((entry(f"p{number}") for number in range(2 * PAGE)), records, NOW)) == []
    assert records.asked == 2
