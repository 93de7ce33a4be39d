"""Turns at the door: the backlog waits here, unit by unit, and not in the queues behind, where each unit would wait for
all others.

A submission is taken when it is its unit's turn. From then on it is under way until the router has done all that its
package asks; every process of intake learns that from the stream ``trunk.progress``. ``intake.pace`` decides how many
packages may be under way, and the units that submit share that number. The next turn goes to the unit with the fewest
packages under way; among several, to the one whose last turn is longest ago. A unit that has none under way may exceed
the window by half, so that it does not wait for the units that fill it.

The normal lane gives way: while an urgent package is under way, at this or another process, one normal package is let
in each second, until the lane has given way for long enough (``intake.giving_way``).

All of this is in memory only. While the stream cannot be read, every submission is taken at once.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from contextvars import ContextVar

from common.clock import loop_time, utc_now
from common.domain.names import Lane, UnitCode
from common.metrics import set_under_way, set_under_way_limit
from common.topology import unit_of_submit_queue
from intake.giving_way import GivingWay
from intake.pace import Bounds
from intake.record import PackageRecord
from intake.under_way import NEVER, Key, Turn, UnderWay
from intake.who_waits import WhoWaits

GIVING_WAY_SECONDS = 1.0
"""Pause between two normal packages while an urgent one is under way."""
ALARM_LATE_SECONDS = 0.01
"""How long after the time of a lapse its timer fires; a timer may be a little early."""
CURRENT: ContextVar[Turn | None] = ContextVar("turn", default=None)
"""The turn of the submission that the current task handles."""


def _wall_time() -> float:
    return utc_now().timestamp()


class Turns:
    """The submissions that wait at one process, in all of its lanes, and which of them is next."""

    def __init__(
        self, bounds: Bounds, clock: Callable[[], float] = loop_time, wall: Callable[[], float] = _wall_time
    ) -> None:
        self._clock = clock
        self.under_way = UnderWay(bounds, clock, wall)
        self._is_heard = False
        self._waiting: dict[Lane, WhoWaits[asyncio.Future[Turn | None]]] = {lane: WhoWaits() for lane in Lane}
        self._normal_at = -NEVER
        """When the last turn of the normal lane began."""
        self._giving_way = GivingWay()
        self._alarm: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def turn(self, unit: UnitCode, lane: Lane) -> AsyncIterator[None]:
        """Wait for this unit's turn, then run the block. A package that the block lets in stays under way after it."""
        turn = await self._wait((unit, lane))
        token = CURRENT.set(turn)
        try:
            yield
        finally:
            CURRENT.reset(token)
            if turn is not None and not turn.package_id:
                self.under_way.forget(turn)
                self._admit()

    @contextmanager
    def letting_in(self, record: PackageRecord) -> Iterator[None]:
        """Run the block, which announces a decision. A package that it lets in is under way from here on."""
        turn = CURRENT.get()
        if turn is None or record.reason or not self.under_way.let_in(turn, record):
            yield
            return
        self._set_alarm()
        try:
            yield
        except BaseException:
            self.under_way.take_back(turn)
            raise

    def dismiss(self, lane: Lane) -> None:
        """End all waiting in a lane, without turns that count."""
        for future in self._waiting[lane].clear():
            if not future.done():
                future.set_result(None)

    def set_heard(self, is_heard: bool) -> None:
        """Note whether the stream of facts can be read. After each change it is unknown which packages are under
        way."""
        self._is_heard = is_heard
        self.under_way.forget_all()
        if not is_heard:
            for lane in Lane:
                self.dismiss(lane)
        self._admit()

    def heard(self, routing_key: str, package_id: str) -> None:
        """Note a fact about a package. ``routing_key``: ``<fact>.<lane>``."""
        name, _, lane = routing_key.rpartition(".")
        match name:
            case "package.routed":
                self.under_way.end(package_id, others_wait=self._somebody_waits)
            case "document.verified":
                self.under_way.note_verified(package_id)
            case "package.accepted" | "notice.accepted" if lane == Lane.URGENT:
                self.under_way.note_urgent(package_id)
        self._admit()

    async def measure(self) -> None:
        """Record how many packages are under way, and how many may be."""
        self.under_way.expire()
        for lane in Lane:
            set_under_way(lane, self.under_way.of_lane(lane))
        set_under_way_limit(self.under_way.room if self._is_heard else 0)

    async def _wait(self, key: Key) -> Turn | None:
        if not self._is_heard:
            return None
        future: asyncio.Future[Turn | None] = asyncio.get_running_loop().create_future()
        self._waiting[key[1]].add(key[0], future)
        self._admit()
        try:
            return await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled() and (turn := future.result()):
                self.under_way.forget(turn)
                self._admit()
            raise

    def _admit(self) -> None:
        """Begin turns while there is room and a submission waits for it."""
        self.under_way.expire()
        while key := self._next():
            future = self._waiting[key[1]].take(key[0])
            if not future.done():
                future.set_result(self._begin(key))
        self._set_alarm()

    def _begin(self, key: Key) -> Turn:
        if key[1] is Lane.NORMAL:
            self._normal_at = self._clock()
        return self.under_way.begin(key)

    @property
    def _somebody_waits(self) -> bool:
        return any(self._waiting.values())

    def _next(self) -> Key | None:
        """The unit and lane whose turn is next, the urgent lane first. None = nothing waits, or there is no room."""
        return self._next_of(Lane.URGENT) or self._next_of(Lane.NORMAL)

    def _next_of(self, lane: Lane) -> Key | None:
        waiting, under_way = self._waiting[lane], self.under_way
        room, taken = under_way.room, under_way.of_lane(lane)
        most = room + math.ceil(room / 2)
        if under_way.is_learning:
            taken, most = (under_way.total if lane is Lane.NORMAL else taken), room
        if not waiting or taken >= most or (lane is Lane.NORMAL and self._gives_way_until > self._clock()):
            return None
        unit = waiting.first(lambda unit: under_way.of_unit((unit, lane)))
        if unit is None:
            return None
        own = under_way.of_unit((unit, lane))
        has_room = not own or (taken < room and own < math.ceil(room / under_way.sharing(lane, waiting)))
        return (unit, lane) if has_room else None

    @property
    def _gives_way_until(self) -> float:
        """When the normal lane may take its next package."""
        until = self._giving_way.until(self._clock(), has_urgent=self.under_way.has_urgent)
        return min(self._normal_at + GIVING_WAY_SECONDS, until)

    def _set_alarm(self) -> None:
        """If a submission waits, set a timer for the next time at which there may be room without a further fact."""
        if not self._somebody_waits:
            return
        now, chances = self._clock(), (self._gives_way_until, self.under_way.next_end_of_sharing)
        earliest = min((self.under_way.next_lapse, *(each for each in chances if each > now)))
        at = max(earliest, now) + ALARM_LATE_SECONDS  # never at once: the process would be busy with timers
        if at == NEVER or (self._alarm is not None and self._alarm.when() <= at):
            return
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = asyncio.get_running_loop().call_at(at, self._look_again)

    def _look_again(self) -> None:
        self._alarm = None
        self._admit()


class UnitsLine:
    """Where the submissions of one lane wait (``common.service.consumer.Line``)."""

    def __init__(self, turns: Turns, lane: Lane) -> None:
        self._turns = turns
        self._lane = lane

    def turn(self, queue: str) -> AbstractAsyncContextManager[None]:
        """Wait for the turn of the unit to which this queue belongs."""
        return self._turns.turn(unit_of_submit_queue(queue), self._lane)

    def dismiss(self) -> None:
        """End all waiting in this lane."""
        self._turns.dismiss(self._lane)
