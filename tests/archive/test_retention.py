"""Retention: which class a document belongs to, and when its term ends."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from archive.retention import LOCAL, RetentionClass, read_table, retain_until

TABLE = read_table()
OTHER = """
version = "x"
exchanged = "all"
refused = "all"
notice = "all"
[[classes]]
name = "all"
years = 70
legal_basis = "city"
"""


@pytest.mark.parametrize(
    ("type_name", "expected", "years"),
    [
        ("Công văn", "exchanged", 10),
        ("Báo cáo", "exchanged", 10),
        ("", "exchanged", 10),
        ("Quyết định", "directive", "PERMANENT"),
        ("  quyết   ĐỊNH (cá biệt) ", "directive", "PERMANENT"),
        ("Nghị quyết", "directive", "PERMANENT"),
        ("Quy chế", "regulation", 20),
        ("Quy che\u0302\u0301", "regulation", 20),
    ],
)
def test_class_by_document_type(type_name: str, expected: str, years: int | str) -> None:
    row = TABLE.for_document(type_name)
    assert (row.name, row.years) == (expected, years)


def row(years: int | Literal["PERMANENT"]) -> RetentionClass:
    return RetentionClass(name="x", years=years, legal_basis="test")


@pytest.mark.parametrize(
    ("ended", "years", "expected_local"),
    [
        ("2026-11-22T08:00:00+00:00", 10, "2036-12-31T23:59:59"),
        ("2026-12-31T16:59:59+00:00", 10, "2036-12-31T23:59:59"),
        ("2026-12-31T17:00:00+00:00", 10, "2037-12-31T23:59:59"),
        ("2026-01-01T00:00:00+07:00", 5, "2031-12-31T23:59:59"),
        ("2026-06-01T00:00:00+07:00", "PERMANENT", "2126-12-31T23:59:59"),
    ],
)
def test_term_ends_with_the_local_year(ended: str, years: int | Literal["PERMANENT"], expected_local: str) -> None:
    until = retain_until(datetime.fromisoformat(ended), row(years))
    assert until.tzinfo is UTC
    assert until.astimezone(LOCAL).replace(tzinfo=None) == datetime.fromisoformat(expected_local)


def test_local_is_ho_chi_minh_city() -> None:
    assert ZoneInfo("Asia/Ho_Chi_Minh") == LOCAL


def test_another_table_replaces_the_shipped_one(tmp_path: Path) -> None:
    other = tmp_path / "table.toml"
    other.write_text(OTHER)
    assert read_table(other).for_document("Quyết định").years == 70


@pytest.mark.parametrize(("change", "to"), [('exchanged = "all"', 'exchanged = "gone"'), ("70", '"for ever"')])
def test_a_wrong_table_is_not_taken(tmp_path: Path, change: str, to: str) -> None:
    wrong = tmp_path / "table.toml"
    wrong.write_text(OTHER.replace(change, to))
    with pytest.raises(ValidationError):
        read_table(wrong)
