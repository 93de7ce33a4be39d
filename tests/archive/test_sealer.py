"""The sealer on a real database: order, takeover, crashes at every step, and that the log never forks."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from archive.batches import Batches
from archive.gauges import Gauges
from archive.lease import RESTORED, Lease
from archive.ledger import Ledger
from archive.log_store import LogConflict, LogStore
from archive.sealer import LEASE, PAUSE, WORTH_A_BATCH, Sealer
from archive.store import Backups, Progress
from common.database import Database
from common.failure import Outage
from common.indexes import BACKUPS
from common.ledger import entry_of
from common.metrics import REGISTRY
from common.settings import ServiceSettings
from common.tlog.audit import audit
from common.tlog.checkpoint import open_checkpoint
from common.tlog.names import CHECKPOINT
from common.tlog.note import SignerKey
from common.tlog.tiles import edge_of
from tests.harness.memory import Clock
from tests.harness.memory_log import MemoryBucket

from .test_ledger import AT, fact

pytestmark = pytest.mark.servers
KEY = SignerKey.generate("log.example/trunk")


class Site:
    """A database of its own, and a bucket."""

    def __init__(self, database: Database, bucket: MemoryBucket | None = None) -> None:
        self.database = database
        self.bucket = bucket or MemoryBucket()
        self.clock = Clock(AT)

    def sealer(self, **options: Any) -> Sealer:
        lease = Lease(self.database, secrets.token_hex(4), LEASE, self.elapsed_seconds)
        objects: Any = self.bucket
        options = {"key": KEY, "now": self.clock, "pause": timedelta()} | options
        options["elapsed_seconds"] = self.elapsed_seconds
        return Sealer(Batches(self.database), lease, LogStore(objects), **options)

    def elapsed_seconds(self) -> float:
        return (self.clock() - AT).total_seconds()

    async def enter(self, count: int) -> None:
        ledger, subject = Ledger(self.database), secrets.token_hex(16)
        await asyncio.gather(*(ledger.append(fact(number, subject), AT) for number in range(count)))

    async def rows(self) -> list[dict[str, Any]]:
        return [row async for row in self.database.collection("ledger").find({})]

    async def take_over(self, **options: Any) -> None:
        """A round of another process, which has seen for as long as a lease lasts that nobody renewed it."""
        sealer = self.sealer(**options)
        await sealer.round()
        self.clock.move(seconds=LEASE.total_seconds() + 1)
        await sealer.round()

    async def close(self) -> None:
        """Drop the database."""
        await self.database.client.drop_database(self.database.collection("x").database.name)
        self.database.client.close()

    async def expect_whole(self, size: int, keys: tuple[SignerKey, ...] = (KEY,)) -> None:
        """The log verifies, holds so many entries, and every entry of the ledger."""
        files = self.bucket.files
        run = audit(files.get, sorted(files), [key.verifier for key in keys], leaves={})
        faults = []
        try:
            while True:
                faults.append(next(run))
        except StopIteration as end:
            verified = end.value
        assert faults == []
        assert verified.checkpoint.size == size
        rows = await self.rows()
        assert all(row["is_sealed"] for row in rows)
        assert {bytes.fromhex(entry_of(row).leaf_hash()) for row in rows} <= verified.leaves.keys()
        assert sorted(verified.leaves.values()) == [*range(size)], "an entry was sealed twice"


@pytest.fixture
def site(own_database: Database) -> Site:
    return Site(own_database)


async def test_every_entry_enters_the_log_once(site: Site) -> None:
    sealer = site.sealer()
    for count in (3, 0, 300, 1):
        await site.enter(count)
        await sealer.round()
    await site.expect_whole(304)
    assert all(len(versions) == 1 for key, versions in site.bucket.versions.items() if key != CHECKPOINT)
    assert len(site.bucket.versions[CHECKPOINT]) == 3, "no checkpoint without a new entry"


async def test_few_entries_wait_for_more_and_many_do_not(site: Site) -> None:
    sealer, sizes = site.sealer(pause=PAUSE), []
    for count, seconds in ((1, 2), (1, 2), (1, 3), (1, 1), (1, 2), (WORTH_A_BATCH, 1), (1, 2)):
        await site.enter(count)
        await sealer.round()
        sizes.append(open_checkpoint(site.bucket.files[CHECKPOINT], [KEY.verifier]).size)
        site.clock.move(seconds=seconds)
    assert sizes == [1, 1, 1, 1, 5, 261, 261]
    site.clock.move(seconds=PAUSE.total_seconds())
    await sealer.round()
    await site.expect_whole(262)


@pytest.mark.parametrize("lost", [40, 1, 7])
async def test_a_store_that_has_lost_much_is_not_asked_for_each_batch(
    site: Site, monkeypatch: pytest.MonkeyPatch, lost: int
) -> None:
    """And the lease is renewed between two batches that are written again."""
    monkeypatch.setattr("archive.sealer.BATCH_ENTRIES", 1)
    await site.enter(40)
    await site.sealer().round()
    whole = site.bucket.files
    for name in (*(f"checkpoints/{start:016d}" for start in range(40 - lost, 40)), CHECKPOINT):
        del site.bucket.versions[name]
    site.bucket.steps, puts, takes = 0, list[int](), list[int]()
    count(monkeypatch, MemoryBucket, "put_once", lambda: puts.append(site.bucket.steps))
    count(monkeypatch, Lease, "take", lambda: takes.append(site.bucket.steps))
    await site.take_over()
    assert puts[0] < 20 + 40 - lost, "``checkpoint`` is gone, too, and the end is looked for from the beginning"
    assert len(takes) > lost
    assert site.bucket.files == whole
    await site.expect_whole(40)


def count(patch: pytest.MonkeyPatch, owner: Any, name: str, note: Callable[[], Any]) -> None:
    """Note each call of a method."""
    original = getattr(owner, name)

    async def counted(self: Any, *arguments: Any) -> Any:
        note()
        return await original(self, *arguments)

    patch.setattr(owner, name, counted)


async def test_more_than_one_batch_is_sealed_in_one_round(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archive.sealer.BATCH_ENTRIES", 10)
    await site.enter(25)
    await site.sealer().round()
    await site.expect_whole(25)


async def test_one_process_seals_and_another_takes_over_when_its_lease_ends(site: Site) -> None:
    first, second = site.sealer(), site.sealer()
    await first.round()
    await site.enter(1)
    await second.round()
    assert site.bucket.files == {}
    site.clock.move(seconds=3)
    await first.round()
    await site.enter(1)
    await second.round()
    site.clock.move(seconds=LEASE.total_seconds() - 1)
    await second.round()
    assert open_checkpoint(site.bucket.files[CHECKPOINT], [KEY.verifier]).size == 1
    site.clock.move(seconds=2)
    await second.round()
    await site.expect_whole(2)
    assert timedelta(seconds=10) > LEASE + timedelta(seconds=2)


@pytest.mark.parametrize("is_lossy", [False, True])
async def test_a_crash_at_any_step_is_made_good_by_the_next(site: Site, is_lossy: bool) -> None:
    """Of a second batch, behind a first one that ended in the middle of a tile."""
    await site.enter(5)
    await site.sealer().round()
    size, crashes = 5, 0
    for step in range(1, 40):
        await site.enter(2)
        size += 2
        site.bucket.steps, site.bucket.fails_at, site.bucket.is_lossy = 0, step, is_lossy
        try:
            await site.take_over()
        except Outage:
            crashes += 1
        if site.bucket.steps < step:
            break
        site.bucket.fails_at = 0
        await site.take_over()
        await site.expect_whole(size)
    await site.expect_whole(size)
    assert crashes >= 4


@pytest.mark.parametrize("point", ["open", "close", "compare_and_set"])
async def test_a_crash_between_the_writes_to_the_database_is_made_good(
    site: Site, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await site.enter(3)
    with monkeypatch.context() as patch:
        original: Any = getattr(Batches, point, None)

        async def crash(*arguments: Any) -> Any:
            if original and point == "open":
                await original(*arguments)
            raise Outage("database", "does not answer")

        patch.setattr(*(("archive.batches.compare_and_set", crash) if not original else (Batches, point, crash)))
        with pytest.raises(Outage):
            await site.sealer().round()
    await site.enter(2)
    await site.take_over()
    await site.expect_whole(5)


async def test_sealers_that_all_believe_to_hold_the_lease_write_one_history(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def take(*_: Any) -> bool:
        return True

    monkeypatch.setattr(Lease, "take", take)
    monkeypatch.setattr("archive.sealer.BATCH_ENTRIES", 7)
    sealers = [site.sealer() for _ in range(4)]
    for _ in range(5):
        await asyncio.gather(site.enter(20), *(sealer.round() for sealer in sealers))
    await sealers[0].round()
    await site.expect_whole(100)
    assert all(len(versions) == 1 for key, versions in site.bucket.versions.items() if key != CHECKPOINT)


@pytest_asyncio.fixture
async def other(settings: ServiceSettings) -> AsyncIterator[Site]:
    """Another trunk, with the same key."""
    database = Database(settings, f"archive_test_{secrets.token_hex(4)}")
    yield Site(database)
    await database.client.drop_database(database.collection("x").database.name)
    database.client.close()


@pytest.mark.parametrize(("count", "cause"), [(2, "ahead"), (3, "conflict"), (4, "conflict")])
async def test_a_second_trunk_cannot_continue_the_log_of_the_first(
    site: Site, other: Site, count: int, cause: str
) -> None:
    """Two databases, one store: whoever comes second is refused, however long its own history is."""
    await site.enter(3)
    await site.sealer().round()
    await other.enter(count)
    await other.sealer().round()
    other.bucket = site.bucket
    await other.enter(1)
    for _ in range(2):
        with pytest.raises(LogConflict):
            await other.take_over()
    assert refused() == {cause}
    await site.enter(3)
    await site.take_over()
    await site.expect_whole(6)


async def test_of_two_trunks_that_seal_at_once_one_is_refused(site: Site, other: Site) -> None:
    other.bucket = site.bucket
    for each in (site, other):
        await each.enter(3)
    outcomes = await asyncio.gather(site.sealer().round(), other.sealer().round(), return_exceptions=True)
    assert sum(isinstance(outcome, LogConflict) for outcome in outcomes) >= 1
    assert sum(key.startswith("checkpoints/") for key in site.bucket.files) <= 1


async def test_of_two_trunks_the_second_leaves_nothing_in_the_way_of_the_first(site: Site, other: Site) -> None:
    """Its batch was saved before it looked at this store; it has more entries than the first one's has."""
    await site.enter(3)
    await site.sealer().round()
    await other.enter(4)
    await other.sealer().round()
    await other.database.collection("batches").update_one({"start": 0}, {"$set": {"root": ""}})
    other.bucket, before = site.bucket, site.bucket.files
    with pytest.raises(LogConflict):
        await other.take_over()
    assert site.bucket.files == before
    await site.enter(1)
    await site.take_over()
    await site.expect_whole(4)


