"""Collection ``deliveries``: where each document stands at each unit.

Every write is one insert under ``_id`` or one compare-and-set; a lost race reads again and decides again.
"""

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
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
from common.domain.names import Lane, UnitCode
from common.domain.reason import Reason
from common.failure import Transient
from router.delivery_state import UNANSWERED, DeliveryState, Note, Position, Step
from router.store.queries import below, find_all
from router.store.rows import DeliveryEvent, Happened


class Deliveries(Protocol):
    """What the handlers ask. Everything raises ``Outage`` when the database is away."""

    async def receivers(self, key: str, among: frozenset[UnitCode] | None) -> frozenset[UnitCode]:
        """Units that have a delivery of the document."""

    async def open(self, key: str, receiver: UnitCode, package_id: str, version: int, lane: Lane, at: datetime) -> None:
        """A delivery in state SENT, unless there is one."""

    async def placed(self, key: str, receiver: UnitCode, at: datetime) -> bool:
        """The delivery lies in the unit's inbox; False = it did before, or there is no such delivery."""

    async def pending(self) -> dict[tuple[UnitCode, Lane], int]:
        """How many deliveries were placed and are not answered, by unit and lane."""

    async def change(
        self,
        key: str,
        receiver: UnitCode,
        event: DeliveryEvent,
        move: Callable[[Position], Step],
        link: str | None = None,
    ) -> Happened:
        """Let an event happen to a delivery, once; ``link``: key of the document that takes its place."""


class MongoDeliveries:
    """The collection of the running service."""

    def __init__(self, database: Database) -> None:
        self._deliveries: Collection = database.collection("deliveries")

    async def receivers(self, key: str, among: frozenset[UnitCode] | None) -> frozenset[UnitCode]:
        """Units that have a delivery of the document."""
        wanted = below(key) if among is None else {"_id": {"$in": [_delivery(key, unit) for unit in sorted(among)]}}
        return frozenset(str(row["receiver"]) for row in await find_all(self._deliveries, wanted, ("receiver",)))

    async def open(self, key: str, receiver: UnitCode, package_id: str, version: int, lane: Lane, at: datetime) -> None:
        """A delivery in state SENT, unless there is one."""
        start: Document = {
            "_id": _delivery(key, receiver),
            "document_key": key,
            "receiver": receiver,
            "package_id": package_id,
            **_of_position(Position(content_version=version)),
            "lane": lane.value,
            "placed_at": None,
            "successor": None,
            "version": 1,
            "history": [],
            "created_at": at,
            "updated_at": at,
        }
        await insert_once(self._deliveries, start)

    async def placed(self, key: str, receiver: UnitCode, at: datetime) -> bool:
        """The delivery lies in the unit's inbox."""
        expected = {"_id": _delivery(key, receiver), "placed_at": None}
        return await compare_and_set(self._deliveries, expected, {"$set": {"placed_at": at}})

    async def pending(self) -> dict[tuple[UnitCode, Lane], int]:
        """How many deliveries were placed and are not answered."""
        unanswered = {"state": {"$in": sorted(UNANSWERED)}, "placed_at": {"$ne": None}}
        by_unit = {"_id": {"receiver": "$receiver", "lane": "$lane"}, "count": {"$sum": 1}}
        with database_trouble():
            row = await self._deliveries.aggregate([{"$match": unanswered}, {"$group": by_unit}]).to_list(None)
        return {(group["_id"]["receiver"], Lane(group["_id"]["lane"])): group["count"] for group in row}

    async def change(
        self,
        key: str,
        receiver: UnitCode,
        event: DeliveryEvent,
        move: Callable[[Position], Step],
        link: str | None = None,
    ) -> Happened:
        """Let an event happen to a delivery, once."""
        while True:
            row = await find_by_id(self._deliveries, _delivery(key, receiver))
            if row is None:
                raise Transient(Reason.E_REFDOC, "the delivery concerned is not open yet")
            position = _position(row)
            if lived := next((entry for entry in row["history"] if entry["event_id"] == event.id), None):
                return _happened(row, position, Step(_position(lived), Note(lived["note"])), is_first=False)
            step = move(position)
            if await compare_and_set(self._deliveries, _unchanged(row), _change(event, step, link)):
                return _happened(row, position, step, is_first=True)


def _delivery(key: str, receiver: UnitCode) -> str:
    return f"{key}/{receiver}"


def _of_position(position: Position) -> dict[str, Any]:
    fields = asdict(position)
    return {name: value.value if isinstance(value, DeliveryState) else value for name, value in fields.items()}


def _position(row: Document) -> Position:
    return Position(
        state=DeliveryState(row["state"]),
        previous=DeliveryState(row["previous"]) if row["previous"] else None,
        content_version=row["content_version"],
        offered_version=row["offered_version"],
    )


def _happened(row: Document, before: Position, step: Step, *, is_first: bool) -> Happened:
    return Happened(
        step=step,
        is_first=is_first,
        before=before,
        lane=Lane(row.get("lane", Lane.NORMAL)),
        placed_at=row.get("placed_at") or row["created_at"],
    )


def _unchanged(row: Document) -> Document:
    return {"_id": row["_id"], "state": row["state"], "version": row["version"]}


def _change(event: DeliveryEvent, step: Step, link: str | None) -> Document:
    entry = {
        "event_id": event.id,
        "code": event.code,
        "by": event.by,
        "at": event.at,
        "description": event.description,
        "note": step.note.value,
        **_of_position(step.position),
    }
    fields = _of_position(step.position) | {"updated_at": event.at}
    if link and step.changed:
        fields["successor"] = link
    return {"$set": fields, "$push": {"history": entry}, "$inc": {"version": 1}}
