"""Counts equal events that come in numbers: the first is told at once, the rest as one number a minute."""

from collections.abc import Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

WINDOW = timedelta(minutes=1)
MOST_GROUPS = 10_000
"""Groups counted at a time; beyond, every event is told, and the ledger grows instead of memory."""

G = TypeVar("G", bound=Hashable)


@dataclass(slots=True)
class _Window:
    ends_at: datetime
    count: int = 0


class Bursts(Generic[G]):
    """Counts by group. Counts that are not told yet are lost with the process; that something happened is not."""

    def __init__(self) -> None:
        self._windows: dict[G, _Window] = {}

    def counts(self, group: G) -> bool:
        """Count an event whose group has been told of already; False = it is to be told by itself."""
        window = self._windows.get(group)
        if window is None:
            return False
        window.count += 1
        return True

    def begin(self, group: G, now: datetime) -> None:
        """An event was told: count those that follow within the window."""
        if len(self._windows) < MOST_GROUPS:
            self._windows.setdefault(group, _Window(now + WINDOW))

    def ended(self, now: datetime) -> list[tuple[G, int, datetime]]:
        """Groups whose minute is over and in which more came than the first: group, number, end of the minute."""
        over = [group for group, window in self._windows.items() if window.ends_at <= now]
        windows = [(group, self._windows.pop(group)) for group in over]
        return [(group, window.count, window.ends_at) for group, window in windows if window.count]