async def restored(site: Site, settings: ServiceSettings, before: list[str]) -> Site:
    """The state of a backup: the ledger and the batches as they were, and the store as it is."""
    database = Database(settings, f"archive_test_{secrets.token_hex(4)}")
    for name in ("ledger", "batches"):
        rows = [row async for row in site.database.collection(name).find({}) if str(row["_id"]) in before]
        if rows:
            await database.collection(name).insert_many(rows)
    return Site(database, site.bucket)


async def test_a_database_older_than_the_log_is_refused_until_a_person_says_from_where(
    site: Site, settings: ServiceSettings
) -> None:
    await site.enter(4)
    await site.sealer().round()
    before = [str(row["_id"]) for name in ("ledger", "batches") async for row in site.database.collection(name).find()]
    for _ in range(2):
        await site.enter(3)
        await site.take_over()
    after = await restored(site, settings, before)
    await after.enter(5)
    for adopted in (None, 0, 4, 7, 11):
        with pytest.raises(LogConflict, match="10 entries, the database leads to 4"):
            await after.take_over(adopted_size=adopted)
    assert refused() == {"ahead"}
    await after.take_over(adopted_size=10)
    assert refused() == set()
    await after.expect_whole(15)
    await after.enter(1)
    await after.take_over(adopted_size=10)
    await after.expect_whole(16)
    await after.close()


