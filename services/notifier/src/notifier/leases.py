"""Leases of notifications: whether a process may take over one from another, without comparing two machines' clocks.

A lease is a token in the row. Its end is written by the holder's clock, and only says when other processes begin to
watch it. They take the row over when they have seen the same token for the length of a lease, by their own monotonic
clock. So clocks that differ never cause a notification to be sent twice; others only begin to watch earlier or later.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from common.clock import loop_time

FREE = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
"""``lease_until`` of a notification without a lease."""
FORGOTTEN_AFTER_LEASES = 10
"""A lease that was not taken over is forgotten after so many lengths of a lease."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The lease of a row, as it was read."""

    token: str
    until: datetime

    @property
    def fields(self) -> dict[str, Any]:
        """The fields of the row with this lease, to be compared or set."""
        return {"lease": self.token, "lease_until": self.until}


class SeenLeases:
    """The leases of other processes that this process has seen, and since when."""

    def __init__(self, lease_seconds: float, clock: Callable[[], float] = loop_time) -> None:
        """``clock``: monotonic, in seconds."""
        self._lease_seconds = lease_seconds
        self._clock = clock
        self._seen: dict[str, tuple[str, float]] = {}

    def __len__(self) -> int:
        """How many leases are remembered."""
        return len(self._seen)

    @property
    def watched(self) -> list[str]:
        """Keys of notifications whose leases have not been seen for the length of a lease, so that reading them again
        is of no use now."""
        recent = self._clock() - self._lease_seconds
        return sorted(key for key, (_, since) in self._seen.items() if since >= recent)

    def has_lapsed(self, key: str, lease: Lease) -> bool:
        """Whether a notification may be taken: it has no lease, or this process has seen the same lease for the length
        of one."""
        if lease.until == FREE:
            return True
        now = self._clock()
        token, since = self._seen.get(key, ("", now))
        if token != lease.token:
            self._forget_before(now - FORGOTTEN_AFTER_LEASES * self._lease_seconds)
            self._seen[key] = (lease.token, now)
            return False
        return now - since > self._lease_seconds

    def _forget_before(self, at: float) -> None:
        self._seen = {key: seen for key, seen in self._seen.items() if seen[1] >= at}
