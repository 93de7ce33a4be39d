"""A zero after a number is believed only after some time, because a queue that does not answer is shown as empty."""

from datetime import UTC, datetime, timedelta

import pytest

from common.service.zero_depths import KnownDepths

AT = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)


def depths_after(known: KnownDepths, *looks: tuple[float, int]) -> list[int]:
    """What is known after each look: minutes after ``AT``, and the depth shown."""
    return [known.after({"q": depth}, AT + timedelta(minutes=minutes))["q"] for minutes, depth in looks]


@pytest.mark.parametrize(
    ("looks", "known"),
    [
        ([(0, 100), (1, 0), (2, 0), (3, 90)], [100, 100, 100, 90]),
        ([(0, 100), (1, 0), (2, 0), (5, 0), (6, 0), (7, 0)], [100, 100, 100, 100, 0, 0]),
        ([(0, 100), (1, 0), (60, 0), (61, 0)], [100, 100, 100, 0]),
        ([(0, 100), (1, 0), (5, 7), (6, 0)], [100, 100, 7, 0]),
        ([(0, 100), (1, 0), (5, 50), (6, 0), (7, 0), (8, 0)], [100, 100, 50, 50, 50, 50]),
        ([(0, 49), (1, 0), (2, 100), (3, 0)], [49, 0, 100, 100]),
        ([(0, 0), (1, 3), (2, 0)], [0, 3, 0]),
    ],
)
def test_a_zero_of_a_deep_queue_is_doubted_for_five_minutes(looks: list[tuple[float, int]], known: list[int]) -> None:
    assert depths_after(KnownDepths(50), *looks) == known


def test_a_queue_that_nobody_has_seen_may_be_doubted_too() -> None:
    known = KnownDepths(1, unseen=1)
    assert depths_after(known, (0, 0), (1, 0), (4, 0), (5, 0), (6, 0)) == [1, 1, 1, 0, 0]
    known.forget("q")
    assert depths_after(known, (7, 0)) == [1]


def test_each_queue_is_judged_by_itself() -> None:
    known = KnownDepths(50)
    assert known.after({"a": 100, "b": 0}, AT) == {"a": 100, "b": 0}
    assert known.after({"a": 0, "b": 60}, AT) == {"a": 100, "b": 60}
    assert known.after({"b": 0}, AT) == {"b": 60}
