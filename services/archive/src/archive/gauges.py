"""Gauges that the archive tells for the whole trunk, from its database: equal on every replica."""

from archive.store import Backups, Progress
from common.metrics import set_backups, set_oldest_unfinished


class Gauges:
    """Read by timer, so that they are right after a restart and also while no fact arrives."""

    def __init__(self, progress: Progress, backups: Backups) -> None:
        self._progress = progress
        self._backups = backups

    async def refresh(self) -> None:
        """Tell since when the oldest packages wait, and how old the newest backups are."""
        set_oldest_unfinished(await self._progress.oldest())
        set_backups(await self._backups.begun())
