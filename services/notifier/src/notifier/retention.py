"""Removes the texts of old notifications that were not sent, and closes circuits for which nothing waits any more."""

from datetime import timedelta

from common.clock import Clock, utc_now
from notifier.circuits import Circuits
from notifier.store import Notifications

SWEEP_SECONDS = 3600.0
"""Pause between two sweeps."""
FORGOTTEN_AFTER = timedelta(days=7)
"""A circuit whose probe has been due for this long had nothing to send in that time."""


class Retention:
    """Run by a timer on every replica. Idempotent."""

    def __init__(
        self, notifications: Notifications, circuits: Circuits, keep_days: float, now: Clock = utc_now
    ) -> None:
        self._notifications = notifications
        self._circuits = circuits
        self._keep = timedelta(days=keep_days)
        self._now = now

    async def sweep(self) -> None:
        """Remove texts older than ``keep_days``, and close idle circuits. Raises ``Outage`` while the database is
        unavailable."""
        now = self._now()
        await self._notifications.expire(now - self._keep)
        await self._circuits.forget(now - FORGOTTEN_AFTER)
