"""Collection ``delivery_events``: one row for each event of a delivery, numbered from 1 without gaps.

A delivery of an earlier release has its first events in its own row; ``events_from`` is the number of the last of them.
"""

from pymongo.errors import DuplicateKeyError

from common.database import Collection, Database, Document, database_errors_as_outages, find_by_id
from router.delivery_history import HistoryEntry
from router.store.delivery_rows import entry_in, former_history, of_entry


class DeliveryEvents:
    """The events of deliveries. Every method takes the row of a delivery, and raises ``Outage`` while the database is
    unavailable."""

    def __init__(self, database: Database) -> None:
        self._events: Collection = database.collection("delivery_events")

    async def add(self, row: Document, number: int, entry: HistoryEntry, link: str | None = None) -> bool:
        """Add an event under a number. False = the number is taken.

        ``link``: key of the document that takes the place of the delivery's document.
        """
        event = {"_id": _id(row, number), "delivery": row["_id"], "number": number, "link": link, **of_entry(entry)}
        with database_errors_as_outages():
            try:
                await self._events.insert_one(event)
            except DuplicateKeyError:
                return False
        return True

    async def at(self, row: Document, number: int) -> tuple[HistoryEntry, str | None] | None:
        """The event with a number, and its link; None = there is none."""
        event = await find_by_id(self._events, _id(row, number))
        return (entry_in(event, number), event["link"]) if event else None

    async def find(self, row: Document, event_id: str) -> HistoryEntry | None:
        """The recorded event with an id; None = it is not recorded."""
        former = next((entry for entry in former_history(row) if entry.event.id == event_id), None)
        if former is not None:
            return former
        wanted = {"delivery": row["_id"], "event_id": event_id, "number": {"$gt": events_from(row)}}
        with database_errors_as_outages():
            event = await self._events.find_one(wanted)
        return entry_in(event, event["number"]) if event else None

    async def of(self, row: Document) -> tuple[HistoryEntry, ...]:
        """All events of the delivery, in the order of arrival."""
        wanted = {"_id": {"$gt": _id(row, events_from(row)), "$lt": f"{row['_id']}0"}}
        with database_errors_as_outages():
            events = await self._events.find(wanted).sort("_id", 1).to_list(None)
        return (*former_history(row), *(entry_in(event, event["number"]) for event in events))


def events_from(row: Document) -> int:
    """Number of the last event that an earlier release kept in the delivery's row."""
    return int(row["events_from"] if "events_from" in row else row["version"])


def _id(row: Document, number: int) -> str:
    return f"{row['_id']}/{number:09}"
