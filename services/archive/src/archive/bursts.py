"""Counts equal events that come in large numbers: the first is announced at once, the others as one count a minute.

Anybody on the network can cause such events under any name, so the number of names is bounded: in memory, and in what
is announced. Events beyond the bounds are counted without a name, as those of others. No event is left out of the
count.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

WINDOW = timedelta(minutes=1)
MOST_GROUPS = 1_000
"""Groups counted at a time. When one more comes, the least frequent one is counted among the others from then on."""
MOST_NAMED = 100
"""How many groups may be announced by name: at once, as long as no more are counted; and of the windows that end
together, the most frequent."""
OTHERS = "other names or addresses"
"""Origin of events that are counted without a name."""


class Group(NamedTuple):
    """Events that are counted together."""

    kind: str
    actor: str
    origin: str


class Ended(NamedTuple):
    """The count of a window that is over."""

    group: Group
    events: int
    """Number of events that were not announced themselves."""
    ended_at: datetime


@dataclass(slots=True)
class _Window:
    ends_at: datetime
    count: int = 0


class Bursts:
    """Counts events by group. When the process ends, counts that are not announced yet are lost; the first event of
    each of the first groups has been announced."""

    def __init__(self) -> None:
        self._windows: dict[Group, _Window] = {}
        self._others: Counter[str] = Counter()
        """By kind."""

    def counts(self, group: Group, now: datetime) -> bool:
        """Count an event, if its group is counted already, or if too many groups are for it to be announced. False =
        the event must be announced itself."""
        window = self._windows.get(group)
        if window is None and len(self._windows) < MOST_NAMED:
            return False
        if window is None:
            window = self._admitted(group, now)
        window.count += 1
        return True

    def begin(self, group: Group, now: datetime) -> None:
        """Begin the window of a group whose event was announced: those that follow within it are counted."""
        if group not in self._windows:
            self._admitted(group, now)

    def ended(self, now: datetime) -> list[Ended]:
        """End the windows that are over. Returns those with counted events: the most frequent by name, and one for each
        kind of the others."""
        over = [group for group, window in self._windows.items() if window.ends_at <= now]
        windows = [Ended(group, window.count, window.ends_at) for group in over if (window := self._windows.pop(group))]
        counted = sorted((each for each in windows if each.events), key=lambda each: each.events, reverse=True)
        for each in counted[MOST_NAMED:]:
            self._others[each.group.kind] += each.events
        others = [Ended(Group(kind, "", OTHERS), count, now) for kind, count in self._others.items()]
        self._others.clear()
        return [*counted[:MOST_NAMED], *others]

    def _admitted(self, group: Group, now: datetime) -> _Window:
        if len(self._windows) >= MOST_GROUPS:
            least = min(self._windows, key=lambda each: self._windows[each].count)
            if count := self._windows.pop(least).count:
                self._others[least.kind] += count
        window = self._windows[group] = _Window(now + WINDOW)
        return window
