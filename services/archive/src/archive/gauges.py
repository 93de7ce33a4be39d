"""Gauges about the whole trunk that the archive sets from its database. They are the same on every replica."""

from archive.batches import Batches
from archive.store import Backups, Progress
from common.metrics import set_archive_check, set_backups, set_log, set_log_tidied, set_oldest_unfinished


class Gauges:
    """Run by a timer, so that the gauges are correct after a restart, and while no fact arrives."""

    def __init__(self, progress: Progress, backups: Backups, batches: Batches) -> None:
        self._progress = progress
        self._backups = backups
        self._batches = batches

    async def refresh(self) -> None:
        """Record when the oldest waiting packages were submitted, when backups and checks last succeeded, and the size
        of the log. Raises ``Outage``."""
        set_oldest_unfinished(await self._progress.oldest())
        set_backups(await self._backups.begun())
        set_archive_check(*await self._backups.checked())
        set_log_tidied(await self._backups.tidied())
        newest, waiting = await self._batches.newest(), await self._batches.unsealed(1)
        set_log(newest.size if newest else 0, waiting[0].recorded_at if waiting else None)
