"""The state machine, row by row."""

from itertools import product

import pytest

from common.domain.names import StatusCode
from router.delivery_state import FINAL, DeliveryState, Note, Position, on_recall, on_replacement, on_status, on_update

S = DeliveryState
LIVE = (S.SENT, S.ARRIVED, S.ACCEPTED, S.ASSIGNED, S.PROCESSING, S.DONE)
REPORTS = ("01", "02", "03", "04", "05", "06")

MOVES = {
    (S.SENT, "01"): S.ARRIVED,
    (S.SENT, "02"): S.REFUSED,
    (S.ARRIVED, "02"): S.REFUSED,
    (S.SENT, "03"): S.ACCEPTED,
    (S.ARRIVED, "03"): S.ACCEPTED,
    (S.ACCEPTED, "04"): S.ASSIGNED,
    (S.ACCEPTED, "05"): S.PROCESSING,
    (S.ASSIGNED, "05"): S.PROCESSING,
    (S.ACCEPTED, "06"): S.DONE,
    (S.ASSIGNED, "06"): S.DONE,
    (S.PROCESSING, "06"): S.DONE,
}


@pytest.mark.parametrize(("state", "code"), list(product((*LIVE, *sorted(FINAL)), REPORTS)))
def test_a_report_moves_only_where_the_table_says(state: DeliveryState, code: str) -> None:
    step = on_status(Position(state=state), StatusCode(code))
    assert step.position.state is MOVES.get((state, code), state)
    assert step.changed is ((state, code) in MOVES)


@pytest.mark.parametrize(
    ("state", "code", "note"),
    [
        (S.ARRIVED, "01", Note.REPEATED),
        (S.PROCESSING, "03", Note.LATE),
        (S.DONE, "01", Note.LATE),
        (S.SENT, "05", Note.IMPOSSIBLE),
        (S.ARRIVED, "04", Note.IMPOSSIBLE),
        (S.ACCEPTED, "02", Note.IMPOSSIBLE),
        (S.REFUSED, "02", Note.REPEATED),
        (S.REFUSED, "03", Note.FINAL),
        (S.REFUSED, "13", Note.FINAL),
        (S.RECALLED, "15", Note.REPEATED),
        (S.RECALLED, "16", Note.FINAL),
        (S.RECALLED, "05", Note.FINAL),
        (S.SUPERSEDED, "03", Note.FINAL),
        (S.SUPERSEDED, "15", Note.FINAL),
        (S.ACCEPTED, "15", Note.IMPOSSIBLE),
        (S.ACCEPTED, "16", Note.IMPOSSIBLE),
    ],
)
def test_what_changes_nothing_is_noted(state: DeliveryState, code: str, note: Note) -> None:
    before = Position(state=state)
    step = on_status(before, StatusCode(code))
    assert (step.position, step.note) == (before, note)


@pytest.mark.parametrize("state", LIVE)
def test_a_recall_waits_for_its_answer_and_remembers(state: DeliveryState) -> None:
    by_status, by_package = on_status(Position(state=state), StatusCode.TAKE_BACK), on_recall(Position(state=state))
    assert by_status == by_package
    assert (by_status.position.state, by_status.position.previous) == (S.RECALL_PENDING, state)
    assert on_status(by_status.position, StatusCode.AGREED).position.state is S.RECALLED
    assert on_status(by_status.position, StatusCode.DECLINED).position == Position(state=state)
    assert on_recall(by_status.position).note is Note.REPEATED


def test_a_report_during_a_recall_counts_when_the_recall_is_declined() -> None:
    pending = on_recall(Position(state=S.SENT)).position
    arrived = on_status(pending, StatusCode.ARRIVED)
    assert arrived.position.state is S.RECALL_PENDING
    assert not arrived.changed
    assert on_status(arrived.position, StatusCode.DECLINED).position.state is S.ARRIVED


@pytest.mark.parametrize("state", LIVE)
def test_an_update_holds_once_agreed(state: DeliveryState) -> None:
    offered = on_update(Position(state=state), 2)
    assert offered.changed
    assert offered.position.state is state
    agreed = on_status(offered.position, StatusCode.AGREED)
    assert agreed.position == Position(state=state, content_version=2)
    assert agreed.changed
    declined = on_status(offered.position, StatusCode.DECLINED)
    assert declined.position == Position(state=state)


def test_an_older_version_never_overtakes() -> None:
    offered = on_update(Position(), 3).position
    assert on_update(offered, 3).note is Note.REPEATED
    assert on_update(offered, 2).note is Note.LATE


def test_a_recall_is_answered_before_an_update() -> None:
    both = on_recall(on_update(Position(state=S.ACCEPTED), 2).position).position
    assert on_status(both, StatusCode.AGREED).position == Position(state=S.RECALLED)
    declined = on_status(both, StatusCode.DECLINED).position
    assert declined == Position(state=S.ACCEPTED, offered_version=2)


@pytest.mark.parametrize("state", LIVE)
def test_a_replacement_ends_the_older_delivery(state: DeliveryState) -> None:
    assert on_replacement(Position(state=state)).position.state is S.SUPERSEDED


@pytest.mark.parametrize("state", sorted(FINAL))
def test_a_final_delivery_stays(state: DeliveryState) -> None:
    for step in (on_recall, on_replacement, lambda position: on_update(position, 2)):
        assert step(Position(state=state)).position == Position(state=state)


def test_a_replacement_does_not_cut_off_a_recall() -> None:
    pending = on_recall(Position()).position
    assert on_replacement(pending).position == pending
