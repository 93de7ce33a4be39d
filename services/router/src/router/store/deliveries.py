"""Collection ``deliveries``: where each document stands at each unit.

Every write is one insert under ``_id`` or one compare-and-set; a lost race reads again and decides again.
"""

from datetime import UTC, datetime
from typing import Any, Protocol

from common.database import (
    Collection,
    Database,
    Document,
    compare_and_set,
    database_trouble,
    find_by_id,
    insert_once,
)
from common.domain.names import Lane, PackageId, StatusCode, UnitCode
from common.domain.reason import Reason
from common.failure import Transient
from router.delivery_history import DeliveryEvent, History, HistoryEntry, entry_of, position_of
from router.delivery_state import UNANSWERED, DeliveryState, EventKind, Note, Position, Step
from router.order import SubmissionOrder
from router.store.queries import below, find_all
from router.store.rows import Happened


class Deliveries(Protocol):
    """What the handlers ask. Everything raises ``Outage`` when the database is away."""

    async def receivers(self, key: str, among: frozenset[UnitCode] | None) -> frozenset[UnitCode]:
        """Units that have a delivery of the document."""

    async def open(self, key: str, receiver: UnitCode, package_id: PackageId, lane: Lane, event: DeliveryEvent) -> Step:
        """Let a delivery begin with an event; one that is there lives through it."""

    async def placed(self, key: str, receiver: UnitCode, at: datetime) -> bool:
        """The delivery lies in the unit's inbox; False = it did before, or there is no such delivery."""

    async def returned(self, key: str, receiver: UnitCode, at: datetime | None) -> None:
        """When the unit's system gave the document back; None = it is being placed again."""

    async def pending(self) -> dict[tuple[UnitCode, Lane], int]:
        """How many deliveries were placed and are not answered, by unit and lane."""

    async def history(self, key: str, receiver: UnitCode) -> History:
        """All events of the delivery, in the order of arrival; empty if there is no delivery."""

    async def record(self, key: str, receiver: UnitCode, event: DeliveryEvent, link: str | None = None) -> Happened:
        """Let an event happen to a delivery, once; ``link``: key of the document that takes its place."""


class MongoDeliveries:
    """The collection of the running service."""

    def __init__(self, database: Database) -> None:
        self._deliveries: Collection = database.collection("deliveries")

    async def receivers(self, key: str, among: frozenset[UnitCode] | None) -> frozenset[UnitCode]:
        """Units that have a delivery of the document."""
        wanted = below(key) if among is None else {"_id": {"$in": [_delivery(key, unit) for unit in sorted(among)]}}
        return frozenset(str(row["receiver"]) for row in await find_all(self._deliveries, wanted, ("receiver",)))

    async def open(self, key: str, receiver: UnitCode, package_id: PackageId, lane: Lane, event: DeliveryEvent) -> Step:
        """Let a delivery begin with an event; one that is there lives through it."""
        first = entry_of((), event)
        start: Document = {
            "_id": _delivery(key, receiver),
            "document_key": key,
            "receiver": receiver,
            "package_id": package_id,
            **_of_position(first.step.position),
            "lane": lane.value,
            "placed_at": None,
            "returned_at": None,
            "successor": None,
            "version": 1,
            "history": [_of_entry(first)],
            "created_at": event.at,
            "updated_at": event.at,
        }
        history = _history(await insert_once(self._deliveries, start))
        if all(entry.event.id != event.id for entry in history):
            return (await self.record(key, receiver, event)).step
        return entry_of(history, event).step

    async def placed(self, key: str, receiver: UnitCode, at: datetime) -> bool:
        """The delivery lies in the unit's inbox."""
        expected = {"_id": _delivery(key, receiver), "placed_at": None}
        return await compare_and_set(self._deliveries, expected, {"$set": {"placed_at": at}})

    async def returned(self, key: str, receiver: UnitCode, at: datetime | None) -> None:
        """When the unit's system gave the document back."""
        await compare_and_set(self._deliveries, {"_id": _delivery(key, receiver)}, {"$set": {"returned_at": at}})

    async def pending(self) -> dict[tuple[UnitCode, Lane], int]:
        """How many deliveries were placed and are not answered."""
        unanswered = {"state": {"$in": sorted(UNANSWERED)}, "placed_at": {"$ne": None}}
        by_unit = {"_id": {"receiver": "$receiver", "lane": "$lane"}, "count": {"$sum": 1}}
        with database_trouble():
            row = await self._deliveries.aggregate([{"$match": unanswered}, {"$group": by_unit}]).to_list(None)
        return {(group["_id"]["receiver"], Lane(group["_id"]["lane"])): group["count"] for group in row}

    async def history(self, key: str, receiver: UnitCode) -> History:
        """All events of the delivery, in the order of arrival."""
        row = await find_by_id(self._deliveries, _delivery(key, receiver))
        return _history(row) if row else ()

    async def record(self, key: str, receiver: UnitCode, event: DeliveryEvent, link: str | None = None) -> Happened:
        """Let an event happen to a delivery, once."""
        while True:
            row = await find_by_id(self._deliveries, _delivery(key, receiver))
            if row is None:
                raise Transient(Reason.E_REFDOC, "the delivery concerned is not open yet")
            history = _history(row)
            entry, is_first = entry_of(history, event), all(earlier.event.id != event.id for earlier in history)
            if not is_first or await compare_and_set(self._deliveries, _unchanged(row), _change(entry, link)):
                return Happened(
                    step=entry.step,
                    is_first=is_first,
                    before=position_of(history),
                    lane=Lane(row.get("lane", Lane.NORMAL)),
                    placed_at=row.get("placed_at") or row["created_at"],
                )


