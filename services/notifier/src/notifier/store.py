"""Collection ``notifications``: which unit is notified of what, and the state of each notification."""

import secrets
from collections.abc import Callable
from collections.abc import Collection as Names
from datetime import datetime, timedelta

from common.clock import loop_time
from common.database import Collection, Database, Document, compare_and_set, database_errors_as_outages, insert_once
from common.domain.ids import event_id
from common.domain.names import Lane
from common.facts import NotificationSent, OperatorRequested
from common.service.row_requests import RowRequest, answer_once
from notifier.circuits import MAIL_SERVER
from notifier.compose import Channel, Notification, Notified
from notifier.leases import FREE, Lease, SeenLeases
from notifier.policy import Decision, State
from notifier.rows import Row

ENDED = (State.FAILED.value, State.GIVEN_UP.value)
"""States of notifications that were not sent and are not tried any more."""
NOT_RESENT = "nothing to send again: it was sent, it waits, or its text is not kept"
KEEPS_FACT = (State.PENDING, State.FAILED, State.GIVEN_UP)
"""States in which the fact is kept, because an attempt may follow, if only on request of an operator."""


class Notifications:
    """One row for each notification, under ``<event_id>/<unit>/<channel>``. All methods raise ``Outage`` while the
    database is unavailable.

    Fields: about_event, fact (its name), unit, channel, lane, destination, state, created_at, waiting_since,
    next_attempt_at, attempts, lease, lease_until, body (the fact), trace, announcement (the fact to announce once it is
    sent), announced, detail, ``requests`` of operators, and, once it has ended, settled_at and address. No secret is
    kept, and the body only until the notification is sent or has ``expired``.

    Only the holder of the lease sends (``notifier.leases``). The lease ends by itself, so that the death of a process
    does not block the notification. If a process dies between sending and saving the result, or outlives its lease, the
    other side gets the notification twice, with the same Message-ID or ``X-Trunk-Event``.
    """

    def __init__(self, database: Database, lease_seconds: float, clock: Callable[[], float] = loop_time) -> None:
        """``clock``: monotonic, in seconds."""
        self._notifications: Collection = database.collection("notifications")
        self._lease = timedelta(seconds=lease_seconds)
        self._seen = SeenLeases(lease_seconds, clock)

    async def open(
        self, notification: Notification, fact: Notified, now: datetime, trace: dict[str, str], *, skipped: bool
    ) -> bool:
        """Save a notification, as pending or as ``skipped`` because its channel is not set up. False = it was saved
        before.

        A row of a former release, which kept the fact in its queue, gets the missing fields.
        """
        work = {
            "lane": fact.lane.value,
            "destination": notification.destination,
            "waiting_since": now,
            "next_attempt_at": now,
            "announcement": _announcement(notification, fact),
            "trace": trace,
        }
        if not skipped:
            work["body"] = fact.model_dump(mode="json", exclude_none=True)
        document = {
            "_id": notification.key,
            "about_event": notification.about_event,
            "fact": fact.fact,
            "unit": notification.unit,
            "channel": notification.channel.value,
            "state": (State.SKIPPED if skipped else State.PENDING).value,
            "created_at": now,
            "attempts": 0,
            "lease": "",
            "lease_until": FREE,
            **work,
        }
        saved = await insert_once(self._notifications, document)
        if "destination" not in saved:
            former = {"_id": notification.key, "destination": {"$exists": False}}
            await compare_and_set(self._notifications, former, {"$set": work})
        return saved is document

    async def about(self, identifier: str) -> list[Document]:
        """The documents of all notifications about an event. ``identifier``: its event id."""
        with database_errors_as_outages():
            query = {"_id": {"$gt": f"{identifier}/", "$lt": f"{identifier}0"}}
            return [document async for document in self._notifications.find(query).sort("_id", 1)]

    async def find(self, key: str) -> Document | None:
        """The document of one notification; None = there is none."""
        with database_errors_as_outages():
            return await self._notifications.find_one({"_id": key})

    async def due(
        self, lane: Lane, channels: Names[Channel], now: datetime, without: Names[str], limit: int
    ) -> list[Row]:
        """At most ``limit`` pending notifications that are due, the longest due first. ``without``: destinations to
        leave out."""
        query: Document = {
            "state": State.PENDING.value,
            "lane": lane.value,
            "next_attempt_at": {"$lte": now},
            "lease_until": {"$lt": now},
            "channel": {"$in": [channel.value for channel in channels]},
        }
        if without:
            query["destination"] = {"$nin": sorted(without)}
        if watched := self._seen.watched:
            query["_id"] = {"$nin": watched}
        return await self._rows(query, limit)

    async def addressed_to(self, lane: Lane, destinations: Names[str], limit: int) -> list[Row]:
        """Pending notifications to one of these destinations."""
        chosen = {"destination": {"$in": sorted(destinations)}}
        return await self._rows({"state": State.PENDING.value, "lane": lane.value, **chosen}, limit)

    async def overdue(self, lane: Lane, before: datetime, now: datetime, silent: Names[str], limit: int) -> list[Row]:
        """Pending notifications that have waited since ``before`` or longer, that no process is sending, and whose
        circuit is among ``silent``."""
        old = {"waiting_since": {"$lte": before}, "lease_until": {"$lt": now}}
        blocked: list[Document] = [{"destination": {"$in": sorted(silent)}}]
        if MAIL_SERVER in silent:
            blocked.append({"channel": Channel.EMAIL.value})
        return await self._rows({"state": State.PENDING.value, "lane": lane.value, **old, "$or": blocked}, limit)

    def may_take(self, row: Row) -> bool:
        """Whether this process may take a notification (``SeenLeases.has_lapsed``)."""
        return self._seen.has_lapsed(row.key, row.lease)

    async def claim(self, row: Row, now: datetime) -> str | None:
        """Take the lease of a pending notification. Returns its token; None = another process has taken it."""
        if not self.may_take(row):
            return None
        token = secrets.token_hex(8)
        change = {"$set": Lease(token, now + self._lease).fields, "$inc": {"attempts": 1}}
        return token if await compare_and_set(self._notifications, _as_read(row), change) else None

    async def redirect(self, row: Row, destination: str, now: datetime) -> None:
        """Change the destination of a pending notification, because the unit's contact has changed, and make it due."""
        expected = {"_id": row.key, "state": State.PENDING.value, "destination": row.destination}
        change = {"$set": {"destination": destination, "next_attempt_at": now}}
        await compare_and_set(self._notifications, expected, change)

    async def settle(self, key: str, lease: str, decision: Decision, now: datetime, address: str) -> bool:
        """Save the result of an attempt. False = the lease was lost meanwhile, and nothing was saved: the new holder
        does that."""
        expected = {"_id": key, "state": State.PENDING.value, "lease": lease}
        return await compare_and_set(self._notifications, expected, _change(decision, now, address))

    async def end(self, row: Row, decision: Decision, now: datetime) -> bool:
        """Save the end of a notification without an attempt. False = another process is sending it, or it has ended."""
        if not self.may_take(row):
            return False
        return await compare_and_set(self._notifications, _as_read(row), _change(decision, now, ""))

    async def send_again(self, key: str, now: datetime, request: OperatorRequested) -> RowRequest:
        """Make a notification pending again, with its full patience, on request of an operator. Returns the answer that
        was saved first: ``done``, or ``NOT_RESENT``."""

        def decide(row: Document) -> tuple[str, Document]:
            if row["state"] not in ENDED or "body" not in row:
                return NOT_RESENT, {}
            begin = {"state": State.PENDING.value, "waiting_since": now, "next_attempt_at": now, "attempts": 0}
            return "done", begin

        return await answer_once(self._notifications, key, request, now, decide)

    async def expire(self, before: datetime) -> int:
        """Remove the text of notifications that failed or were given up before a time. Returns how many.

        The rows stay, so that a repeated fact does not lead to the notification again.
        """
        ended = {"$in": list(ENDED)}
        change = {"$set": {"state": State.EXPIRED.value}, "$unset": {"body": "", "announcement": "", "trace": ""}}
        with database_errors_as_outages():
            query = {"state": ended, "settled_at": {"$lt": before}}
            return (await self._notifications.update_many(query, change)).matched_count

    async def announce_again(self, key: str) -> None:
        """Have a sent notification announced again, because its fact came again."""
        expected = {"_id": key, "state": State.SENT.value, "announcement": {"$exists": True}}
        await compare_and_set(self._notifications, expected, {"$set": {"announced": False}})

    async def unannounced(self, lane: Lane, limit: int) -> list[tuple[NotificationSent, dict[str, str]]]:
        """The facts of at most ``limit`` notifications that were sent and not announced yet, each with its W3C trace
        context."""
        query = {"announced": False, "lane": lane.value}
        with database_errors_as_outages():
            documents = [document async for document in self._notifications.find(query).limit(limit)]
        return [
            (
                NotificationSent.model_validate(each["announcement"] | {"occurred_at": each["settled_at"]}),
                each.get("trace") or {},
            )
            for each in documents
        ]

    async def note_announced(self, sent: NotificationSent) -> None:
        """Note that a sent notification was announced."""
        key = f"{sent.about_event}/{sent.unit}/{sent.channel}"
        await compare_and_set(self._notifications, {"_id": key}, {"$set": {"announced": True}})

    async def pending(self) -> dict[Channel, int]:
        """How many notifications wait, by channel."""
        counted = dict.fromkeys(Channel, 0)
        stages: list[Document] = [
            {"$match": {"state": State.PENDING.value}},
            {"$group": {"_id": "$channel", "count": {"$sum": 1}}},
        ]
        with database_errors_as_outages():
            async for group in self._notifications.aggregate(stages):
                counted[Channel(group["_id"])] = int(group["count"])
        return counted

    async def _rows(self, query: Document, limit: int) -> list[Row]:
        with database_errors_as_outages():
            documents = self._notifications.find(query).sort("next_attempt_at", 1).limit(limit)
            return [Row.of(document) async for document in documents]


def _as_read(row: Row) -> Document:
    """A query for a pending row whose lease has not changed since it was read."""
    return {"_id": row.key, "state": State.PENDING.value, **row.lease.fields}


def _announcement(notification: Notification, fact: Notified) -> Document:
    """The fact to announce once the notification is sent, as JSON, without the time, which is added then."""
    sent = fact.follow(
        NotificationSent,
        "notification.sent",
        fact.occurred_at,
        event_id=event_id(notification.key, "notification.sent"),
        unit=notification.unit,
        channel=notification.channel.value,
        about_event=fact.event_id,
    )
    return sent.model_dump(mode="json", exclude={"occurred_at"})


def _change(decision: Decision, now: datetime, address: str) -> Document:
    values: Document = {"state": decision.state.value, "detail": decision.detail, "lease_until": FREE}
    if decision.state is State.PENDING:
        return {"$set": values | {"next_attempt_at": decision.next_attempt_at}}
    values |= {"settled_at": now, "address": address}
    if decision.state is State.SENT:
        values["announced"] = False
    return {"$set": values} if decision.state in KEEPS_FACT else {"$set": values, "$unset": {"body": ""}}
