"""The ledger in the database against the log: what was changed, removed or added since is named, for every entry."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from bson.int64 import Int64
from pymongo import MongoClient

from archive.record import Parts
from archive.record import record as make_record
from archive.retention import read_table
from common.ledger import new_entry, new_salt, row_of
from common.tlog.audit import Fault
from tests.archive.conftest import Material
from tests.archive.test_ledger import fact
from tests.harness.chained import chained, chained_row
from trunkctl.archive_records import inexact
from trunkctl.command_error import CommandError
from trunkctl.commands.archive import _ranges
from trunkctl.log.rows import LedgerRows

from .whole import AT, Whole, entry

pytestmark = pytest.mark.servers
WHOLE = Whole(5, 200)
NOW = AT + timedelta(hours=1)


@pytest.fixture(scope="module")
def collections(request: pytest.FixtureRequest) -> Iterator[tuple[Any, Any]]:
    stack = request.getfixturevalue("stack")
    client: MongoClient[dict[str, Any]] = MongoClient(stack.mongo_uri, tz_aware=True)
    name = f"test_log_rows_{uuid4().hex[:8]}"
    yield client[name]["ledger"], client[name]["batches"]
    client.drop_database(name)
    client.close()


@pytest.fixture
def rows(collections: tuple[Any, Any]) -> LedgerRows:
    for collection, content in zip(collections, (WHOLE.rows, WHOLE.batches), strict=True):
        collection.delete_many({})
        collection.insert_many(content)
    return LedgerRows(*collections)


def found(rows: LedgerRows, **options: Any) -> list[Fault]:
    return list(rows.faults(WHOLE.verified, NOW, **options))


def nowhere(leaf: bytes, start: int, end: int) -> int | None:
    """The log is not asked."""
    raise AssertionError((leaf, start, end))


def test_a_ledger_that_is_as_it_was_sealed(rows: LedgerRows) -> None:
    assert found(rows) == []
    assert [rows.place(row, nowhere) for row in rows.named("d" * 32)] == list(range(200))
    assert [row["event_id"] for row in rows.named("p007")] == ["p007:repeated:1"]
    assert [row["event_id"] for row in rows.named("p007:repeated:1")] == ["p007:repeated:1"]


CHANGES: list[dict[str, Any]] = [
    {"body": "{}"},
    {"fact": "document.verified"},
    {"recorded_at": AT - timedelta(days=1)},
    {"salt": new_salt()},
    {"salt": b""},
    {"event_id": "other"},
    {"subject": "e" * 32},
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: next(iter(change)))
def test_a_changed_row_is_named_with_its_place(rows: LedgerRows, collections: Any, change: dict[str, Any]) -> None:
    for place in range(0, 200, 29):
        key = WHOLE.entries[place].key
        collections[0].update_one({"_id": key}, {"$set": change})
        names = [fault.name for fault in found(rows)]
        assert names == [key, f"entry {place} of the log"]
        collections[0].replace_one({"_id": key}, WHOLE.rows[place])


def test_a_removed_row_is_named(rows: LedgerRows, collections: Any) -> None:
    for place in (0, 4, 5, 199):
        collections[0].delete_one({"_id": WHOLE.entries[place].key})
        assert [fault.name for fault in found(rows)] == [f"entry {place} of the log"]
        collections[0].insert_one(WHOLE.rows[place])


def test_an_added_row_is_named_once_it_is_late_or_says_that_it_is_sealed(rows: LedgerRows, collections: Any) -> None:
    late, sealed, new = entry(300), entry(301), entry(302)
    collections[0].insert_one(row_of(late))
    collections[0].insert_one(row_of(sealed) | {"is_sealed": True, "batch": 5})
    collections[0].insert_one(row_of(new) | {"recorded_at": NOW})
    assert [(fault.name, fault.what.split(":")[0]) for fault in found(rows)] == [
        (late.key, "is not in the log after 3300 seconds"),
        (sealed.key, "does not give a leaf of the log"),
    ]


def test_entries_that_a_restore_has_lost_are_told_unless_somebody_names_them(
    rows: LedgerRows, collections: Any
) -> None:
    """Otherwise whoever removes entries would only have to empty their batch."""
    collections[0].delete_many({"batch": 5})
    collections[1].replace_one({"start": 5}, {"_id": f"{5:016d}", "start": 5, "size": 200, "entries": []})
    assert [fault.name for fault in found(rows)] == ["entries 5 to 199 of the log"]
    assert [fault.name for fault in found(rows, adopted={(5, 199): None})] == ["entries 5 to 199 of the log"]
    assert found(rows, adopted={(5, 200): None}) == []
    assert found(rows, adopted={(5, 200): 0}) == []


def test_where_a_restore_has_lost_nothing_there_is_nothing_to_confirm(rows: LedgerRows, collections: Any) -> None:
    collections[1].replace_one({"start": 5}, {"_id": f"{5:016d}", "start": 5, "size": 200, "entries": []})
    assert found(rows) == []
    collections[0].delete_one({"_id": WHOLE.entries[7].key})
    (fault,) = found(rows)
    assert "but for 194" in fault.what


def test_what_a_restore_has_left_of_lost_entries_must_stay(rows: LedgerRows, collections: Any) -> None:
    """Otherwise whoever removes them later would be covered by what was confirmed."""
    left = [WHOLE.entries[place].key for place in (7, 8, 9)]
    collections[0].delete_many({"batch": 5, "_id": {"$nin": left}})
    collections[1].replace_one({"start": 5}, {"_id": f"{5:016d}", "start": 5, "size": 200, "entries": []})
    (fault,) = found(rows)
    assert fault.what.endswith("lost by a restore of the database but for 3: if so, name them as 5-200/3")
    adopted = _ranges(["5-200/3"])
    assert found(rows, adopted=adopted) == []
    collections[0].delete_one({"_id": left[1]})
    (fault,) = found(rows, adopted=adopted)
    assert fault.what == "were lost but for 3, and the ledger has 2 of them: removed, or changed"


@pytest.mark.parametrize("written", ["5", "5-", "5-200/", "5-200/x", "a-b", "-5-200"])
def test_a_range_that_is_none_is_said(written: str) -> None:
    with pytest.raises(CommandError, match="START-END/KEPT"):
        _ranges([written])


def test_an_entry_of_a_batch_that_a_restore_has_lost_is_looked_for_in_the_log(
    rows: LedgerRows, collections: Any
) -> None:
    """Also where its row names a batch of which the adopted one is more."""
    collections[1].delete_many({})
    collections[1].insert_one({"_id": f"{0:016d}", "start": 0, "size": 200, "entries": []})
    find = WHOLE.written.tree().find
    assert [rows.place(row, find) for row in rows.named("d" * 32)] == list(range(200))
    with pytest.raises(ValueError, match="are others than"):
        rows.place(row_of(entry(300)) | {"batch": 5}, find)
    assert rows.place(row_of(entry(300)) | {"batch": 200}, find) is None


@pytest.mark.parametrize("field", ["recorded_at", "body", "salt", "fact"])
@pytest.mark.parametrize("value", [None, 7, [1]], ids=str)
def test_a_row_that_cannot_be_read_is_named_and_the_others_are_compared(
    rows: LedgerRows, collections: Any, field: str, value: Any
) -> None:
    key, broken = WHOLE.entries[3].key, row_of(entry(300))
    collections[0].update_one({"_id": key}, {"$set": {field: value}})
    collections[0].insert_one(broken | {field: value})
    collections[0].delete_one({"_id": WHOLE.entries[8].key})
    names = {fault.name for fault in found(rows)}
    assert names == {key, broken["_id"], "entry 3 of the log", "entry 8 of the log"}


def test_a_record_that_says_otherwise_than_its_entry_is_named(rows: LedgerRows, collections: Any) -> None:
    """Its objects may agree with it: whoever has the archive's keys can put others."""
    fact = Material().verified()
    made = new_entry(fact, AT, new_salt())
    collections[0].insert_one(row_of(made))
    record, _ = make_record(fact, Parts(), made, read_table())
    row = {"_id": record.record_id, **record.model_dump()}
    assert list(rows.record_faults([row])) == []
    assert list(rows.record_faults([row | {"label": "CERTIFIED_COPY"}, row])) == [
        (record.record_id, f"its label is not the one of its entry {made.key}")
    ]


