"""The sealer's lease: one holder at a time, another one after it has fallen silent, whatever the clocks say."""

import secrets
from datetime import timedelta

import pytest
import pytest_asyncio

from archive.lease import Lease
from common.database import Database

pytestmark = pytest.mark.servers
LENGTH_SECONDS = 6


class Process:
    """A process with a clock of its own, which began at some second."""

    def __init__(self, database: Database, seconds: float) -> None:
        self.seconds = seconds
        self._lease = Lease(database, secrets.token_hex(4), timedelta(seconds=LENGTH_SECONDS), lambda: self.seconds)

    async def takes(self, after: float = 0) -> bool:
        self.seconds += after
        return await self._lease.take()


@pytest_asyncio.fixture
async def pair(own_database: Database) -> tuple[Process, Process]:
    """The holder, and another whose clock is three hours ahead."""
    holder, other = Process(own_database, 5), Process(own_database, 10_800)
    assert await holder.takes()
    return holder, other


async def test_who_renews_keeps_it(pair: tuple[Process, Process]) -> None:
    holder, other = pair
    for _ in range(10):
        assert not await other.takes(after=LENGTH_SECONDS - 1)
        assert await holder.takes(after=LENGTH_SECONDS - 1)


async def test_another_takes_over_from_one_that_is_silent(pair: tuple[Process, Process]) -> None:
    holder, other = pair
    assert not await other.takes()
    assert not await other.takes(after=LENGTH_SECONDS - 1)
    assert await other.takes(after=1)
    assert not await holder.takes(after=100), "it was frozen, and comes back"
    assert await other.takes()


async def test_silence_counts_from_when_it_was_seen(pair: tuple[Process, Process]) -> None:
    """A process that has just started knows nothing of the time before."""
    _, other = pair
    assert not await other.takes(after=LENGTH_SECONDS * 100)
    assert await other.takes(after=LENGTH_SECONDS)


async def test_of_two_that_take_over_one_succeeds(own_database: Database, pair: tuple[Process, Process]) -> None:
    _, other = pair
    third = Process(own_database, 0)
    assert not await other.takes()
    assert not await third.takes()
    assert [await other.takes(after=LENGTH_SECONDS), await third.takes(after=LENGTH_SECONDS)] == [True, False]
