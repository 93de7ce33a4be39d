"""What the trunk relies on in MongoDB, asked of the server that devstack is configured for."""

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from bson import Binary
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import ReturnDocument, WriteConcern
from pymongo.errors import BulkWriteError, DuplicateKeyError, OperationFailure, PyMongoError
from pymongo.read_concern import ReadConcern

from devstack import servers

MOMENT = datetime(2026, 11, 22, 3, 4, 5, 678000, tzinfo=UTC)
DURABLE = WriteConcern(w="majority", j=True)
MAJORITY = ReadConcern("majority")
DUPLICATE_KEY = 11000
PATIENCE_SECONDS = 120.0
DEADLOCK_DETECTED = 16908292  # FerretDB's answer to some losers of a race on a secondary unique index


async def test_compare_and_set_has_one_winner_among_fifty(documents):
    await documents.insert_one({"_id": 1, "state": "RECEIVED"})

    async def race(racer: int) -> int:
        change = {"$set": {"state": "VALIDATED", "by": racer}}
        done = await documents.update_one({"_id": 1, "state": "RECEIVED"}, change)
        return done.modified_count

    won = await asyncio.gather(*map(race, range(50)))
    assert sum(won) == 1
    assert (await documents.find_one({"_id": 1}))["by"] == won.index(1)


async def test_find_one_and_update_gives_a_claim_to_one(documents):
    await documents.insert_many([{"_id": n, "claimed_by": None} for n in range(20)])

    async def claim(worker: int) -> int | None:
        taken = await documents.find_one_and_update(
            {"claimed_by": None}, {"$set": {"claimed_by": worker}}, sort=[("_id", 1)]
        )
        return None if taken is None else taken["_id"]

    claims = [await asyncio.gather(*(claim(10 * turn + n) for n in range(10))) for turn in range(2)]
    taken = [one for turn in claims for one in turn if one is not None]
    assert len(taken) == len(set(taken))
    assert await documents.count_documents({"claimed_by": {"$ne": None}}) == len(taken)


async def test_duplicate_id_is_refused(documents):
    await documents.insert_one({"_id": "a", "n": 1})
    with pytest.raises(DuplicateKeyError):
        await documents.insert_one({"_id": "a", "n": 2})
    assert await documents.find_one() == {"_id": "a", "n": 1}


async def test_one_insert_wins_a_race_for_an_id(documents):
    async def race(racer: int) -> bool:
        try:
            await documents.insert_one({"_id": "key", "by": racer})
        except DuplicateKeyError:
            return False
        return True

    won = await asyncio.gather(*map(race, range(50)))
    assert won.count(True) == 1
    assert (await documents.find_one())["by"] == won.index(True)


async def test_who_loses_a_race_for_an_id_reads_the_winner_with_majority_concern(documents):
    """``insert_once``: the loser acts on what the winner saved, so it must be there, and must not be rolled back."""
    durable = documents.with_options(read_concern=MAJORITY, write_concern=DURABLE)

    async def race(racer: int) -> int:
        try:
            await durable.insert_one({"_id": "key", "by": racer})
        except DuplicateKeyError:
            return (await durable.find_one({"_id": "key"}))["by"]
        return racer

    assert len(set(await asyncio.gather(*map(race, range(50))))) == 1


async def test_every_kind_of_read_takes_majority_concern(documents):
    durable = documents.with_options(read_concern=MAJORITY, write_concern=DURABLE)
    await durable.insert_many([{"_id": n, "kind": n % 2} for n in range(4)])
    assert await durable.count_documents({"kind": 0}) == 2
    assert [row["_id"] async for row in durable.find({"kind": 1}).sort("_id", -1).limit(1)] == [3]
    groups = await durable.aggregate([{"$group": {"_id": "$kind", "count": {"$sum": 1}}}]).to_list(None)
    assert {group["_id"]: group["count"] for group in groups} == {0: 2, 1: 2}


async def test_one_insert_wins_a_race_for_a_secondary_unique_key(documents):
    await documents.create_index("number", unique=True)

    racers = (documents.insert_one({"_id": racer, "number": 7}) for racer in range(20))
    outcomes = await asyncio.gather(*racers, return_exceptions=True)
    refusals = [outcome for outcome in outcomes if isinstance(outcome, OperationFailure)]
    assert {refusal.code for refusal in refusals} <= {DUPLICATE_KEY, DEADLOCK_DETECTED}
    assert len(refusals) == 19
    assert await documents.count_documents({}) == 1


async def test_duplicates_in_an_unordered_insert_leave_the_others(documents):
    await documents.insert_one({"_id": 1})
    with pytest.raises(BulkWriteError) as refusal:
        await documents.insert_many([{"_id": 0}, {"_id": 1}, {"_id": 2}], ordered=False)
    assert [error["code"] for error in refusal.value.details["writeErrors"]] == [DUPLICATE_KEY]
    assert await documents.count_documents({}) == 3


async def test_concurrent_increments_are_exact_and_distinct(documents):
    async def next_number() -> int:
        counter = await documents.find_one_and_update(
            {"_id": "book"}, {"$inc": {"n": 1}}, upsert=True, return_document=ReturnDocument.AFTER
        )
        return counter["n"]

    await next_number()
    numbers = await asyncio.gather(*(next_number() for _ in range(200)))
    assert sorted(numbers) == list(range(2, 202))


async def test_upsert_sets_on_insert_only_once(documents):
    for turn in (1, 2):
        change = {"$setOnInsert": {"first": turn}, "$set": {"last": turn}}
        await documents.update_one({"_id": 1}, change, upsert=True)
    assert await documents.find_one() == {"_id": 1, "first": 1, "last": 2}