async def test_a_database_that_is_put_back_under_a_running_sealer_is_refused_and_can_be_adopted(
    site: Site, settings: ServiceSettings
) -> None:
    """Nothing is saved for a place at which the store goes on already: no later batch could follow it."""
    await site.enter(4)
    await site.sealer().round()
    before = [str(row["_id"]) for name in ("ledger", "batches") async for row in site.database.collection(name).find()]
    after = await restored(site, settings, before)
    running = after.sealer()
    await running.round()
    await site.enter(3)
    await site.take_over()
    files = site.bucket.files
    await after.enter(5)
    for _ in range(2):
        with pytest.raises(LogConflict):
            await running.round()
        assert refused() == {"ahead"}
    assert site.bucket.files == files
    assert await after.database.collection("batches").count_documents({}) == 1
    after.clock.move(seconds=LEASE.total_seconds() + 1)
    await after.take_over(adopted_size=7)
    await after.expect_whole(12)
    await after.close()


async def test_what_a_backup_has_and_was_sealed_after_it_is_not_sealed_again(
    site: Site, settings: ServiceSettings
) -> None:
    """Of the restored ledger, some entries wait that the log holds already, and one of a batch that was just opened."""
    await site.enter(4)
    await site.sealer().round()
    await site.enter(3)
    before = [str(row["_id"]) for name in ("ledger", "batches") async for row in site.database.collection(name).find()]
    waiting = {row["_id"]: row for row in await site.rows() if not row["is_sealed"]}
    await site.take_over()
    await site.enter(3)
    await site.take_over()
    after = await restored(site, settings, before)
    for row in waiting.values():
        await after.database.collection("ledger").replace_one({"_id": row["_id"]}, row)
    await after.enter(2)
    await after.take_over(adopted_size=10)
    await after.expect_whole(12)
    assert {row.get("batch") for row in await after.rows() if row["_id"] in waiting} == {4}
    await after.close()


