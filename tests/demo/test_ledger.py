"""Who reports what next in a demo, and when an act is through."""

from common.domain.names import StatusCode
from demo.acts import Act
from demo.cases import Case, Expected, Kind
from demo.ledger import Ledger, Report

TAKEN = (StatusCode.ARRIVED, StatusCode.ACCEPTED)


def act(**changes: object) -> Act:
    fields: dict[str, object] = {
        "name": "letter",
        "title": "letter",
        "sender": "A",
        "receivers": ("B",),
        "document_id": "A,1",
        "make": bytes,
        "expected": Expected(placed=frozenset({"B"})),
        "answers": TAKEN,
    }
    return Act(**fields | changes)  # type: ignore[arg-type]


def case(package_id: str, kind: Kind = Kind.DOCUMENT, placed: str = "B") -> Case:
    return Case(
        kind=kind,
        title="letter",
        sender="A",
        receivers=(placed,),
        expected=Expected(placed=frozenset({placed})),
        package_id=package_id,
        document_key="d",
        urgent=False,
        sent_at=0.0,
    )


def test_a_receiver_goes_through_its_statuses_one_by_one() -> None:
    ledger, letter = Ledger(), case("p")
    ledger.enter(act(), letter)
    first = ledger.next_report("p", "B")
    assert first is not None
    assert first.code is StatusCode.ARRIVED
    ledger.enter_report(first, case("s1", Kind.STATUS, "A"))
    second = ledger.next_report("s1", "A")
    assert second is not None
    assert (second.code, second.receiver) == (StatusCode.ACCEPTED, "B")
    ledger.enter_report(second, case("s2", Kind.STATUS, "A"))
    assert ledger.next_report("s2", "A") is None


def test_an_act_is_through_when_its_receivers_have_said_their_last_word() -> None:
    ledger, letter, only = Ledger(), case("p"), act(answers=TAKEN[:1])
    assert not ledger.through("letter")
    ledger.enter(only, letter)
    letter.note_placed("B", 1.0, intact=True)
    assert not ledger.through("letter")
    ledger.enter_report(Report(only, "B", 0), case("s1", Kind.STATUS, "A"))
    assert ledger.next_report("s1", "A") is None
    assert ledger.through("letter")
    assert ledger.states == {("d", "B"): "ARRIVED"}


def test_a_refused_status_ends_the_talk() -> None:
    ledger, letter = Ledger(), case("p")
    ledger.enter(act(), letter)
    letter.note_placed("B", 1.0, intact=True)
    ledger.enter_report(Report(act(), "B", 0), case("s1", Kind.STATUS, "A"))
    ledger.give_up("s1")
    assert ledger.through("letter")


def test_a_repeat_does_not_hide_the_first_copy() -> None:
    ledger, letter, again = Ledger(), case("p"), case("p", Kind.REPEAT)
    ledger.enter(act(), letter)
    ledger.enter(act(name="again", kind=Kind.REPEAT, expected=Expected(), answers=()), again)
    assert ledger.case_of("p") is letter
    assert ledger.repeat_of("p") is again
