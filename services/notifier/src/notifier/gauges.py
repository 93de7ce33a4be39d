"""Gauges that the notifier sets from its database. They are the same on every replica, and correct after a restart."""

from collections.abc import Callable

from common.domain.directory import Directory
from common.metrics import set_destinations_failing, set_notifications_waiting
from notifier.circuits import MAIL_SERVER, Circuits
from notifier.compose import Channel, destinations
from notifier.store import Notifications


class Gauges:
    """Run by a timer."""

    def __init__(self, notifications: Notifications, circuits: Circuits, directory: Callable[[], Directory]) -> None:
        self._notifications = notifications
        self._circuits = circuits
        self._directory = directory

    async def refresh(self) -> None:
        """Record how many notifications wait, and how many destinations in the directory fail, by channel."""
        waiting = await self._notifications.pending()
        set_notifications_waiting({channel.value: count for channel, count in waiting.items()})
        await self._circuits.load()
        failing = self._circuits.failing().keys() & (destinations(self._directory()) | {MAIL_SERVER})
        counted = dict.fromkeys((channel.value for channel in Channel), 0)
        for name in failing:
            counted[Channel.EMAIL if name == MAIL_SERVER else name.partition(":")[0]] += 1
        set_destinations_failing(counted)