@pytest.mark.parametrize("at", [4, 6, 9], ids=["the first", "one between", "the last"])
async def test_tiles_that_do_not_give_the_signed_root_are_not_adopted(
    site: Site, settings: ServiceSettings, at: int
) -> None:
    """They would say of other entries that the log holds them. Also where the end of the log is right in itself."""
    await site.enter(4)
    await site.sealer().round()
    before = [str(row["_id"]) for name in ("ledger", "batches") async for row in site.database.collection(name).find()]
    for _ in range(2):
        await site.enter(3)
        await site.take_over()
    after = await restored(site, settings, before)
    await after.enter(2)
    entry = next(entry_of(row) for row in await after.rows() if not row["is_sealed"])
    tile = bytearray(site.bucket.files["tile/0/000.p/10"])
    tile[at * 32 : at * 32 + 32] = bytes.fromhex(entry.leaf_hash())
    right, site.bucket.versions["tile/0/000.p/10"] = site.bucket.versions["tile/0/000.p/10"], [bytes(tile)]
    with pytest.raises(LogConflict, match="do not give the root"):
        await after.take_over(adopted_size=10)
    assert refused() == {"conflict"}
    assert await after.database.collection("batches").count_documents({}) == 1
    assert len([row for row in await after.rows() if not row["is_sealed"]]) == 2
    site.bucket.versions["tile/0/000.p/10"] = right
    after.clock.move(seconds=LEASE.total_seconds() + 1)
    await after.take_over(adopted_size=10)
    await after.expect_whole(12)
    await after.close()


async def test_a_batch_that_was_open_when_it_was_copied_is_closed_before_the_log_goes_on(
    site: Site, settings: ServiceSettings
) -> None:
    await site.enter(4)
    await site.sealer().round()
    await site.enter(3)
    opened = {row["_id"]: row for row in await site.rows() if not row["is_sealed"]}
    await site.take_over()
    before = [str(row["_id"]) for name in ("ledger", "batches") async for row in site.database.collection(name).find()]
    await site.enter(3)
    await site.take_over()
    after = await restored(site, settings, before)
    await after.database.collection("batches").update_one({"start": 4}, {"$set": {"root": ""}})
    for row in opened.values():
        await after.database.collection("ledger").replace_one({"_id": row["_id"]}, row)
    await after.enter(2)
    await after.take_over(adopted_size=10)
    await after.expect_whole(12)
    await after.close()


async def test_a_copy_of_the_store_that_was_made_while_the_log_grew_is_taken_to_its_last_checkpoint(
    site: Site, settings: ServiceSettings
) -> None:
    """``checkpoint`` was copied before the checkpoints of later batches were."""
    await site.enter(4)
    await site.sealer().round()
    before = [str(row["_id"]) for name in ("ledger", "batches") async for row in site.database.collection(name).find()]
    for _ in range(2):
        await site.enter(3)
        await site.take_over()
    del site.bucket.versions[CHECKPOINT][1:]
    after = await restored(site, settings, before)
    with pytest.raises(LogConflict, match="10 entries, the database leads to 4"):
        await after.take_over(adopted_size=4)
    await after.enter(2)
    await after.take_over(adopted_size=10)
    await after.expect_whole(12)
    await after.close()


