"""Collections ``deliveries`` and ``delivery_events``: the state of each document at each unit, and all events.

Each event is a row of its own, so that a delivery may have any number of them. The number of the event is part of its
``_id``, so of several processes that add the next event one succeeds, and the others read again. The delivery's row has
its position after its newest event. If a process ends after adding an event, the next one brings the row up to date.
"""

from datetime import datetime
from typing import Protocol

from common.database import (
    Collection,
    Database,
    Document,
    compare_and_set,
    database_errors_as_outages,
    find_by_id,
    insert_once,
)
from common.domain.names import Lane, PackageId, UnitCode
from common.domain.reason import Reason
from common.failure import Transient
from router.delivery_history import DeliveryEvent, History, HistoryEntry, entry_of, next_entry
from router.delivery_state import UNANSWERED, DeliveryState, Note, Step
from router.order import SubmissionOrder
from router.store.delivery_events import DeliveryEvents, events_from
from router.store.delivery_rows import delivery_id, is_later_than_all, of_place, of_position, place_in, position_in
from router.store.queries import below, find_all
from router.store.rows import Happened


class Deliveries(Protocol):
    """The deliveries. All methods raise ``Outage`` while the database is unavailable."""

    async def receivers(self, key: str, among: frozenset[UnitCode] | None) -> frozenset[UnitCode]:
        """Units with a delivery of a document. ``among``: only these units; None = all."""

    async def note_in_place_of(self, key: str, receiver: UnitCode, closed: UnitCode) -> None:
        """Note that a unit has the document in place of a closed one. Without effect if it has no delivery."""

    async def in_place_of(self, key: str, among: frozenset[UnitCode] | None) -> dict[UnitCode, frozenset[UnitCode]]:
        """By closed unit, the units that were noted to have the document in its place. ``among``: only of these closed
        units; None = all."""

    async def open(self, key: str, receiver: UnitCode, package_id: PackageId, lane: Lane, event: DeliveryEvent) -> Step:
        """Open a delivery with its first event, or record the event of the delivery that exists. Returns the result."""

    async def placed(self, key: str, receiver: UnitCode, at: datetime) -> bool:
        """Note that the document is in the unit's inbox. False = it was noted before, or there is no such delivery."""

    async def returned(self, key: str, receiver: UnitCode, at: datetime | None) -> None:
        """Note when the unit's system returned the document; None = it is being placed again."""

    async def pending(self) -> dict[tuple[UnitCode, Lane], int]:
        """How many placed deliveries are not answered, by unit and lane."""

    async def unreported(self, receiver: UnitCode) -> list[str]:
        """Keys of the documents in a unit's inbox on which it has reported nothing, not even their arrival."""

    async def history(self, key: str, receiver: UnitCode) -> History:
        """All events of a delivery, in the order of arrival; empty if there is no delivery."""

    async def record(self, key: str, receiver: UnitCode, event: DeliveryEvent, link: str | None = None) -> Happened:
        """Record an event of a delivery once. ``link``: key of the document that takes its place.

        Raises ``Transient`` if there is no such delivery yet.
        """


