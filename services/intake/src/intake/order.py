"""The place of a package among all packages about the same documents: pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

STEP = timedelta(milliseconds=1)
"""What databases keep of a time."""


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a package in the order of the documents that it is about."""

    at: datetime
    holders: Mapping[str, str | None] = field(default_factory=dict)
    """Who held the DocumentIds when the place was taken, by document key, None = released. Without those whose
    order another document keeps, and those never claimed."""


def next_place(now: datetime, earlier: Iterable[datetime]) -> datetime:
    """The place of a package that is let in ``now``: after those let in ``earlier``, whatever their clocks said.

    It is a time, so that packages about different documents compare, and so that a package that is given a place and
    then not let in leaves no gap that others would wait for.
    """
    return max(now, max((place + STEP for place in earlier), default=now))
