"""Dates in a PDF (ISO 32000-1 §7.9.4), in the forms that tools write.

The standard has ``D:YYYYMMDDHHmmSSOHH'mm'``, from the right as much left out as one likes. Tools leave out the prefix
or the apostrophes, write ``Z00'00'``, or ISO 8601.
"""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo

from common.edxml.dates import VIETNAM

DATE = re.compile(
    r"(?:D:)?\s*(?P<year>[0-9]{4})"
    r"(?:-?(?P<month>[0-9]{2})(?:-?(?P<day>[0-9]{2})"
    r"(?:[T ]?(?P<hour>[0-9]{2})(?::?(?P<minute>[0-9]{2})(?::?(?P<second>[0-9]{2})(?:[.,][0-9]+)?)?)?)?)?)?"
    r"\s*(?:(?P<utc>[Zz](?:00'?:?00'?)?'?)|(?P<sign>[+-])(?P<hours>[0-9]{2})(?:'?:?(?P<minutes>[0-9]{2}))?'?)?",
    re.ASCII,
)
FIRST = {"month": 1, "day": 1, "hour": 0, "minute": 0, "second": 0}
"""What stands for a part that is left out."""


def read_date(text: str) -> datetime | None:
    """The instant in UTC; without a zone the text is Vietnam's time. None = not readable."""
    match = DATE.fullmatch(text.strip())
    if match is None:
        return None
    parts = {name: int(match[name] or first) for name, first in FIRST.items()}
    try:
        return datetime(int(match["year"]), tzinfo=_zone(match), **parts).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _zone(match: re.Match[str]) -> tzinfo:
    if match["utc"]:
        return UTC
    if not match["sign"]:
        return VIETNAM
    offset = timedelta(hours=int(match["hours"]), minutes=int(match["minutes"] or 0))
    return timezone(-offset if match["sign"] == "-" else offset)
