"""The canary: two reserved units that send letters to watch the trunk, and are left out of all statistics.

Their codes are constants, not a field of the directory, so that no other unit can be marked as canary. No real unit can
have such a code (docs/decisions/0031-canary.md).
"""

from common.domain.names import UnitCode

CANARY_UNITS: frozenset[UnitCode] = frozenset({"CANARY.1", "CANARY.2"})
"""The unit that sends and the one that receives."""


def is_canary(unit: UnitCode) -> bool:
    """Whether a unit is one of the two canary units."""
    return unit in CANARY_UNITS