@pytest.mark.parametrize("seq", ["0", 0.0, False], ids=repr)
def test_a_record_with_a_number_of_another_type_is_compared_with_its_entry(
    rows: LedgerRows, collections: Any, seq: Any
) -> None:
    """It is read as a record, so that it must not pass unseen."""
    fact = Material().verified()
    made = new_entry(fact, AT, new_salt())
    collections[0].insert_one(row_of(made))
    record, _ = make_record(fact, Parts(), made, read_table())
    row = {"_id": record.record_id, **record.model_dump(), "ledger_seq": seq}
    of_another_type = (record.record_id, "its ledger_seq is of another type than the archive writes")
    assert list(rows.record_faults([row])) == [of_another_type]
    assert list(rows.record_faults([row | {"label": "CERTIFIED_COPY"}])) == [
        of_another_type,
        (record.record_id, f"its label is not the one of its entry {made.key}"),
    ]


def test_types_are_compared_down_to_the_objects_and_as_the_database_gives_them() -> None:
    fact = Material().verified()
    record, _ = make_record(fact, Parts(), new_entry(fact, AT, new_salt()), read_table())
    row = {"_id": record.record_id, **record.model_dump(), "written_by": "an earlier release"}
    as_read = row | {"objects": [each | {"size_bytes": Int64(each["size_bytes"])} for each in row["objects"]]}
    assert record.objects
    assert inexact(as_read, record) == ""
    other = [each | {"size_bytes": f"{each['size_bytes']}"} for each in row["objects"]]
    assert inexact(row | {"objects": other}, record) == "objects"
    assert inexact(row | {"retain_until": record.retain_until.isoformat()}, record) == "retain_until"


