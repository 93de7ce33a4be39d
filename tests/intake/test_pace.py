"""How many packages may be under way: the decision, with the times that a machine may show."""

import random
from dataclasses import dataclass, field, replace

import pytest

from common.domain.names import PackageKind
from intake.pace import (
    PROBE_EVERY_SECONDS,
    PROBE_SECONDS,
    SETTLING_SECONDS,
    Bounds,
    Ended,
    Moment,
    Pace,
    Sort,
    after_end,
    after_lapse,
    sort_of,
)

BOUNDS = Bounds(floor=2, ceiling=64, tolerance=2.0)
LETTER = sort_of(PackageKind.NEW, 260_000)
STATUS = sort_of(PackageKind.STATUS, 2_000)
KNOWN = {LETTER: 0.2, STATUS: 0.02}


def at(now: float) -> Moment:
    """A moment at which both clocks show the same."""
    return Moment(now, now)


def ended(seconds: float, sort: Sort = LETTER, *, quiet: bool = False, waited: bool = True) -> Ended:
    return Ended(sort=sort, seconds=seconds, was_quiet=quiet, others_waited=waited)


def after_round(pace: Pace, each: Ended, bounds: Bounds = BOUNDS) -> Pace:
    """The pace once the size may have changed."""
    for _ in range(16):
        pace = after_end(pace, each, at(1.0), bounds)
        if not pace.stretches:
            break
    return pace


@pytest.mark.parametrize(
    ("size", "seconds", "waited", "expected"),
    [
        (4, 0.2, True, 6),  # as fast as ever: much room
        (4, 0.25, True, 6),
        (4, 0.3, True, 5),
        (4, 0.4, True, 5),
        (4, 0.2, False, 4),  # nobody needs more
        (8, 0.5, True, 6.4),  # slower than tolerated: by so much less
        (8, 0.5, False, 6.4),
        (8, 4.0, True, 4.8),  # not less than the largest cut at a time
        (2, 4.0, True, 2),
        (2.5, 4.0, True, 2),
        (60, 0.2, True, 64),
        (64, 0.2, True, 64),
    ],
)
def test_the_size_follows_from_how_long_packages_take(
    size: float, seconds: float, waited: bool, expected: float
) -> None:
    pace = after_round(Pace(size, KNOWN), ended(seconds, waited=waited))
    assert pace.size == pytest.approx(expected)


def test_each_sort_is_compared_with_its_own_kind() -> None:
    """A letter takes ten times as long as a status, which says nothing about the machine."""
    pace = Pace(4, KNOWN)
    for each in (ended(0.02, STATUS), ended(0.2), ended(0.02, STATUS), ended(0.2)):
        pace = after_end(pace, each, at(1.0), BOUNDS)
    assert pace.size == 6


def test_a_single_slow_package_changes_nothing() -> None:
    pace = Pace(4, KNOWN)
    for seconds in (0.3, 30.0, 0.3, 0.3):
        pace = after_end(pace, ended(seconds), at(1.0), BOUNDS)
    assert pace.size == 5


def test_the_usual_time_is_learned_while_few_are_under_way_and_only_then() -> None:
    pace = after_end(Pace(2), ended(5.0, waited=False), at(1.0), BOUNDS)
    assert pace == Pace(2), "of a sort that is not known, nothing follows"
    pace = after_end(pace, ended(0.3, quiet=True), at(1.0), BOUNDS)
    assert pace.usual == {LETTER: 0.3}
    for _ in range(40):
        pace = after_end(pace, ended(0.1, quiet=True), at(1.0), BOUNDS)
    assert pace.usual[LETTER] == pytest.approx(0.1, rel=0.01)


def test_under_constant_load_the_usual_time_is_looked_for_at_times() -> None:
    begin = 7 * (PROBE_EVERY_SECONDS + PROBE_SECONDS) - PROBE_SECONDS
    pace = Pace(10, KNOWN, waited_at=begin - PROBE_EVERY_SECONDS)
    assert pace.room(at(begin - 0.1), BOUNDS) == 10
    assert pace.room(at(begin), BOUNDS) == BOUNDS.floor
    assert pace.room(at(begin + PROBE_SECONDS), BOUNDS) == 10, "not for long, whatever is heard"
    assert after_end(pace, ended(0.9), at(begin + 1), BOUNDS) == pace, "what was under way before says nothing"
    learned = after_end(pace, ended(0.4, quiet=True), at(begin + SETTLING_SECONDS + 0.5), BOUNDS)
    assert learned.usual[LETTER] == pytest.approx(0.24)
    assert learned.room(at(begin + 3), BOUNDS) == BOUNDS.floor, "the others learn, too"
    assert replace(pace, waited_at=pace.waited_at - 1).room(at(begin), BOUNDS) == 10, "nobody waited"


