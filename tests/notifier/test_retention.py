"""What failed is kept for a stated time, and destinations for which nothing waits are forgotten."""

from datetime import datetime, timedelta

import pytest

from common.clock import utc_now
from common.database import Database
from common.domain.names import Lane
from common.facts import OperatorRequested
from notifier.circuits import Circuits
from notifier.compose import Channel, Notification
from notifier.policy import Decision, State
from notifier.retention import Retention
from notifier.rows import Row
from notifier.store import Notifications

from .conftest import RECEIVER, Facts

KEEP_DAYS = 90.0
NOW = utc_now().replace(microsecond=0)


def request(key: str) -> OperatorRequested:
    """An operator wants another attempt."""
    return OperatorRequested(
        event_id=f"r:{key}",
        occurred_at=NOW,
        subject="x",
        lane=Lane.NORMAL,
        target="notifier",
        record_id=key,
        action="resend",
        actor="Lan",
        purpose="webhook mended",
    )


async def ended(store: Notifications, state: State, at: datetime) -> str:
    """A notification that ended at a time; its key."""
    fact = Facts().placed()
    notification = Notification(
        about_event=fact.event_id, unit=RECEIVER, channel=Channel.WEBHOOK, address="https://x.vn", body=""
    )
    await store.open(notification, fact, at, {}, skipped=False)
    lease = await store.claim(Row.of(await store.find(notification.key) or {}), at)
    assert lease
    assert await store.settle(notification.key, lease, Decision(state=state, next_attempt_at=at), at, "https://x.vn")
    return notification.key


@pytest.mark.parametrize(
    ("state", "days", "after"),
    [
        (State.FAILED, 91, "expired"),
        (State.GIVEN_UP, 91, "expired"),
        (State.FAILED, 89, "failed"),
        (State.GIVEN_UP, 89, "given_up"),
        (State.SENT, 91, "sent"),
        (State.PENDING, 91, "pending"),
    ],
)
async def test_only_what_ended_unsent_long_ago_loses_its_text(
    database: Database, state: State, days: int, after: str
) -> None:
    store = Notifications(database, 60.0)
    key = await ended(store, state, NOW - timedelta(days=days))
    for _ in range(2):
        await Retention(store, Circuits(database, timedelta()), KEEP_DAYS, lambda: NOW).sweep()
    row = await store.find(key)
    assert row is not None
    assert row["state"] == after
    assert ("body" in row) is (after in ("failed", "given_up", "pending"))
    answer = await store.send_again(key, NOW, request(key))
    assert (answer.outcome == "done") is (after in ("failed", "given_up"))


@pytest.mark.parametrize(("days", "is_open"), [(8, False), (6, True)])
async def test_a_destination_for_which_nothing_waits_is_forgotten(database: Database, days: int, is_open: bool) -> None:
    circuits, name = Circuits(database, timedelta()), f"webhook:{days}"
    notification = Notification(
        about_event="e", unit=RECEIVER, channel=Channel.WEBHOOK, address="https://x.vn", body=""
    )
    probe_at = NOW - timedelta(days=days)
    await circuits.open(name, notification, "HTTP 503", probe_at, probe_at)
    await Retention(Notifications(database, 60.0), circuits, KEEP_DAYS, lambda: NOW).sweep()
    await circuits.load()
    assert (name in circuits.failing()) is is_open
