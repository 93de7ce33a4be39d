"""The demo's counting: a case says what became of it, and sums that do not add up are told."""

from dataclasses import replace
from typing import Any

from common.domain.reason import Reason
from demo.cases import Case, Expected, Kind, Outcome
from demo.closing import row, rows, speed_line, status_line
from demo.totals import Observed, problems, sums

SEEN = Observed(verdicts={}, states={}, expected_states={})


def case(**changes: Any) -> Case:
    fields: dict[str, Any] = {
        "kind": Kind.DOCUMENT,
        "title": "letter",
        "sender": "A",
        "receivers": ("B", "C"),
        "expected": Expected(placed=frozenset({"B", "C"})),
        "package_id": "p",
        "document_key": "d",
        "urgent": False,
        "sent_at": 10.0,
    }
    return Case(**fields | changes)


def delivered(**changes: Any) -> Case:
    letter = case(**changes)
    for unit in letter.receivers:
        letter.note_placed(unit, 12.0, intact=True)
    return letter


def refused(reason: Reason = Reason.E_DUP, **changes: Any) -> Case:
    letter = case(expected=Expected(reason=Reason.E_DUP), **changes)
    letter.note_refused(reason, "", 11.0)
    return letter


def test_a_letter_is_delivered_when_every_receiver_has_it() -> None:
    letter = case()
    letter.note_placed("B", 11.0, intact=True)
    assert letter.outcome is Outcome.UNANSWERED
    letter.note_placed("C", 12.5, intact=True)
    assert letter.outcome is Outcome.DELIVERED
    assert letter.as_expected
    assert letter.seconds == 2.5


def test_a_second_copy_in_an_inbox_changes_nothing() -> None:
    letter = delivered()
    letter.note_placed("B", 99.0, intact=True)
    assert letter.seconds == 2.0


def test_other_bytes_are_never_as_expected() -> None:
    letter = case(receivers=("B",), expected=Expected(placed=frozenset({"B"})))
    letter.note_placed("B", 11.0, intact=False)
    assert not letter.as_expected
    assert "other bytes reached B" in problems([letter], SEEN, [])[0]


def test_a_unit_that_must_not_have_it_is_a_problem() -> None:
    letter = delivered()
    letter.note_placed("D", 13.0, intact=True)
    assert not letter.as_expected


def test_a_refusal_needs_the_right_reason() -> None:
    assert refused().as_expected
    wrong = refused(Reason.E_TO)
    assert wrong.outcome is Outcome.REFUSED
    assert not wrong.as_expected


def test_an_unexpected_refusal_ends_the_waiting() -> None:
    letter = case()
    letter.note_refused(Reason.E_SIG_ORDER, "", 11.0)
    assert letter.complete
    assert letter.outcome is Outcome.REFUSED
    assert not letter.as_expected


def test_one_refused_receiver_leaves_the_others() -> None:
    turned = frozenset({("X", Reason.E_TO_UNKNOWN)})
    letter = case(receivers=("B", "X"), expected=Expected(placed=frozenset({"B"}), turned=turned))
    letter.note_placed("B", 11.0, intact=True)
    assert not letter.complete
    letter.note_refused(Reason.E_TO_UNKNOWN, "X", 12.0)
    assert letter.outcome is Outcome.DELIVERED
    assert letter.as_expected
    assert row(1, letter)[6] == "X: E_TO_UNKNOWN"


def test_the_successor_s_inbox_counts_for_a_closed_unit() -> None:
    succeeded = frozenset({("X", Reason.E_TO_SUCCEEDED)})
    letter = case(receivers=("B", "X"), expected=Expected(placed=frozenset({"B", "Y"}), turned=succeeded))
    for unit in ("B", "Y"):
        letter.note_placed(unit, 11.0, intact=True)
    letter.note_refused(Reason.E_TO_SUCCEEDED, "X", 12.0)
    (equation,) = [
        each
        for each in sums([letter], Observed(verdicts={}, states={}, expected_states={}))
        if each.name.startswith("receivers")
    ]
    assert str(equation) == "receivers of delivered documents 2 = inboxes reached 2 + receivers refused 0"


