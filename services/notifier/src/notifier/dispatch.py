"""Sends notifications that are due, without letting one destination delay another.

Each lane of a process has its own dispatch. Attempts run concurrently: many webhooks, few mails, and very few to one
destination. A destination whose circuit is open gets one probe at a time, from one process. Handlers of facts never
wait for an attempt.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from common.clock import Clock, utc_now
from common.containment import contained
from common.domain.names import Lane
from notifier.answer import Sender
from notifier.attempts import Attempts
from notifier.circuits import MAIL_SERVER, Circuits, circuits_of
from notifier.compose import Channel, destinations
from notifier.directories import Directories
from notifier.policy import Decision, State
from notifier.rows import Row
from notifier.store import Notifications

BATCH = 200
"""Rows read at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of the attempts of one lane."""

    at_once: Mapping[Channel, int]
    """Concurrent attempts, by channel."""
    per_destination: int
    """Concurrent attempts at one destination."""
    patience: timedelta
    """How long a notification waits before it is given up."""
    pause_seconds: float
    """Pause between two queries for due notifications while nothing is offered."""


class Dispatch:
    """Sends the notifications of one lane. ``round`` is called in a loop; ``fill`` begins the attempts that can begin
    now."""

    def __init__(
        self,
        lane: Lane,
        notifications: Notifications,
        circuits: Circuits,
        directories: Directories,
        senders: Mapping[Channel, Sender],
        limits: Limits,
        now: Clock = utc_now,
    ) -> None:
        self._lane = lane
        self._notifications = notifications
        self._circuits = circuits
        self._directories = directories
        self._attempts = Attempts(notifications, circuits, directories, senders, limits.patience, now)
        self._limits = limits
        self._now = now
        self._running: dict[str, asyncio.Task[None]] = {}
        self._busy: Counter[str] = Counter()
        self._channels: Counter[Channel] = Counter()
        self._is_stopping = False
        self._is_behind = False
        self._wake = asyncio.Event()

    async def round(self) -> None:
        """Wait until there may be something to do, and do it. Raises ``Outage`` while the database is unavailable."""
        with contained(_ignored):
            async with asyncio.timeout(self._limits.pause_seconds):
                await self._wake.wait()
        await self.fill()

    def offer(self, row: Row) -> None:
        """Begin an attempt now if there is room. Otherwise ``fill`` reads the row from the database later; so it does
        until the circuits are loaded.
        """
        if not (self._circuits.is_loaded and self._begin(row)):
            self._is_behind = True

    async def fill(self) -> int:
        """Begin attempts at notifications that are due, as far as there is room, and give up those that have waited too
        long for a destination that does not answer.

        Returns the number of attempts begun. Raises ``Outage``.
        """
        self._wake.clear()
        await self._circuits.load()
        await self._redirect()
        await self._give_up()
        begun = await self._begin_due()
        free = set(self._free_channels())
        self._is_behind = len(free) < len(self._limits.at_once) or bool(self._full() & self._busy.keys())
        return begun

    async def _begin_due(self) -> int:
        total = 0
        while channels := self._free_channels():
            rows = await self._notifications.due(self._lane, channels, self._now(), self._full(), BATCH)
            begun = sum([self._begin(row) for row in rows])
            total += begun
            if len(rows) < BATCH or not begun:
                break
        return total

    async def idle(self) -> None:
        """Return when no attempt is running."""
        while running := list(self._running.values()):
            await asyncio.wait(running)

    async def stop(self, within_seconds: float) -> None:
        """Begin no further attempts, and wait for those that run; after ``within_seconds`` they are cancelled."""
        self._is_stopping = True
        if running := set(self._running.values()):
            _, late = await asyncio.wait(running, timeout=within_seconds)
            for task in late:
                task.cancel()

    def _begin(self, row: Row) -> bool:
        if row.key in self._running or self._is_stopping or not self._has_room(row):
            return False
        if not self._notifications.may_take(row):
            return False
        self._busy[row.destination] += 1
        self._channels[row.channel] += 1
        task = asyncio.create_task(self._attempts.make(row))
        self._running[row.key] = task
        task.add_done_callback(lambda _: self._end(row))
        return True

    def _end(self, row: Row) -> None:
        del self._running[row.key]
        self._channels[row.channel] -= 1
        self._busy[row.destination] -= 1
        if not self._busy[row.destination]:
            del self._busy[row.destination]
        if self._is_behind:
            self._wake.set()

    def _has_room(self, row: Row) -> bool:
        if self._channels[row.channel] >= self._limits.at_once[row.channel]:
            return False
        waiting = self._circuits.waiting(self._now())
        if any(name in waiting for name in circuits_of(row.channel, row.destination)):
            return False
        is_closed = self._circuits.is_closed(row.destination)
        return self._busy[row.destination] < (self._limits.per_destination if is_closed else 1)

    def _free_channels(self) -> list[Channel]:
        waiting = self._circuits.waiting(self._now())
        return [
            channel
            for channel, most in self._limits.at_once.items()
            if self._channels[channel] < most and not (channel is Channel.EMAIL and MAIL_SERVER in waiting)
        ]

    def _full(self) -> set[str]:
        """Destinations at which no further attempt can begin now."""
        most = self._limits.per_destination
        full = {name for name, count in self._busy.items() if count >= most or not self._circuits.is_closed(name)}
        return full | self._circuits.waiting(self._now())

    async def _redirect(self) -> None:
        """Give notifications that wait for an address which is no longer in the directory their new address, or end
        them. While it is unknown which directory is the newest, they wait."""
        failing = self._circuits.failing().keys() - {MAIL_SERVER}
        if former := failing - destinations(self._directories.current):
            rows = await self._notifications.addressed_to(self._lane, former, BATCH)
            with contained(_ignored):
                for row in rows:
                    await self._attempts.aim(row)

    async def _give_up(self) -> None:
        """End notifications whose patience is over while their circuit is open, so that no attempt would end them."""
        now, waiting = self._now(), self._circuits.waiting(self._now())
        if waiting:
            before = now - self._limits.patience
            for row in await self._notifications.overdue(self._lane, before, now, waiting, BATCH):
                decision = Decision(state=State.GIVEN_UP, detail=f"no answer, attempts: {row.attempts}")
                await self._attempts.end(row, decision)


def _ignored(_: str) -> None:
    """Do nothing: the next round tries again."""
