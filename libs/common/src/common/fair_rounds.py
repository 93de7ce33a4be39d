"""Fair rounds of sweeps: a unit with many rows that are due delays no other unit. Pure, except for the draw."""

import random
from collections.abc import Sequence
from itertools import zip_longest
from typing import TypeVar

T = TypeVar("T")


def share(limit: int, units: int) -> int:
    """How many rows each of so many units may have in a round of ``limit`` rows; rounded up."""
    return -(-limit // max(1, units))


def shares(units: Sequence[str], limit: int) -> dict[str, int]:
    """How many rows of each unit a round of ``limit`` rows takes, if rows of ``units`` are due.

    The units and their order are drawn at random. So if more are due than a round takes, none is left out again and
    again, whatever order the database prefers.
    """
    fair = share(limit, len(units))
    return dict.fromkeys(random.sample(units, min(limit, len(units))), fair)


def in_turn(queues: Sequence[Sequence[T]]) -> list[T]:
    """The first element of each queue, then the second of each, and so on. A long queue delays no short one."""
    return [each for turn in zip_longest(*queues) for each in turn if each is not None]
