"""Contract of intake's rows about packages and claims: the fake and the real ones."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from common.database import Database
from intake.order import Place
from intake.packages import CLAIM_LASTS, DECIDED_WITHIN, Packages
from intake.settings import IntakeSettings

from ..harness.memory import Clock
from ..simulation.database import ModelDatabase, Server
from ..simulation.loop import VirtualLoop
from .conftest import MemoryPackages

NOW = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
CLOCK = Clock(NOW)


@pytest.fixture(params=["memory", "real"])
async def packages(request: pytest.FixtureRequest) -> AsyncIterator[Any]:
    if request.param == "memory":
        yield MemoryPackages(CLOCK)
        return
    stack = request.getfixturevalue("stack")
    name = f"intake_test_{secrets.token_hex(4)}"
    settings = IntakeSettings(
        mongo_uri=SecretStr(stack.mongo_uri),
        s3_endpoint=stack.s3_endpoint,
        s3_access_key=SecretStr(stack.s3_access_key),
        s3_secret_key=SecretStr(stack.s3_secret_key),
    )
    database = Database(settings, name)
    yield Packages(database, settings.redrive_budgets, CLOCK)
    await database.client.drop_database(f"trunk_{name}")
    database.client.close()


async def place_of(packages: Any, document_keys: list[str], now: datetime) -> datetime:
    taken: Place = await packages.take_place(document_keys, now)
    return taken.at


async def test_a_later_place_is_later_whatever_the_clock_says(packages: Any) -> None:
    await packages.claim("doc", "p1")
    first = await place_of(packages, ["doc"], NOW)
    assert await place_of(packages, ["doc"], NOW - timedelta(minutes=5)) > first


async def test_no_place_is_given_twice(packages: Any) -> None:
    await packages.claim("doc", "p1")
    places = await asyncio.gather(*(place_of(packages, ["doc"], NOW) for _ in range(8)))
    assert len(set(places)) == 8


async def test_a_package_about_several_documents_comes_after_what_concerned_any_of_them(packages: Any) -> None:
    for key in ("old", "new"):
        await packages.claim(key, f"of {key}")
    last = await place_of(packages, ["old"], NOW + timedelta(hours=1))
    replacement = await place_of(packages, ["new", "old"], NOW)
    assert replacement > last
    assert await place_of(packages, ["old"], NOW) > replacement
    assert await place_of(packages, ["new"], NOW) > replacement


async def test_the_first_claim_of_all_comes_with_the_first_place(packages: Any) -> None:
    first = await packages.claim_first("doc", "p1")
    assert first == Place(CLOCK(), {"doc": "p1"})
    assert await packages.holder(["doc"]) == "p1"
    assert await place_of(packages, ["doc"], NOW - timedelta(days=1)) > first.at


async def test_what_was_claimed_before_is_not_claimed_first(packages: Any) -> None:
    await packages.claim("doc", "p1")
    assert await packages.claim_first("doc", "p1") is None
    assert await packages.claim_first("doc", "p2") is None
    await packages.release("doc", "p1")
    assert await packages.claim_first("doc", "p2") is None
    assert await packages.holder(["doc"]) is None


async def test_of_several_packages_one_claims_first(packages: Any) -> None:
    claims = await asyncio.gather(*(packages.claim_first("doc", f"p{number}") for number in range(8)))
    (first,) = [claim for claim in claims if claim]
    assert first.holders == {"doc": await packages.holder(["doc"])}


async def test_a_place_comes_with_who_held_the_documents(packages: Any) -> None:
    for key in ("doc", "gone"):
        await packages.claim(key, f"of {key}")
    await packages.claim("update", "p2", "doc")
    await packages.release("gone", "of gone")
    taken = await packages.take_place(["update", "doc", "gone", "never"], NOW)
    assert taken.holders == {"doc": "of doc", "gone": None}


async def test_an_update_under_its_own_id_shares_the_order_of_the_document(packages: Any) -> None:
    await packages.claim("doc", "p1")
    await packages.claim("update", "p2", "doc")
    await packages.claim("second", "p3", "update")
    place = await place_of(packages, ["second"], NOW + timedelta(hours=1))
    for key in ("update", "doc"):
        place, before = await place_of(packages, [key], NOW), place
        assert place > before


async def test_updates_of_each_other_have_an_order(packages: Any) -> None:
    await packages.claim("one", "p1", "two")
    await packages.claim("two", "p2", "one")
    assert await place_of(packages, ["one"], NOW) <= await place_of(packages, ["two"], NOW)


async def test_a_released_id_is_taken_over_with_what_it_concerns(packages: Any) -> None:
    await packages.claim("doc", "p1")
    await packages.claim("next", "p2")
    await packages.release("next", "p2")
    assert await packages.claim("next", "p3", "doc") == "p3"
    place = await place_of(packages, ["next"], NOW)
    assert await place_of(packages, ["doc"], NOW) > place


async def test_a_claim_that_nothing_came_of_is_taken_over_after_an_hour(packages: Any) -> None:
    await packages.claim("doc", "p1")
    assert not await packages.take_over("doc", "p1", "p2")
    CLOCK.move(seconds=CLAIM_LASTS.total_seconds())
    assert not await packages.take_over("doc", "another", "p2")
    assert [await packages.take_over("doc", "p1", name) for name in ("p2", "p3")] == [True, False], "by one alone"
    assert await packages.claim("doc", "p1") == "p2", "whoever comes back finds it taken"
    assert await packages.claim("doc", "p2") == "p2"


async def test_a_package_that_is_being_decided_again_keeps_its_claim(packages: Any) -> None:
    await packages.claim("doc", "p1")
    for _ in range(3):
        CLOCK.move(minutes=45)
        assert await packages.claim("doc", "p1") == "p1"
        assert not await packages.take_over("doc", "p1", "p2")


async def test_what_was_taken_over_keeps_its_place_and_gets_what_it_is_about(packages: Any) -> None:
    await packages.claim("doc", "p1")
    await packages.claim("update", "p2")
    CLOCK.move(hours=1)
    assert await packages.take_over("update", "p2", "p3", "doc")
    place = await place_of(packages, ["update"], NOW)
    assert await place_of(packages, ["doc"], NOW) > place


async def test_a_claim_that_kept_no_time_counts_from_when_it_was_seen(packages: Any) -> None:
    """So an earlier release leaves a released claim that it takes: the time of the former holder says nothing."""
    await packages.claim("doc", "p1")
    await packages.release("doc", "p1")
    await packages.hold_again("doc", "p1")
    CLOCK.move(hours=2)
    assert not await packages.take_over("doc", "p1", "p2")
    CLOCK.move(hours=1)
    assert await packages.take_over("doc", "p1", "p2")


async def test_a_released_claim_is_not_taken_over_but_claimed(packages: Any) -> None:
    await packages.claim("doc", "p1")
    await packages.release("doc", "p1")
    CLOCK.move(hours=2)
    assert not await packages.take_over("doc", "p1", "p2")
    assert await packages.claim("doc", "p2") == "p2"


@pytest.mark.parametrize("order", ["refused last", "given up last"])
async def test_a_refused_package_never_holds_its_id_again(packages: Any, order: str) -> None:
    await packages.claim("doc", "p1")
    for is_refused in (order == "given up last", order == "refused last"):
        await packages.release("doc", "p1", is_refused=is_refused)
    await packages.hold_again("doc", "p1")
    assert await packages.holder(["doc"]) is None
    assert await packages.claim("doc", "p2") == "p2"
    await packages.release("doc", "p2")
    await packages.hold_again("doc", "p2")
    assert await packages.holder(["doc"]) == "p2", "that another one was refused says nothing of this one"


async def test_who_holds_a_document(packages: Any) -> None:
    assert await packages.holder(["doc", "other"]) is None
    await packages.claim("other", "p2")
    assert await packages.holder(["doc", "other"]) == "p2"
    await packages.claim("doc", "p1")
    assert await packages.holder(["doc", "other"]) == "p1"


async def test_a_package_that_was_refused_or_discarded_holds_nothing(packages: Any) -> None:
    """An act that named it would wait for a package that nobody sends."""
    await packages.claim("other", "p2")
    await packages.claim("doc", "p1")
    await packages.release("doc", "p1")
    assert await packages.holder(["doc", "other"]) is None
    await packages.claim("doc", "p3")
    assert await packages.holder(["doc", "other"]) == "p3"


def test_whoever_may_still_decide_is_taken_over_by_nobody() -> None:
    """However the clocks of two replicas differ, with ten minutes left for saving."""
    assert DECIDED_WITHIN + 2 * timedelta(minutes=10) <= CLAIM_LASTS


async def test_a_claim_of_an_earlier_release_counts_from_when_it_is_seen() -> None:
    loop = VirtualLoop()
    database = ModelDatabase(Server(loop, lambda: 0.001), "intake")
    packages = Packages(database, {}, CLOCK)  # type: ignore[arg-type]

    async def take_over_later() -> list[bool]:
        claims = database.collection("claims")
        await claims.insert_one({"_id": "doc", "package_id": "p1", "state": "held", "about": None})
        taken = [await packages.take_over("doc", "p1", "p2")]
        CLOCK.move(minutes=59)
        taken.append(await packages.take_over("doc", "p1", "p2"))
        CLOCK.move(minutes=1)
        return [*taken, await packages.take_over("doc", "p1", "p2")]

    task = loop.create_task(take_over_later())
    loop.run_until(task.done, loop.time() + 60.0)
    assert task.result() == [False, False, True]


async def test_a_place_rests_on_what_was_read_just_before(packages: Any) -> None:
    await packages.claim("doc", "p1")
    read = await packages.claims_on(["doc", "never"])
    assert list(read) == ["doc"]
    first = await packages.take_place(["doc", "never"], NOW, read)
    assert first.holders == {"doc": "p1"}
    await packages.release("doc", "p1")
    second = await packages.take_place(["doc", "never"], NOW, read)
    assert second.holders == {"doc": None}, "the claim has changed since, and was read again"
    assert second.at > first.at


async def test_a_document_that_changes_hands_while_a_place_is_taken_is_read_again() -> None:
    loop = VirtualLoop()
    database = ModelDatabase(server := Server(loop, lambda: 0.001), "intake")
    packages = Packages(database, {}, CLOCK)  # type: ignore[arg-type]
    claim = {"_id": "doc", "package_id": "p1", "state": "held", "about": None, "place": None}
    server.rows["intake.claims"]["doc"] = claim

    def change_hands(_: Any, what: str) -> str:
        if what == "update intake.claims" and server.rows["intake.claims"]["doc"]["package_id"] == "p1":
            server.rows["intake.claims"]["doc"] = {**claim, "package_id": "p2"}
        return ""

    server.before_step = change_hands
    task = loop.create_task(packages.take_place(["doc"], NOW))
    loop.run_until(task.done, loop.time() + 60.0)
    assert task.result().holders == {"doc": "p2"}
