"""Rounds of sweeps in which each unit gets its turn."""

import pytest

from common.fair_rounds import in_turn, share, shares


@pytest.mark.parametrize(("limit", "units", "expected"), [(200, 1, 200), (200, 3, 67), (200, 500, 1), (200, 0, 200)])
def test_a_share_is_rounded_up(limit: int, units: int, expected: int) -> None:
    assert share(limit, units) == expected


def test_one_of_each_in_turn() -> None:
    assert in_turn([[1, 4, 6], [2], [3, 5]]) == [1, 2, 3, 4, 5, 6]


def test_where_more_units_are_due_than_a_round_takes_each_gets_a_turn_before_long() -> None:
    """The order in which the database names them is the same in every round."""
    units = [f"U{number}" for number in range(30)]
    served: set[str] = set()
    for _ in range(200):
        round_shares = shares(units, 10)
        assert set(round_shares.values()) == {1}
        assert len(round_shares) == 10
        served |= round_shares.keys()
    assert served == set(units)
