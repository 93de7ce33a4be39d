"""Questions about plain values: what differs between two of them."""

from collections.abc import Collection, Mapping
from decimal import Decimal, InvalidOperation
from typing import TypeAlias

from validator.pdf.values import Ref, Value

Entries: TypeAlias = "dict[str, Value]"
"""A dictionary."""


def same(before: "Value | None", now: "Value | None") -> bool:
    """Whether two values are equal; numbers may be written differently."""
    if type(before) is type(now) and before == now:
        return True
    if isinstance(before, Ref) or isinstance(now, Ref):
        return False
    if isinstance(before, dict) and isinstance(now, dict):
        return before.keys() == now.keys() and all(same(before[key], now[key]) for key in before)
    if isinstance(before, list) and isinstance(now, list):
        return len(before) == len(now) and all(map(same, before, now))
    one, other = number(before), number(now)
    return one is not None and one == other


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
    return all(key in before and key in now and same(before[key], now[key]) for key in keys)
