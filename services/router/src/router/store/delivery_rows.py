"""Converts deliveries and their events to database rows and back."""

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
    """The fields of a position."""
    return {
        "state": position.state.value,
        "previous": position.previous.value if position.previous else None,
        "content_version": position.content_version,
        "offered_version": position.offered_version,
        "early": sorted(code.value for code in position.early),
    }


def position_in(row: Document) -> Position:
    """The position in the fields of a row."""
    return Position(
        state=DeliveryState(row["state"]),
        previous=DeliveryState(row["previous"]) if row["previous"] else None,
        content_version=row["content_version"],
        offered_version=row["offered_version"],
        early=frozenset(map(StatusCode, row.get("early", ()))),
    )


def of_place(order: SubmissionOrder) -> Document:
    """The fields of a place in the order of submission."""
    return {"submitted_at": order.submitted_at, "package_id": order.package_id}


def place_in(row: Document) -> SubmissionOrder | None:
    """The latest place among the events of a delivery; None in rows of earlier releases."""
    return _place(row.get("newest"))


def is_later_than_all(row: Document, event: DeliveryEvent) -> bool:
    """Whether the event was submitted after all events that the row has noted, so that it cannot be one of them.

    The event may be recorded and not yet noted; then the next number is taken, and adding it again fails. Places are
    compared in milliseconds, as the database keeps them: within one millisecond the event may be the newest one itself.
    Rows of earlier releases hold their events themselves, without places; for these the answer is False.
    """
    if "history" in row:
        return False
    newest, at = place_in(row), event.order.submitted_at
    as_kept = replace(event.order, submitted_at=at.replace(microsecond=at.microsecond // 1000 * 1000))
    return newest is not None and newest < as_kept


def _place(fields: Document | None) -> SubmissionOrder | None:
    return SubmissionOrder(submitted_at=fields["submitted_at"], package_id=fields["package_id"]) if fields else None


def of_entry(entry: HistoryEntry) -> Document:
    """The fields of an event's row."""
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
    """The events that earlier releases kept in the delivery's row, with one for its beginning where that is missing."""
    if "history" not in row:
        return []
    entries = [entry_in(entry, number) for number, entry in enumerate(row["history"], 1)]
    if not entries or entries[0].event.kind is not EventKind.DELIVER:
        entries.insert(0, _beginning(row))
    return entries


def entry_in(entry: Document, number: int) -> HistoryEntry:
    """The entry in an event's row. ``number``: of the event among those of its delivery, from 1."""
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
    """A place for an event of an earlier release, which did not know it: before all others, by order of arrival."""
    return SubmissionOrder(submitted_at=datetime.min.replace(tzinfo=UTC), package_id=f"{number:09}")
