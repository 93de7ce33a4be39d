"""The packages that one process of intake has under way: how many of each unit, and how long each of them counts.

A package is under way from its turn at the door until ``package.routed``. If no fact about it comes, because it was
parked or the validator does not run, it stops counting after some time. If it waits at the router because an inbox is
full, it stops counting shortly after the validator has let it pass.
"""

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass

from common.domain.names import Lane, UnitCode
from common.metrics import record_under_way_lapsed
from intake.pace import Bounds, Ended, Moment, Pace, Sort, after_end, after_lapse, blended, sort_of
from intake.record import PackageRecord

ROUTING_TAKES_SECONDS = 0.25
"""The router's usual time, until it has been measured."""
ROUTING_AFTER, SHORTEST_ROUTING_SECONDS, LONGEST_ROUTING_SECONDS = 4.0, 0.2, 5.0
"""A package that the validator has let pass counts for so many times the router's usual time, within these bounds."""
SHARING_SECONDS = 2.0
"""A unit keeps its share of the window for this long after its last package has ended."""
NEVER = float("inf")

Key = tuple[UnitCode, Lane]


@dataclass(eq=False, slots=True)
class Turn:
    """One submission since its turn began."""

    key: Key
    began_at: float
    company: int
    """How many packages were under way when it began, including itself."""
    package_id: str = ""
    """Empty until the package is let in."""
    sort: Sort | None = None
    verified_at: float | None = None
    """When the validator let it pass; of a package without files, when intake let it in."""
    counts: bool = True
    """Whether it takes room in the window."""


