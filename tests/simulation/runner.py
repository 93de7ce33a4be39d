"""Runs many schedules. The trunk is started some times over, and each of these worlds serves one schedule of a fork.

So no schedule pays for the start, and sixteen share the cost of a fork, which is that of copying each page of memory
that is written. What a seed does depends on the seed alone: each schedule has a booted world of its own, all worlds are
booted alike, and ``test_simulation.py`` compares schedules that run alone with such that run behind others.
``PYTHONHASHSEED`` is fixed for the same reason.
"""

import gc
import os
import random
import sys
import time
import traceback
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from unittest.mock import patch

from common.domain.names import Lane
from tests.simulation import packages
from tests.simulation.forks import in_forks
from tests.simulation.invariants import violations
from tests.simulation.make_city import MEMBERS
from tests.simulation.mutations import MUTATIONS
from tests.simulation.schedule import Schedule
from tests.simulation.verdicts import RememberingPool
from tests.simulation.world import World, WorldClock, patched

HASH_SEED = "0"
WARM_UP = 5
"""Schedules before the first fork, so that every import, cache and verdict is there."""
BATCH = 16
"""Schedules of one fork, and booted worlds that are kept for them."""
SEARCH_BATCH = 4
"""The same while a fault is looked for: most are found soon, and each needs worlds of its own."""


@dataclass(slots=True)
class Result:
    """What became of one schedule."""

    seed: int
    violations: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    cpu_seconds: float = 0.0
    virtual_seconds: float = 0.0
    packages: int = 0
    messages: int = 0
    digest: str = ""
    """Of everything that was published, and when: equal for equal histories."""
    history: list[str] = field(default_factory=list)


def fixed_hashes() -> None:
    """Start this program again with a fixed hash seed, unless it has one."""
    if os.environ.get("PYTHONHASHSEED") != HASH_SEED:
        os.environ["PYTHONHASHSEED"] = HASH_SEED
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


Before = Callable[[], object]
Results = Generator[Result, None, None]


class Trunk:
    """The started trunk, to be forked."""

    def __init__(self) -> None:
        self._kept: list[World] = []
        """Former worlds: their tasks were never ended, and would run their ``finally`` if they were collected."""
        self._worlds: list[World] = []
        """Booted, and used by nobody yet in this process."""
        sys.unraisablehook = lambda _: None
        gc.disable()

    def start(self) -> None:
        """Warm up, until every import, cache and verdict is there."""
        for seed in range(WARM_UP):
            world = _booted(seed)
            self._kept.append(world)
            Schedule(world, random.Random(seed)).run()
        _make_packages()

    def boot(self, count: int) -> None:
        """Boot the worlds of the next schedules. ``count``: how many run in one fork at most."""
        self._kept += self._worlds
        self._worlds = [_booted() for _ in range(count)]
        gc.freeze()

    def forked(self, seeds: Sequence[int], before: Before | None = None, *, is_telling: bool = False) -> Results:
        """Run schedules, each in a booted world of its own.

        ``before``: changes the product before each schedule, with ``unittest.mock.patch``; that is undone after it.
        """

        def run(position: int, seed: int) -> Result:
            world = WorldClock.world = self._worlds[position]
            if before:
                before()
            result = _run(seed, world, is_telling=is_telling)
            if before:
                patch.stopall()
            return result

        return in_forks(seeds, run, lambda seed, what: Result(seed, [what]))


def _booted(seed: int = 0) -> World:
    world = WorldClock.world = World(seed)
    world.boot()
    return world


def _run(seed: int, world: World, *, is_telling: bool) -> Result:
    """One schedule. The world is of no more use afterwards."""
    began = time.process_time()
    world.chance.seed(seed)
    random.seed(seed)  # services draw from it
    RememberingPool.is_overloaded = staticmethod(lambda: False)
    if is_telling:
        world.tell_all()
    start = world.loop.time()
    schedule = Schedule(world, world.chance)
    result = Result(seed)
    try:
        schedule.run()
        result.violations = violations(schedule)
    except Exception:
        result.violations = ["the simulation itself failed: " + traceback.format_exc(limit=-4)]
    result.faults = schedule.faults
    result.cpu_seconds = time.process_time() - began
    result.virtual_seconds = world.loop.time() - start
    result.packages = sum(len(system.submitted) for system in schedule.units.values())
    result.messages = len(world.published)
    result.digest = world.digest()
    result.history = world.history
    return result


def results(seeds: Sequence[int], batch: int = BATCH) -> Results:
    """Run schedules one after the other. ``batch``: so many in one fork."""
    trunk = Trunk()
    with patched(lambda: WorldClock.world):
        trunk.start()
        trunk.boot(min(batch, len(seeds)))
        for some in _batches(seeds, batch):
            yield from trunk.forked(some)


def searched(names: Iterable[str], most: int) -> Iterator[tuple[str, Result | None]]:
    """For each fault the first schedule that finds it, if there is one."""
    trunk = Trunk()
    with patched(lambda: WorldClock.world):
        trunk.start()
        for name in names:
            before = _mutated(trunk, name, SEARCH_BATCH)
            yield name, _first_that_fails(trunk, before, most)
            patch.stopall()


def _first_that_fails(trunk: Trunk, before: Before | None, most: int) -> Result | None:
    for some in _batches(range(most), SEARCH_BATCH):
        with closing(trunk.forked(some, before)) as tried:
            for result in tried:
                if result.violations:
                    return result
    return None


def _mutated(trunk: Trunk, name: str, worlds: int) -> Before | None:
    """Change the product and start it. Returns what is to be changed before each schedule."""
    mutation = MUTATIONS[name]
    if mutation.in_the_running_trunk:
        trunk.boot(worlds)
        return mutation.make
    mutation.make()
    trunk.boot(worlds)
    return None


def replayed(seed: int, name: str = "") -> Result:
    """Run one schedule with its history; ``name``: with this fault in the product."""
    trunk = Trunk()
    with patched(lambda: WorldClock.world):
        trunk.start()
        before = None
        if name:
            before = _mutated(trunk, name, 1)
        else:
            trunk.boot(1)
        return next(trunk.forked([seed], before, is_telling=True))


def _batches(seeds: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    return (seeds[first : first + size] for first in range(0, len(seeds), size))


def _make_packages() -> None:
    for sender in MEMBERS:
        for receivers in packages.all_receivers(sender):
            for number in (1, 2):
                for lane in Lane:
                    packages.new(sender, receivers, number, lane)
                for serial in (1, 2):
                    packages.update(sender, receivers, number, serial)
                packages.update(sender, receivers[:1], number, 9, has_content=False)
                packages.recall(sender, receivers, number)
                packages.replace(sender, receivers, 7, number)
    for lane in Lane:
        packages.new(MEMBERS[0], (MEMBERS[1],), 3, lane, is_altered=True)
