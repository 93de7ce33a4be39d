"""Gauges that the archive tells for the whole trunk, from its database: equal on every replica."""

from archive.batches import Batches
from archive.store import Backups, Progress
from common.metrics import set_archive_check, set_backups, set_log, set_log_tidied, set_oldest_unfinished


class Gauges:
    """Read by timer, so that they are right after a restart and also while no fact arrives."""

    def __init__(self, progress: Progress, backups: Backups, batches: Batches) -> None:
        self._progress = progress
        self._backups = backups
        self._batches = batches

    async def refresh(self) -> None:
        """Tell since when the oldest packages wait, how old what jobs did is, how far the log is."""
        set_oldest_unfinished(await self._progress.oldest())
        set_backups(await self._backups.begun())
        set_archive_check(*await self._backups.checked())
        set_log_tidied(await self._backups.tidied())
        newest, waiting = await self._batches.newest(), await self._batches.unsealed(1)
        set_log(newest.size if newest else 0, waiting[0].recorded_at if waiting else None)
