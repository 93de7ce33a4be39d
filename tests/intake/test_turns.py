"""Turns at the door on virtual time: units that flood, urgent packages, and a trunk that reports nothing."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from common.domain.names import Lane, PackageKind
from common.domain.reason import Reason
from common.facts import ObjectRef
from intake.giving_way import MOST_SECONDS
from intake.pace import LONGEST_LAPSE_SECONDS, SHORTEST_LAPSE_SECONDS, Bounds, Pace
from intake.record import PackageRecord
from intake.turns import GIVING_WAY_SECONDS, Turns, UnitsLine
from intake.under_way import LONGEST_ROUTING_SECONDS, SHARING_SECONDS

from ..harness.memory import Clock
from ..simulation.loop import VirtualLoop

NORMAL, URGENT = Lane.NORMAL, Lane.URGENT
AT = Clock()()


@pytest.fixture
def loop() -> Iterator[VirtualLoop]:
    loop = VirtualLoop()
    yield loop
    assert not loop.errors


def record(package_id: str, lane: Lane = NORMAL, **changes: Any) -> PackageRecord:
    package = ObjectRef(bucket="content", key="k", sha256="0" * 64, size_bytes=260_000)
    values: dict[str, Any] = {"kind": PackageKind.NEW, "carries_files": True, "lane": lane} | changes
    return PackageRecord(
        package_id=package_id, subject="s", sender="A", document_id="1", submitted_at=AT, package=package, **values
    )


DAWN = 125.0 * 1000
"""A moment of the common clock at which processes begin to let in as much as they may, until they learn again."""


class Door:
    """Submissions that come to one process of intake, and the order in which they are taken."""

    def __init__(self, loop: VirtualLoop, *, size: int = 4, floor: int = 2, is_heard: bool = True) -> None:
        self.loop = loop
        self.turns = Turns(Bounds(floor=floor, ceiling=64, tolerance=2.0), wall=lambda: loop.time() + DAWN)
        self.turns.under_way.pace = Pace(size)
        self.taken: list[str] = []
        self.in_hand: set[str] = set()
        self.tasks: list[asyncio.Task[None]] = []
        if is_heard:
            self.run(self._set_heard)

    async def _set_heard(self) -> None:
        self.turns.set_heard(True)

    def submit(self, unit: str, count: int = 1, lane: Lane = NORMAL, **changes: Any) -> list[str]:
        """Messages of a unit; names of their packages."""
        names = [f"{unit}{len(self.tasks) + number}" for number in range(count)]
        self.tasks += [self.loop.create_task(self._handle(unit, lane, record(name, lane, **changes))) for name in names]
        self.settle()
        return names

    async def _handle(self, unit: str, lane: Lane, package: PackageRecord) -> None:
        async with UnitsLine(self.turns, lane).turn(f"submit.{unit}.{lane}"):
            self.taken.append(package.package_id)
            self.in_hand.add(package.package_id)
            with self.turns.letting_in(package):
                await asyncio.sleep(0.001)
            self.in_hand.discard(package.package_id)

    def hear(self, package_id: str, fact: str = "package.routed", lane: Lane = NORMAL) -> None:
        async def hear() -> None:
            self.turns.heard(f"{fact}.{lane}", package_id)

        self.run(hear)
        self.settle()

    def settle(self, seconds: float = 0.02) -> None:
        self.loop.run_until(lambda: False, self.loop.time() + seconds)

    def run(self, work: Callable[[], Awaitable[None]]) -> None:
        self.loop.run_until_complete(work())

    def new(self) -> list[str]:
        """Units whose submissions were taken since the last question."""
        taken, self.taken = self.taken, []
        return [name[0] for name in taken]


def test_a_flood_waits_at_the_door_and_others_do_not(loop: VirtualLoop) -> None:
    door = Door(loop)
    flood = door.submit("A", 100)
    assert door.new() == ["A"] * 4
    door.submit("B")
    assert door.new() == ["B"], "the flood fills the window, and one of another unit is taken at once"
    for name in flood[:2]:
        door.hear(name)
    assert door.new() == [], "half of the window is for the other unit now"
    door.hear(flood[2])
    assert door.new() == ["A"]
    door.submit("B")
    assert door.new() == ["B"]


def test_a_unit_has_the_window_for_itself_again_when_the_other_is_done(loop: VirtualLoop) -> None:
    door = Door(loop, size=4)
    flood = door.submit("A", 100)
    other = door.submit("B")[0]
    for name in [*flood[:3], other]:
        door.hear(name)
    assert door.new() == list("AAAABA"), "its share"
    door.settle(SHARING_SECONDS)
    assert door.new() == ["A"] * 2, "and the rest"


def test_who_has_fewest_under_way_is_next_and_all_take_turns(loop: VirtualLoop) -> None:
    door = Door(loop, size=2)
    names = door.submit("A", 50) + door.submit("B", 50) + door.submit("C", 2)
    order: list[str] = []
    for _ in range(20):
        order += door.taken
        latest, door.taken = door.taken, []
        for name in latest:
            door.hear(name)
    units = [name[0] for name in order]
    assert set(units[:4]) == {"A", "B", "C"}
    assert abs(units.count("A") - units.count("B")) <= 2
    assert units.count("C") == 2
    assert len(set(order)) == len(order) <= len(names)


def test_many_units_together_exceed_the_window_by_half_and_no_more(loop: VirtualLoop) -> None:
    door = Door(loop, size=4)
    door.submit("A", 2)
    for unit in "BCDEFGHIJ":
        door.submit(unit, 5)
    assert door.new() == list("AABBCD"), "four, and then two that have none yet"


def test_normal_packages_give_way_to_urgent_ones(loop: VirtualLoop) -> None:
    door = Door(loop, size=4)
    flood = door.submit("A", 50)
    urgent = door.submit("B", 1, URGENT)[0]
    assert door.new() == list("AAAAB")
    for name in flood[:3]:
        door.hear(name)
    assert door.new() == [], "there is room, and an urgent package is under way"
    door.settle(GIVING_WAY_SECONDS)
    assert door.new() == ["A"], "and never none"
    door.hear(urgent, lane=URGENT)
    assert door.new() == ["A"] * 2


@pytest.mark.parametrize("fact", ["package.accepted", "notice.accepted"])
def test_normal_packages_give_way_to_urgent_ones_of_other_processes(loop: VirtualLoop, fact: str) -> None:
    door = Door(loop, size=4)
    door.hear("elsewhere", fact, URGENT)
    door.submit("A", 50)
    assert door.new() == ["A"]
    door.hear("elsewhere", lane=URGENT)
    assert door.new() == ["A"] * 3


def test_an_urgent_package_elsewhere_whose_end_is_not_heard_holds_up_nobody_for_long(loop: VirtualLoop) -> None:
    door = Door(loop, size=4)
    door.hear("elsewhere", "package.accepted", URGENT)
    first = door.submit("A", 50)[0]
    door.settle(SHORTEST_LAPSE_SECONDS + 1)
    assert len(door.new()) >= 4
    door.hear(first)


def test_an_urgent_package_elsewhere_that_waits_for_an_inbox_holds_up_nobody_for_long(loop: VirtualLoop) -> None:
    door = Door(loop, size=4)
    door.hear("elsewhere", "package.accepted", URGENT)
    door.hear("elsewhere", "document.verified", URGENT)
    door.submit("A", 50)
    assert door.new() == ["A"]
    door.settle(GIVING_WAY_SECONDS + 0.1)
    assert door.new() == ["A"] * 3


def test_the_package_says_how_urgent_it_is_not_its_queue(loop: VirtualLoop) -> None:
    """It came by the normal queue; while it is under way, the normal lane gives way."""
    door = Door(loop, size=4)
    name = door.submit("A", 1, NORMAL)[0]
    door.hear(name)
    door.loop.create_task(door._handle("B", NORMAL, record("B-urgent", URGENT)))
    door.settle()
    door.submit("C", 10)
    assert door.new() == ["A", "B"]
    door.settle(GIVING_WAY_SECONDS)
    assert door.new() == ["C"]


@pytest.mark.parametrize("changes", [{"reason": Reason.E_DUP}])
def test_what_is_refused_takes_no_room(loop: VirtualLoop, changes: dict[str, Any]) -> None:
    door = Door(loop, size=2)
    door.submit("A", 50, **changes)
    door.settle(1)
    assert len(door.new()) == 50


def test_a_handler_that_fails_gives_its_room_back(loop: VirtualLoop) -> None:
    door = Door(loop, size=2)

    async def fails(name: str) -> None:
        with suppress(OSError):
            async with door.turns.turn("A", NORMAL):
                with door.turns.letting_in(record(name)):
                    raise OSError

    for number in range(20):
        door.tasks.append(loop.create_task(fails(f"x{number}")))
    door.settle()
    assert all(task.done() for task in door.tasks)
    door.submit("A", 5)
    assert door.new() == ["A"] * 2


def test_a_copy_that_comes_while_its_package_is_under_way_takes_no_room_of_its_own(loop: VirtualLoop) -> None:
    door = Door(loop, size=3)
    for _ in range(6):
        door.tasks.append(loop.create_task(door._handle("A", NORMAL, record("same"))))
    door.settle()
    assert door.taken == ["same"] * 6
    door.submit("A", 9)
    assert door.new()[6:] == ["A"] * 2
    door.hear("same")
    assert door.new() == ["A"]


def test_a_handler_that_is_cancelled_while_it_waits_takes_nobodys_turn(loop: VirtualLoop) -> None:
    door = Door(loop, size=2)
    first = door.submit("A", 10)
    for task in door.tasks[2:8]:
        task.cancel()
    door.settle()
    door.hear(first[0])
    door.hear(first[1])
    assert door.taken == [*first[:2], *first[8:]]


def test_a_trunk_that_stands_lets_in_slowly_then_faster(loop: VirtualLoop) -> None:
    door = Door(loop, size=2)
    door.submit("A", 500)
    counts = []
    for _ in range(8):
        counts.append(len(door.new()))
        door.settle(SHORTEST_LAPSE_SECONDS)
    assert counts[:4] == [2, 3, 6, 12] or counts[:3] == [2, 4, 8]
    assert max(counts) == 64


def test_a_package_that_waits_at_the_router_for_an_inbox_counts_no_more(loop: VirtualLoop) -> None:
    door = Door(loop, size=4)
    names = door.submit("A", 50)
    door.new()
    for name in names[:4]:
        door.hear(name, "document.verified")
    door.settle(LONGEST_ROUTING_SECONDS)
    assert len(door.new()) == 4
    assert door.turns.under_way.pace.size == 4, "which says nothing about the machine"


def test_inboxes_that_are_full_for_some_seconds_change_neither_window_nor_usual_time(loop: VirtualLoop) -> None:
    """A receiver that reads slowly must not make the door believe that the machine became slow."""
    door = Door(loop, size=1, floor=1)
    under_way = door.turns.under_way
    for _ in range(20):
        door.hear(door.submit("A")[0])
    usual, size = dict(under_way.pace.usual), under_way.pace.size
    assert usual
    for _ in range(20):
        name = door.submit("A")[0]
        door.hear(name, "document.verified")
        door.settle(SHORTEST_LAPSE_SECONDS - 1)
        door.hear(name)
    assert (dict(under_way.pace.usual), under_way.pace.size) == (usual, size)


def test_what_waited_for_an_inbox_while_nobody_looked_did_not_lapse(loop: VirtualLoop) -> None:
    door = Door(loop, size=4)
    name = door.submit("A")[0]
    door.hear(name, "document.verified")
    door.settle(LONGEST_LAPSE_SECONDS)
    door.run(door.turns.measure)
    assert door.turns.under_way.pace.size == 4


def test_a_router_that_becomes_slow_is_waited_for_as_soon_as_that_is_known(loop: VirtualLoop) -> None:
    door = Door(loop, size=1, floor=1)
    for _ in range(8):
        name = door.submit("A")[0]
        door.hear(name, "document.verified")
        door.settle(1.5)
        door.hear(name)
    name = door.submit("A", 2)[0]
    door.hear(name, "document.verified")
    door.new()
    door.settle(1.5)
    assert door.new() == [], "it counts for longer than the router took before"
    door.hear(name)
    assert door.new() == ["A"]


def test_a_status_is_not_waited_for_at_the_validator(loop: VirtualLoop) -> None:
    door = Door(loop, size=4)
    door.submit("A", 50, kind=PackageKind.STATUS, carries_files=False)
    door.new()
    door.settle(LONGEST_ROUTING_SECONDS)
    assert len(door.new()) >= 4


def test_when_nothing_is_heard_nobody_waits(loop: VirtualLoop) -> None:
    door = Door(loop, is_heard=False)
    door.submit("A", 50)
    assert door.new() == ["A"] * 50


def test_what_was_under_way_when_hearing_ended_is_forgotten(loop: VirtualLoop) -> None:
    door = Door(loop, size=2)
    door.submit("A", 50)
    assert door.new() == ["A"] * 2

    async def lose() -> None:
        door.turns.set_heard(False)

    door.run(lose)
    door.settle()
    assert door.new() == ["A"] * 48
    door.run(door._set_heard)
    door.submit("B", 5)
    assert door.new() == ["B"] * 2, "as if nothing had been before"


def test_who_waits_when_the_door_closes_is_let_go(loop: VirtualLoop) -> None:
    door = Door(loop, size=2)
    door.submit("A", 10)
    door.submit("B", 1, URGENT)
    door.new()

    async def close() -> None:
        UnitsLine(door.turns, NORMAL).dismiss()

    door.run(close)
    door.settle()
    assert door.new() == ["A"] * 8, "the consumer gives these back"
    door.submit("A", 5)
    assert door.new() == [], "they have taken no room, and those under way still count"


def test_whatever_happens_the_door_never_stays_shut(loop: VirtualLoop) -> None:
    """Ends that come late, twice, or never: everything that was submitted is taken in the end."""
    door = Door(loop, size=2)
    names = [name for unit in "ABC" for name in door.submit(unit, 60)]
    names += door.submit("D", 20, URGENT)
    for number, name in enumerate(names):
        lane = URGENT if name.startswith("D") else NORMAL
        if number % 3 == 0:
            door.hear(name, "document.verified", lane)
        if number % 3 == 1:
            door.hear(name, lane=lane)
            door.hear(name, lane=lane)
        door.hear(f"never-seen-{number}", "package.accepted", URGENT)
    door.settle(LONGEST_LAPSE_SECONDS * 10)
    assert sorted(door.taken) == sorted(names)
    door.run(door.turns.measure)
    assert not any(door.turns.under_way._of_units.values())
    assert not any(door.turns._waiting.values())


def test_a_flood_of_urgent_packages_holds_up_normal_ones_half_of_the_time(loop: VirtualLoop) -> None:
    door, normal, began = Door(loop, size=4, floor=2), 0, loop.time()
    urgent = door.submit("B", 1, URGENT)
    door.submit("A", 400)
    while loop.time() < began + 4 * MOST_SECONDS:
        urgent += door.submit("B", 1, URGENT)
        door.hear(urgent.pop(0), lane=URGENT)
        taken, door.taken = [name for name in door.taken if name.startswith("A")], []
        for name in taken:
            door.hear(name)
        normal += len(taken)
        door.settle(0.25)
    assert normal > 3 * 4 * MOST_SECONDS / GIVING_WAY_SECONDS, "more than one a second all the time"


class Machine:
    """A trunk behind the door whose cores are shared by all packages in it; each of them needs one for 0.2 s."""

    def __init__(self, door: Door, cores: int) -> None:
        self.door, self.cores = door, cores
        self.left: dict[str, float] = {}
        self.done: list[str] = []

    async def work(self) -> None:
        while True:
            share = 0.01 * min(1.0, self.cores / max(len(self.left), 1))
            for name in list(self.left):
                self.left[name] -= share
                if self.left[name] <= 0:
                    del self.left[name]
                    self.done.append(name)
                    self.door.turns.heard(f"package.routed.{NORMAL}", name)
            await asyncio.sleep(0.01)

    async def submit_for_ever(self, unit: str) -> None:
        """A unit whose queue is never empty, of which intake holds two messages."""
        await asyncio.gather(*(self._submit_one_by_one(f"{unit}{number}-") for number in range(2)))

    async def _submit_one_by_one(self, prefix: str) -> None:
        for number in itertools.count():
            package = record(f"{prefix}{number}")
            async with self.door.turns.turn(prefix[0], NORMAL):
                with self.door.turns.letting_in(package):
                    self.left[package.package_id] = 0.2


@pytest.mark.parametrize("units", ["A", "AB", "ABCDEFGH"])
@pytest.mark.parametrize(("cores", "a_second"), [(1, 4), (16, 60)])
def test_a_backlog_of_any_number_of_units_gets_what_the_machine_can_do(
    loop: VirtualLoop, units: str, cores: int, a_second: int
) -> None:
    """Nobody knows yet how long packages take, and nothing is ever quiet."""
    door = Door(loop, size=1, floor=1)
    machine = Machine(door, cores)
    tasks = [loop.create_task(machine.work()), *(loop.create_task(machine.submit_for_ever(unit)) for unit in units)]
    door.settle(20)
    before = len(machine.done)
    door.settle(20)
    assert len(machine.done) - before > 20 * a_second
    counts = [sum(name[0] == unit for name in machine.done) for unit in units]
    assert max(counts) <= 1.1 * min(counts) + 2
    for task in tasks:
        task.cancel()
    door.settle()
