"""Deliveries and their events as rows, and rows as values."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from common.database import Document
from common.domain.names import StatusCode, UnitCode
from router.delivery_history import DeliveryEvent, HistoryEntry, entry_of
from router.delivery_state import DeliveryState, EventKind, Note, Position, Step
from router.order import SubmissionOrder


def delivery_id(key: str, receiver: UnitCode) -> str:
    """``_id`` of the delivery of a document to a unit."""
    return f"{key}/{receiver}"


def of_position(position: Position) -> dict[str, Any]:
    """Fields of a row."""
    return {
        "state": position.state.value,
        "previous": position.previous.value if position.previous else None,
        "content_version": position.content_version,
        "offered_version": position.offered_version,
        "early": sorted(code.value for code in position.early),
    }


def position_in(row: Document) -> Position:
    """From the fields of a row."""
    return Position(
        state=DeliveryState(row["state"]),
        previous=DeliveryState(row["previous"]) if row["previous"] else None,
        content_version=row["content_version"],
        offered_version=row["offered_version"],
        early=frozenset(map(StatusCode, row.get("early", ()))),
    )


def of_place(order: SubmissionOrder) -> Document:
    """Fields of a row."""
    return {"submitted_at": order.submitted_at, "package_id": order.package_id}


def place_in(row: Document) -> SubmissionOrder | None:
    """The latest place among the events of a delivery; None in rows of earlier releases."""
    return _place(row.get("newest"))


def is_later_than_all(row: Document, event: DeliveryEvent) -> bool:
    """Whether the event was submitted after all that the row has noted, so that it is none of these.

    One that is recorded and not noted in the row bears the next number, which nobody can take again. The database keeps
    milliseconds of a place, so that within one the event may be the newest itself. Entries of earlier releases, in the
    row itself, have no place.
    """
    if "history" in row:
        return False
    newest, at = place_in(row), event.order.submitted_at
    as_kept = replace(event.order, submitted_at=at.replace(microsecond=at.microsecond // 1000 * 1000))
    return newest is not None and newest < as_kept


def _place(fields: Document | None) -> SubmissionOrder | None:
    return SubmissionOrder(submitted_at=fields["submitted_at"], package_id=fields["package_id"]) if fields else None


def of_entry(entry: HistoryEntry) -> Document:
    """Fields of a row."""
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
        "brings_content_of": of_place(event.version_order) if event.version_order else None,
        **of_position(entry.step.position),
    }


def former_history(row: Document) -> list[HistoryEntry]:
    """Events that earlier releases kept in the row itself; one for its beginning, where they had none."""
    if "history" not in row:
        return []
    entries = [entry_in(entry, number) for number, entry in enumerate(row["history"], 1)]
    if not entries or entries[0].event.kind is not EventKind.DELIVER:
        entries.insert(0, _beginning(row))
    return entries


def entry_in(entry: Document, number: int) -> HistoryEntry:
    """From the fields of a row; ``number`` counts among those of the delivery."""
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
        version_order=_place(entry.get("brings_content_of")),
        description=entry["description"],
    )
    return HistoryEntry(event, Step(position_in(entry), Note(entry["note"])))


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