async def test_after_a_restore_a_person_says_where_the_log_ends(site: Site) -> None:
    """Also where database and store agree: both may be older than a checkpoint that somebody outside has."""
    await site.enter(3)
    await site.sealer().round()
    backups = site.database.collection(BACKUPS)
    for name, size in (("20261122T083000Z", 3), ("20261123T083000Z", 5)):
        await backups.replace_one({"_id": RESTORED}, {"name": name}, upsert=True)
        await site.enter(1)
        for confirmed_size in (None, 0, size - 1, size + 1):
            with pytest.raises(LogConflict, match="the restored database leads to"):
                await site.take_over(adopted_size=confirmed_size)
            assert refused() == {"ahead"}
        await site.take_over(adopted_size=size)
        await site.expect_whole(size + 1)
        await site.enter(1)
        await site.take_over()
        await site.expect_whole(size + 2)


async def test_what_was_signed_is_not_signed_again_with_another_root(site: Site) -> None:
    """The store lost the end of the log, and the ledger was changed."""
    for _ in range(2):
        await site.enter(3)
        await site.take_over()
    for lost in (CHECKPOINT, "checkpoints/0000000000000003", "tile/0/000.p/6", "tile/entries/000.p/6"):
        del site.bucket.versions[lost]
    await site.database.collection("ledger").update_one({"batch": 3}, {"$set": {"body": '{"fact":"none"}'}})
    files = site.bucket.files
    with pytest.raises(LogConflict, match="another root than was signed"):
        await site.take_over()
    assert refused() == {"conflict"}
    assert site.bucket.files == files


