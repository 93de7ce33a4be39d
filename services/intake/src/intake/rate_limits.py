"""How much of one unit is taken a minute."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RateLimits:
    """Of one unit and lane, a minute; 0 = no limit."""

    packages: int
    bytes: int
