"""A unit over its rate waits in its own queue; others, and its own urgent packages, do not."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Coroutine
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any, TypeVar

import bson
import pytest
import pytest_asyncio
from pydantic import SecretStr

from common.database import Database
from common.domain.directory import Unit
from common.domain.names import Lane
from common.headers import REFERENCE_TYPE
from common.service.incoming import Incoming
from common.settings import ServiceSettings
from intake.rate_limits import RateLimits
from intake.rates import MongoUsages, UnitRates, Usage, Usages, counted, minute_of, size_of
from intake.submission import Submission, uploaded

from ..harness.memory import Clock
from ..simulation.database import ModelDatabase, Server
from ..simulation.loop import VirtualLoop

AT = datetime(2026, 11, 22, 8, 30, 20, tzinfo=UTC)
A, B = "000.00.09.H29", "H29.901.01"
LIMITS = RateLimits(packages=10, bytes=10_000)


class MemoryUsages:
    """The collection in memory."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, Lane], Usage] = {}

    async def add(self, unit: str, lane: Lane, minute: datetime, size_bytes: int) -> Usage:
        row = self.rows.get((unit, lane))
        if row is None or row.minute < minute:
            row = Usage(minute, 0, 0)
        self.rows[unit, lane] = Usage(row.minute, row.packages + 1, row.bytes + size_bytes)
        return self.rows[unit, lane]


@pytest_asyncio.fixture(params=["memory", "servers"])
async def usages(request: pytest.FixtureRequest) -> AsyncIterator[Usages]:
    if request.param == "memory":
        yield MemoryUsages()
        return
    stack: SimpleNamespace = request.getfixturevalue("stack")
    database = Database(ServiceSettings(mongo_uri=SecretStr(stack.mongo_uri)), f"rates_{secrets.token_hex(4)}")
    yield MongoUsages(database)
    await database.client.drop_database(database._database.name)
    database.client.close()


def submission(unit: str = A, lane: Lane = Lane.NORMAL, size: int = 10) -> Incoming:
    return Incoming(queue=f"submit.{unit}.{lane}", body=b"x" * size)


async def test_over_its_packages_a_unit_waits_for_the_next_minute_alone(usages: Usages) -> None:
    clock = Clock(AT)
    rates = UnitRates(usages, LIMITS, clock)
    assert [await rates.count(submission()) for _ in range(10)] == [False] * 9 + [True]
    assert not rates.is_open(A, Lane.NORMAL)
    assert rates.is_open(A, Lane.URGENT)
    assert rates.is_open(B, Lane.NORMAL)
    clock.move(seconds=39)
    assert not rates.is_open(A, Lane.NORMAL)
    clock.move(seconds=1)
    assert rates.is_open(A, Lane.NORMAL)
    assert not await rates.count(submission())


async def test_over_its_bytes_as_well(usages: Usages) -> None:
    rates = UnitRates(usages, LIMITS, Clock(AT))
    assert [await rates.count(submission(size=4_000)) for _ in range(3)] == [False, False, True]


async def test_processes_count_together(usages: Usages) -> None:
    replicas = [UnitRates(usages, LIMITS, Clock(AT)) for _ in range(3)]
    over = await asyncio.gather(*(replicas[number % 3].count(submission()) for number in range(30)))
    assert over.count(True) == 21, "from the tenth on, each process learns of it with its next package"


async def test_a_clock_that_is_ahead_closes_no_longer_than_its_minute(usages: Usages) -> None:
    ahead, behind = UnitRates(usages, LIMITS, Clock(AT + timedelta(minutes=1))), UnitRates(usages, LIMITS, Clock(AT))
    for _ in range(5):
        await ahead.count(submission())
    assert [await behind.count(submission()) for _ in range(5)] == [False] * 4 + [True]


T = TypeVar("T")


