"""Leases of notifications: what one process may conclude from another's, whatever the clocks say."""

from datetime import UTC, datetime

import pytest

from notifier.leases import FREE, Lease, SeenLeases

SECONDS = 60.0
UNTIL = datetime(2026, 11, 22, 8, 31, tzinfo=UTC)


class Process:
    """A process with a clock of its own."""

    def __init__(self) -> None:
        self.seconds = 1_000.0
        self.seen = SeenLeases(SECONDS, lambda: self.seconds)

    def looks(self, token: str = "other", key: str = "n", *, after: float = 0.0) -> bool:
        self.seconds += after
        return self.seen.has_lapsed(key, Lease(token, UNTIL))


def test_what_nobody_works_on_may_be_taken_at_once() -> None:
    assert Process().seen.has_lapsed("n", Lease("a former one", FREE))


def test_another_s_lease_lapses_after_it_was_seen_for_as_long_as_it_lasts() -> None:
    process = Process()
    assert [process.looks(after=after) for after in (0, 30, 30, 1)] == [False, False, False, True]


def test_what_is_watched_is_left_alone_until_a_lease_has_passed() -> None:
    process = Process()
    process.looks()
    assert process.seen.watched == ["n"]
    process.seconds += SECONDS + 1
    assert process.seen.watched == []
    assert process.looks()


def test_a_new_lease_begins_anew() -> None:
    process = Process()
    assert not process.looks("first")
    assert not process.looks("second", after=61)
    assert not process.looks("second", after=59)
    assert process.looks("second", after=2)


def test_leases_of_notifications_are_apart() -> None:
    process = Process()
    assert not process.looks(key="n")
    assert not process.looks(key="m", after=61)
    assert process.looks(key="n")


def test_what_was_taken_over_by_others_is_forgotten() -> None:
    process = Process()
    for number in range(100):
        process.looks(key=f"n{number}", after=30)
    assert len(process.seen) <= 10 * SECONDS / 30 + 1


@pytest.mark.parametrize("until", [FREE.replace(year=2099), FREE.replace(year=1971)])
def test_what_the_holder_s_clock_said_plays_no_part(until: datetime) -> None:
    process = Process()
    assert not process.seen.has_lapsed("n", Lease("other", until))
    process.seconds += SECONDS + 1
    assert process.seen.has_lapsed("n", Lease("other", until))
