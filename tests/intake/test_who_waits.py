"""Which waiting unit is next in a lane, and how many calls it takes to find out."""

from collections import Counter

import pytest

from intake.who_waits import WhoWaits


def line(units: str) -> WhoWaits[int]:
    """One message for each letter, numbered."""
    waits: WhoWaits[int] = WhoWaits()
    for number, unit in enumerate(units):
        waits.add(unit, number)
    return waits


def served(waits: WhoWaits[int], own: Counter[str], turns: int) -> str:
    """Units in the order of their turns, as long as nothing ends."""
    order = ""
    for _ in range(turns):
        unit = waits.first(own.__getitem__)
        if unit is None:
            break
        waits.take(unit)
        own[unit] += 1
        order += unit
    return order


@pytest.mark.parametrize(
    ("units", "own", "expected"),
    [
        ("", "", ""),
        ("AAA", "", "AAA"),
        ("AAABC", "", "ABCAA"),
        ("BBAAC", "", "BACBA"),  # of those that had no turn, who came first
        ("AABBC", "A", "BCABA"),  # who has fewest under way
        ("AB", "AAB", "BA"),
        ("AABB", "AABB", "ABAB"),
    ],
)
def test_next_is_who_has_fewest_and_whose_turn_is_longest_ago(units: str, own: str, expected: str) -> None:
    assert served(line(units), Counter(own), 10) == expected


def test_what_a_unit_submitted_first_is_taken_first() -> None:
    waits = line("ABAA")
    assert [waits.take("A") for _ in range(3)] == [0, 2, 3]
    assert list(waits) == ["B"]


def test_who_had_a_turn_long_ago_comes_before_who_had_one_lately() -> None:
    waits = line("CAB")
    for unit in "CAB":
        waits.take(unit)
    for unit in "BCA":
        waits.add(unit, 0)
    assert served(waits, Counter(), 3) == "CAB"


def test_what_is_let_go_waits_no_more() -> None:
    waits = line("AABC")
    assert sorted(waits.clear()) == [0, 1, 2, 3]
    assert not waits
    assert waits.first(lambda _: 0) is None
    waits.add("A", 7)
    assert waits.take("A") == 7


def test_with_a_thousand_units_no_more_are_looked_at_than_have_some_under_way() -> None:
    waits: WhoWaits[int] = WhoWaits()
    units = [f"U{number:04}" for number in range(1_000)]
    for unit in units * 2:
        waits.add(unit, 0)
    under_way: list[str] = []
    for _ in range(2_000):
        examined: list[str] = []

        def own(unit: str, examined: list[str] = examined) -> int:
            examined.append(unit)
            return under_way.count(unit)

        unit = waits.first(own)
        assert unit is not None
        assert len(examined) <= 2 * len(set(under_way)) + 1
        waits.take(unit)
        under_way.append(unit)
        del under_way[:-64]
    assert not waits
