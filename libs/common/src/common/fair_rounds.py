"""Fair rounds of sweeps: a unit with many rows that are due delays no other unit. Pure."""

from collections.abc import Sequence
from itertools import zip_longest
from typing import TypeVar

T = TypeVar("T")


def share(limit: int, units: int) -> int:
    """How many rows each of so many units may have in a round of ``limit`` rows; rounded up."""
    return -(-limit // max(1, units))


def in_turn(queues: Sequence[Sequence[T]]) -> list[T]:
    """The first element of each queue, then the second of each, and so on. A long queue delays no short one."""
    return [each for turn in zip_longest(*queues) for each in turn if each is not None]
