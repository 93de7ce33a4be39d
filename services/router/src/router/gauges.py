"""Gauges that the router sets from its database. They are the same on every replica, and correct after a restart."""

from common.metrics import set_deliveries_pending, set_placings_waiting
from router.handlers import Directories
from router.metrics import none_pending
from router.placing import Cause
from router.store import Store


class Gauges:
    """Run by a timer."""

    def __init__(self, store: Store, directory: Directories) -> None:
        self._store = store
        self._directory = directory

    async def refresh(self) -> None:
        """Record how many deliveries each unit has not answered, and how many placings wait, by cause."""
        set_deliveries_pending(none_pending(self._directory.current) | await self._store.deliveries.pending())
        waiting = await self._store.placings.waiting()
        set_placings_waiting({cause.value: waiting.get(cause, 0) for cause in Cause})
