"""Counts equal events that come in large numbers: the first is announced at once, the others as one count a minute."""

from collections.abc import Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

WINDOW = timedelta(minutes=1)
MOST_GROUPS = 10_000
"""Groups counted at a time. Events of further groups are announced one by one, so that memory does not grow."""

G = TypeVar("G", bound=Hashable)


@dataclass(slots=True)
class _Window:
    ends_at: datetime
    count: int = 0


class Bursts(Generic[G]):
    """Counts events by group. When the process ends, counts that are not announced yet are lost; the first event of
    each group has been announced."""

    def __init__(self) -> None:
        self._windows: dict[G, _Window] = {}

    def counts(self, group: G) -> bool:
        """Count an event whose group was announced within the window. False = the event must be announced itself."""
        window = self._windows.get(group)
        if window is None:
            return False
        window.count += 1
        return True

    def begin(self, group: G, now: datetime) -> None:
        """Begin the window of a group whose event was announced: those that follow within it are counted."""
        if len(self._windows) < MOST_GROUPS:
            self._windows.setdefault(group, _Window(now + WINDOW))

    def ended(self, now: datetime) -> list[tuple[G, int, datetime]]:
        """End the windows that are over. Returns those with counted events: group, number of events after the first,
        and end of the window."""
        over = [group for group, window in self._windows.items() if window.ends_at <= now]
        windows = [(group, self._windows.pop(group)) for group in over]
        return [(group, window.count, window.ends_at) for group, window in windows if window.count]
