"""Entries of the library's dictionaries: its own ``get`` gives references as they are, and follows none."""

from typing import Any


def entry(entries: Any, key: str, default: Any = None) -> Any:
    """The value, dereferenced."""
    try:
        return entries[key]
    except KeyError:
        return default


def raw(entries: Any, key: str) -> Any:
    """The value as it stands, a reference perhaps; None = there is none."""
    return entries.raw_get(key) if key in entries else None
