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
"""Under constant load, the window goes down to its floor so often and for so long, to learn the usual time: at all
processes at the same time by the clock, because each of them would measure what the others let in."""
SETTLING_SECONDS = 2.0
"""A package that begins so soon after that is still beside those that were under way before."""
SHORTEST_LAPSE_SECONDS, LONGEST_LAPSE_SECONDS, LAPSE_AFTER = 10.0, 60.0, 8.0
"""A package of which nothing is heard counts no more after so many times its usual time, within these bounds."""


class Moment(NamedTuple):
    """One moment, by both clocks, in seconds."""

    now: float
    """On the monotonic clock of the process."""
    wall: float
    """By the clock that all processes share."""

    @property
    def into_probe(self) -> float:
        """Since the common time of learning began; negative = it is not that time."""
        return self.wall % (PROBE_EVERY_SECONDS + PROBE_SECONDS) - PROBE_EVERY_SECONDS

    def before(self, seconds: float) -> "Moment":
        """An earlier moment."""
        return Moment(self.now - seconds, self.wall - seconds)


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
    waited_at: float = float("-inf")
    """When somebody last waited for room, on the monotonic clock."""

    def room(self, at: Moment, bounds: Bounds) -> int:
        """How many packages may be under way now."""
        return bounds.floor if self.is_probing(at) else int(self.size)

    def is_probing(self, at: Moment) -> bool:
        """Whether the window is at its floor to learn the usual time; it need not be if nobody waited lately."""
        return at.into_probe >= 0 and at.now - self.waited_at <= PROBE_EVERY_SECONDS + at.into_probe

    def is_learning(self, at: Moment, bounds: Bounds) -> bool:
        """Whether no unit may exceed the window, since a usual time can be learned only while it is at its floor."""
        return self.is_probing(at) or (not self.usual and self.size <= bounds.floor)

    def lapse_seconds(self, sort: Sort | None) -> float:
        """How long a package counts of which nothing is heard."""
        usual = self.usual.get(sort, 0.0) if sort else 0.0
        return min(max(LAPSE_AFTER * usual, SHORTEST_LAPSE_SECONDS), LONGEST_LAPSE_SECONDS)


def after_end(pace: Pace, ended: Ended, at: Moment, bounds: Bounds) -> Pace:
    """The next pace. Of a sort whose usual time is not known, nothing follows, nor of what ends while it is learned."""
    if ended.was_quiet:
        pace = replace(pace, usual=_learned(pace.usual, ended, at))
    if at.into_probe >= 0:
        return pace
    if ended.others_waited:
        pace = replace(pace, waited_at=at.now)
    if ended.sort not in pace.usual:
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


def _learned(usual: Mapping[Sort, float], ended: Ended, at: Moment) -> Mapping[Sort, float]:
    """The usual times after a package with few others of this process under way.

    Those of other processes may be many, and make it slower than usual, never faster. So what takes longer counts only
    if it began in the common time of learning, when they let in few as well.
    """
    before = usual.get(ended.sort)
    began_in_probe = at.before(ended.seconds).into_probe >= SETTLING_SECONDS
    if before is not None and ended.seconds > before and not began_in_probe:
        return usual
    return {**usual, ended.sort: blended(before, ended.seconds)}


def blended(before: float | None, newest: float) -> float:
    """A mean that follows what is new."""
    return newest if before is None else before + WEIGHT * (newest - before)


def _resized(size: float, stretch: float, bounds: Bounds, *, others_waited: bool) -> float:
    if stretch > bounds.tolerance:
        return max(size * max(bounds.tolerance / stretch, LARGEST_CUT), bounds.floor)
    if not others_waited:
        return size
    return min(size * EASY_GROWTH if stretch <= EASY else size + 1, bounds.ceiling)
