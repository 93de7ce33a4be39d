"""Ends the keeping of notifications that were not sent, and forgets destinations for which nothing waits any more."""

from datetime import timedelta

from common.clock import Clock, utc_now
from notifier.circuits import Circuits
from notifier.store import Notifications

SWEEP_SECONDS = 3600.0
"""How often it is done."""
FORGOTTEN_AFTER = timedelta(days=7)
"""A circuit whose probe has been due for this long had nothing to send in this time."""


class Retention:
    """Ends what is kept too long. Every replica runs it; a second run changes nothing."""

    def __init__(
        self, notifications: Notifications, circuits: Circuits, keep_days: float, now: Clock = utc_now
    ) -> None:
        self._notifications = notifications
        self._circuits = circuits
        self._keep = timedelta(days=keep_days)
        self._now = now

    async def sweep(self) -> None:
        """End the keeping of what is too old. Raises ``Outage`` while the database is away."""
        now = self._now()
        await self._notifications.expire(now - self._keep)
        await self._circuits.forget(now - FORGOTTEN_AFTER)
