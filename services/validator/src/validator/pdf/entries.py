"""Entries of pyHanko's dictionaries: its own ``get`` gives references as they are, and follows none."""

from typing import Any


def entry(dictionary: Any, key: str, default: Any = None) -> Any:
    """The value, references followed; ``default`` if there is none. Raises pyHanko's errors for what is unreadable."""
    try:
        return dictionary[key]
    except KeyError:
        return default


def readable_entry(dictionary: Any, key: str) -> Any:
    """The value, references followed; None = there is none, or it cannot be read."""
    try:
        return dictionary[key] if key in dictionary else None  # noqa: SIM401 - ``get`` does not follow references
    except MemoryError:
        raise
    except Exception:
        return None