def test_what_takes_longer_counts_only_if_the_others_let_in_few_as_well() -> None:
    begin, pace = PROBE_EVERY_SECONDS, Pace(2, KNOWN)
    for ends, seconds, usual in (
        (60.0, 0.6, 0.2),
        (60.0, 0.1, 0.18),
        (begin + 1.0, 0.6, 0.2),
        (begin + SETTLING_SECONDS + 0.5, 0.6, 0.2),
        (begin + SETTLING_SECONDS + 0.7, 0.6, 0.28),
        (begin + SETTLING_SECONDS + 9.0, 8.0, 1.76),
    ):
        learned = after_end(pace, ended(seconds, quiet=True), at(ends), BOUNDS)
        assert learned.usual[LETTER] == pytest.approx(usual), (ends, seconds)


def test_a_machine_that_becomes_slow_for_good_is_learned() -> None:
    """Everything takes four times as long: the window shrinks, and what is then measured becomes the usual time."""
    pace, now = Pace(8, KNOWN), 0.0
    for _ in range(2_000):
        now += 0.5
        under_way = pace.room(at(now), BOUNDS)
        each = ended(0.8 * max(1.0, under_way / 8), quiet=under_way <= BOUNDS.floor)
        pace = after_end(pace, each, at(now), BOUNDS)
    assert pace.usual[LETTER] == pytest.approx(0.8, rel=0.2)
    assert 8 <= pace.size <= 20


@pytest.mark.parametrize(("cores", "expected"), [(1, (3, 5)), (4, (6, 11)), (24, (40, 64))])
def test_on_any_machine_the_window_settles_where_the_cores_are_busy(cores: int, expected: tuple[int, int]) -> None:
    """A machine that shares its cores among all packages, each of which needs one of them for 0.2 s."""
    pace, now, sizes = Pace(BOUNDS.floor), 0.0, []
    for number in range(3_000):
        under_way = pace.room(at(now), BOUNDS)
        seconds = 0.2 * max(1.0, under_way / cores)
        now += seconds / under_way
        pace = after_end(pace, ended(seconds, quiet=under_way <= BOUNDS.floor), at(now), BOUNDS)
        if number > 500 and not pace.is_probing(at(now)):
            sizes.append(pace.size)
    assert expected[0] <= min(sizes)
    assert max(sizes) <= expected[1]


@dataclass
class Process:
    """A process of intake with a backlog of letters."""

    starts_at: float
    clock_is_off_by: float
    pace: Pace = field(default_factory=lambda: Pace(1))
    under_way: list[list[float]] = field(default_factory=list)
    """Of each package: seconds of a core that it still needs, when it began, and how many were under way then."""

    def moment(self, now: float) -> Moment:
        """Clocks of different machines have nothing to do with each other, but for the common one."""
        return Moment(now - self.starts_at, now + self.clock_is_off_by)

    def fill(self, now: float, bounds: Bounds) -> None:
        while now >= self.starts_at and len(self.under_way) < self.pace.room(self.moment(now), bounds):
            self.under_way.append([0.2, now, len(self.under_way) + 1])

    def pass_time(self, seconds: float, share: float, now: float, bounds: Bounds) -> None:
        for package in self.under_way:
            package[0] -= seconds * share
        for package in [each for each in self.under_way if each[0] < 1e-9]:
            quiet = package[2] <= bounds.floor and len(self.under_way) <= bounds.floor
            self.pace = after_end(self.pace, ended(now - package[1], quiet=quiet), self.moment(now), bounds)
            self.under_way.remove(package)


@pytest.mark.parametrize(
    ("processes", "cores", "off_by", "at_most"),
    [(1, 2, 0.0, 1.1), (2, 2, 0.0, 1.1), (2, 2, 0.5, 1.3), (3, 2, 0.0, 1.6), (3, 8, 0.0, 1.1), (2, 2, 60.0, 5.0)],
)
def test_processes_that_share_a_machine_learn_how_long_a_package_takes_alone(
    processes: int, cores: int, off_by: float, at_most: float
) -> None:
    """Each has a backlog for a quarter of an hour; one of more processes than cores is never alone."""
    chance, bounds, now = random.Random(processes), Bounds(floor=1, ceiling=64, tolerance=2.0), 0.0
    each_of = [Process(chance.uniform(0, 60), chance.uniform(-off_by, off_by)) for _ in range(processes)]
    while now < 900.0:
        for each in each_of:
            each.fill(now, bounds)
        packages = [package for each in each_of for package in each.under_way]
        share = min(1.0, cores / max(len(packages), 1))
        seconds = min([0.1, *(package[0] / share for package in packages)])
        now += seconds
        for each in each_of:
            each.pass_time(seconds, share, now, bounds)
    assert all(0.9 < each.pace.usual[LETTER] / 0.2 < at_most for each in each_of), [each.pace for each in each_of]


def test_what_stands_lets_in_more_up_to_the_ceiling() -> None:
    pace = Pace(2)
    for _ in range(100):
        pace = after_lapse(pace, BOUNDS)
    assert pace.size == BOUNDS.ceiling


@pytest.mark.parametrize(("usual", "seconds"), [(None, 10), (0.2, 10), (3.0, 24), (100.0, 60)])
def test_a_package_of_which_nothing_is_heard_lapses_by_its_usual_time(usual: float | None, seconds: float) -> None:
    pace = Pace(2) if usual is None else replace(Pace(2), usual={LETTER: usual})
    assert pace.lapse_seconds(LETTER) == seconds
    assert pace.lapse_seconds(None) == 10
