"""The ledger on a real server: one entry a fact, no gaps, whoever races."""

import asyncio
import secrets
from datetime import UTC, datetime

from archive.store import Backups, Ledger
from common.database import Database
from common.domain.names import Lane, PackageKind
from common.facts import PackageRepeated
from common.indexes import BACKUPS
from common.ledger import Broken

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


async def test_entries_follow_each_other_and_come_back_as_they_were(database: Database) -> None:
    ledger, subject = Ledger(database), secrets.token_hex(16)
    written = [(await ledger.append(fact(number, subject), datetime.now(UTC)))[0] for number in range(1, 4)]
    assert await ledger.entries(subject) == written
    assert [entry.seq for entry in written] == [1, 2, 3]
    assert await ledger.verify(subject) is None


async def test_a_fact_that_comes_again_is_the_same_entry(database: Database) -> None:
    ledger, subject = Ledger(database), secrets.token_hex(16)
    first, is_first = await ledger.append(fact(1, subject), AT)
    assert is_first
    await ledger.append(fact(2, subject), AT)
    assert await ledger.append(fact(1, subject), datetime.now(UTC)) == (first, False)
    assert len(await ledger.entries(subject)) == 2


async def test_a_crash_after_the_claim_leaves_no_gap(database: Database) -> None:
    """What a worker leaves that died between its two writes."""
    ledger, subject = Ledger(database), secrets.token_hex(16)
    await ledger.append(fact(1, subject), AT)
    await database.collection("ledger_events").insert_one({"_id": f"{subject}/{fact(2, subject).event_id}"})
    entry, _ = await ledger.append(fact(2, subject), AT)
    assert entry.seq == 2
    assert await ledger.append(fact(2, subject), AT) == (entry, False)


async def test_workers_racing_on_one_document(database: Database) -> None:
    """Five workers without a common lock, each with the same eight facts in another order."""
    subject = secrets.token_hex(16)
    numbers = range(1, 9)

    async def worker(shift: int) -> None:
        ledger = Ledger(database)
        shifted = [*numbers[shift:], *numbers[:shift]]
        await asyncio.gather(*(ledger.append(fact(number, subject), datetime.now(UTC)) for number in shifted))

    await asyncio.gather(*(worker(shift) for shift in range(5)))
    ledger = Ledger(database)
    entries = await ledger.entries(subject)
    assert sorted(entry.event_id for entry in entries) == [fact(number, subject).event_id for number in numbers]
    assert [entry.seq for entry in entries] == list(numbers)
    assert await ledger.verify(subject) is None


async def test_two_appends_at_once_get_two_numbers(database: Database) -> None:
    for _ in range(10):
        subject = secrets.token_hex(16)
        one, other = Ledger(database), Ledger(database)
        appended = await asyncio.gather(one.append(fact(1, subject), AT), other.append(fact(2, subject), AT))
        entries = [entry for entry, _ in appended]
        assert sorted(entry.seq for entry in entries) == [1, 2]
        assert await one.verify(subject) is None


async def test_the_same_fact_twenty_times_at_once_is_one_entry(database: Database) -> None:
    subject = secrets.token_hex(16)
    appended = await asyncio.gather(*(Ledger(database).append(fact(1, subject), datetime.now(UTC)) for _ in range(20)))
    entries = [entry for entry, _ in appended]
    assert sum(is_first for _, is_first in appended) == 1
    assert len(set(entries)) == 1
    assert await Ledger(database).entries(subject) == [entries[0]]


async def test_documents_do_not_see_each_other(database: Database) -> None:
    ledger = Ledger(database)
    subject = secrets.token_hex(16)
    for other in (subject[:-1], subject, subject + "0"):
        await ledger.append(fact(1, other), AT)
    assert len(await ledger.entries(subject)) == 1
    assert await ledger.verify(subject) is None


async def test_tampering_in_the_database_is_found(database: Database) -> None:
    ledger, subject = Ledger(database), secrets.token_hex(16)
    for number in range(1, 6):
        await ledger.append(fact(number, subject), AT)
    entries = database.collection("ledger")
    body = (await ledger.entries(subject))[2].body
    await entries.update_one({"_id": f"{subject}/00000003"}, {"$set": {"body": body.replace("true", "false")}})
    assert await ledger.verify(subject) == Broken(3, "content does not give its hash")
    await entries.delete_one({"_id": f"{subject}/00000002"})
    assert await ledger.verify(subject) == Broken(2, "number 3 out of sequence")


async def test_when_the_newest_backups_were_begun(database: Database) -> None:
    assert await Backups(database).begun() == {}
    rows = database.collection(BACKUPS)
    await rows.insert_one({"_id": "store", "last_success_at": AT, "objects": 3})
    await rows.insert_one({"_id": "restored", "name": "20261122T083000Z"})
    assert await Backups(database).begun() == {"store": AT}
