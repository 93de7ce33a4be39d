"""Units that wait for a turn in one lane, in order; fast with a thousand units."""

from bisect import insort
from collections import deque
from collections.abc import Callable, Iterator
from typing import Generic, NamedTuple, TypeVar

from common.domain.names import UnitCode

T = TypeVar("T")


class _Place(NamedTuple):
    last: int
    """Number of the unit's last turn; 0 = it had none."""
    first_waiting: int
    """Number of its first waiting message; decides between units without a turn."""
    unit: UnitCode


class WhoWaits(Generic[T]):
    """What waits, by unit, the oldest first; the units in the order of their last turns."""

    def __init__(self) -> None:
        self._of_units: dict[UnitCode, deque[T]] = {}
        self._places: list[_Place] = []
        """One for each unit that waits, sorted."""
        self._last: dict[UnitCode, int] = {}
        self._number = 0

    def __len__(self) -> int:
        """How many units wait."""
        return len(self._of_units)

    def __iter__(self) -> Iterator[UnitCode]:
        """The units that wait."""
        return iter(self._of_units)

    def __contains__(self, unit: object) -> bool:
        """Whether a unit waits."""
        return unit in self._of_units

    def add(self, unit: UnitCode, waiting: T) -> None:
        """Add one element at the end of a unit's queue."""
        if unit not in self._of_units:
            self._of_units[unit] = deque()
            self._stand(unit)
        self._of_units[unit].append(waiting)

    def first(self, own: Callable[[UnitCode], int]) -> UnitCode | None:
        """The unit with the smallest ``own``; among several, the one whose last turn is longest ago.

        Calls ``own`` at most twice for each unit for which it is not 0, and for one more.
        """
        without_any = (place.unit for place in self._places if not own(place.unit))
        if (unit := next(without_any, None)) is not None or not self._places:
            return unit
        return min(self._places, key=lambda place: own(place.unit)).unit

    def take(self, unit: UnitCode) -> T:
        """Remove and return the oldest element of a unit's queue, and note the unit's turn."""
        self._places.remove(next(place for place in self._places if place.unit == unit))
        self._number += 1
        self._last[unit] = self._number
        taken = self._of_units[unit].popleft()
        if self._of_units[unit]:
            self._stand(unit)
        else:
            del self._of_units[unit]
        return taken

    def clear(self) -> list[T]:
        """Remove and return all elements."""
        cleared = [each for of_unit in self._of_units.values() for each in of_unit]
        self._of_units.clear()
        self._places.clear()
        return cleared

    def _stand(self, unit: UnitCode) -> None:
        self._number += 1
        insort(self._places, _Place(self._last.get(unit, 0), self._number, unit))
