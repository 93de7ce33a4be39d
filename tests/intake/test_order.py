"""Places of packages: a package that is let in later has a later place, even if clocks differ."""

from datetime import UTC, datetime, timedelta

import pytest

from intake.order import next_place

NOW = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
STEP = timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("case", "earlier", "place"),
    [
        ("the first about a document", [], NOW),
        ("after one that was let in earlier", [NOW - timedelta(hours=1)], NOW),
        ("in the same millisecond", [NOW], NOW + STEP),
        ("by a clock five minutes behind", [NOW + timedelta(minutes=5)], NOW + timedelta(minutes=5) + STEP),
        ("about several documents", [NOW - STEP, NOW + 3 * STEP, NOW + STEP], NOW + 4 * STEP),
    ],
)
def test_a_place_follows_all_that_were_taken(case: str, earlier: list[datetime], place: datetime) -> None:
    assert next_place(NOW, earlier) == place
