"""The notifier's handler: each unit concerned is told once by each of its channels."""

from collections.abc import Callable, Mapping

import structlog

from common.clock import utc_now
from common.domain.directory import Directory
from common.domain.ids import event_id
from common.domain.reason import Reason
from common.facts import NotificationSent
from common.failure import Transient
from common.metrics import record_notification
from common.metrics.keeping import NotificationOutcome
from common.service.outgoing import Announcer
from common.telemetry import span
from notifier.channels.answer import Sender, Sent
from notifier.compose import Channel, Notification, Notified, compose
from notifier.store import Notifications, State, channel_of

log = structlog.get_logger("trunk.notifier")


class Notifier:
    """The notifier's one handler and what it works with."""

    def __init__(
        self,
        notifications: Notifications,
        directory: Callable[[], Directory],
        senders: Mapping[Channel, Sender],
        announcer: Announcer,
    ) -> None:
        self._notifications = notifications
        self._directory = directory
        self._senders = senders
        self._announcer = announcer

    async def notify(self, fact: Notified) -> None:
        """Note whom to tell, tell those not told yet, announce all who were told; trouble with one holds up no other.

        A channel without a sender is not set up: what it should carry is noted as skipped. The address is the
        directory's at each attempt, so that a corrected contact helps.
        """
        composed = compose(fact, self._directory())
        for notification in composed:
            await self._note(notification, fact)
        saved = {document["_id"]: document["state"] for document in await self._notifications.about(fact.event_id)}
        troubles = [
            trouble
            for notification in composed
            if saved[notification.key] == State.PENDING and (trouble := await self._attempt(notification, fact))
        ]
        await self._announce_sent(fact)
        if troubles:
            raise Transient(Reason.E_UNAVAILABLE, "; ".join(troubles))

    async def _note(self, notification: Notification, fact: Notified) -> None:
        skipped = notification.channel not in self._senders
        fresh = await self._notifications.open(notification, fact.fact, utc_now(), skipped=skipped)
        if fresh and skipped:
            _measure(notification, fact, "skipped")

    async def _attempt(self, notification: Notification, fact: Notified) -> str:
        """Send under a lease. Returns the trouble if it has to be tried again."""
        sender = self._senders.get(notification.channel)
        if sender is None:
            return f"{notification.channel}: not set up any more"
        lease = await self._notifications.claim(notification.key, utc_now())
        if lease is None:
            return f"{notification.channel}: another worker is sending"
        try:
            with span(f"notify {notification.channel}", unit=notification.unit, **ids_of(fact)):
                answer = await sender.send(notification)
        except Transient as trouble:
            _measure(notification, fact, "retried")
            await self._notifications.release(notification.key, lease, trouble.detail)
            return f"{notification.channel}: {trouble.detail}"
        state, detail = (State.SENT, "") if isinstance(answer, Sent) else (State.FAILED, answer.detail)
        if await self._notifications.settle(notification, lease, state, utc_now(), detail):
            _measure(notification, fact, "sent" if state is State.SENT else "failed")
        if state is State.FAILED:
            log.warning("undeliverable", unit=notification.unit, channel=notification.channel, detail=detail)
        return ""

    async def _announce_sent(self, fact: Notified) -> None:
        for document in await self._notifications.about(fact.event_id):
            if document["state"] == State.SENT:
                sent = fact.follow(
                    NotificationSent,
                    "notification.sent",
                    document["settled_at"],
                    event_id=event_id(document["_id"], "notification.sent"),
                    unit=document["unit"],
                    channel=channel_of(document).value,
                    about_event=fact.event_id,
                )
                await self._announcer.announce(sent)


def ids_of(fact: Notified) -> dict[str, str]:
    """By which the span of a notification is found."""
    return {"package_id": fact.package_id, "document_id": fact.document_id, "document_key": fact.subject}


def _measure(notification: Notification, fact: Notified, outcome: NotificationOutcome) -> None:
    record_notification(notification.channel, outcome, (utc_now() - fact.occurred_at).total_seconds())
