"""Values as people read them: the one place where the command line turns what programs hold into words."""

from collections.abc import Mapping
from datetime import datetime
from enum import Enum

from pydantic import BaseModel

SECONDS = len("2026-01-01 00:00:00")
Many = (list, tuple, set, frozenset)


def words(value: object) -> str:
    """Nothing for what is absent, yes or no, a time in the zone of this machine, lists with commas; text as it is.

    Of what has fields, each field with its value, those without one left out.
    """
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case Enum():
            return words(value.value)
        case datetime():
            return local_time(value)
        case bytes():
            return f"{len(value)} bytes"
        case BaseModel():
            return words(value.model_dump())
        case Mapping():
            return ", ".join(f"{name} {shown}" for name, each in value.items() if (shown := words(each)))
    if isinstance(value, Many):
        return ", ".join(map(words, sorted(value, key=words) if isinstance(value, (set, frozenset)) else value))
    return str(value)


def local_time(at: datetime | None) -> str:
    """Seconds precision, in the time zone of this machine; as it is where that would lie outside of the calendar."""
    if at is None:
        return ""
    try:
        here = at.astimezone()
    except (OverflowError, ValueError, OSError):  # a document may claim any time
        here = at
    return here.isoformat(sep=" ", timespec="seconds")[:SECONDS]
