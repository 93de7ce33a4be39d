"""What messages do to a round, and how it ends."""

import pytest

from canary.names import RECEIVER, SENDER, Outcome, Step
from canary.round import Arrival, Package, Round, concerns, note, pause_seconds
from common.domain import ids

LETTER, ANSWER = Package(SENDER, b"letter"), Package(RECEIVER, b"status")
OLD = Package(SENDER, b"letter of the round before")
FRESH = Round(letter=LETTER, answer=ANSWER)
SENT = FRESH.after(Step.CONFIRMED, 0.1)


def arrival(inbox: str, kind: str, package: Package, body: bytes = b"", **fields: str) -> Arrival:
    return Arrival(inbox=inbox, type=kind, package_id=package.package_id, body=body or package.body, **fields)


RECEIPT = arrival(SENDER, "receipt", LETTER, receipt="accepted")
DOCUMENT = arrival(RECEIVER, "document", LETTER, label="ORIGINAL")
REPORTED = arrival(RECEIVER, "receipt", ANSWER, receipt="accepted")
STATUS = arrival(SENDER, "status", ANSWER)
HELD = arrival(SENDER, "receipt", LETTER, receipt="held", reason="E_ATTEMPTS")
ALL = [RECEIPT, DOCUMENT, REPORTED, STATUS]


def after(*arrivals: Arrival, begun: Round = SENT) -> Round:
    for seconds, each in enumerate(arrivals, start=1):
        begun = note(begun, each, float(seconds))
    return begun


def test_a_package_id_is_the_trunks_own() -> None:
    assert LETTER.package_id == ids.package_id(SENDER, LETTER.sha256)


@pytest.mark.parametrize(
    ("message", "step"),
    [
        (RECEIPT, Step.ACCEPTED),
        (DOCUMENT, Step.DELIVERED),
        (REPORTED, Step.REPORTED),
        (STATUS, Step.ANSWERED),
    ],
    ids=lambda value: str(getattr(value, "type", value)),
)
def test_each_message_is_one_step(message: Arrival, step: Step) -> None:
    assert note(SENT, message, 2.0) == SENT.after(step, 2.0)


ENDS = {
    "everything, in order": (ALL, 5.0, Outcome.SUCCESS),
    "everything, the other way round": (ALL[::-1], 5.0, Outcome.SUCCESS),
    "everything at the last moment": (ALL, 240.0, Outcome.SUCCESS),
    "the letter twice": ([DOCUMENT, *ALL], 5.0, Outcome.SUCCESS),
    "held for a while, then everything": ([HELD, *ALL], 5.0, Outcome.SUCCESS),
    "not all yet": (ALL[:-1], 239.0, None),
    "no status": (ALL[:-1], 240.0, Outcome.LATE),
    "no receipt": (ALL[1:], 240.0, Outcome.LATE),
    "nothing": ([], 240.0, Outcome.LATE),
    "held, and nothing else": ([HELD], 240.0, Outcome.HELD),
    "waiting, and nothing else": ([arrival(SENDER, "receipt", LETTER, receipt="waiting")], 240.0, Outcome.HELD),
    "held, not for long yet": ([HELD], 100.0, None),
    "refused": ([RECEIPT, arrival(SENDER, "refusal", LETTER, reason="E_SIG_REVOKED")], 3.0, Outcome.REFUSED),
    "the status refused": ([DOCUMENT, arrival(RECEIVER, "refusal", ANSWER, reason="E_DATE")], 3.0, Outcome.REFUSED),
    "other bytes": ([arrival(RECEIVER, "document", LETTER, b"x", label="ORIGINAL")], 3.0, Outcome.WRONG),
    "another label": ([arrival(RECEIVER, "document", LETTER, label="CERTIFIED_COPY")], 3.0, Outcome.WRONG),
    "no label": ([arrival(RECEIVER, "document", LETTER)], 3.0, Outcome.WRONG),
    "a status with other bytes": ([arrival(SENDER, "status", ANSWER, b"x")], 3.0, Outcome.WRONG),
    "the letter at its sender": ([arrival(SENDER, "document", LETTER, label="ORIGINAL")], 3.0, Outcome.WRONG),
    "the receipt at the receiver": ([arrival(RECEIVER, "receipt", LETTER, receipt="accepted")], 3.0, Outcome.WRONG),
    "other bytes after everything": (
        [*ALL, arrival(RECEIVER, "document", LETTER, b"x", label="ORIGINAL")], 5.0, Outcome.WRONG
    ),
    "the letter of the round before": ([arrival(RECEIVER, "document", OLD, label="ORIGINAL")], 240.0, Outcome.LATE),
    "a refusal of the round before": ([arrival(SENDER, "refusal", OLD), *ALL], 5.0, Outcome.SUCCESS),
}  # fmt: skip


@pytest.mark.parametrize("case", ENDS)
def test_how_a_round_ends(case: str) -> None:
    arrivals, seconds, outcome = ENDS[case]
    assert after(*arrivals).outcome(seconds, 240.0) is outcome


def test_a_letter_that_the_broker_never_confirmed() -> None:
    assert FRESH.outcome(239.0, 240.0) is None
    assert FRESH.outcome(240.0, 240.0) is Outcome.UNCONFIRMED


def test_the_first_of_two_counts() -> None:
    assert after(DOCUMENT, DOCUMENT).done[Step.DELIVERED] == 1.0


def test_why_it_was_refused_is_kept_for_the_log() -> None:
    assert after(arrival(SENDER, "refusal", LETTER, reason="E_SIG_REVOKED")).reason == "E_SIG_REVOKED"


@pytest.mark.parametrize(
    ("message", "is_ours"),
    [(RECEIPT, True), (STATUS, True), (arrival(RECEIVER, "document", OLD), False), (arrival(SENDER, "", OLD), False)],
)
def test_what_belongs_to_a_round(message: Arrival, is_ours: bool) -> None:
    assert concerns(message, SENT) is is_ours
    assert (note(SENT, message, 1.0) == SENT) is not is_ours


@pytest.mark.parametrize(
    ("began", "now", "pause"),
    [(1000.0, 1000.0, 300.0), (1000.0, 1012.5, 287.5), (1000.0, 1300.0, 0.0), (1000.0, 1999.0, 0.0)],
)
def test_rounds_begin_at_a_steady_pace(began: float, now: float, pause: float) -> None:
    assert pause_seconds(began, now, 300.0) == pause
