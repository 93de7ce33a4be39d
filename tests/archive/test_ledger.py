"""The ledger on a real server: one entry a fact, whoever races, and what an earlier release has entered stays so."""

import asyncio
import secrets
from datetime import UTC, datetime

from archive.ledger import Ledger
from common.database import Database
from common.domain.names import Lane, PackageKind
from common.facts import PackageRepeated
from common.ledger import entry_key, entry_of
from tests.harness.chained import chained, chained_row

AT = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)


def fact(number: int, subject: str) -> PackageRepeated:
    return PackageRepeated(
        event_id=f"{subject}:{number}:1",
        occurred_at=AT,
        subject=subject,
        package_id="p" * 32,
        sender="A.01",
        document_id="1/TB",
        kind=PackageKind.NEW,
        lane=Lane.NORMAL,
        accepted=True,
        submitted_at=AT,
    )


async def test_entries_come_back_as_they_were(database: Database) -> None:
    ledger, subject = Ledger(database), secrets.token_hex(16)
    written = [(await ledger.append(fact(number, subject), datetime.now(UTC)))[0] for number in range(1, 4)]
    assert sorted(await ledger.entries(subject), key=lambda entry: entry.event_id) == written
    assert all(entry.leaf() for entry in written)


async def test_an_entry_is_one_insert_under_its_event_id(database: Database) -> None:
    ledger, subject = Ledger(database), secrets.token_hex(16)
    entry, _ = await ledger.append(fact(1, subject), AT)
    row = await database.collection("ledger").find_one({"_id": entry_key(subject, fact(1, subject).event_id)})
    assert row
    assert entry_of(row) == entry
    assert row["is_sealed"] is False
    assert await database.collection("ledger_events").find_one({}) is None


async def test_a_fact_that_comes_again_is_the_same_entry(database: Database) -> None:
    ledger, subject = Ledger(database), secrets.token_hex(16)
    first, is_first = await ledger.append(fact(1, subject), AT)
    assert is_first
    await ledger.append(fact(2, subject), AT)
    assert await ledger.append(fact(1, subject), datetime.now(UTC)) == (first, False)
    assert len(await ledger.entries(subject)) == 2


async def test_no_two_entries_have_the_same_salt(database: Database) -> None:
    ledger, subject = Ledger(database), secrets.token_hex(16)
    entries = [(await ledger.append(fact(number, subject), AT))[0] for number in range(8)]
    assert len({entry.salt for entry in entries}) == 8


async def test_workers_racing_on_one_document(database: Database) -> None:
    """Five workers, each with the same eight facts in another order."""
    subject = secrets.token_hex(16)
    numbers = range(1, 9)

    async def worker(shift: int) -> list[bool]:
        ledger = Ledger(database)
        shifted = [*numbers[shift:], *numbers[:shift]]
        appended = await asyncio.gather(*(ledger.append(fact(each, subject), datetime.now(UTC)) for each in shifted))
        return [is_first for _, is_first in appended]

    firsts = await asyncio.gather(*(worker(shift) for shift in range(5)))
    assert sum(map(sum, firsts)) == len(numbers)
    entries = await Ledger(database).entries(subject)
    assert sorted(entry.event_id for entry in entries) == [fact(number, subject).event_id for number in numbers]


async def test_documents_do_not_see_each_other(database: Database) -> None:
    ledger = Ledger(database)
    subject = secrets.token_hex(16)
    for other in (subject[:-1], subject, subject + "0"):
        await ledger.append(fact(1, other), AT)
    assert len(await ledger.entries(subject)) == 1


async def test_what_an_earlier_release_has_entered_is_not_entered_again(database: Database) -> None:
    """Its claim may have outlived a crash, without an entry."""
    subject = secrets.token_hex(16)
    former = chained((fact(number, subject), AT) for number in (1, 2))
    await database.collection("ledger").insert_many([chained_row(entry) for entry in former])
    events = [{"_id": f"{subject}/{fact(number, subject).event_id}"} for number in (1, 2, 3)]
    await database.collection("ledger_events").insert_many(events)
    ledger = Ledger(database)
    for number, entry in enumerate(former, start=1):
        assert await ledger.append(fact(number, subject), datetime.now(UTC)) == (entry, False)
    for number in (3, 4):
        _, is_first = await ledger.append(fact(number, subject), datetime.now(UTC))
        assert is_first
    assert len(await ledger.entries(subject)) == 4