class UnderWay:
    """Packages under way, and the pace that follows from them."""

    def __init__(self, bounds: Bounds, clock: Callable[[], float], wall: Callable[[], float]) -> None:
        """``clock``: the monotonic clock of this process; ``wall``: the clock that all processes share. In seconds."""
        self._bounds = bounds
        self._clock = clock
        self._wall = wall
        self.pace = Pace(bounds.floor)
        self._turns: set[Turn] = set()
        self._packages: dict[str, Turn] = {}
        self._of_units: Counter[Key] = Counter()
        self._of_lanes: Counter[Lane] = Counter()
        self._elsewhere: dict[str, float] = {}
        """Ids of urgent packages that other processes let in, and until when each counts."""
        self._recent: dict[Key, float] = {}
        """For each unit and lane with nothing under way, when its last package ended; the earliest first."""
        self._routing_seconds = ROUTING_TAKES_SECONDS
        self.next_lapse = NEVER
        """When the next package stops counting, if no fact comes before."""

    @property
    def room(self) -> int:
        """How many packages may be under way now."""
        return self.pace.room(self._moment, self._bounds)

    @property
    def is_learning(self) -> bool:
        """Whether no unit may exceed ``room``, not even one that has no package under way."""
        return self.pace.is_learning(self._moment, self._bounds)

    @property
    def has_urgent(self) -> bool:
        """Whether an urgent package is under way, at this or another process."""
        return bool(self._elsewhere or self._of_lanes[Lane.URGENT])

    def of_unit(self, key: Key) -> int:
        """How many packages of a unit and lane are under way."""
        return self._of_units[key]

    def of_lane(self, lane: Lane) -> int:
        """How many packages of a lane are under way."""
        return self._of_lanes[lane]

    @property
    def total(self) -> int:
        """How many packages are under way."""
        return sum(self._of_lanes.values())

    def sharing(self, lane: Lane, waiting: Collection[UnitCode]) -> int:
        """How many units share the window of a lane: those that wait, and those that had a turn lately."""
        others = (key for keys in (self._of_units, self._recent) for key in keys)
        return len(waiting) + sum(each is lane and unit not in waiting for unit, each in others)

    @property
    def next_end_of_sharing(self) -> float:
        """When the next unit loses its share of the window."""
        return next(iter(self._recent.values()), NEVER) + SHARING_SECONDS

    def begin(self, key: Key) -> Turn:
        """Begin a turn of a unit and lane."""
        self._count(key, 1)
        turn = Turn(key, self._clock(), self.total)
        self._turns.add(turn)
        self._note_lapse(turn)
        return turn

    def let_in(self, turn: Turn, record: PackageRecord) -> bool:
        """Note that the package of a turn is let in. False = the package is under way already, or the turn is over."""
        if turn not in self._turns or record.package_id in self._packages:
            return False
        if turn.counts:
            self._count(turn.key, -1)
            self._count((turn.key[0], record.lane), 1)
        turn.key = (turn.key[0], record.lane)  # a package's own priority decides, not the queue that it came from
        turn.package_id, turn.sort = record.package_id, sort_of(record.kind, record.package.size_bytes)
        turn.verified_at = None if record.carries_files else self._clock()
        self._packages[record.package_id] = turn
        self._note_lapse(turn)
        return True

    def take_back(self, turn: Turn) -> None:
        """Undo ``let_in``: the announcement failed."""
        self._packages.pop(turn.package_id, None)
        turn.package_id = ""

    def note_verified(self, package_id: str) -> None:
        """Note that the validator has let a package pass."""
        if turn := self._packages.get(package_id):
            turn.verified_at = self._clock()
            self._note_lapse(turn)
        elif package_id in self._elsewhere:
            self._note_elsewhere(
                package_id, min(self._elsewhere[package_id], self._clock() + self._longest_routing_seconds)
            )

    def note_urgent(self, package_id: str) -> None:
        """Note that some process has let in an urgent package."""
        if package_id not in self._packages:
            self._note_elsewhere(package_id, self._clock() + self.pace.lapse_seconds(None))

    def _note_elsewhere(self, package_id: str, until: float) -> None:
        self._elsewhere[package_id] = until
        self.next_lapse = min(self.next_lapse, until)

    def end(self, package_id: str, *, others_wait: bool) -> None:
        """Note that a package is routed. ``others_wait``: a submission waits for room."""
        self.expire()
        self._elsewhere.pop(package_id, None)
        turn = self._packages.get(package_id)
        if turn is None or turn.sort is None:
            return
        now, floor = self._clock(), self._bounds.floor
        if turn.verified_at is not None:
            newest = min(now - turn.verified_at, self._longest_routing_seconds)
            self._routing_seconds = blended(self._routing_seconds, newest)
        ended = Ended(
            sort=turn.sort,
            seconds=now - turn.began_at,
            was_quiet=turn.company <= floor and self.total <= floor,
            others_waited=others_wait,
        )
        if turn.counts:  # otherwise it waited for room in an inbox, and its time says nothing about the machine
            self.pace = after_end(self.pace, ended, self._moment, self._bounds)
        self.forget(turn)

    def forget(self, turn: Turn) -> None:
        """End a turn without learning from its time."""
        self._release(turn)
        self._turns.discard(turn)
        if self._packages.get(turn.package_id) is turn:
            del self._packages[turn.package_id]

    def forget_all(self) -> None:
        """Forget all turns, because facts may have been missed."""
        for each in (self._turns, self._packages, self._of_units, self._of_lanes, self._elsewhere, self._recent):
            each.clear()

    def expire(self) -> None:
        """Drop the packages and units that have stopped counting by now."""
        now = self._clock()
        while self.next_end_of_sharing <= now:
            del self._recent[next(iter(self._recent))]
        if now < self.next_lapse:
            return
        for turn in list(self._turns):
            lapses_at, counts_until = self._lapses_at(turn), self._counts_until(turn)
            if counts_until <= now and counts_until < lapses_at:
                self._release(turn)
            if lapses_at <= now:
                if turn.counts:
                    record_under_way_lapsed(turn.key[1])
                    self.pace = after_lapse(self.pace, self._bounds)
                self.forget(turn)
        self._elsewhere = {package: until for package, until in self._elsewhere.items() if until > now}
        self.next_lapse = min((*map(self._counts_until, self._turns), *self._elsewhere.values()), default=NEVER)

    @property
    def _moment(self) -> Moment:
        return Moment(self._clock(), self._wall())

    def _release(self, turn: Turn) -> None:
        if turn.counts and turn in self._turns:
            turn.counts = False
            self._count(turn.key, -1)

    def _count(self, key: Key, more: int) -> None:
        self._of_lanes[key[1]] += more
        self._of_units[key] += more
        self._recent.pop(key, None)
        if not self._of_units[key]:
            del self._of_units[key]
            self._recent[key] = self._clock()

    def _lapses_at(self, turn: Turn) -> float:
        return turn.began_at + self.pace.lapse_seconds(turn.sort)

    def _counts_until(self, turn: Turn) -> float:
        if turn.verified_at is None or not turn.counts:
            return self._lapses_at(turn)
        return min(turn.verified_at + self._longest_routing_seconds, self._lapses_at(turn))

    @property
    def _longest_routing_seconds(self) -> float:
        return min(max(ROUTING_AFTER * self._routing_seconds, SHORTEST_ROUTING_SECONDS), LONGEST_ROUTING_SECONDS)

    def _note_lapse(self, turn: Turn) -> None:
        self.next_lapse = min(self.next_lapse, self._counts_until(turn))
