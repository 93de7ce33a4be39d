"""The canary: two reserved units whose letters watch the trunk, and which no statistic knows.

The codes are constants and no field of the directory, so that nobody can mark another unit. They are of no scheme by
which units get their codes (docs/decisions/0031-canary.md).
"""

from common.domain.names import UnitCode

CANARY_UNITS: frozenset[UnitCode] = frozenset({"CANARY.1", "CANARY.2"})
"""The unit that sends and the one that receives."""


def is_canary(unit: UnitCode) -> bool:
    """Whether a unit is one of the two: nothing that it sends or gets is counted."""
    return unit in CANARY_UNITS
