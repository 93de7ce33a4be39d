"""Announces sent notifications. The facts are saved first, so that none is lost while the broker is unavailable."""

from common.domain.names import Lane
from common.service.outgoing import Announcer
from common.service.tracing import resumed
from notifier.store import Notifications

BATCH = 200
"""Facts read at a time."""


class Announcements:
    """Announces the sent notifications of one lane."""

    def __init__(self, lane: Lane, notifications: Notifications, announcer: Announcer) -> None:
        self._lane = lane
        self._notifications = notifications
        self._announcer = announcer

    async def make(self) -> None:
        """Announce all facts that are not announced yet. Raises ``Outage``; the rest follows in the next round."""
        while facts := await self._notifications.unannounced(self._lane, BATCH):
            for fact, trace in facts:
                with resumed(trace):
                    await self._announcer.announce(fact)
                await self._notifications.note_announced(fact)
