"""The window: how many packages may be under way at a time, so that the machine is busy but not overloaded. Pure.

A package is under way from its turn at the door until the router has done all that it asks. If there are more packages
than the machine can work on, none gets through faster, each takes longer, and the next one waits for all of them. So
the size of the window follows from the time that packages take, compared with their usual time while few are under way.
The window grows while they take less than ``tolerance`` times as long and a submission waits for room; it shrinks when
they take longer.
"""

import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from common.domain.names import PackageKind

EASY = 1.25
"""If packages take at most this many times as long as usual, the window is much too small, and grows by
``EASY_GROWTH``."""
EASY_GROWTH = 1.5
LARGEST_CUT = 0.6
"""The smallest factor by which the window shrinks at once."""
SHORTEST_ROUND, LONGEST_ROUND = 4, 16
"""After how many packages the size may change: as many as the window holds, within these bounds."""
WEIGHT = 0.2
"""Weight of the newest package in the mean of the usual time."""
PROBE_EVERY_SECONDS, PROBE_SECONDS = 120.0, 5.0
"""Under constant load, the window goes down to its floor at this interval and for this long, to learn the usual time.
All processes do so at the same time by the clock; otherwise each would measure the packages of the others."""
SETTLING_SECONDS = 2.0
"""A package that begins within this time after the start of a probe still competes with earlier ones."""
SHORTEST_LAPSE_SECONDS, LONGEST_LAPSE_SECONDS, LAPSE_AFTER = 10.0, 60.0, 8.0
"""A package about which no fact comes stops counting after ``LAPSE_AFTER`` times its usual time, within these
bounds."""


class Moment(NamedTuple):
    """One moment by two clocks, in seconds."""

    now: float
    """By the monotonic clock of the process."""
    wall: float
    """By the clock that all processes share."""

    @property
    def into_probe(self) -> float:
        """Seconds since the current probe began; negative = there is none now."""
        return self.wall % (PROBE_EVERY_SECONDS + PROBE_SECONDS) - PROBE_EVERY_SECONDS

    def before(self, seconds: float) -> "Moment":
        """The moment that many seconds earlier."""
        return Moment(self.now - seconds, self.wall - seconds)


class Sort(NamedTuple):
    """A class of packages that take about the same time."""

    kind: PackageKind
    magnitude: int
    """Half the number of bits of the size in bytes."""


def sort_of(kind: PackageKind, size_bytes: int) -> Sort:
    """The sort of a package. A package of four times the size belongs to another sort."""
    return Sort(kind, size_bytes.bit_length() // 2)


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bounds of the window, set by the operator."""

    floor: int
    ceiling: int
    tolerance: float
    """How many times as long as usual packages may take."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A package that is routed."""

    sort: Sort
    seconds: float
    """From its turn to its end."""
    was_quiet: bool
    """Whether no more packages than the floor were under way when it began and when it ended."""
    others_waited: bool
    """Whether a submission waited for room when it ended."""


@dataclass(frozen=True, slots=True)
class Pace:
    """The size of the window, and the measurements from which it follows."""

    size: float
    usual: Mapping[Sort, float] = field(default_factory=dict)
    """Seconds that packages take while few are under way."""
    stretches: tuple[float, ...] = ()
    """How many times as long as usual each package of this round took."""
    others_waited: bool = False
    """Whether a submission waited for room in this round."""
    waited_at: float = float("-inf")
    """When a submission last waited for room, by the monotonic clock."""

    def room(self, at: Moment, bounds: Bounds) -> int:
        """How many packages may be under way now."""
        return bounds.floor if self.is_probing(at) else int(self.size)

    def is_probing(self, at: Moment) -> bool:
        """Whether the window is at its floor to learn the usual time. If no submission has waited since the last probe,
        none is needed."""
        return at.into_probe >= 0 and at.now - self.waited_at <= PROBE_EVERY_SECONDS + at.into_probe

    def is_learning(self, at: Moment, bounds: Bounds) -> bool:
        """Whether no unit may exceed the window, because the usual time is being learned."""
        return self.is_probing(at) or (not self.usual and self.size <= bounds.floor)

    def lapse_seconds(self, sort: Sort | None) -> float:
        """How long a package counts about which no fact comes."""
        usual = self.usual.get(sort, 0.0) if sort else 0.0
        return min(max(LAPSE_AFTER * usual, SHORTEST_LAPSE_SECONDS), LONGEST_LAPSE_SECONDS)


def after_end(pace: Pace, ended: Ended, at: Moment, bounds: Bounds) -> Pace:
    """The pace after the end of a package. The size of the window stays if the usual time of its sort is not known, and
    during a probe."""
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
    """The pace after a package stopped counting without a fact about it. The window grows by one, because a step behind
    intake does not run, and submissions need not wait for it."""
    return replace(pace, size=min(pace.size + 1, bounds.ceiling))


def _learned(usual: Mapping[Sort, float], ended: Ended, at: Moment) -> Mapping[Sort, float]:
    """The usual times after a package that ended while few others of this process were under way.

    Other processes may have many under way, which makes a package slower than usual, never faster. So a longer time
    counts only if the package began during a probe, when they let in few as well.
    """
    before = usual.get(ended.sort)
    began_in_probe = at.before(ended.seconds).into_probe >= SETTLING_SECONDS
    if before is not None and ended.seconds > before and not began_in_probe:
        return usual
    return {**usual, ended.sort: blended(before, ended.seconds)}


def blended(before: float | None, newest: float) -> float:
    """The exponential moving average after a new value."""
    return newest if before is None else before + WEIGHT * (newest - before)


def _resized(size: float, stretch: float, bounds: Bounds, *, others_waited: bool) -> float:
    if stretch > bounds.tolerance:
        return max(size * max(bounds.tolerance / stretch, LARGEST_CUT), bounds.floor)
    if not others_waited:
        return size
    return min(size * EASY_GROWTH if stretch <= EASY else size + 1, bounds.ceiling)
