"""The model of the database against the server: the same scenarios, the same answers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from bson.codec_options import CodecOptions
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import ReturnDocument
from pymongo.errors import BulkWriteError, DuplicateKeyError, OperationFailure

from tests.simulation.database import Collection, Server
from tests.simulation.loop import VirtualLoop

MOMENT = datetime(2026, 11, 22, 3, 4, 5, 678901, tzinfo=UTC)
Scenario = Callable[[Any], Awaitable[Any]]


class Word(StrEnum):
    """As services write them."""

    ONE = "one"


async def inserted_once(rows: Any) -> Any:
    await rows.insert_one({"_id": "a", "n": 1})
    with pytest.raises(DuplicateKeyError):
        await rows.insert_one({"_id": "a", "n": 2})
    return await rows.find_one({"_id": "a"})


async def values_as_kept(rows: Any) -> Any:
    hanoi = timezone(timedelta(hours=7))
    written = {"word": Word.ONE, "at": MOMENT.astimezone(hanoi), "list": (1, (2, 3)), "bytes": b"\x00", "no": None}
    await rows.insert_one({"_id": 1, **written, "deep": {"at": MOMENT, "word": Word.ONE}})
    row = await rows.find_one({"word": "one"})
    return row, type(row["word"]), row["at"].utcoffset()


async def bulk_leaves_the_others(rows: Any) -> Any:
    await rows.insert_one({"_id": 1})
    with pytest.raises(BulkWriteError) as refusal:
        await rows.insert_many([{"_id": 0}, {"_id": 1}, {"_id": 2}], ordered=False)
    errors = [(each["index"], each["code"]) for each in refusal.value.details["writeErrors"]]
    return errors, await rows.count_documents({})


async def queries(rows: Any) -> Any:
    await rows.insert_many(
        [
            {"_id": f"k/{n}", "n": n, "to": ["a", "b"] if n % 2 else ["c"], "at": MOMENT + timedelta(minutes=n)}
            for n in range(6)
        ]
    )
    await rows.insert_one({"_id": "other", "n": None, "deep": {"x": {"y": 1}}})
    wanted: list[dict[str, Any]] = [
        {"_id": {"$gt": "k/1", "$lte": "k/4"}},
        {"n": {"$in": [1, 5, None]}},
        {"n": {"$nin": [0, 1]}},
        {"n": {"$ne": 3}},
        {"n": None},
        {"missing": None},
        {"missing": {"$exists": False}, "n": {"$gte": 4}},
        {"to": "b"},
        {"to": {"$in": ["c", "x"]}},
        {"to": {"$nin": ["a"]}},
        {"at": {"$lt": MOMENT + timedelta(minutes=3)}},
        {"at": {"$lt": 3}},
        {"$or": [{"n": 1}, {"to": "c"}]},
        {"deep.x.y": 1},
        {"n": {"$lt": "text"}},
    ]
    return [[row["_id"] for row in await rows.find(each).sort("_id", 1).to_list(None)] for each in wanted]


async def sorting(rows: Any) -> Any:
    await rows.insert_many([{"_id": n, "at": at} for n, at in enumerate([3, None, 1, 2])] + [{"_id": 9}])
    newest = await rows.find({}).sort("at", -1).limit(2).to_list(None)
    oldest = await rows.find({}).sort("at", 1).limit(3).to_list(None)
    second = await rows.find({}).sort("at", -1).skip(1).limit(1).to_list(None)
    return [row["_id"] for row in (*newest, *second)], sorted(row["_id"] for row in oldest)


async def updates(rows: Any) -> Any:
    await rows.insert_one({"_id": 1, "n": 1, "list": [1], "gone": 1, "deep": {"a": 1}})
    change = {
        "$set": {"word": Word.ONE, "deep.b": 2, "at": MOMENT},
        "$inc": {"n": 2, "fresh": 1},
        "$push": {"list": 2, "more": {"x": 1}},
        "$unset": {"gone": ""},
        "$max": {"top": 5},
        "$min": {"least": MOMENT},
        "$addToSet": {"set": "a"},
    }
    first = await rows.update_one({"_id": 1, "n": 1}, change)
    again = await rows.update_one({"_id": 1, "n": 1}, change)
    await rows.update_one({"_id": 1}, {"$max": {"top": 3}, "$addToSet": {"set": "a"}})
    same = await rows.update_one({"_id": 1}, {"$set": {"top": 5}})
    counts = [(each.matched_count, each.modified_count) for each in (first, again, same)]
    return counts, await rows.find_one({"_id": 1})


async def found_and_changed(rows: Any) -> Any:
    after = ReturnDocument.AFTER
    none = await rows.find_one_and_update({"_id": 1}, {"$set": {"a": 1}}, return_document=after)
    made = await rows.find_one_and_update({"_id": 1}, {"$inc": {"n": 1}}, upsert=True, return_document=after)
    before = await rows.find_one_and_update({"_id": 1}, {"$inc": {"n": 1}})
    return none, made, before


async def upserts(rows: Any) -> Any:
    for turn in (1, 2):
        change = {"$setOnInsert": {"first": turn}, "$set": {"last": turn}}
        await rows.update_one({"_id": 1}, change, upsert=True)
    return await rows.find_one({})


async def many_at_once(rows: Any) -> Any:
    await rows.insert_many([{"_id": n, "state": "AB"[n % 2], "n": n} for n in range(5)])
    changed = await rows.update_many({"state": "A"}, {"$set": {"state": "C"}})
    deleted = await rows.delete_many({"n": {"$lt": 2}})
    one = await rows.delete_one({"state": "C"})
    counts = await rows.count_documents({}), await rows.count_documents({}, limit=1)
    return changed.matched_count, deleted.deleted_count, one.deleted_count, counts


async def groups(rows: Any) -> Any:
    await rows.insert_many([{"_id": n, "a": "xy"[n % 2], "b": n % 3, "n": n} for n in range(7)])
    stages = [{"$match": {"n": {"$gte": 1}}}, {"$group": {"_id": {"a": "$a", "b": "$b"}, "count": {"$sum": 1}}}]
    rows_of = await rows.aggregate(stages).to_list(None)
    plain = await rows.aggregate([{"$group": {"_id": "$a", "n": {"$sum": 1}}}, {"$sort": {"_id": 1}}]).to_list(None)
    return sorted((row["_id"]["a"], row["_id"]["b"], row["count"]) for row in rows_of), plain


async def unknown_is_refused(rows: Any) -> Any:
    await rows.insert_one({"_id": 1, "n": 1})
    with pytest.raises(OperationFailure):
        await rows.update_one({"_id": 1}, {"$nonsense": {"a": 1}})
    with pytest.raises(OperationFailure):
        await rows.find_one({"n": {"$nonsense": 1}})


async def a_race_has_one_winner(rows: Any) -> Any:
    await rows.insert_one({"_id": 1, "state": "open"})

    async def race(racer: int) -> int:
        done = await rows.update_one({"_id": 1, "state": "open"}, {"$set": {"state": "shut", "by": racer}})
        return int(done.modified_count)

    return sum(await asyncio.gather(*map(race, range(20))))


SCENARIOS = (
    inserted_once, values_as_kept, bulk_leaves_the_others, queries, sorting, updates, found_and_changed, upserts,
    many_at_once, groups, unknown_is_refused, a_race_has_one_winner,
)  # fmt: skip


@pytest.fixture(scope="module")
def mongo_uri(stack: SimpleNamespace) -> str:
    """Of this checkout's server."""
    return str(stack.mongo_uri)


@pytest.fixture
async def server_rows(mongo_uri: str) -> AsyncIterator[Any]:
    """An empty collection at the server."""
    client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(mongo_uri)
    name = f"simulation-{uuid4().hex[:12]}"
    yield client.get_database(name, CodecOptions(tz_aware=True, tzinfo=UTC))["rows"]
    await client.drop_database(name)
    client.close()


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.__name__)
async def test_model_and_server_answer_the_same(scenario: Scenario, server_rows: Any) -> None:
    loop = VirtualLoop()
    rows = Collection(Server(loop, lambda: 0.001), "test.rows")
    modelled = await asyncio.to_thread(loop.run_until_complete, scenario(rows))
    assert modelled == await scenario(server_rows)