class MongoDeliveries:
    """``Deliveries`` in MongoDB."""

    def __init__(self, database: Database) -> None:
        self._deliveries: Collection = database.collection("deliveries")
        self._events = DeliveryEvents(database)

    async def receivers(self, key: str, among: frozenset[UnitCode] | None) -> frozenset[UnitCode]:
        """Units with a delivery of a document."""
        wanted = below(key) if among is None else {"_id": {"$in": [delivery_id(key, unit) for unit in sorted(among)]}}
        return frozenset(str(row["receiver"]) for row in await find_all(self._deliveries, wanted, ("receiver",)))

    async def note_in_place_of(self, key: str, receiver: UnitCode, closed: UnitCode) -> None:
        """Note that a unit has the document in place of a closed one."""
        change = {"$addToSet": {"in_place_of": closed}}
        await compare_and_set(self._deliveries, {"_id": delivery_id(key, receiver)}, change)

    async def in_place_of(self, key: str, among: frozenset[UnitCode] | None) -> dict[UnitCode, frozenset[UnitCode]]:
        """By closed unit, the units that were noted to have the document in its place."""
        holders: dict[UnitCode, frozenset[UnitCode]] = {}
        for row in await find_all(self._deliveries, below(key), ("receiver", "in_place_of")):
            for unit in row.get("in_place_of", ()):
                if among is None or unit in among:
                    holders[unit] = holders.get(unit, frozenset()) | {row["receiver"]}
        return holders

    async def open(self, key: str, receiver: UnitCode, package_id: PackageId, lane: Lane, event: DeliveryEvent) -> Step:
        """Open a delivery with its first event, or record the event of the delivery that exists."""
        first = entry_of((), event)
        start: Document = {
            "_id": delivery_id(key, receiver),
            "document_key": key,
            "receiver": receiver,
            "package_id": package_id,
            **_standing(first, event.order),
            "lane": lane.value,
            "placed_at": None,
            "returned_at": None,
            "successor": None,
            "version": 1,
            "events_from": 0,
            "created_at": event.at,
            "updated_at": event.at,
        }
        is_first = await self._events.add(start, 1, first)
        row = await find_by_id(self._deliveries, start["_id"]) if not is_first else None
        if row is None:
            row = await insert_once(self._deliveries, start if is_first else await self._resumed(start))
        return first.step if row is start else (await self.record(key, receiver, event)).step

    async def _resumed(self, start: Document) -> Document:
        """The row of a delivery whose first event was added by a process that ended before it inserted the row."""
        added = await self._events.at(start, 1)
        if added is None:
            raise Transient(Reason.E_REFDOC, "the delivery is being opened")
        event = added[0].event
        about = {"package_id": event.order.package_id, "created_at": event.at, "updated_at": event.at}
        return start | about | _standing(added[0], event.order)

    async def placed(self, key: str, receiver: UnitCode, at: datetime) -> bool:
        """Note that the document is in the unit's inbox."""
        expected = {"_id": delivery_id(key, receiver), "placed_at": None}
        return await compare_and_set(self._deliveries, expected, {"$set": {"placed_at": at}})

    async def returned(self, key: str, receiver: UnitCode, at: datetime | None) -> None:
        """Note when the unit's system returned the document."""
        await compare_and_set(self._deliveries, {"_id": delivery_id(key, receiver)}, {"$set": {"returned_at": at}})

    async def pending(self) -> dict[tuple[UnitCode, Lane], int]:
        """How many placed deliveries are not answered."""
        unanswered = {"state": {"$in": sorted(UNANSWERED)}, "placed_at": {"$ne": None}}
        by_unit = {"_id": {"receiver": "$receiver", "lane": "$lane"}, "count": {"$sum": 1}}
        with database_errors_as_outages():
            row = await self._deliveries.aggregate([{"$match": unanswered}, {"$group": by_unit}]).to_list(None)
        return {(group["_id"]["receiver"], Lane(group["_id"]["lane"])): group["count"] for group in row}

    async def unreported(self, receiver: UnitCode) -> list[str]:
        """Keys of the documents in a unit's inbox on which it has reported nothing."""
        silent = {"state": DeliveryState.SENT.value, "receiver": receiver, "placed_at": {"$ne": None}}
        return [str(row["document_key"]) for row in await find_all(self._deliveries, silent, ("document_key",))]

    async def history(self, key: str, receiver: UnitCode) -> History:
        """All events of a delivery, in the order of arrival."""
        row = await find_by_id(self._deliveries, delivery_id(key, receiver))
        return await self._events.of(row) if row else ()

    async def record(self, key: str, receiver: UnitCode, event: DeliveryEvent, link: str | None = None) -> Happened:
        """Record an event of a delivery once."""
        while True:
            row = await find_by_id(self._deliveries, delivery_id(key, receiver))
            if row is None:
                raise Transient(Reason.E_REFDOC, "the delivery concerned is not open yet")
            recorded = None if is_later_than_all(row, event) else await self._events.find(row, event.id)
            if recorded:
                await self._bring_up_to_date(row)
                return _happened(row, recorded.step, is_first=False)
            entry, newest = await self._entry(row, event)
            if await self._events.add(row, row["version"] + 1, entry, link):
                await self._note(row, entry, newest, link)
                return _happened(row, entry.step, is_first=True)
            await self._bring_up_to_date(row)

    async def _entry(self, row: Document, event: DeliveryEvent) -> tuple[HistoryEntry, SubmissionOrder]:
        """The entry of an event, and the latest place of all events. For an event that was submitted later than all
        others, these are not read."""
        newest = place_in(row)
        if newest is not None and newest < event.order and event.version_order is None:
            return next_entry(position_in(row), event), event.order
        history = await self._events.of(row)
        return entry_of(history, event), max(event.order, *(entry.event.order for entry in history))

    async def _bring_up_to_date(self, row: Document) -> None:
        """Note the next event in the delivery's row, if another process has added it and not noted it yet."""
        if added := await self._events.at(row, row["version"] + 1):
            history = await self._events.of(row)
            await self._note(row, added[0], max(entry.event.order for entry in history), added[1])

    async def _note(self, row: Document, entry: HistoryEntry, newest: SubmissionOrder, link: str | None) -> None:
        fields = _standing(entry, newest)
        fields |= {"updated_at": entry.event.at, "version": row["version"] + 1, "events_from": events_from(row)}
        if link and entry.step.note in (Note.MOVED, Note.REMEMBERED):
            fields["successor"] = link
        await compare_and_set(self._deliveries, {"_id": row["_id"], "version": row["version"]}, {"$set": fields})


def _standing(entry: HistoryEntry, newest: SubmissionOrder) -> Document:
    """The fields of a delivery's row after an event. ``newest``: the latest place of all events."""
    return of_position(entry.step.position) | {"newest": of_place(newest)}


def _happened(row: Document, step: Step, *, is_first: bool) -> Happened:
    return Happened(
        step=step,
        is_first=is_first,
        before=position_in(row),
        lane=Lane(row.get("lane", Lane.NORMAL)),
        placed_at=row.get("placed_at") or row["created_at"],
    )
