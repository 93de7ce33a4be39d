"""Circuits: how often in a row each destination has failed, and when its next probe is due. Shared by all replicas.

A destination that works has no row in collection ``destinations``, or one without failures. Rows are changed by
compare-and-set on the number of failures, so that concurrent attempts that fail count once.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from common.database import Collection, Database, Document, compare_and_set, database_errors_as_outages, insert_once
from notifier.compose import Channel, Notification

MAIL_SERVER = "mail server"
"""Id of the circuit that all mails share."""


@dataclass(frozen=True, slots=True)
class Failing:
    """A destination whose circuit is open."""

    failures: int
    probe_at: datetime


class Circuits:
    """The open circuits, as of the last ``load`` and the changes of this process since. Methods that read or write the
    database raise ``Outage`` while it is unavailable."""

    def __init__(self, database: Database, probe_time: timedelta) -> None:
        """``probe_time``: how long a probe under way prevents another one, if its process dies."""
        self._rows: Collection = database.collection("destinations")
        self._probe_time = probe_time
        self._failing: dict[str, Failing] = {}
        self.is_loaded = False

    async def load(self) -> None:
        """Read the open circuits from the database."""
        with database_errors_as_outages():
            rows = [row async for row in self._rows.find({"failures": {"$gt": 0}})]
        self._failing = {row["_id"]: Failing(row["failures"], row["probe_at"]) for row in rows}
        self.is_loaded = True

    def failing(self) -> dict[str, Failing]:
        """Open circuits by destination."""
        return dict(self._failing)

    def failures(self, destination: str) -> int:
        """How often in a row a destination has failed."""
        failing = self._failing.get(destination)
        return failing.failures if failing else 0

    def is_closed(self, destination: str) -> bool:
        """Whether everything may be sent to a destination."""
        return destination not in self._failing

    def waiting(self, now: datetime) -> set[str]:
        """Destinations to which nothing may be sent yet."""
        return {name for name, failing in self._failing.items() if failing.probe_at > now}

    async def take_probe(self, destination: str, now: datetime) -> bool:
        """Whether the caller may send to a destination: always while its circuit is closed; while it is open, one
        caller once the probe is due."""
        failing = self._failing.get(destination)
        if failing is None:
            return True
        if failing.probe_at > now:
            return False
        until = now + self._probe_time
        expected = {"_id": destination, "failures": failing.failures, "probe_at": {"$lte": now}}
        self._failing[destination] = replace(failing, probe_at=until)
        return await compare_and_set(self._rows, expected, {"$set": {"probe_at": until}})

    async def open(
        self, destination: str, notification: Notification, detail: str, now: datetime, probe_at: datetime
    ) -> None:
        """Count one more failure of a destination. Of several attempts that began together, one counts.

        ``notification``: names channel, unit and address for the operator; ``probe_at``: when the next probe is due.
        """
        failures = self.failures(destination)
        row: Document = {"failures": failures + 1, "probe_at": probe_at, "detail": detail}
        if failures == 0:
            row["failing_since"] = now
        self._failing[destination] = Failing(failures + 1, probe_at)
        if await compare_and_set(self._rows, {"_id": destination, "failures": failures}, {"$set": row}) or failures:
            return
        is_server = destination == MAIL_SERVER
        about = {
            "channel": notification.channel.value,
            "unit": "" if is_server else notification.unit,
            "address": "" if is_server else notification.address,
        }
        await insert_once(self._rows, {"_id": destination, **about, **row})

    async def close(self, destination: str) -> None:
        """Close the circuit of a destination that answers."""
        if self._failing.pop(destination, None) is not None:
            change = {"$set": {"failures": 0, "detail": ""}}
            await compare_and_set(self._rows, {"_id": destination, "failures": {"$gt": 0}}, change)

    async def forget(self, before: datetime) -> int:
        """Close the circuits whose probe was due before a time, since nothing waits for these destinations any more.
        Returns how many."""
        with database_errors_as_outages():
            query = {"failures": {"$gt": 0}, "probe_at": {"$lt": before}}
            return (await self._rows.update_many(query, {"$set": {"failures": 0, "detail": ""}})).matched_count


def circuits_of(channel: Channel, destination: str) -> tuple[str, ...]:
    """The circuits that a notification must pass, the shared one first."""
    return (MAIL_SERVER, destination) if channel is Channel.EMAIL else (destination,)
