"""What intake's handlers rely on in its memory, asked of the fake and of the real one."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from common.database import Database
from intake.packages import Packages
from intake.settings import IntakeSettings

from .conftest import MemoryPackages

NOW = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)


@pytest.fixture(params=["memory", "real"])
async def packages(request: pytest.FixtureRequest) -> AsyncIterator[Any]:
    if request.param == "memory":
        yield MemoryPackages()
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
    yield Packages(database, settings.redrive_budgets)
    await database.client.drop_database(f"trunk_{name}")
    database.client.close()


async def test_a_later_place_is_later_whatever_the_clock_says(packages: Any) -> None:
    await packages.claim("doc", "p1")
    first = await packages.take_place(["doc"], NOW)
    assert await packages.take_place(["doc"], NOW - timedelta(minutes=5)) > first


async def test_no_place_is_given_twice(packages: Any) -> None:
    await packages.claim("doc", "p1")
    places = await asyncio.gather(*(packages.take_place(["doc"], NOW) for _ in range(8)))
    assert len(set(places)) == 8


async def test_a_package_about_several_documents_comes_after_what_concerned_any_of_them(packages: Any) -> None:
    for key in ("old", "new"):
        await packages.claim(key, f"of {key}")
    last = await packages.take_place(["old"], NOW + timedelta(hours=1))
    replacement = await packages.take_place(["new", "old"], NOW)
    assert replacement > last
    assert await packages.take_place(["old"], NOW) > replacement
    assert await packages.take_place(["new"], NOW) > replacement


async def test_an_update_under_its_own_id_shares_the_order_of_the_document(packages: Any) -> None:
    await packages.claim("doc", "p1")
    await packages.claim("update", "p2", "doc")
    await packages.claim("second", "p3", "update")
    place = await packages.take_place(["second"], NOW + timedelta(hours=1))
    for key in ("update", "doc"):
        place, before = await packages.take_place([key], NOW), place
        assert place > before


async def test_updates_of_each_other_have_an_order(packages: Any) -> None:
    await packages.claim("one", "p1", "two")
    await packages.claim("two", "p2", "one")
    assert await packages.take_place(["one"], NOW) <= await packages.take_place(["two"], NOW)


async def test_a_released_id_is_taken_over_with_what_it_concerns(packages: Any) -> None:
    await packages.claim("doc", "p1")
    await packages.claim("next", "p2")
    await packages.release("next", "p2")
    assert await packages.claim("next", "p3", "doc") == "p3"
    place = await packages.take_place(["next"], NOW)
    assert await packages.take_place(["doc"], NOW) > place
