"""Chained entries of an earlier release are carried into the log unchanged, however often the work is interrupted."""

from datetime import timedelta
from typing import Any

import pytest

from archive import carrying
from archive.carrying import AGAIN_AFTER, PASSES, Carrying
from archive.ledger import Ledger
from common.chained_ledger import chain
from common.database import Database
from common.facts import PackageRepeated
from common.ledger import entry_of
from tests.harness.chained import chained, chained_row

from .test_ledger import AT, fact
from .test_sealer import Site

pytestmark = pytest.mark.servers


@pytest.fixture
def site(own_database: Database) -> Site:
    return Site(own_database)


async def formerly(site: Site, *subjects: str, count: int = 4) -> None:
    """Entries of an earlier release, and its claims."""
    for subject in subjects:
        facts: list[PackageRepeated] = [fact(number, subject) for number in range(count)]
        entries = chained((each, AT - timedelta(days=1)) for each in facts)
        await site.database.collection("ledger").insert_many([chained_row(entry) for entry in entries])
        claims: list[dict[str, Any]] = [{"_id": f"{subject}/{each.event_id}"} for each in facts]
        await site.database.collection("ledger_events").insert_many(claims)


async def carry(site: Site, rounds: int) -> Carrying:
    """A process that is stopped after so many rounds."""
    work = Carrying(site.database, site.clock)
    for _ in range(rounds):
        await work.round()
    return work


async def test_chains_are_carried_as_they_are_and_new_entries_beside_them(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carrying, "PAGE", 3)
    await formerly(site, "a" * 32, "b" * 32)
    before = {row["_id"]: row for row in await site.rows()}
    await site.enter(2)
    for rounds in (1, 3, 2, 4):
        await carry(site, rounds)
        await site.take_over()
    await site.expect_whole(10)
    for row in await site.rows():
        if row["_id"] in before:
            assert {name: row[name] for name in before[row["_id"]]} == before[row["_id"]]
    for subject in ("a" * 32, "b" * 32):
        entries = [entry_of(row) for row in await site.rows() if row["subject"] == subject]
        assert chain(subject, sorted(entries, key=lambda entry: entry.key)) is None


async def test_two_processes_at_once_give_each_entry_one_salt(site: Site) -> None:
    await formerly(site, "a" * 32)
    works = [Carrying(site.database, site.clock) for _ in range(2)]
    await works[0].round()
    salts = {row["_id"]: row["salt"] for row in await site.rows()}
    await works[1].round()
    assert {row["_id"]: row["salt"] for row in await site.rows()} == salts


async def test_what_an_archive_of_an_earlier_release_still_adds_is_carried_too(site: Site) -> None:
    await formerly(site, "a" * 32)
    work = await carry(site, 2)
    await formerly(site, "b" * 32)
    await work.round()
    assert sum("salt" not in row for row in await site.rows()) == 4
    site.clock.move(seconds=AGAIN_AFTER.total_seconds() + 1)
    await work.round()
    await site.take_over()
    await site.expect_whole(8)


async def test_the_work_ends(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    await formerly(site, "a" * 32)
    work = await carry(site, 2)
    for _ in range(PASSES):
        site.clock.move(seconds=AGAIN_AFTER.total_seconds() + 1)
        await work.round()
    site.clock.move(seconds=AGAIN_AFTER.total_seconds() + 1)
    monkeypatch.setattr(work, "_entries", None)
    await work.round()


async def test_nothing_is_looked_for_where_no_earlier_release_has_worked(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    await site.enter(1)
    work = Carrying(site.database, site.clock)
    monkeypatch.setattr(work, "_entries", None)
    await work.round()


async def test_a_fact_that_was_carried_is_not_entered_again(site: Site) -> None:
    await formerly(site, "a" * 32)
    await carry(site, 1)
    entry, is_first = await Ledger(site.database).append(fact(1, "a" * 32), AT)
    assert not is_first
    assert entry.link
    assert len(await site.rows()) == 4
