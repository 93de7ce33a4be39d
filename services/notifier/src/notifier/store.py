"""The notifier's own collection ``notifications``: who was told what, when, and who is telling it just now."""

import secrets
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from common.database import Collection, Database, compare_and_set, database_trouble, insert_once
from notifier.compose import Channel, Notification

FREE = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
"""``lease_until`` of a notification that nobody works on."""


class State(StrEnum):
    """What became of a notification; only ``pending`` changes."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"
    SKIPPED = "skipped"


class Notifications:
    """One document a notification, under ``<event_id>/<unit>/<channel>``.

    Fields: about_event, fact, unit, channel, state, created_at, attempts, lease, lease_until, and once settled
    settled_at, address, detail. Neither the text nor a secret is kept.

    Only the holder of the lease sends; the lease ends by itself, so that a worker's death does not block the
    notification. A worker that dies between sending and noting it, or outlives its lease, makes the other side
    hear it twice, under the same Message-ID or ``X-Trunk-Event``.
    """

    def __init__(self, database: Database, lease_seconds: float) -> None:
        self._notifications: Collection = database.collection("notifications")
        self._lease = timedelta(seconds=lease_seconds)

    async def open(self, notification: Notification, fact: str, now: datetime, *, skipped: bool) -> bool:
        """Note that this is to be told, or cannot be for want of the channel. False = noted before."""
        document = {
            "_id": notification.key,
            "about_event": notification.about_event,
            "fact": fact,
            "unit": notification.unit,
            "channel": notification.channel.value,
            "state": (State.SKIPPED if skipped else State.PENDING).value,
            "created_at": now,
            "attempts": 0,
            "lease": "",
            "lease_until": FREE,
        }
        return await insert_once(self._notifications, document) is document

    async def about(self, event_id: str) -> list[dict[str, Any]]:
        """Everything noted about one event."""
        with database_trouble():
            found = self._notifications.find({"_id": {"$gt": f"{event_id}/", "$lt": f"{event_id}0"}}).sort("_id", 1)
            return [document async for document in found]

    async def claim(self, key: str, now: datetime) -> str | None:
        """Take the lease of a pending notification: a token, or None when another worker has it."""
        lease = secrets.token_hex(8)
        expected = {"_id": key, "state": State.PENDING.value, "lease_until": {"$lt": now}}
        change = {"$set": {"lease": lease, "lease_until": now + self._lease}, "$inc": {"attempts": 1}}
        return lease if await compare_and_set(self._notifications, expected, change) else None

    async def release(self, key: str, lease: str, detail: str) -> None:
        """Give the lease back: somebody may try again."""
        change = {"$set": {"lease_until": FREE, "detail": detail}}
        await compare_and_set(self._notifications, {"_id": key, "lease": lease}, change)

    async def settle(self, notification: Notification, lease: str, state: State, now: datetime, detail: str) -> bool:
        """Note the end. False = lost the lease meanwhile, and noted nothing: the new holder will."""
        expected = {"_id": notification.key, "state": State.PENDING.value, "lease": lease}
        change = {"state": state.value, "settled_at": now, "address": notification.address, "detail": detail}
        return await compare_and_set(self._notifications, expected, {"$set": change})


def channel_of(document: dict[str, Any]) -> Channel:
    """The channel of a stored notification."""
    return Channel(document["channel"])
