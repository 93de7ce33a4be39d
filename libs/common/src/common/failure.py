"""How a handler says what went wrong: final trouble is parked, passing trouble climbs the retry ladder.

Anything else that escapes a handler is a bug and is redelivered, counted, up to the queue's delivery limit.
"""

from typing import Literal

from common.domain.reason import Reason

Rung = Literal["10s", "1m", "10m", "1h"]


class TrunkFailure(Exception):
    """Base of the two kinds of trouble a handler may raise."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class Permanent(TrunkFailure):
    """No retry will help: the message goes to the parking lot with its reason."""


class Transient(TrunkFailure):
    """A later try may succeed: the message climbs the ladder, never above ``top_rung``."""

    def __init__(self, reason: Reason, detail: str = "", top_rung: Rung = "1h") -> None:
        super().__init__(reason, detail)
        self.top_rung = top_rung

    @classmethod
    def unavailable(cls, dependency: str, detail: str) -> "Transient":
        """A server we need is away; it is asked again every minute at the latest."""
        return cls(Reason.E_UNAVAILABLE, f"{dependency}: {detail}", top_rung="1m")