async def test_a_batch_that_was_opened_long_ago_is_locked_from_now_on(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store refuses a lock that ends in the past: that of a partial tile lasts for a month."""

    async def away(*_: Any) -> None:
        raise Outage("object store", "does not answer")

    await site.enter(3)
    with monkeypatch.context() as patch:
        patch.setattr(LogStore, "put_tiles", away)
        with pytest.raises(Outage):
            await site.sealer().round()
    site.clock.move(days=40)
    await site.take_over()
    await site.expect_whole(3)
    assert min(site.bucket.until.values()) > site.clock()


async def test_a_sealer_keeps_the_end_of_the_log_and_no_more(site: Site) -> None:
    sealer = site.sealer()
    for _ in range(6):
        await site.enter(60)
        await sealer.round()
    assert sealer._edge[1].keys() == {tile.path for tile in edge_of(360)}


@pytest.mark.parametrize("lost", ["checkpoint", "checkpoints/0000000000000003", "tile/0/000.p/6", "all"])
async def test_what_the_store_has_lost_of_the_end_is_written_again(site: Site, lost: str) -> None:
    for _ in range(2):
        await site.enter(3)
        await site.take_over()
    whole = site.bucket.files
    if lost == "all":
        site.bucket.versions.clear()
    else:
        del site.bucket.versions[lost]
    if lost.startswith("tile"):
        del site.bucket.versions["checkpoints/0000000000000003"]
    await site.take_over()
    assert site.bucket.files == whole
    await site.enter(1)
    await site.take_over()
    await site.expect_whole(7)


async def test_nothing_is_signed_while_the_newest_checkpoint_is_hidden(site: Site) -> None:
    for _ in range(2):
        await site.enter(3)
        await site.take_over()
    site.bucket.hidden = {CHECKPOINT}
    versions = {name: [*each] for name, each in site.bucket.versions.items()}
    await site.enter(1)
    for _ in range(2):
        with pytest.raises(LogConflict, match="hidden"):
            await site.take_over()
    assert refused() == {"conflict"}
    assert site.bucket.versions == versions
    site.bucket.hidden = set()
    await site.take_over()
    await site.expect_whole(7)


async def test_over_the_hidden_checkpoint_of_a_batch_the_same_one_is_put(site: Site) -> None:
    for _ in range(2):
        await site.enter(3)
        await site.take_over()
    site.bucket.hidden = {"checkpoints/0000000000000003"}
    await site.enter(1)
    await site.take_over()
    await site.expect_whole(7)
    assert len({*site.bucket.versions["checkpoints/0000000000000003"]}) == 1


@pytest.mark.parametrize("harm", ["hidden", "turned back", "the first is gone", "all are gone"])
async def test_a_database_without_batches_begins_no_log_where_one_lies(site: Site, other: Site, harm: str) -> None:
    """Its checkpoints are hidden, or were lost; what is left shows that there was one."""
    for _ in range(2):
        await site.enter(3)
        await site.take_over()
    checkpoints = sorted(name for name in site.bucket.versions if name.startswith("checkpoint"))
    if harm == "turned back":
        site.bucket.versions[CHECKPOINT][1:] = []
        site.bucket.hidden = {*checkpoints} - {CHECKPOINT}
    elif harm == "hidden":
        site.bucket.hidden = {*checkpoints}
    else:
        for name in checkpoints[:2] if harm == "the first is gone" else checkpoints:
            del site.bucket.versions[name]
    versions = {name: [*each] for name, each in site.bucket.versions.items()}
    other.bucket = site.bucket
    await other.enter(5)
    for _ in range(2):
        with pytest.raises(LogConflict):
            await other.take_over()
    assert refused() == {"conflict"}
    assert site.bucket.versions == versions
    assert await other.database.collection("batches").count_documents({}) == 0


@pytest.mark.parametrize(
    "path", ["tile/0/000.p/3", "tile/entries/000.p/3", "checkpoint", "checkpoints/0000000000000000"]
)
async def test_nothing_is_signed_behind_an_end_that_was_altered(site: Site, path: str) -> None:
    await site.enter(3)
    await site.sealer().round()
    altered = bytearray(site.bucket.files[path])
    altered[30] ^= 1
    site.bucket.versions[path].append(bytes(altered))
    await site.enter(1)
    with pytest.raises(LogConflict):
        await site.take_over()
    assert refused() == {"conflict"}
    assert "tile/0/000.p/4" not in site.bucket.files


async def test_an_entry_that_vanishes_before_it_is_sealed_stops_the_log(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    await site.enter(3)
    original = Batches.open

    async def open_and_lose(self: Batches, batch: Any) -> bool:
        await original(self, batch)
        await site.database.collection("ledger").delete_one({"_id": batch.entries[1]})
        return True

    monkeypatch.setattr(Batches, "open", open_and_lose)
    with pytest.raises(LogConflict, match="1 entries of the log are not in the ledger"):
        await site.sealer().round()
    assert site.bucket.files == {}


async def test_without_a_key_nothing_is_sealed_and_it_is_told(site: Site) -> None:
    await site.enter(1)
    await site.sealer(key=None).round()
    assert site.bucket.files == {}
    assert refused() == {"no_key"}


async def test_a_new_key_continues_the_log_of_the_former_one(site: Site) -> None:
    await site.enter(3)
    await site.sealer().round()
    new = SignerKey.generate(KEY.name)
    await site.enter(3)
    with pytest.raises(LogConflict, match="cannot be trusted"):
        await site.take_over(key=new)
    await site.take_over(key=new, former_keys=(KEY.verifier,))
    assert open_checkpoint(site.bucket.files[CHECKPOINT], [new.verifier]).size == 6
    await site.expect_whole(6, (KEY, new))


@pytest.mark.parametrize("root", [None, ""], ids=["closed", "open"])
async def test_a_log_whose_end_was_lost_goes_on_under_another_name(site: Site, root: str | None) -> None:
    """Somebody may hold a checkpoint of the lost end: nothing else may be signed for the same sizes of that log."""
    await site.enter(3)
    await site.sealer().round()
    if root is not None:
        await site.database.collection("batches").update_one({"start": 0}, {"$set": {"root": root}})
    new = SignerKey.generate("log.example/after-the-restore")
    await site.enter(3)
    await site.take_over(key=new, former_keys=(KEY.verifier,))
    assert open_checkpoint(site.bucket.files[CHECKPOINT], [new.verifier]).origin == new.name
    await site.expect_whole(6, (KEY, new))


async def test_the_monitoring_is_told_how_far_the_log_is(site: Site) -> None:
    gauges = Gauges(Progress(site.database), Backups(site.database), Batches(site.database))
    await gauges.refresh()
    assert (gauge("trunk_log_size"), gauge("trunk_log_unsealed_since_timestamp_seconds")) == (0, 0)
    await site.enter(2)
    await gauges.refresh()
    assert gauge("trunk_log_unsealed_since_timestamp_seconds") == AT.timestamp()
    await site.sealer().round()
    await gauges.refresh()
    assert (gauge("trunk_log_size"), gauge("trunk_log_unsealed_since_timestamp_seconds")) == (2, 0)


def gauge(name: str, **labels: str) -> float:
    value = REGISTRY.get_sample_value(name, labels)
    assert value is not None
    return value


def refused() -> set[str]:
    causes = ("no_key", "ahead", "conflict")
    return {cause for cause in causes if gauge("trunk_log_refused", cause=cause)}
