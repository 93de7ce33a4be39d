"""A replica with an old directory ends no notification, redirects none and leaves none out."""

import asyncio
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from common.clock import utc_now
from common.domain.directory import Directory
from common.domain.names import Lane, StatusCode
from common.failure import Outage
from notifier.attempts import Attempts
from notifier.circuits import Circuits
from notifier.compose import Channel
from notifier.directories import CONFIRMED_FOR_SECONDS, SparingDirectories
from notifier.dispatch import Dispatch, Limits
from notifier.handlers import Notifier
from notifier.policy import State
from notifier.rows import Row
from notifier.store import Notifications
from tests.simulation.database import ModelDatabase, Server

from ..harness.memory import MemoryDirectory
from .conftest import Facts, directory

OLD, NEW = directory(), directory("vanthu@example.vn")
OTHER = directory("other@example.vn")
AWAY = Outage("object store", "away")


@pytest.fixture
def facts() -> Facts:
    return Facts()


class Replicas:
    """Two processes over one database, one of which has read the newest directory."""

    def __init__(self) -> None:
        server: Any = Server(asyncio.get_running_loop(), lambda: 0.0)  # type: ignore[arg-type]
        self.database: Any = ModelDatabase(server, "notifier")
        self.store = Notifications(self.database, 60, lambda: 0.0)
        self.senders: Any = {Channel.EMAIL: object()}

    async def notify(self, fact: Any, directories: MemoryDirectory) -> None:
        await Notifier(self.store, directories, self.senders, {}).notify(fact)

    async def rows(self, fact: Any) -> list[Any]:
        return await self.store.about(fact.event_id)

    def attempts(self, directories: Any) -> Attempts:
        circuits = Circuits(self.database, timedelta(seconds=60))
        return Attempts(self.store, circuits, directories, self.senders, timedelta(hours=72), utc_now)


def behind(old: Directory, newer: Directory = NEW) -> MemoryDirectory:
    directories = MemoryDirectory(old)
    directories.newer = newer
    return directories


@pytest.mark.parametrize("old", [OLD, OTHER], ids=["no contact", "another address"])
async def test_no_notification_ends_or_goes_elsewhere_because_of_it(facts: Facts, old: Directory) -> None:
    replicas, fact = Replicas(), facts.placed()
    await replicas.notify(fact, MemoryDirectory(NEW))
    (before,) = await replicas.rows(fact)
    late = behind(old)
    with pytest.raises(Outage, match="changed"):
        await replicas.attempts(late).aim(Row.of(before))
    assert await replicas.rows(fact) == [before]
    aimed = await replicas.attempts(late).aim(Row.of(before))
    assert aimed is not None
    assert aimed.address == "vanthu@example.vn"


async def test_a_contact_that_is_gone_ends_it(facts: Facts) -> None:
    replicas, fact = Replicas(), facts.placed()
    await replicas.notify(fact, MemoryDirectory(NEW))
    (before,) = await replicas.rows(fact)
    away = MemoryDirectory(OLD)
    away.failure = AWAY
    with pytest.raises(Outage, match="away"):
        await replicas.attempts(away).aim(Row.of(before))
    assert await replicas.rows(fact) == [before]
    assert await replicas.attempts(MemoryDirectory(OLD)).aim(Row.of(before)) is None
    assert [row["state"] for row in await replicas.rows(fact)] == [State.SKIPPED]


async def test_a_fact_about_a_unit_without_contact_is_taken_by_the_newest_directory(facts: Facts) -> None:
    replicas, fact, late = Replicas(), facts.placed(), behind(OLD)
    with pytest.raises(Outage, match="changed"):
        await replicas.notify(fact, late)
    await replicas.notify(fact, late)
    assert len(await replicas.rows(fact)) == 1


async def test_of_what_nobody_is_told_the_directory_is_not_asked(facts: Facts) -> None:
    replicas, away = Replicas(), MemoryDirectory(OLD)
    away.failure = AWAY
    await replicas.notify(facts.status(StatusCode.ARRIVED, changed=False), away)


async def test_a_store_that_is_away_stops_no_lane(facts: Facts, monkeypatch: pytest.MonkeyPatch) -> None:
    """A former address that fails is to be replaced, and nobody can say by what."""
    replicas, fact, away = Replicas(), facts.placed(), MemoryDirectory(OLD)
    await replicas.notify(fact, MemoryDirectory(NEW))
    away.failure = AWAY
    limits = Limits(at_once={Channel.EMAIL: 8}, per_destination=2, patience=timedelta(hours=72), pause_seconds=0.0)
    circuits = Circuits(replicas.database, timedelta(seconds=60))
    (row,) = await replicas.rows(fact)
    monkeypatch.setattr(circuits, "failing", lambda: {row["destination"]: 1})
    monkeypatch.setattr(circuits, "load", _nothing)
    dispatch = Dispatch(Lane.NORMAL, replicas.store, circuits, away, replicas.senders, limits)
    await dispatch.fill()
    await dispatch.idle()
    assert await replicas.rows(fact) == [row]


async def _nothing() -> None:
    pass


async def test_confirming_is_done_once_in_a_while() -> None:
    clock, confirmed_at = SimpleNamespace(seconds=0.0), list[float]()

    class Reader:
        current = NEW
        failure: Exception | None = None

        async def confirm(self) -> None:
            confirmed_at.append(clock.seconds)
            if self.failure:
                raise self.failure

    reader = Reader()
    sparing = SparingDirectories(reader, lambda: clock.seconds)
    reader.failure = AWAY
    for _ in range(2):
        with pytest.raises(Outage):
            await sparing.confirm()
    reader.failure = None
    for _ in range(3):
        await sparing.confirm()
    clock.seconds += CONFIRMED_FOR_SECONDS
    await sparing.confirm()
    assert confirmed_at == [0.0, 0.0, 0.0, CONFIRMED_FOR_SECONDS]
    assert sparing.current is NEW
