"""Sends what is due, without any destination keeping another one waiting.

Each lane of a process has its own dispatch. Attempts run side by side: many webhooks, few mails, and to one
destination very few; a destination whose circuit is open gets one probe at a time, of one process. Handlers of facts
never wait for an attempt.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from common.clock import Clock, utc_now
from common.containment import contained
from common.domain.directory import Directory
from common.domain.names import Lane
from notifier.answer import Sender
from notifier.attempts import Attempts
from notifier.circuits import MAIL_SERVER, Circuits, circuits_of
from notifier.compose import Channel, destinations
from notifier.policy import Decision, State
from notifier.rows import Row
from notifier.store import Notifications

BATCH = 200
"""Rows asked for at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much happens at the same time, and for how long it is tried."""

    at_once: Mapping[Channel, int]
    """Attempts by channel."""
    per_destination: int
    patience: timedelta
    pause_seconds: float
    """Between two looks into the database while nothing happens."""


class Dispatch:
    """The notifications of one lane. ``round`` is done over and over; ``fill`` begins what can begin now."""

    def __init__(
        self,
        lane: Lane,
        notifications: Notifications,
        circuits: Circuits,
        directory: Callable[[], Directory],
        senders: Mapping[Channel, Sender],
        limits: Limits,
        now: Clock = utc_now,
    ) -> None:
        self._lane = lane
        self._notifications = notifications
        self._circuits = circuits
        self._directory = directory
        self._attempts = Attempts(notifications, circuits, directory, senders, limits.patience, now)
        self._limits = limits
        self._now = now
        self._running: dict[str, asyncio.Task[None]] = {}
        self._busy: Counter[str] = Counter()
        self._channels: Counter[Channel] = Counter()
        self._is_stopping = False
        self._is_behind = False
        self._wake = asyncio.Event()

    async def round(self) -> None:
        """Wait until there may be something to do, and do it. Raises ``Outage`` while the database is away."""
        with contained(_ignored):
            async with asyncio.timeout(self._limits.pause_seconds):
                await self._wake.wait()
        await self.fill()

    def offer(self, row: Row) -> None:
        """Send it now if there is room; else it is found in the database when there is.

        A process that has just begun does not know yet which circuits are open.
        """
        if not (self._circuits.is_loaded and self._begin(row)):
            self._is_behind = True

    async def fill(self) -> int:
        """Begin everything that is due and has room; give up what has waited too long for a silent destination.

        Returns how many attempts it began.
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
        """Begin nothing more, and let running attempts end."""
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
        """Destinations to which nothing more can be sent now."""
        most = self._limits.per_destination
        full = {name for name, count in self._busy.items() if count >= most or not self._circuits.is_closed(name)}
        return full | self._circuits.waiting(self._now())

    async def _redirect(self) -> None:
        """Let nothing wait for an address that is no longer in the directory."""
        failing = self._circuits.failing().keys() - {MAIL_SERVER}
        if former := failing - destinations(self._directory()):
            for row in await self._notifications.addressed_to(self._lane, former, BATCH):
                await self._attempts.aim(row)

    async def _give_up(self) -> None:
        """End what nobody attempts any more because its circuit is open."""
        now, waiting = self._now(), self._circuits.waiting(self._now())
        if waiting:
            before = now - self._limits.patience
            for row in await self._notifications.overdue(self._lane, before, now, waiting, BATCH):
                decision = Decision(state=State.GIVEN_UP, detail=f"no answer, attempts: {row.attempts}")
                await self._attempts.end(row, decision)


def _ignored(_: str) -> None:
    """Time is over: nothing follows from it."""
