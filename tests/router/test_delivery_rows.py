"""Events of deliveries in rows of their own: whatever crashes or races, each counts once, and no row grows."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from bson import BSON

from common.domain.names import Lane
from router.delivery_history import DeliveryEvent, entry_of, next_entry, position_of
from router.delivery_state import DeliveryState, EventKind
from router.order import SubmissionOrder
from router.store.delivery_rows import is_later_than_all, of_place

from .conftest import AT, A, World

pytestmark = pytest.mark.parametrize("backing", ["servers"])
REPORTS = (EventKind.ARRIVED, EventKind.ACCEPTED, EventKind.ASSIGNED, EventKind.PROCESSING, EventKind.DONE)


def event(kind: EventKind, place: int, name: str = "") -> DeliveryEvent:
    """The event of a package that was given this place."""
    order = SubmissionOrder(submitted_at=AT + timedelta(seconds=place), package_id=f"p{place}")
    version = 1 if kind is EventKind.DELIVER else None
    return DeliveryEvent(id=name or f"{kind}-{place}", kind=kind, by=A, at=AT, order=order, version=version)


async def opened(world: World) -> str:
    """A delivery of a document of its own; its key."""
    key = world.key("doc")
    await world.store.deliveries.open(key, A, "p0", Lane.NORMAL, event(EventKind.DELIVER, 0))
    return key


def crashing(world: World, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """The next call of this method of the store ends the process."""

    async def crash(*_: Any) -> None:
        monkeypatch.undo()
        raise KeyboardInterrupt

    monkeypatch.setattr(world.store.deliveries, name, crash)


async def test_a_row_has_the_same_size_after_five_hundred_events(world: World) -> None:
    key = await opened(world)
    rows = world.store.deliveries._deliveries  # type: ignore[attr-defined]
    size = 0
    for place in range(1, 501):
        await world.store.deliveries.record(key, A, event(REPORTS[place % 5], place))
        if place == 20:
            size = len(BSON.encode(await rows.find_one({"_id": f"{key}/{A}"})))
    assert abs(len(BSON.encode(await rows.find_one({"_id": f"{key}/{A}"}))) - size) < 32
    assert len(await world.store.deliveries.history(key, A)) == 501


async def test_what_comes_in_order_is_recorded_without_reading_the_history(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = await opened(world)
    events = world.store.deliveries._events  # type: ignore[attr-defined]
    read = 0
    whole = events.of

    async def counted(row: Any) -> Any:
        nonlocal read
        read += 1
        return await whole(row)

    monkeypatch.setattr(events, "of", counted)
    for place, kind in enumerate(REPORTS, 1):
        await world.store.deliveries.record(key, A, event(kind, place))
    assert read == 0
    await world.store.deliveries.record(key, A, event(EventKind.RECALL, 0, "late"))
    assert read == 1


async def test_what_is_later_than_all_is_not_looked_for_and_what_comes_again_is(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if its place has fractions of a millisecond, which the database does not keep."""
    key = await opened(world)
    events = world.store.deliveries._events  # type: ignore[attr-defined]
    looked: list[str] = []
    look = events.find

    async def counted(row: Any, event_id: str) -> Any:
        looked.append(event_id)
        return await look(row, event_id)

    monkeypatch.setattr(events, "find", counted)
    fine = SubmissionOrder(submitted_at=AT + timedelta(seconds=1, microseconds=1_700), package_id="p1")
    arrived = replace(event(EventKind.ARRIVED, 1), order=fine)
    later = replace(event(EventKind.ACCEPTED, 1), order=replace(fine, submitted_at=AT + timedelta(seconds=2)))
    happened = [await world.store.deliveries.record(key, A, each) for each in (arrived, arrived, later, arrived, later)]
    assert [each.is_first for each in happened] == [True, False, True, False, False]
    assert looked == [arrived.id, arrived.id, later.id]
    assert len(await world.store.deliveries.history(key, A)) == 3