def _delivery(key: str, receiver: UnitCode) -> str:
    return f"{key}/{receiver}"


def _unchanged(row: Document) -> Document:
    return {"_id": row["_id"], "state": row["state"], "version": row["version"]}


def _change(entry: HistoryEntry, link: str | None) -> Document:
    fields = _of_position(entry.step.position) | {"updated_at": entry.event.at}
    if link and entry.step.note in (Note.MOVED, Note.REMEMBERED):
        fields["successor"] = link
    return {"$set": fields, "$push": {"history": _of_entry(entry)}, "$inc": {"version": 1}}


def _of_position(position: Position) -> dict[str, Any]:
    return {
        "state": position.state.value,
        "previous": position.previous.value if position.previous else None,
        "content_version": position.content_version,
        "offered_version": position.offered_version,
        "early": sorted(code.value for code in position.early),
    }


def _position(row: Document) -> Position:
    return Position(
        state=DeliveryState(row["state"]),
        previous=DeliveryState(row["previous"]) if row["previous"] else None,
        content_version=row["content_version"],
        offered_version=row["offered_version"],
        early=frozenset(map(StatusCode, row.get("early", ()))),
    )


def _of_entry(entry: HistoryEntry) -> Document:
    event = entry.event
    return {
        "event_id": event.id,
        "code": event.kind.value,
        "by": event.by,
        "at": event.at,
        "description": event.description,
        "note": entry.step.note.value,
        "package_id": event.order.package_id,
        "submitted_at": event.order.submitted_at,
        "brings": event.version,
        **_of_position(entry.step.position),
    }


def _history(row: Document) -> list[HistoryEntry]:
    """The entries; of a row of earlier releases, which had no entry for its beginning, with one."""
    entries = [_entry(entry, number) for number, entry in enumerate(row["history"], 1)]
    if not entries or entries[0].event.kind is not EventKind.DELIVER:
        entries.insert(0, _beginning(row))
    return entries


def _entry(entry: Document, number: int) -> HistoryEntry:
    kind, at = EventKind(entry["code"]), entry["at"]
    brought = entry["offered_version"] if kind is EventKind.UPDATE else None
    order = _before_all_others(number)
    if entry.get("submitted_at"):
        order = SubmissionOrder(submitted_at=entry["submitted_at"], package_id=entry["package_id"])
    event = DeliveryEvent(
        id=entry["event_id"],
        kind=kind,
        by=entry["by"],
        at=at,
        order=order,
        version=entry.get("brings", brought),
        description=entry["description"],
    )
    return HistoryEntry(event, Step(_position(entry), Note(entry["note"])))


def _beginning(row: Document) -> HistoryEntry:
    first = next(iter(row["history"]), row)
    event = DeliveryEvent(
        id=row["package_id"],
        kind=EventKind.DELIVER,
        by="",
        at=row["created_at"],
        order=_before_all_others(0),
        version=first["content_version"],
    )
    return entry_of((), event)


def _before_all_others(number: int) -> SubmissionOrder:
    """The place of an entry of earlier releases, which did not know it: as it arrived."""
    return SubmissionOrder(submitted_at=datetime.min.replace(tzinfo=UTC), package_id=f"{number:09}")
