"""How much intake takes of each unit a minute."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RateLimits:
    """Limits for one unit and lane in one minute; 0 = no limit."""

    packages: int
    bytes: int