@pytest.mark.parametrize(
    "batch",
    [
        {"_id": "!", "start": 0, "size": 10**12, "entries": []},
        {"_id": f"{200:016d}", "start": 7, "size": 10**12, "entries": []},
        {"_id": f"{200:016d}", "start": 200, "size": 202, "entries": ["one"]},
        {"_id": "x"},
        {"_id": "x", "start": "200", "size": [], "entries": 7},
    ],
    ids=["before all", "with a wrong start", "with another number of entries", "with nothing", "with other types"],
)
def test_a_batch_that_does_not_follow_the_others_is_named(
    rows: LedgerRows, collections: Any, batch: dict[str, Any]
) -> None:
    collections[1].insert_one(batch)
    assert f"batch {batch['_id']}" in [fault.name for fault in found(rows)]


def test_a_row_under_another_key_and_a_second_one_are_named(rows: LedgerRows, collections: Any) -> None:
    one, other = WHOLE.rows[3], WHOLE.rows[8]
    collections[0].insert_one(one | {"_id": f"{one['subject']}/:copy"})
    collections[0].delete_one({"_id": other["_id"]})
    collections[0].insert_one(other | {"_id": f"{other['subject']}/:moved"})
    assert {fault.name for fault in found(rows)} >= {f"{one['subject']}/:copy", f"{other['subject']}/:moved"}


def test_what_was_sealed_since_the_log_was_read_is_left_to_the_next_check(rows: LedgerRows, collections: Any) -> None:
    new = entry(300)
    collections[0].insert_one(row_of(new) | {"is_sealed": True, "batch": 200})
    leaf = bytes.fromhex(new.leaf_hash())
    assert found(rows, since=lambda size: {leaf} if size == 200 else set()) == []
    assert [fault.name for fault in found(rows)] == [new.key]


@pytest.mark.parametrize("batch", [200, 201, 10**12])
def test_no_row_counts_as_sealed_because_it_names_a_batch_to_come(
    rows: LedgerRows, collections: Any, batch: int
) -> None:
    """Whoever may write to the database alone could keep an entry out of the log for ever."""
    kept_out = entry(300)
    collections[0].insert_one(row_of(kept_out) | {"is_sealed": True, "batch": batch})
    others = {bytes.fromhex(entry(number).leaf_hash()) for number in range(301, 310)}
    assert [fault.name for fault in found(rows, since=lambda _: others)] == [kept_out.key]
    sealed = WHOLE.entries[3]
    collections[0].delete_one({"_id": kept_out.key})
    collections[0].update_one({"_id": sealed.key}, {"$set": {"batch": batch, "body": "{}"}})
    assert {fault.name for fault in found(rows, since=lambda _: others)} == {sealed.key, "entry 3 of the log"}


def test_entries_that_are_not_carried_yet_are_counted(rows: LedgerRows, collections: Any) -> None:
    former = chained((fact(number, "f" * 32), AT) for number in range(3))
    collections[0].insert_many(map(chained_row, former))
    assert [fault.name for fault in found(rows)] == ["3 entries of earlier releases"]


def test_a_record_names_the_leaf_of_its_entry(rows: LedgerRows) -> None:
    one = WHOLE.entries[3]
    record = {"_id": "p003", "document_key": one.subject, "event_id": one.event_id, "ledger_seq": 0}
    assert list(rows.record_faults([record | {"ledger_hash": one.leaf_hash()}])) == []
    assert list(rows.record_faults([record | {"ledger_hash": "0" * 64}])) == [
        ("p003", f"its entry {one.key} is not the one that the record names")
    ]
    assert list(rows.record_faults([record | {"event_id": "x", "ledger_hash": "0" * 64}])) == [
        ("p003", f"its entry {one.subject}/:x is not in the ledger")
    ]
