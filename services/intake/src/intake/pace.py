"""How many packages may be under way at the same time: as many as keep the machine busy, and no more; pure.

A package is under way from its turn at the door until the router has done all that it asks. More packages at a time
than the machine can work on do not get through faster; each takes longer, and whoever comes next waits for all of them.
So the size of the window follows from how long packages take, beside how long they take while few are under way: it
grows while they take less than ``tolerance`` times as long and somebody waits for room, and shrinks when they take
longer.
"""

import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from common.domain.names import PackageKind

EASY = 1.25
"""Packages that take at most so many times as long as usual say that the window is much too small."""
EASY_GROWTH = 1.5
LARGEST_CUT = 0.6
SHORTEST_ROUND, LONGEST_ROUND = 4, 16
"""Packages after which the size changes."""
WEIGHT = 0.2
"""Of the newest package, in the time that packages usually take."""
PROBE_EVERY_SECONDS, PROBE_SECONDS = 120.0, 5.0
"""Under constant load, the window goes down to its floor so often and at most for so long, to learn the usual time."""
SHORTEST_LAPSE_SECONDS, LONGEST_LAPSE_SECONDS, LAPSE_AFTER = 10.0, 60.0, 8.0
"""A package of which nothing is heard counts no more after so many times its usual time, within these bounds."""


class Sort(NamedTuple):
    """Packages that take about the same time."""

    kind: PackageKind
    magnitude: int
    """Half the bits of the number of its bytes."""


def sort_of(kind: PackageKind, size_bytes: int) -> Sort:
    """The sort of a package; one of four times the size is another."""
    return Sort(kind, size_bytes.bit_length() // 2)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What an operator sets."""

    floor: int
    ceiling: int
    tolerance: float
    """How many times as long as usual packages may take."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A package that got through."""

    sort: Sort
    seconds: float
    """From its turn to its end."""
    was_quiet: bool
    """No more than the floor were under way when it began and when it ended."""
    others_waited: bool
    """Somebody waited for room when it ended."""


@dataclass(frozen=True, slots=True)
class Pace:
    """The window, and what its size follows from."""

    size: float
    usual: Mapping[Sort, float] = field(default_factory=dict)
    """Seconds that packages take while few are under way."""
    stretches: tuple[float, ...] = ()
    """How many times as long as usual each package of this round took."""
    others_waited: bool = False
    """Somebody waited for room in this round."""
    quiet_at: float = 0.0
    """When the usual time was last learned."""

    def room(self, now: float, bounds: Bounds) -> int:
        """How many packages may be under way now."""
        return bounds.floor if self.is_probing(now) else int(self.size)

    def is_probing(self, now: float) -> bool:
        """Whether the window is at its floor to learn the usual time."""
        return (now - self.quiet_at) % (PROBE_EVERY_SECONDS + PROBE_SECONDS) >= PROBE_EVERY_SECONDS

    def is_learning(self, now: float, bounds: Bounds) -> bool:
        """Whether no unit may exceed the window, since a usual time can be learned only while it is at its floor."""
        return self.is_probing(now) or (not self.usual and self.size <= bounds.floor)

    def lapse_seconds(self, sort: Sort | None) -> float:
        """How long a package counts of which nothing is heard."""
        usual = self.usual.get(sort, 0.0) if sort else 0.0
        return min(max(LAPSE_AFTER * usual, SHORTEST_LAPSE_SECONDS), LONGEST_LAPSE_SECONDS)


def after_end(pace: Pace, ended: Ended, now: float, bounds: Bounds) -> Pace:
    """The next pace. Of a sort whose usual time is not known, nothing follows."""
    was_probing = pace.is_probing(now)
    if ended.was_quiet:
        usual = blended(pace.usual.get(ended.sort), ended.seconds)
        pace = replace(pace, usual={**pace.usual, ended.sort: usual}, quiet_at=now)
    if ended.sort not in pace.usual or was_probing:
        return pace
    stretches = (*pace.stretches, ended.seconds / pace.usual[ended.sort])
    pace = replace(pace, stretches=stretches, others_waited=pace.others_waited or ended.others_waited)
    if len(stretches) < min(max(SHORTEST_ROUND, pace.size), LONGEST_ROUND):
        return pace
    size = _resized(pace.size, statistics.median(stretches), bounds, others_waited=pace.others_waited)
    return replace(pace, size=size, stretches=(), others_waited=False)


def after_lapse(pace: Pace, bounds: Bounds) -> Pace:
    """A package counts no more though nothing was heard of it: the trunk stands, so the door does not wait for it."""
    return replace(pace, size=min(pace.size + 1, bounds.ceiling))


def blended(before: float | None, newest: float) -> float:
    """A mean that follows what is new."""
    return newest if before is None else before + WEIGHT * (newest - before)


def _resized(size: float, stretch: float, bounds: Bounds, *, others_waited: bool) -> float:
    if stretch > bounds.tolerance:
        return max(size * max(bounds.tolerance / stretch, LARGEST_CUT), bounds.floor)
    if not others_waited:
        return size
    return min(size * EASY_GROWTH if stretch <= EASY else size + 1, bounds.ceiling)