class Model:
    """The real collection on a model of the database, which counts requests."""

    def __init__(self) -> None:
        self.loop = VirtualLoop()
        self.server = Server(self.loop, lambda: 0.001)
        self.database = ModelDatabase(self.server, "intake")
        self.usages = MongoUsages(self.database)  # type: ignore[arg-type]

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        task = self.loop.create_task(work)
        self.loop.run_until(task.done, self.loop.time() + 60.0)
        return task.result()

    async def add(self, at: datetime) -> int:
        return (await self.usages.add(A, Lane.NORMAL, minute_of(at), 10)).packages


def test_a_package_costs_one_request_unless_it_is_the_first_of_its_unit() -> None:
    model = Model()
    counts = []
    for at in (AT, AT, AT + timedelta(minutes=1), AT + timedelta(minutes=1), AT):  # the last clock has gone back
        before = model.server.requests
        counts.append((model.run(model.add(at)), model.server.requests - before))
    assert counts == [(1, 3), (2, 1), (1, 1), (2, 1), (3, 1)]


@pytest.mark.parametrize("minutes_back", [3, None])
def test_a_row_that_was_restored_or_removed_is_counted_in_again(minutes_back: int | None) -> None:
    model = Model()
    rows = model.database.collection("unit_rates")
    key = {"_id": f"{A}/normal"}
    assert model.run(model.add(AT)) == 1
    if minutes_back is None:
        model.run(rows.delete_one(key))
    else:
        former = minute_of(AT) - timedelta(minutes=minutes_back)
        model.run(rows.update_one(key, {"$set": {"minute": former, "packages": 7}}))
    assert [model.run(model.add(AT)) for _ in range(2)] == [1, 2]


async def test_without_limits_nobody_waits(usages: Usages) -> None:
    rates = UnitRates(usages, RateLimits(0, 0), Clock(AT))
    assert not any([await rates.count(submission(size=1_000)) for _ in range(50)])


@pytest.mark.parametrize(
    ("body", "size"),
    [
        (json.dumps({"bucket": "uploads", "key": "a/b", "size": 5_000_000, "sha256": "0" * 64}).encode(), 5_000_000),
        (b"not json", 8),
        *(
            (json.dumps({"bucket": "uploads", "key": "a/b", "size": size, "sha256": "0" * 64}).encode(), most)
            for size, most in ((2**53 - 1, 2**40), (2**53, 2**40), (2**63, 2**40), (10**30, 2**40))
        ),
        (json.dumps({"bucket": "uploads", "key": "a/b", "size": -5, "sha256": "0" * 64}).encode(), None),
    ],
)
def test_an_upload_counts_with_its_size(body: bytes, size: int | None) -> None:
    message = Incoming(queue=f"submit.{A}.normal", body=body, content_type=REFERENCE_TYPE)
    assert size_of(message) == (len(body) if size is None else size)


async def test_the_consumer_looks_again_at_once_and_the_package_is_handled_all_the_same() -> None:
    handled: list[Incoming] = []
    looked: list[bool] = []

    async def handle(message: Incoming) -> None:
        handled.append(message)

    rates = UnitRates(MemoryUsages(), LIMITS, Clock(AT))
    take = counted(handle, rates, lambda: looked.append(True))
    for _ in range(11):
        await take(submission())
    assert (len(handled), len(looked)) == (11, 2)


def test_minutes() -> None:
    assert minute_of(AT) == datetime(2026, 11, 22, 8, 30, tzinfo=UTC)


@pytest.mark.parametrize("size", [1, 2**53 - 1, 2**53, 2**63, 10**30])
def test_what_is_kept_of_any_named_size_fits_into_the_database(size: int) -> None:
    """In one minute a unit may name such a size a million times."""
    body = json.dumps({"bucket": "uploads", "key": f"{A}/b", "size": size, "sha256": "0" * 64}).encode()
    message = Incoming(queue=f"submit.{A}.normal", body=body, content_type=REFERENCE_TYPE)
    bson.encode({"bytes": size_of(message) * 1_000_000})
    submission = Submission(Unit(code=A, name=A, valid_from=date.min), body, REFERENCE_TYPE, Lane.NORMAL)
    if upload := uploaded(submission):
        bson.encode(upload.model_dump())
