"""Reads the records of parked messages out of the services' databases, page by page; changes nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pymongo import MongoClient

from common.facts.flows import SERVICES
from common.indexes import MESSAGE_RECORDS
from common.service.records import HELD, MessageRecord, RecordState
from trunkctl.command_error import CommandError
from trunkctl.databases import asking, connected
from trunkctl.identifiers import forms_of
from trunkctl.settings import ControlSettings
from trunkctl.words import words

PAGE_SIZE = 50
WITHOUT_BODY = {"message.body": 0}

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Selection:
    """Which records are meant; fields left empty mean any. Raises ``CommandError`` if an identifier is empty."""

    service: str = ""
    reason: str = ""
    states: tuple[RecordState, ...] = HELD
    identifiers: tuple[str, ...] = ()
    """Record ids, package ids or DocumentIds; also message ids, if a service gave them: a unit writes what it likes."""

    def __post_init__(self) -> None:
        if "" in self.identifiers:
            raise CommandError("An empty ID names no message. Name it by its record id, package id or DocumentId.")

    def query(self) -> Row:
        """As the database takes it."""
        query: Row = {"state": {"$in": [state.value for state in self.states]}}
        if self.reason:
            query["reason"] = self.reason
        if self.identifiers:
            names = ("_id", "about.package_id", "about.document_id")
            chosen = {"$in": [form for each in self.identifiers for form in forms_of(each)]}
            by_service = {"message.message_id": chosen, "user_id": {"$in": list(SERVICES)}}
            query["$or"] = [*({name: chosen} for name in names), by_service]
        return query


@dataclass(frozen=True, slots=True)
class ParkedMessage:
    """A record and the service that keeps it."""

    service: str
    record: MessageRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Records with the same cause."""

    service: str
    source: str
    """Kind of queue: facts, submit, place, inbox."""
    reason: str
    state: str
    count: int
    oldest: datetime | None


class HeldMessages:
    """The records of all services."""

    def __init__(self, settings: ControlSettings, database_prefix: str = "trunk_") -> None:
        self._prefix = database_prefix
        self._client: MongoClient[Row] = connected(settings, "trunkctl-park")

    def groups(self, selection: Selection) -> list[Group]:
        """By service, kind of queue, reason and state; the largest first."""
        counted: dict[tuple[str, str, str, str], tuple[int, datetime | None]] = {}
        group = {
            "_id": {"queue": "$queue", "reason": "$reason", "state": "$state"},
            "count": {"$sum": 1},
            "oldest": {"$min": "$parked_at"},
        }
        for service in _services(selection):
            with asking():
                rows = list(self._records(service).aggregate([{"$match": selection.query()}, {"$group": group}]))
            for row in rows:
                of = row["_id"]
                key = (
                    service,
                    words(of.get("queue")).partition(".")[0],
                    words(of.get("reason")),
                    words(of.get("state")),
                )
                count, oldest = counted.get(key, (0, None))
                earliest = min((at for at in (oldest, row["oldest"]) if at), default=None)
                counted[key] = (count + int(row["count"]), earliest)
        groups = [
            Group(service=service, source=source, reason=reason, state=state, count=count, oldest=oldest)
            for (service, source, reason, state), (count, oldest) in counted.items()
        ]
        return sorted(groups, key=lambda each: (-each.count, each.service, each.reason))

    def page(self, selection: Selection, after: str = "", size: int = PAGE_SIZE) -> list[ParkedMessage]:
        """Up to ``size`` records without their bodies, by service and record id, after ``<service>/<id>``."""
        held: list[ParkedMessage] = []
        from_service, _, from_id = after.partition("/")
        for service in _services(selection):
            if service < from_service or len(held) == size:
                continue
            query = selection.query()
            if service == from_service and from_id:
                query = {"$and": [query, {"_id": {"$gt": from_id}}]}
            with asking():
                rows = self._records(service).find(query, WITHOUT_BODY).sort("_id", 1).limit(size - len(held))
                held += [ParkedMessage(service, MessageRecord.model_validate(row)) for row in rows]
        return held

    def each(self, selection: Selection) -> Iterator[ParkedMessage]:
        """All selected records, one page in memory at a time."""
        after = ""
        while page := self.page(selection, after):
            yield from page
            after = f"{page[-1].service}/{page[-1].record.record_id}"

    def find(self, service: str, record_id: str) -> MessageRecord | None:
        """One record, with its body."""
        with asking():
            row = self._records(service).find_one({"_id": record_id})
        return MessageRecord.model_validate(row) if row else None

    def count(self) -> int:
        """How many messages wait for an operator."""
        return sum(group.count for group in self.groups(Selection()))

    def _records(self, service: str) -> Any:
        return self._client[f"{self._prefix}{service}"][MESSAGE_RECORDS]


def _services(selection: Selection) -> list[str]:
    return [service for service in sorted(SERVICES) if selection.service in ("", service)]
