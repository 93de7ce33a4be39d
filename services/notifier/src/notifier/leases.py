"""Whether a process may take a notification that another one works on, without comparing the clocks of two machines.

A lease is a token in the row. The time until which it runs is written by the holder's clock, and only says when others
begin to look. They take the row over once they have seen the same token for as long as a lease lasts, by a clock of
their own that measures durations. So clocks that differ make nobody send twice: others only look earlier or later.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from common.clock import loop_time

FREE = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
"""``lease_until`` of a notification that nobody works on."""
FORGOTTEN_AFTER_LEASES = 10
"""So many leases after it was first seen, one that was not taken over is no longer remembered."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The lease of a row, as it was read."""

    token: str
    until: datetime

    @property
    def fields(self) -> dict[str, Any]:
        """The row's fields, as long as nobody has taken it meanwhile."""
        return {"lease": self.token, "lease_until": self.until}


class SeenLeases:
    """The leases of others that this process has seen, and since when."""

    def __init__(self, lease_seconds: float, clock: Callable[[], float] = loop_time) -> None:
        """``clock``: seconds, never going back."""
        self._lease_seconds = lease_seconds
        self._clock = clock
        self._seen: dict[str, tuple[str, float]] = {}

    def __len__(self) -> int:
        """How many are remembered."""
        return len(self._seen)

    @property
    def watched(self) -> list[str]:
        """Keys of notifications whose leases were not seen for long enough yet: looking again is of no use now."""
        recent = self._clock() - self._lease_seconds
        return sorted(key for key, (_, since) in self._seen.items() if since >= recent)

    def has_lapsed(self, key: str, lease: Lease) -> bool:
        """Whether nobody works on it: its lease is free, or has been the same for as long as one lasts."""
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
