"""The order of submission: the place of a package among all packages about the same documents. Pure.

See decision 18.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

STEP = timedelta(milliseconds=1)
"""The precision of times in the database."""


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a package in the order of the documents that it is about."""

    at: datetime
    holders: Mapping[str, str | None] = field(default_factory=dict)
    """By document key, the package that held the DocumentId when the place was taken; None = it was released.

    Documents that were never claimed are left out. So are updates under a DocumentId of their own, which share the
    order of the document that they update.
    """


def next_place(now: datetime, earlier: Iterable[datetime]) -> datetime:
    """The place of a package that is let in at ``now``. It is later than the places ``earlier``, even if the clocks of
    the processes that gave those were fast.

    A place is a time, not a number. So packages about different documents can be compared, and a package that gets a
    place and is then not let in leaves no gap for which others would wait.
    """
    return max(now, max((place + STEP for place in earlier), default=now))
