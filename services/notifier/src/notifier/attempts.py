"""Makes one attempt: looks up the address, passes the circuits, takes the lease, sends, and saves the result."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import structlog

from common.clock import Clock
from common.containment import contained
from common.metrics import record_notification
from common.metrics.keeping import NotificationOutcome
from common.service.tracing import resumed
from common.telemetry import span
from notifier.answer import Answer, Fault, Sender, Unanswered
from notifier.circuits import MAIL_SERVER, Circuits, circuits_of
from notifier.compose import Channel, Notification, recompose
from notifier.directories import Directories
from notifier.policy import Circuit, Decision, History, State, decide
from notifier.rows import Row
from notifier.store import Notifications

log = structlog.get_logger("trunk.notifier")

NO_CONTACT = Decision(state=State.SKIPPED, detail="the unit has no such contact any more")
NO_CHANNEL = Decision(state=State.SKIPPED, detail="the channel is not set up any more")
NOT_READABLE = Decision(state=State.FAILED, detail="the fact cannot be read")
OUTCOMES: dict[State, NotificationOutcome] = {
    State.PENDING: "retried",
    State.SENT: "sent",
    State.FAILED: "failed",
    State.GIVEN_UP: "given_up",
    State.SKIPPED: "skipped",
}
"""The label of the metric for each state after an attempt."""


class Attempts:
    """Makes attempts, and ends notifications that cannot be attempted."""

    def __init__(
        self,
        notifications: Notifications,
        circuits: Circuits,
        directories: Directories,
        senders: Mapping[Channel, Sender],
        patience: timedelta,
        now: Clock,
    ) -> None:
        self._notifications = notifications
        self._circuits = circuits
        self._directories = directories
        self._senders = senders
        self._patience = patience
        self._now = now

    async def make(self, row: Row) -> None:
        """Make one attempt. An error is only logged: the lease ends, and the notification is due again."""
        with contained(lambda cause: log.warning("attempt failed", notification=row.key, detail=cause)):
            notification = await self.aim(row)
            if notification and await self._take_probes(row):
                lease = await self._notifications.claim(row, self._now())
                if lease:
                    await self._send(row, notification, lease)

    async def aim(self, row: Row) -> Notification | None:
        """The notification with the address that the directory has now. None = it was ended, or redirected to another
        destination. Raises ``Outage`` unless the newest directory says so."""
        now = self._now()
        if row.channel not in self._senders:
            await self.end(row, NO_CHANNEL)
            return None
        try:
            notification = recompose(row.notified_fact(), self._directories.current, row.unit, row.channel)
        except ValueError:
            await self.end(row, NOT_READABLE)
            return None
        if notification is None or notification.destination != row.destination:
            await self._directories.confirm()
        if notification is None:
            await self.end(row, NO_CONTACT)
            return None
        if notification.destination != row.destination:
            await self._notifications.redirect(row, notification.destination, now)
            return None
        return notification

    async def end(self, row: Row, decision: Decision) -> None:
        """Save and report the end of a notification, unless it is being sent or has ended."""
        if await self._notifications.end(row, decision, self._now()):
            self._report(row, decision)

    async def _take_probes(self, row: Row) -> bool:
        for name in circuits_of(row.channel, row.destination):
            if not await self._circuits.take_probe(name, self._now()):
                return False
        return True

    async def _send(self, row: Row, notification: Notification, lease: str) -> None:
        with resumed(row.trace), span(f"notify {row.channel}", unit=row.unit, **ids_of(row)):
            answer = await self._answer(notification)
        now = self._now()
        is_server = isinstance(answer, Unanswered) and answer.fault is Fault.MAIL_SERVER
        history = History(
            attempts=row.attempts + 1,
            waiting_since=row.waiting_since,
            failures=self._circuits.failures(MAIL_SERVER if is_server else row.destination),
        )
        decision = decide(answer, history, now, self._patience)
        await self._note_circuits(row, notification, decision, now)
        if await self._notifications.settle(row.key, lease, decision, now, notification.address):
            self._report(row, decision)

    async def _answer(self, notification: Notification) -> Answer:
        """Send by the channel. If the channel itself raises, the answer is ``Unanswered``, so that the notification is
        tried again."""
        failures: list[str] = []
        with contained(failures.append):
            return await self._senders[notification.channel].send(notification)
        log.error("channel failed", channel=notification.channel, unit=notification.unit, detail=failures[0])
        return Unanswered(f"channel failed: {failures[0].partition(':')[0]}")

    async def _note_circuits(self, row: Row, notification: Notification, decision: Decision, now: datetime) -> None:
        steps = {row.destination: decision.address}
        if row.channel is Channel.EMAIL:
            steps[MAIL_SERVER] = decision.mail_server
        for name, step in steps.items():
            if step is Circuit.CLOSE:
                await self._circuits.close(name)
            elif step is Circuit.OPEN and decision.probe_at:
                await self._circuits.open(name, notification, decision.detail, now, decision.probe_at)

    def _report(self, row: Row, decision: Decision) -> None:
        outcome = OUTCOMES[decision.state]
        record_notification(row.channel, outcome, (self._now() - row.occurred_at).total_seconds())
        if decision.state in (State.FAILED, State.GIVEN_UP):
            log.warning(outcome, notification=row.key, unit=row.unit, channel=row.channel, detail=decision.detail)


def ids_of(row: Row) -> dict[str, str]:
    """The ids by which to find the span of a notification."""
    fact = row.fact or {}
    names = {"package_id": "package_id", "document_id": "document_id", "document_key": "subject"}
    return {name: str(fact.get(key, "")) for name, key in names.items()}
