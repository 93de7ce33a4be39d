"""Dates and times as packages write them; all of them mean Ho Chi Minh City time unless they carry an offset."""

import re
from datetime import UTC, date, datetime, timedelta, timezone

from common.domain.envelope import Envelope, Message, StatusReport
from common.domain.outcome import Refused
from common.domain.reason import Reason

VIETNAM = timezone(timedelta(hours=7))
"""Asia/Ho_Chi_Minh: no daylight saving, the same offset since 1975."""

ONE_DAY = timedelta(days=1)

_WIRE = re.compile(r"[0-9]{4}/[0-9]{2}/[0-9]{2}( [0-9]{2}:[0-9]{2}:[0-9]{2})?")
_ANY = re.compile(
    r"(?:(?P<year>[0-9]{4})(?P<s1>[/-])(?P<month>[0-9]{1,2})(?P=s1)(?P<day>[0-9]{1,2})"
    r"|(?P<day2>[0-9]{1,2})(?P<s2>[/-])(?P<month2>[0-9]{1,2})(?P=s2)(?P<year2>[0-9]{4}))"
    r"(?:[T ]+(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.,][0-9]+)?)?)?"
    r"\s*(?P<zone>[Zz]|[+-][0-9]{2}:?[0-9]{2})?"
)


def is_wire_form(text: str) -> bool:
    """Whether a date or time is spelt as the profile does, ``yyyy/MM/dd`` with an optional ``HH:mm:ss``."""
    return _WIRE.fullmatch(text) is not None


def read_time(text: str) -> datetime:
    """A time with offset from any accepted notation; midnight where only a date is given.

    The place of the four-digit group decides between year first and day first. ValueError if it is none.
    """
    found = _ANY.fullmatch(text)
    if found is None:
        raise ValueError("no date in a known notation")
    year, month, day = (int(found[name] or found[name + "2"]) for name in ("year", "month", "day"))
    hour, minute, second = (int(found[name] or 0) for name in ("hour", "minute", "second"))
    return datetime(year, month, day, hour, minute, second, tzinfo=_zone(found["zone"]))


def read_date(text: str) -> date:
    """The local day of a date or time in any accepted notation. ValueError if it is none."""
    try:
        return read_time(text).astimezone(VIETNAM).date()
    except OverflowError as error:
        raise ValueError("outside the calendar") from error


def write_date(day: date) -> str:
    """``yyyy/MM/dd``."""
    return f"{day.year:04}/{day.month:02}/{day.day:02}"


def write_time(moment: datetime) -> str:
    """``yyyy/MM/dd HH:mm:ss`` in Ho Chi Minh City; ValueError without an offset."""
    if moment.tzinfo is None:
        raise ValueError("a time needs its offset")
    local = moment.astimezone(VIETNAM)
    return f"{write_date(local)} {local:%H:%M:%S}"


def check_dates(message: Message, today: date) -> Refused | None:
    """Refused with E_DATE if a document was issued, or a status given, later than the day after ``today``.

    The day of grace is for clocks and zones. Whether a status is older than its document is not looked at:
    real messages are.
    """
    match message:
        case Envelope(promulgation_date=day) if day > today + ONE_DAY:
            return Refused(Reason.E_DATE, f"PromulgationDate {day.isoformat()} lies in the future.")
        case StatusReport(at=moment) if moment.astimezone(VIETNAM).date() > today + ONE_DAY:
            return Refused(Reason.E_DATE, f"Timestamp {moment.isoformat()} lies in the future.")
    return None


def _zone(text: str | None) -> timezone:
    if text is None:
        return VIETNAM
    if text in "Zz":
        return UTC
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[-2:]))
    return timezone(-offset if text[0] == "-" else offset)
