"""Who is told that a document cannot be judged yet, and when: the same words however often, by whichever process."""

from datetime import UTC, datetime, timedelta

import pytest

from common.domain.names import Lane, PackageKind
from common.domain.reason import Reason
from common.facts import ObjectRef, PackageAccepted
from validator import waiting
from validator.waiting import TOLD_AFTER, WaitingNotices, notice_of

AT = datetime(2026, 2, 16, 1, 0, tzinfo=UTC)
PATIENCE, UNKNOWN = timedelta(hours=72), Reason.E_SIG_REVOCATION_UNKNOWN
REF = ObjectRef(bucket="content", key="k", sha256="0" * 64, size_bytes=1)


def accepted(package_id: str = "p", lane: Lane = Lane.NORMAL) -> PackageAccepted:
    return PackageAccepted(
        event_id=f"{package_id}:intake:1",
        occurred_at=AT,
        subject="document",
        package_id=package_id,
        sender="000.00.14.H29",
        document_id="1",
        kind=PackageKind.NEW,
        lane=lane,
        package=REF,
        envelope=REF,
        submitted_at=AT,
    )


@pytest.mark.parametrize("lane", Lane)
def test_a_missing_list_is_told_after_a_while_and_twice_a_day(lane: Lane) -> None:
    notices, fact, sent_notices = WaitingNotices(PATIENCE), accepted(lane=lane), []
    for minutes in range(0, 9 * 24 * 60, 10):
        now = AT + timedelta(minutes=minutes)
        if notice := notices.due(fact, UNKNOWN, now):
            notices.note(notice, now)
            sent_notices.append((now, notice))
    assert sent_notices[0][0] == AT + TOLD_AFTER[lane]
    assert len(sent_notices) == 18
    assert len({notice.model_dump_json() for _, notice in sent_notices}) == 1, "one event, one body"
    assert sent_notices[0][1].deadline == AT + PATIENCE


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason is not UNKNOWN])
def test_what_is_over_in_minutes_is_not_told(reason: Reason) -> None:
    assert WaitingNotices(PATIENCE).due(accepted(), reason, AT + timedelta(days=1)) is None


def test_what_was_not_announced_is_tried_again() -> None:
    notices, now = WaitingNotices(PATIENCE), AT + timedelta(hours=1)
    first, again = (notices.due(accepted(), UNKNOWN, now) for _ in range(2))
    assert first is not None
    assert first == again


def test_another_patience_is_another_event() -> None:
    ids = {notice_of(accepted(), UNKNOWN, timedelta(hours=hours)).event_id for hours in (72, 240)}
    assert len(ids) == 2


def test_it_remembers_no_more_than_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "REMEMBERED", 10)
    notices, now = WaitingNotices(PATIENCE), AT + timedelta(hours=1)
    for number in range(11):
        notices.note(notice_of(accepted(str(number)), UNKNOWN, PATIENCE), now)
    assert notices.due(accepted("0"), UNKNOWN, now) is not None
    assert all(notices.due(accepted(str(number)), UNKNOWN, now) is None for number in range(1, 11))
