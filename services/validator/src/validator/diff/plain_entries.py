"""Questions about plain values: what differs between two of them."""

from collections.abc import Collection, Mapping
from decimal import Decimal, InvalidOperation
from typing import TypeAlias

from validator.pdf.schema import GEOMETRY_KEYS
from validator.pdf.values import Ref, Value

Entries: TypeAlias = "dict[str, Value]"
"""A dictionary."""


def same(before: "Value | None", now: "Value | None") -> bool:
    """Whether two values are equal. A real number may be written differently, and in a rectangle or a matrix as an
    integer; anywhere else, readers take 8 and 8.0 for two values.
    """
    if type(before) is type(now) and before == now:
        return True
    if isinstance(before, Ref) or isinstance(now, Ref):
        return False
    if isinstance(before, dict) and isinstance(now, dict):
        return before.keys() == now.keys() and all(same_entry(key, before[key], now[key]) for key in before)
    if isinstance(before, list) and isinstance(now, list):
        return len(before) == len(now) and all(map(same, before, now))
    return not isinstance(before, int) and not isinstance(now, int) and _same_number(before, now)


def same_entry(key: str, before: Value, now: Value) -> bool:
    """The same of an entry under ``key``."""
    if key in GEOMETRY_KEYS and isinstance(before, list) and isinstance(now, list):
        pairs = zip(before, now, strict=False)
        return len(before) == len(now) and all(same(one, other) or _same_number(one, other) for one, other in pairs)
    return same(before, now)


def _same_number(before: "Value | None", now: "Value | None") -> bool:
    one = number(before)
    return one is not None and one == number(now)


def number(value: "Value | None") -> Decimal | None:
    """The value if it is a number; None for anything else."""
    if isinstance(value, int):
        return Decimal(value)
    if not isinstance(value, str) or value.startswith("/"):
        return None
    try:
        return Decimal(value)
    except InvalidOperation:
        return None


def same_except(before: Mapping[str, Value], now: Mapping[str, Value], may_change: Collection[str]) -> bool:
    """Whether two dictionaries are equal in all entries but those of ``may_change``."""
    keys = (before.keys() | now.keys()) - set(may_change)
    return all(key in before and key in now and same_entry(key, before[key], now[key]) for key in keys)
