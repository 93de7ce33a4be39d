"""Questions about plain values: which references they hold, and what differs between two dictionaries."""

from collections.abc import Iterable
from typing import TypeAlias

from validator.pdf.inconclusive import Inconclusive
from validator.pdf.values import Ref, Value

Entries: TypeAlias = "dict[str, Value]"


def same_but(before: Entries, now: Entries, may: Iterable[str]) -> bool:
    """Whether two dictionaries are equal except for the keys ``may``."""
    skipped = frozenset(may)
    keys = before.keys() | now.keys()
    return all(key in before and key in now and before[key] == now[key] for key in keys if key not in skipped)


def references(value: "Value | None") -> "list[Ref]":
    """All references in a value, however deep."""
    if isinstance(value, Ref):
        return [value]
    if isinstance(value, dict):
        return [reference for each in value.values() for reference in references(each)]
    if isinstance(value, list):
        return [reference for each in value for reference in references(each)]
    return []


def has_reference(value: "Value | None") -> bool:
    """Whether the value holds a reference."""
    return bool(references(value))


def mentions(value: "Value | None", wanted: Ref) -> bool:
    """Whether the value holds that reference."""
    return wanted in references(value)


def depth(value: "Value") -> int:
    """Nesting of a value; 0 = neither array nor dictionary."""
    if isinstance(value, dict):
        return 1 + max((depth(each) for each in value.values()), default=0)
    if isinstance(value, list) and not isinstance(value, Ref):
        return 1 + max((depth(each) for each in value), default=0)
    return 0


def must_be_direct(entries: Entries, but: set[str]) -> None:
    """Raises ``Inconclusive`` for a reference in any entry but ``but``."""
    if has_reference({key: value for key, value in entries.items() if key not in but}):
        raise Inconclusive
