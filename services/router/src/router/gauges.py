"""Gauges that the router tells from its database: equal on every replica, and right after a restart."""

from common.metrics import set_deliveries_pending
from router.handlers import Directories
from router.measuring import none_pending
from router.store import Store


class Gauges:
    """Read by timer."""

    def __init__(self, store: Store, directory: Directories) -> None:
        self._store = store
        self._directory = directory

    async def refresh(self) -> None:
        """Tell how many deliveries each unit has not answered."""
        set_deliveries_pending(none_pending(self._directory.current) | await self._store.pending())
