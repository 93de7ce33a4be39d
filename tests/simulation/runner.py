"""Runs many schedules: the trunk is started once, and each schedule runs in a fork of it.

So no schedule pays for the start, and none can leave anything behind for the next: what a seed does depends on the
seed alone. ``PYTHONHASHSEED`` is fixed for the same reason.
"""

import gc
import os
import pickle
import random
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from unittest.mock import patch

from common.domain.names import Lane
from tests.simulation import packages
from tests.simulation.invariants import violations
from tests.simulation.make_city import MEMBERS
from tests.simulation.mutations import MUTATIONS
from tests.simulation.schedule import Schedule
from tests.simulation.world import World, WorldClock, patched

HASH_SEED = "0"
WARM_UP = 5
"""Schedules before the first fork, so that every import, cache and verdict is there."""


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


class Trunk:
    """The started trunk, to be forked."""

    def __init__(self) -> None:
        self.world = World()
        self._kept: list[World] = []
        """Former worlds: their tasks were never ended, and would run their ``finally`` if they were collected."""
        sys.unraisablehook = lambda _: None
        gc.disable()

    def start(self) -> None:
        """Warm up, then start the world that the schedules run in."""
        for seed in range(WARM_UP):
            self._kept.append(self.world)
            self.world = WorldClock.world = World(seed)
            self.world.boot()
            Schedule(self.world, random.Random(seed)).run()
        _make_packages()
        self.boot()

    def boot(self) -> None:
        """Start the world that the schedules run in."""
        self._kept.append(self.world)
        self.world = WorldClock.world = World()
        self.world.boot()
        gc.freeze()

    def run(self, seed: int, *, is_telling: bool = False) -> Result:
        """One schedule, in this process: afterwards it is of no more use."""
        began = time.process_time()
        world = self.world
        world.chance.seed(seed)
        random.seed(seed)  # services draw from it; a fork begins with a seed of its own
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

    def forked(self, seed: int, before: Callable[[], object] = lambda: None, *, is_telling: bool = False) -> Result:
        """One schedule, in a fork."""
        reading, writing = os.pipe()
        if (child := os.fork()) == 0:
            try:
                os.close(reading)
                before()
                data = pickle.dumps(self.run(seed, is_telling=is_telling))
                with os.fdopen(writing, "wb") as pipe:
                    pipe.write(data)
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(0)
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            data = pipe.read()
        os.waitpid(child, 0)
        return pickle.loads(data) if data else Result(seed, ["the process of the schedule ended"])


def results(seeds: Iterable[int]) -> Iterator[Result]:
    """Run schedules one after the other."""
    trunk = Trunk()
    with patched(lambda: WorldClock.world):
        trunk.start()
        for seed in seeds:
            yield trunk.forked(seed)


def searched(names: Iterable[str], most: int) -> Iterator[tuple[str, Result | None]]:
    """For each fault the first schedule that finds it, if there is one."""
    trunk = Trunk()
    with patched(lambda: WorldClock.world):
        trunk.start()
        for name in names:
            before = _mutated(trunk, name)
            tried = (trunk.forked(seed, before) for seed in range(most))
            yield name, next((result for result in tried if result.violations), None)
            patch.stopall()


def _mutated(trunk: Trunk, name: str) -> Callable[[], object]:
    """Change the product and start it. Returns what is to be changed in each fork."""
    mutation = MUTATIONS[name]
    if mutation.in_the_running_trunk:
        trunk.boot()
        return mutation.make
    mutation.make()
    trunk.boot()
    return lambda: None


def replayed(seed: int, name: str = "") -> Result:
    """Run one schedule with its history; ``name``: with this fault in the product."""
    trunk = Trunk()
    with patched(lambda: WorldClock.world):
        trunk.start()
        before = _mutated(trunk, name) if name else lambda: None
        return trunk.forked(seed, before, is_telling=True)


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
