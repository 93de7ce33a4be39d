"""Dates as tools write them."""

from datetime import UTC, datetime

import pytest

from validator.pdf.date import read_date

TEN = datetime(2026, 7, 1, 3, 0, 0, tzinfo=UTC)
FORMS = [
    "D:20260701100000+07'00'", "D:20260701100000+07'00", "D:20260701100000+0700", "D:20260701100000+07:00",
    "D:20260701100000+07", "20260701100000+07'00'", "D:20260701030000Z", "D:20260701030000Z00'00'",
    "D:20260701030000Z0000", "D:20260701030000Z'", "D:20260701030000+00'00'", "D:20260630230000-04'00'",
    "2026-07-01T10:00:00+07:00", "2026-07-01T03:00:00Z", "2026-07-01T03:00:00.000Z", "2026-07-01 10:00:00",
    "D:20260701100000", "D:2026070110", " D:20260701100000 ", "D: 20260701100000",
]  # fmt: skip


@pytest.mark.parametrize("text", FORMS)
def test_form(text: str) -> None:
    assert read_date(text) == TEN


def test_parts_left_out() -> None:
    assert read_date("D:2026") == datetime(2025, 12, 31, 17, tzinfo=UTC)
    assert read_date("D:202607") == datetime(2026, 6, 30, 17, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["", "D:", "hom nay", "D:20261301000000Z", "D:20260732", "D:20260701250000", "D:20260701100000+25'00'",
     "D:20260701100000 ICT", "D:00000101000000Z", "D:00010101000000+07'00'", "٢٠٢٦0701", "D:20260701100000Z07'00'"],
)  # fmt: skip
def test_what_is_no_date(text: str) -> None:
    assert read_date(text) is None
