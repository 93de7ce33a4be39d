"""The state machine, row by row, and histories in every order."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations, product

import pytest

from common.domain.names import StatusCode
from router.delivery_history import DeliveryEvent, HistoryEntry, entry_of, position_of
from router.delivery_state import ANSWERS, FINAL, PROGRESS, DeliveryState, EventKind, Note, Position, happen
from router.order import SubmissionOrder

S = DeliveryState
HELD = Position(content_version=1)
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


def at(state: DeliveryState, **fields: object) -> Position:
    return replace(HELD, state=state, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(("state", "code"), list(product((*PROGRESS, *sorted(FINAL)), REPORTS)))
def test_a_report_moves_only_where_the_table_says(state: DeliveryState, code: str) -> None:
    step = happen(at(state), EventKind(code))
    assert step.position.state is MOVES.get((state, code), state)
    assert step.changed is ((state, code) in MOVES)


@pytest.mark.parametrize(
    ("state", "code", "note"),
    [
        (S.ARRIVED, "01", Note.REPEATED),
        (S.PROCESSING, "03", Note.LATE),
        (S.DONE, "01", Note.LATE),
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
    step = happen(at(state), EventKind(code))
    assert (step.position, step.note) == (at(state), note)


@pytest.mark.parametrize(
    ("state", "code"), [(S.SENT, "04"), (S.SENT, "05"), (S.SENT, "06"), (S.ARRIVED, "04"), (S.ARRIVED, "06")]
)
def test_an_early_report_counts_when_the_one_before_it_is_there(state: DeliveryState, code: str) -> None:
    early = happen(at(state), EventKind(code))
    assert (early.position.state, early.note) == (state, Note.REMEMBERED)
    joined = happen(early.position, EventKind.ACCEPTED).position
    assert joined == at(MOVES[S.ACCEPTED, code])


@pytest.mark.parametrize("order", list(permutations(("01", "03", "04", "05", "06"))), ids="-".join)
def test_reports_lead_to_the_same_state_in_every_order(order: tuple[str, ...]) -> None:
    position = HELD
    for code in order:
        position = happen(position, EventKind(code)).position
    assert position == at(S.DONE)


def test_a_refusal_forgets_what_was_early() -> None:
    early = happen(HELD, EventKind.DONE).position
    assert happen(early, EventKind.REFUSED).position == at(S.REFUSED)


@pytest.mark.parametrize("state", PROGRESS)
def test_a_recall_waits_for_its_answer_and_remembers(state: DeliveryState) -> None:
    by_status, by_package = happen(at(state), EventKind.TAKE_BACK), happen(at(state), EventKind.RECALL)
    assert by_status == by_package
    assert (by_status.position.state, by_status.position.previous) == (S.RECALL_PENDING, state)
    assert happen(by_status.position, EventKind.AGREED).position.state is S.RECALLED
    assert happen(by_status.position, EventKind.DECLINED).position == at(state)
    assert happen(by_status.position, EventKind.RECALL).note is Note.REPEATED


@pytest.mark.parametrize(
    ("kind", "declined"),
    [(EventKind.ARRIVED, S.ARRIVED), (EventKind.REFUSED, S.REFUSED), (EventKind.REPLACE, S.SUPERSEDED)],
)
def test_what_happens_during_a_recall_counts_when_it_is_declined(kind: EventKind, declined: DeliveryState) -> None:
    pending = happen(HELD, EventKind.RECALL).position
    step = happen(pending, kind)
    assert (step.position.state, step.note) == (S.RECALL_PENDING, Note.REMEMBERED)
    assert happen(step.position, EventKind.DECLINED).position == at(declined)
    assert happen(step.position, EventKind.AGREED).position == at(S.RECALLED)


@pytest.mark.parametrize("state", PROGRESS)
def test_an_update_holds_once_agreed(state: DeliveryState) -> None:
    offered = happen(at(state), EventKind.UPDATE, 2)
    assert offered.changed
    assert offered.position.state is state
    agreed = happen(offered.position, EventKind.AGREED)
    assert agreed.position == at(state, content_version=2)
    assert agreed.changed
    declined = happen(offered.position, EventKind.DECLINED)
    assert declined.position == at(state)


def test_a_recall_is_answered_before_an_update() -> None:
    both = happen(happen(at(S.ACCEPTED), EventKind.UPDATE, 2).position, EventKind.RECALL).position
    assert happen(both, EventKind.AGREED).position == at(S.RECALLED)
    assert happen(both, EventKind.DECLINED).position == at(S.ACCEPTED, offered_version=2)


@pytest.mark.parametrize("state", PROGRESS)
def test_a_replacement_ends_the_older_delivery(state: DeliveryState) -> None:
    assert happen(at(state), EventKind.REPLACE).position.state is S.SUPERSEDED


@pytest.mark.parametrize("state", sorted(FINAL))
def test_a_final_delivery_stays(state: DeliveryState) -> None:
    for kind in (EventKind.RECALL, EventKind.REPLACE, EventKind.UPDATE, EventKind.DELIVER):
        step = happen(at(state), kind, 2)
        is_repeated = state is S.SUPERSEDED and kind is EventKind.REPLACE
        assert (step.position, step.note) == (at(state), Note.REPEATED if is_repeated else Note.FINAL)


# Whole histories


def event(number: int, kind: EventKind) -> DeliveryEvent:
    """The n-th package about a document, as submitted."""
    submitted_at = datetime(2026, 11, 22, 8, 30, number, tzinfo=UTC)
    return DeliveryEvent(
        id=f"p{number}:intake:1",
        kind=kind,
        by="A",
        at=submitted_at + timedelta(hours=1),
        order=SubmissionOrder(submitted_at=submitted_at, package_id=f"p{number}"),
        version=number if kind in (EventKind.DELIVER, EventKind.UPDATE) else None,
    )


def lived(events: list[DeliveryEvent]) -> list[HistoryEntry]:
    """What a delivery kept of events that arrived in this order."""
    history: list[HistoryEntry] = []
    for each in events:
        entry = entry_of(history, each)
        if entry not in history:
            history.append(entry)
    return history


def test_the_newest_version_is_the_one_that_was_submitted_last() -> None:
    deliver, first, second = event(1, EventKind.DELIVER), event(2, EventKind.UPDATE), event(3, EventKind.UPDATE)
    history = lived([deliver, second, first])
    assert position_of(history).offered_version == 3
    assert history[-1].step.position.offered_version == 3, "an older version never becomes the current one"


def test_a_report_that_arrives_after_a_later_one_is_late() -> None:
    history = lived([event(1, EventKind.DELIVER), event(3, EventKind.ARRIVED), event(2, EventKind.ARRIVED)])
    assert [entry.step.note for entry in history] == [Note.MOVED, Note.MOVED, Note.LATE]


def test_an_event_that_comes_again_says_what_it_said() -> None:
    recall = event(2, EventKind.RECALL)
    history = lived([event(1, EventKind.DELIVER), recall, event(3, EventKind.AGREED), recall, recall])
    assert len(history) == 3
    assert entry_of(history, recall).step.position.state is S.RECALL_PENDING


def test_twenty_thousand_histories_end_alike_in_whatever_order_they_arrive() -> None:
    """Of one delivery: up to eight events, duplicates among them."""
    draw = random.Random(20261128)
    kinds = [kind for kind in EventKind if kind is not EventKind.DELIVER]
    ends = set()
    for _ in range(5_000):
        submitted = [event(1, EventKind.DELIVER)]
        submitted += [event(number, draw.choice(kinds)) for number in range(2, draw.randint(3, 8))]
        expected = position_of(lived(submitted))
        ends.add((expected.state, expected.content_version))
        for _ in range(4):
            arriving = [*submitted, draw.choice(submitted)]
            draw.shuffle(arriving)
            assert position_of(lived(arriving)) == expected, [each.id for each in arriving]
    assert {state for state, _ in ends} == set(DeliveryState), "the histories reach every state"


def test_every_status_is_a_kind_of_event() -> None:
    assert {code.value for code in StatusCode} <= {kind.value for kind in EventKind}
    assert {kind.value for kind in ANSWERS} == {StatusCode.AGREED, StatusCode.DECLINED}
