"""Gauges that the archive tells for the whole trunk, from its database: equal on every replica."""

from archive.store import Progress
from common.metrics import set_oldest_unfinished


class Gauges:
    """Read by timer, so that they are right after a restart and also while no fact arrives."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    async def refresh(self) -> None:
        """Tell since when the oldest packages wait."""
        set_oldest_unfinished(await self._progress.oldest())