async def test_moments_come_back_aware_in_utc_to_the_millisecond(documents):
    hanoi = timezone(timedelta(hours=7))
    await documents.insert_one({"_id": 1, "at": MOMENT.astimezone(hanoi)})
    await documents.update_one({"_id": 1}, {"$set": {"later": MOMENT + timedelta(days=1)}})
    row = await documents.find_one({"at": MOMENT})
    assert (row["at"], row["later"]) == (MOMENT, MOMENT + timedelta(days=1))
    assert row["at"].utcoffset() == timedelta(0)


async def test_moments_are_compared_as_moments(documents):
    await documents.insert_many([{"_id": n, "at": MOMENT + timedelta(minutes=n)} for n in range(10)])
    window = {"$gte": MOMENT + timedelta(minutes=3), "$lt": MOMENT + timedelta(minutes=6)}
    rows = await documents.find({"at": window}).sort("at", -1).to_list(None)
    assert [document["_id"] for document in rows] == [5, 4, 3]


async def test_pushed_subdocuments_keep_their_types(documents):
    entries = [{"to": f"S{n}", "at": MOMENT, "by": {"unit": "H29.1", "seal": b"\x00\xff"}} for n in range(3)]
    await documents.insert_one({"_id": 1, "history": []})
    for entry in entries:
        await documents.update_one({"_id": 1}, {"$push": {"history": entry}, "$inc": {"version": 1}})
    assert await documents.find_one() == {"_id": 1, "history": entries, "version": 3}


async def test_concurrent_pushes_all_arrive(documents):
    await documents.insert_one({"_id": 1, "history": []})
    await asyncio.gather(*(documents.update_one({"_id": 1}, {"$push": {"history": {"n": n}}}) for n in range(50)))
    assert sorted(entry["n"] for entry in (await documents.find_one())["history"]) == list(range(50))


async def test_array_elements_are_found_and_changed(documents):
    await documents.insert_one({"_id": 1, "to": [{"unit": "A", "status": 1}, {"unit": "B", "status": 1}]})
    wanted = {"_id": 1, "to": {"$elemMatch": {"unit": "B", "status": 1}}}
    first = await documents.update_one(wanted, {"$set": {"to.$.status": 3}})
    again = await documents.update_one(wanted, {"$set": {"to.$.status": 3}})
    assert (first.modified_count, again.modified_count) == (1, 0)
    assert [to["status"] for to in (await documents.find_one())["to"]] == [1, 3]


async def test_digests_are_found_by_value(documents):
    digest = bytes(range(32))
    await documents.insert_many([{"_id": 1, "sha256": Binary(digest)}, {"_id": 2, "sha256": digest[::-1]}])
    rows = await documents.find({"sha256": digest}).to_list(None)
    assert [(document["_id"], bytes(document["sha256"])) for document in rows] == [(1, digest)]


async def test_vietnamese_text_and_field_order_are_kept(documents):
    written = {"_id": "H29.1/2026/42", "tên": "Ủy ban nhân dân", "z": {"b": 1, "a": None}, "a": [True, {}]}
    await documents.insert_one(written)
    row = await documents.find_one({"tên": "Ủy ban nhân dân"})
    assert row == written
    assert (list(row), list(row["z"])) == (list(written), ["b", "a"])


async def test_groups_are_counted(documents):
    await documents.insert_many([{"_id": n, "state": "AB"[n % 2]} for n in range(5)])
    stages = [{"$group": {"_id": "$state", "n": {"$sum": 1}}}, {"$sort": {"_id": 1}}]
    assert await documents.aggregate(stages).to_list(None) == [{"_id": "A", "n": 3}, {"_id": "B", "n": 2}]


async def test_unknown_operators_are_refused(documents):
    await documents.insert_one({"_id": 1})
    with pytest.raises(OperationFailure):
        await documents.update_one({"_id": 1}, {"$nonsense": {"a": 1}})


async def test_journaled_majority_write_is_acknowledged(documents):
    durable = documents.with_options(write_concern=DURABLE)
    assert (await durable.insert_one({"_id": 1})).acknowledged
    changed = await durable.update_one({"_id": 1}, {"$set": {"a": 1}})
    assert (changed.acknowledged, changed.modified_count) == (True, 1)


async def _write_until_refused(documents, writer: int, acknowledged: list[str]) -> None:
    """Insert and note each acknowledgement, until the server is gone."""
    with contextlib.suppress(PyMongoError):
        for n in range(10**6):
            await documents.insert_one({"_id": f"{writer}-{n}", "at": MOMENT})
            acknowledged.append(f"{writer}-{n}")


async def test_kill_loses_nothing_acknowledged(spare, tmp_path: Path):
    uri = spare("mongo").mongo_uri
    client = AsyncIOMotorClient(uri, serverSelectionTimeoutMS=2_000)
    durable = client["kill"].get_collection("documents", write_concern=DURABLE)
    acknowledged: list[str] = []
    writers = [asyncio.create_task(_write_until_refused(durable, n, acknowledged)) for n in range(8)]
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(acknowledged) <= 50:
            await asyncio.sleep(0.05)
    await asyncio.to_thread(servers.kill, tmp_path, "mongo")
    await asyncio.wait(writers)
    client.close()
    await asyncio.to_thread(servers.revive, tmp_path, "mongo")
    client = AsyncIOMotorClient(uri)
    surviving = {document["_id"] async for document in client["kill"]["documents"].find()}
    client.close()
    assert set(acknowledged) <= surviving
