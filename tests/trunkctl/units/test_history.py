"""Entries of the history: numbered, linked, in order of time; and who counts as the same person."""

import hashlib
from datetime import UTC, datetime, timedelta

import pytest

from trunkctl.units.access_acts import access_entry
from trunkctl.units.history import Act, Decision, Entry, Head, State, following, head_of, is_linked, is_same_person

NOW = datetime(2026, 11, 28, 8, tzinfo=UTC)
WHO = Decision(by="Nguyễn Văn A", why="vì", account="root@ops", at=NOW)


def test_the_first_entry_and_the_next() -> None:
    first = following(Head(state=State(in_force="ab")), Act.IMPORTED, WHO, State(in_force="cd"), version="cd")
    assert (first.number, first.previous, first.before, first.version) == (1, "", "ab", "cd")
    second = following(head_of(first.data), Act.DISABLED, WHO, first.state, unit="A.01")
    assert (second.number, second.before) == (2, "cd")
    assert second.previous == hashlib.sha256(first.data).hexdigest()
    assert is_linked(first.data, second)


def test_an_entry_is_read_as_it_was_written() -> None:
    entry = access_entry(Head(), Act.DISABLED, "A.01", WHO)
    assert Entry.model_validate_json(entry.data) == entry
    assert head_of(entry.data).state == entry.state


def test_another_entry_before_breaks_the_link() -> None:
    first = following(Head(), Act.IMPORTED, WHO, State(in_force="cd"))
    second = following(head_of(first.data), Act.DISABLED, WHO, first.state)
    altered = first.model_copy(update={"decision": WHO.model_copy(update={"by": "X"})})
    assert not is_linked(altered.data, second)


def test_time_does_not_run_back_when_a_clock_does() -> None:
    first = following(Head(), Act.IMPORTED, WHO, State())
    slow = WHO.model_copy(update={"at": NOW - timedelta(hours=1)})
    assert following(head_of(first.data), Act.DISABLED, slow, State()).decision.at == NOW


def test_disabling_keeps_who_did_it_first_and_enabling_forgets_it() -> None:
    other = WHO.model_copy(update={"by": "B"})
    first = access_entry(Head(), Act.DISABLED, "A.01", WHO)
    again = access_entry(head_of(first.data), Act.DISABLED, "A.01", other)
    assert again.state.disabled == {"A.01": WHO}
    both = access_entry(head_of(again.data), Act.DISABLED, "B.02", other)
    assert set(both.state.disabled) == {"A.01", "B.02"}
    one = access_entry(head_of(both.data), Act.ENABLED, "A.01", other)
    assert set(one.state.disabled) == {"B.02"}
    for act in (Act.PROVISIONED, Act.ROTATED):
        assert access_entry(head_of(one.data), act, "B.02", other).state == one.state


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Nguyễn Văn A", "Nguyễn Văn A", True),
        ("Nguyễn Văn A", "nguyen  van a", True),
        ("Nguyễn Văn A", "NGUYỄN VĂN A", True),
        ("Đỗ Đức", "do duc", True),
        ("Nguyễn Văn A", "nguyen.van.a", True),
        ("Nguyễn Văn A", "Nguye\u0302\u0303n Va\u0306n A", True),
        ("Nguyễn Văn A", "Nguyễn Văn B", False),
        ("Nguyễn Văn A (123)", "Nguyễn Văn A (124)", False),
        ("李", "王", False),
    ],
)
def test_the_same_person(one: str, other: str, same: bool) -> None:
    assert is_same_person(one, other) is is_same_person(other, one) is same