def test_events_that_an_earlier_release_kept_in_the_row_have_no_place_there(backing: str) -> None:
    """So one of them that comes again is looked for, whatever came since."""
    newest = of_place(event(EventKind.ARRIVED, 1).order)
    later = event(EventKind.ACCEPTED, 2)
    assert is_later_than_all({"newest": newest}, later)
    assert not is_later_than_all({"newest": newest, "history": [{"event_id": later.id}]}, later)


async def test_twenty_at_once_are_all_there_and_each_once(world: World) -> None:
    key = await opened(world)
    both = [event(REPORTS[place % 5], place) for place in range(1, 11)] * 2
    happened = await asyncio.gather(*(world.store.deliveries.record(key, A, each) for each in both))
    assert sum(each.is_first for each in happened) == 10
    history = await world.store.deliveries.history(key, A)
    assert sorted(entry.event.id for entry in history[1:]) == sorted({each.id for each in both})
    row = await world.store.deliveries._deliveries.find_one({"_id": f"{key}/{A}"})  # type: ignore[attr-defined]
    assert (row["version"], row["state"]) == (11, position_of(history).state.value)


async def test_a_process_that_ends_between_event_and_row(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    key = await opened(world)
    crashing(world, monkeypatch, "_note")
    with pytest.raises(KeyboardInterrupt):
        await world.store.deliveries.record(key, A, event(EventKind.ARRIVED, 1))
    other = await world.store.deliveries.record(key, A, event(EventKind.ACCEPTED, 2))
    again = await world.store.deliveries.record(key, A, event(EventKind.ARRIVED, 1))
    assert (other.is_first, again.is_first) == (True, False)
    assert again.step.position.state is DeliveryState.ARRIVED
    row = await world.store.deliveries._deliveries.find_one({"_id": f"{key}/{A}"})  # type: ignore[attr-defined]
    assert (row["version"], row["state"]) == (3, "ACCEPTED")


async def test_a_link_survives_such_an_end(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    key = await opened(world)
    crashing(world, monkeypatch, "_note")
    with pytest.raises(KeyboardInterrupt):
        await world.store.deliveries.record(key, A, event(EventKind.REPLACE, 1), link="successor")
    await world.store.deliveries.record(key, A, event(EventKind.REPLACE, 1), link="successor")
    row = await world.store.deliveries._deliveries.find_one({"_id": f"{key}/{A}"})  # type: ignore[attr-defined]
    assert (row["successor"], row["state"]) == ("successor", "SUPERSEDED")


@pytest.mark.parametrize("other_package", [False, True])
async def test_a_process_that_ends_before_the_row_is_there(
    world: World, monkeypatch: pytest.MonkeyPatch, other_package: bool
) -> None:
    async def crash(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("router.store.deliveries.insert_once", crash)
    with pytest.raises(KeyboardInterrupt):
        await opened(world)
    monkeypatch.undo()
    first = event(EventKind.DELIVER, 1 if other_package else 0)
    await world.store.deliveries.open(world.key("doc"), A, first.order.package_id, Lane.NORMAL, first)
    row = await world.store.deliveries._deliveries.find_one({"_id": f"{world.key('doc')}/{A}"})  # type: ignore[attr-defined]
    assert (row["package_id"], row["version"]) == ("p0", 2 if other_package else 1)
    assert len(await world.store.deliveries.history(world.key("doc"), A)) == 1 + other_package


def test_in_order_the_quick_way_and_the_whole_history_agree(backing: str) -> None:
    history = [entry_of((), event(EventKind.DELIVER, 0))]
    kinds = [*REPORTS, EventKind.RECALL, EventKind.ARRIVED, EventKind.DECLINED, EventKind.UPDATE, EventKind.AGREED]
    for place, kind in enumerate(kinds, 1):
        happens = event(kind, place)
        assert next_entry(history[-1].step.position, happens) == entry_of(history, happens)
        history.append(entry_of(history, happens))