def test_a_repeat_is_answered_not_delivered() -> None:
    again = case(kind=Kind.REPEAT, expected=Expected())
    assert again.outcome is Outcome.UNANSWERED
    again.note_repeated_answer(11.0)
    assert again.outcome is Outcome.ANSWERED
    assert again.as_expected


def everything() -> tuple[list[Case], Observed]:
    status = delivered(
        kind=Kind.STATUS, title="status 01", receivers=("A",), expected=Expected(placed=frozenset({"A"}))
    )
    again = case(kind=Kind.REPEAT)
    again.note_repeated_answer(11.0)
    cases = [
        delivered(package_id="p1"),
        refused(package_id="p2"),
        again,
        delivered(kind=Kind.RECALL),
        refused(kind=Kind.RECALL),
        status,
    ]
    states = {("d", "B"): "ARRIVED", ("d", "C"): "DONE"}
    verdicts = {"p1": "document.verified", "p2": "package.refused"}
    return cases, Observed(verdicts=verdicts, states=states, expected_states=states)


def test_sums_of_a_good_run_add_up() -> None:
    cases, seen = everything()
    equations = sums(cases, seen)
    assert [str(equation) for equation in equations] == [
        "documents sent 2 = delivered 1 + refused 1",
        "documents archived as valid 1 = delivered 1",
        "refusals kept as evidence 1 = refused 1",
        "receivers of delivered documents 2 = inboxes reached 2 + receivers refused 0",
        "same bytes again 1 = answered 1",
        "recalls sent 2 = delivered 1 + refused 1",
        "statuses sent 1 = delivered 1",
        "deliveries 2 = in the state their statuses say 2",
    ]
    assert problems(cases, seen, equations) == []


def test_a_document_that_is_not_archived_is_a_problem() -> None:
    cases, seen = everything()
    seen = replace(seen, verdicts={"p2": "package.refused"})
    equations = sums(cases, seen)
    assert problems(cases, seen, equations) == ["does not add up: documents archived as valid 0 ≠ delivered 1"]


def test_an_unanswered_document_breaks_the_first_sum() -> None:
    cases, seen = everything()
    cases.append(case(package_id="p9"))
    lines = problems(cases, seen, sums(cases, seen))
    assert lines[0].startswith("letter of A: unanswered, missing at B, C")
    assert lines[1] == "does not add up: documents sent 3 ≠ delivered 1 + refused 1"


def test_a_delivery_in_another_state_is_a_problem() -> None:
    cases, seen = everything()
    seen = replace(seen, states={("d", "B"): "SENT", ("d", "C"): "DONE"})
    assert problems(cases, seen, sums(cases, seen)) == [
        "does not add up: deliveries 2 ≠ in the state their statuses say 1"
    ]


def test_what_the_broker_allows_or_parks_is_a_problem() -> None:
    cases, seen = everything()
    seen = replace(seen, newly_parked=2, trespasses={"reading another's inbox": False, "announcing": True})
    assert problems(cases, seen, sums(cases, seen)) == [
        "the broker allowed: reading another's inbox",
        "2 messages were parked meanwhile: see `trunkctl park list`",
    ]


def test_rows_leave_out_statuses_and_join_a_burst() -> None:
    burst = [delivered(title="in a burst", burst=True, sent_at=at, sender=who) for at, who in ((10.0, "A"), (9.0, "B"))]
    lost = case(title="in a burst", burst=True)
    printed = [cells for cells, _ in rows([delivered(), delivered(kind=Kind.STATUS), *burst, lost])]
    assert [cells[1] for cells in printed] == ["letter", "in a burst", "in a burst × 2"]
    assert printed[1][5:9] == ("unanswered", "", "", "NOT AS EXPECTED")
    assert printed[2] == (
        "2-3",
        "in a burst × 2",
        "A, B",
        "B, C",
        "delivered",
        "delivered",
        "",
        "2.00-3.00",
        "ok",
    )


def test_lines_below_the_table() -> None:
    statuses = [delivered(kind=Kind.STATUS, title=f"status {code}") for code in ("03", "01", "01")]
    assert status_line(statuses) == "status 01 × 2, status 03 × 1"
    cases = [delivered(), delivered(burst=True, sent_at=8.0)]
    assert speed_line(cases).endswith("one at a time 2.00 s, many at once, normal 4.00 s, urgent none")
