"""The router's memory in MongoDB: ``decisions``, ``answers``, ``documents`` and ``deliveries``.

Every write is one insert under ``_id`` or one compare-and-set; a lost race reads again and decides again.
"""

from collections.abc import Callable, Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any, Protocol

from pydantic import TypeAdapter

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
from router.compose import Answer
from router.orders import Decision
from router.records import DocumentRecord, Event, Happened, Version
from router.route import DocumentState
from router.statuses import UNANSWERED, DeliveryState, Note, Position, Step

DECISION = TypeAdapter(Decision)
ANSWER = TypeAdapter(Answer)
DOCUMENT = TypeAdapter(DocumentRecord)
VERSION = TypeAdapter(Version)


class Store(Protocol):
    """What the handlers ask of the memory."""

    async def decision(self, event_id: str) -> Decision | None:
        """What was decided about an incoming fact earlier."""

    async def save_decision(self, decision: Decision) -> Decision:
        """Keep a decision; returns the one that was there first."""

    async def carried_out(self, event_id: str, at: datetime) -> bool:
        """All of a decision was done; False = an earlier run had done it."""

    async def answers(self, package_id: str) -> list[Answer]:
        """Everything the sender of a package was told."""

    async def save_answer(self, answer: Answer) -> Answer:
        """Keep an answer; returns the one that was there first."""

    async def document(self, key: str) -> DocumentRecord | None:
        """The document of that key, an alias resolved."""

    async def claim(self, record: DocumentRecord) -> bool:
        """Open the document for routing; False when another package holds its DocumentId."""

    async def settle(self, key: str, package_id: str) -> None:
        """All deliveries of the claimed document are open: statuses are welcome."""

    async def refuse(self, record: DocumentRecord) -> None:
        """Keep the document as refused, unless a package that holds its DocumentId is on its way."""

    async def name_alias(self, record: DocumentRecord) -> None:
        """Statuses that name this id are about ``alias_of``."""

    async def add_version(self, key: str, version: Version) -> int:
        """Number of the package among the document's versions; again, the same."""

    async def receivers(self, key: str, among: frozenset[UnitCode] | None) -> frozenset[UnitCode]:
        """Units that have a delivery of the document."""

    async def open_delivery(
        self, key: str, receiver: UnitCode, package_id: str, version: int, lane: Lane, at: datetime
    ) -> None:
        """A delivery in state SENT, unless there is one."""

    async def placed(self, key: str, receiver: UnitCode, at: datetime) -> bool:
        """The delivery lies in the unit's inbox; False = it did before, or there is no such delivery."""

    async def pending(self) -> dict[tuple[UnitCode, Lane], int]:
        """How many deliveries were placed and are not answered, by unit and lane."""

    async def change(
        self, key: str, receiver: UnitCode, event: Event, move: Callable[[Position], Step], link: str | None = None
    ) -> Happened:
        """Let an event happen to a delivery, once; ``link``: key of the document that takes its place."""


