"""When the normal lane gives way: a table of moments."""

import pytest

from intake.giving_way import MOST_SECONDS, GivingWay


@pytest.mark.parametrize(
    ("moments", "gives_way"),
    [
        ([(0, False)], False),
        ([(0, True)], True),
        ([(0, True), (MOST_SECONDS - 1, True)], True),
        ([(0, True), (5, True), (MOST_SECONDS + 1, True)], False),
        ([(0, True), (8, True), (16, True), (2 * MOST_SECONDS + 1, True)], True),
        ([(0, True), (5, False), (8, True), (MOST_SECONDS + 1, True)], True),
        ([(0, True), (9, False), (10, True), (MOST_SECONDS + 2, True)], False),  # a pause now and then does not help
        ([(at, at % 2 == 0) for at in range(51)], True),  # held up half of the time, and never for long
        ([(at, at % 4 != 0) for at in range(20)], False),
        ([(0, True), (3 * MOST_SECONDS, True)], True),
        ([(0, True), (5, True), (MOST_SECONDS + 1, False)], False),
    ],
)
def test_it_gives_way_for_a_while(moments: list[tuple[float, bool]], gives_way: bool) -> None:
    giving_way = GivingWay()
    untils = [(now, giving_way.until(now, has_urgent=has_urgent)) for now, has_urgent in moments]
    now, until = untils[-1]
    assert (until > now) == gives_way


def test_it_says_when_it_ends() -> None:
    giving_way = GivingWay()
    assert giving_way.until(100.0, has_urgent=True) == 100.0 + MOST_SECONDS
    assert giving_way.until(104.0, has_urgent=True) == 100.0 + MOST_SECONDS
