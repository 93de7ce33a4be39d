"""Dates of every accepted notation, and those of the future."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from common.domain.envelope import Envelope, StatusReport
from common.domain.reason import Reason
from common.edxml.dates import VIETNAM, check_dates, is_wire_form, read_date, read_time, write_time


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2019/01/16", date(2019, 1, 16)),
        ("2019/1/6", date(2019, 1, 6)),
        ("2019-01-16", date(2019, 1, 16)),
        ("16/01/2019", date(2019, 1, 16)),
        ("16-01-2019", date(2019, 1, 16)),
        ("06/01/2019", date(2019, 1, 6)),
        ("2019/01/16 23:59:59", date(2019, 1, 16)),
        ("16/01/2019 08:00", date(2019, 1, 16)),
        ("2019-01-16T08:00:00.123", date(2019, 1, 16)),
        ("2019-01-16T20:00:00Z", date(2019, 1, 17)),
        ("2019-01-16T00:30:00+09:00", date(2019, 1, 15)),
        ("2019-01-16+07:00", date(2019, 1, 16)),
    ],
)
def test_dates_are_read_by_the_place_of_the_year(text: str, expected: date) -> None:
    assert read_date(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "2014/02/30", "30/02/2014", "01/16/2019", "19/01/16", "2019/01-16", "2019.01.16", "2019/01/16 25:00:00",
     "tomorrow", "20190116", "２０１９/01/16", "0000/01/01", "0001/01/01T00:00:00+14:00", "9999/12/31T23:00:00-10:00",
     "2019/01/16T00:00:00+99:99"],
)  # fmt: skip
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        read_date(text)


def test_times_without_offset_are_vietnamese() -> None:
    assert read_time("20/09/2015 11:08:36") == datetime(2015, 9, 20, 11, 8, 36, tzinfo=VIETNAM)
    assert read_time("2015-09-20T04:08:36Z") == datetime(2015, 9, 20, 11, 8, 36, tzinfo=VIETNAM)


def test_times_are_written_in_vietnam() -> None:
    moment = datetime(2026, 11, 21, 18, 0, 5, tzinfo=UTC)
    assert write_time(moment) == "2026/11/22 01:00:05"
    assert is_wire_form(write_time(moment))
    with pytest.raises(ValueError, match="offset"):
        write_time(datetime(2026, 11, 21))  # noqa: DTZ001


def test_future_documents_are_refused_after_a_day_of_grace(document, read) -> None:
    envelope = read(document()).message
    assert isinstance(envelope, Envelope)
    issued = envelope.promulgation_date
    assert check_dates(envelope, issued) is None
    assert check_dates(envelope, issued - timedelta(days=1)) is None
    refused = check_dates(envelope, issued - timedelta(days=2))
    assert refused is not None
    assert refused.reason is Reason.E_DATE
    assert check_dates(replace(envelope, due_date=date(2099, 1, 1)), issued) is None


def test_future_statuses_are_refused(status, read) -> None:
    report = read(status()).message
    assert isinstance(report, StatusReport)
    assert check_dates(report, date(2026, 11, 19)) is None
    assert check_dates(report, date(2026, 11, 18)) is not None