class MongoStore:
    """The store of the running service."""

    def __init__(self, database: Database) -> None:
        self._decisions: Collection = database.collection("decisions")
        self._answers: Collection = database.collection("answers")
        self._documents: Collection = database.collection("documents")
        self._deliveries: Collection = database.collection("deliveries")

    async def decision(self, event_id: str) -> Decision | None:
        """See ``Store``."""
        found = await find_by_id(self._decisions, event_id)
        return DECISION.validate_python(found) if found else None

    async def save_decision(self, decision: Decision) -> Decision:
        """See ``Store``."""
        document = {"_id": decision.event_id, **DECISION.dump_python(decision, mode="json")}
        return DECISION.validate_python(await insert_once(self._decisions, document))

    async def carried_out(self, event_id: str, at: datetime) -> bool:
        """See ``Store``."""
        expected = {"_id": event_id, "carried_out_at": None}
        return await compare_and_set(self._decisions, expected, {"$set": {"carried_out_at": at}})

    async def answers(self, package_id: str) -> list[Answer]:
        """See ``Store``."""
        return [ANSWER.validate_python(found) for found in await _find(self._answers, _below(package_id))]

    async def save_answer(self, answer: Answer) -> Answer:
        """See ``Store``."""
        document = {"_id": answer.id, **ANSWER.dump_python(answer, mode="json")}
        return ANSWER.validate_python(await insert_once(self._answers, document))

    async def document(self, key: str) -> DocumentRecord | None:
        """See ``Store``."""
        found = await find_by_id(self._documents, key)
        if found and found["alias_of"]:
            found = await find_by_id(self._documents, found["alias_of"])
        return DOCUMENT.validate_python(found) if found else None

    async def claim(self, record: DocumentRecord) -> bool:
        """See ``Store``."""
        while True:
            found = await insert_once(self._documents, _of_document(record))
            if found["state"] not in (DocumentState.REFUSED, DocumentState.ALIAS):
                return bool(found["package_id"] == record.package_id)
            if await self._take_over(found, record):
                return True

    async def settle(self, key: str, package_id: str) -> None:
        """See ``Store``."""
        expected = {"_id": key, "package_id": package_id, "state": DocumentState.ROUTING.value}
        change = {"$set": {"state": DocumentState.DELIVERED.value}, "$inc": {"revision": 1}}
        await compare_and_set(self._documents, expected, change)

    async def refuse(self, record: DocumentRecord) -> None:
        """See ``Store``."""
        while True:
            found = await insert_once(self._documents, _of_document(record))
            taken = found["state"] in (DocumentState.ROUTING, DocumentState.DELIVERED)
            if taken or found["package_id"] == record.package_id or await self._take_over(found, record):
                return

    async def name_alias(self, record: DocumentRecord) -> None:
        """See ``Store``."""
        await insert_once(self._documents, _of_document(record))

    async def add_version(self, key: str, version: Version) -> int:
        """See ``Store``."""
        while True:
            found = await find_by_id(self._documents, key)
            if found is None:
                raise Transient(Reason.E_REFDOC, "the document concerned vanished", top_rung="1m")
            packages = [earlier["package_id"] for earlier in found["versions"]]
            if version.package_id in packages:
                return packages.index(version.package_id) + 1
            change = {"$push": {"versions": VERSION.dump_python(version, mode="json")}, "$inc": {"revision": 1}}
            if await compare_and_set(self._documents, {"_id": key, "revision": found["revision"]}, change):
                return len(packages) + 1

    async def receivers(self, key: str, among: frozenset[UnitCode] | None) -> frozenset[UnitCode]:
        """See ``Store``."""
        wanted = _below(key) if among is None else {"_id": {"$in": [_delivery(key, unit) for unit in sorted(among)]}}
        return frozenset(str(found["receiver"]) for found in await _find(self._deliveries, wanted, ("receiver",)))

    async def open_delivery(
        self, key: str, receiver: UnitCode, package_id: str, version: int, lane: Lane, at: datetime
    ) -> None:
        """See ``Store``."""
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
        """See ``Store``."""
        expected = {"_id": _delivery(key, receiver), "placed_at": None}
        return await compare_and_set(self._deliveries, expected, {"$set": {"placed_at": at}})

    async def pending(self) -> dict[tuple[UnitCode, Lane], int]:
        """See ``Store``."""
        unanswered = {"state": {"$in": sorted(UNANSWERED)}, "placed_at": {"$ne": None}}
        by_unit = {"_id": {"receiver": "$receiver", "lane": "$lane"}, "count": {"$sum": 1}}
        with database_trouble():
            found = await self._deliveries.aggregate([{"$match": unanswered}, {"$group": by_unit}]).to_list(None)
        return {(group["_id"]["receiver"], Lane(group["_id"]["lane"])): group["count"] for group in found}

    async def change(
        self, key: str, receiver: UnitCode, event: Event, move: Callable[[Position], Step], link: str | None = None
    ) -> Happened:
        """See ``Store``."""
        while True:
            found = await find_by_id(self._deliveries, _delivery(key, receiver))
            if found is None:
                raise Transient(Reason.E_REFDOC, "the delivery concerned is not open yet", top_rung="1m")
            position = _position(found)
            if lived := next((entry for entry in found["history"] if entry["event_id"] == event.id), None):
                return _happened(found, position, Step(_position(lived), Note(lived["note"])), is_first=False)
            step = move(position)
            if await compare_and_set(self._deliveries, _unchanged(found), _change(event, step, link)):
                return _happened(found, position, step, is_first=True)

    async def _take_over(self, found: Document, record: DocumentRecord) -> bool:
        fields = _of_document(record)
        fields.pop("_id")
        expected = {"_id": record.key, "state": found["state"], "revision": found["revision"]}
        return await compare_and_set(self._documents, expected, {"$set": fields | {"revision": found["revision"] + 1}})


def _delivery(key: str, receiver: UnitCode) -> str:
    return f"{key}/{receiver}"


def _below(key: str) -> Document:
    return {"_id": {"$gte": f"{key}/", "$lt": f"{key}0"}}


def _of_document(record: DocumentRecord) -> Document:
    fields: Document = DOCUMENT.dump_python(record, mode="json")
    return {"_id": record.key, **fields, "submitted_at": record.submitted_at}


def _of_position(position: Position) -> dict[str, Any]:
    fields = asdict(position)
    return {name: value.value if isinstance(value, DeliveryState) else value for name, value in fields.items()}


def _position(found: Document) -> Position:
    return Position(
        state=DeliveryState(found["state"]),
        previous=DeliveryState(found["previous"]) if found["previous"] else None,
        content_version=found["content_version"],
        offered_version=found["offered_version"],
    )


def _happened(found: Document, before: Position, step: Step, *, is_first: bool) -> Happened:
    return Happened(
        step=step,
        is_first=is_first,
        before=before,
        lane=Lane(found.get("lane", Lane.NORMAL)),
        placed_at=found.get("placed_at") or found["created_at"],
    )


def _unchanged(found: Document) -> Document:
    return {"_id": found["_id"], "state": found["state"], "version": found["version"]}


def _change(event: Event, step: Step, link: str | None) -> Document:
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


async def _find(collection: Collection, wanted: Document, fields: Iterable[str] | None = None) -> list[Document]:
    projection = dict.fromkeys(fields, 1) if fields else None
    with database_trouble():
        return await collection.find(wanted, projection).to_list(None)
