"""The notifier's handlers: they save notifications. The dispatch sends them."""

from collections.abc import Collection, Mapping

import structlog

from common.clock import Clock, utc_now
from common.database import Document
from common.domain.ids import digest_id, event_id
from common.domain.names import Lane
from common.domain.security import SecurityKind
from common.facts import OperatorActed, OperatorRequested, security_event
from common.metrics import record_notification
from common.service.outgoing import Announcer
from common.service.row_requests import RowRequest
from common.service.tracing import carried
from notifier.compose import Channel, Notification, Notified, compose, worth_telling
from notifier.directories import Directories
from notifier.dispatch import Dispatch
from notifier.policy import State
from notifier.rows import Row
from notifier.store import Notifications

log = structlog.get_logger("trunk.notifier")

SERVICE = "notifier"


class Notifier:
    """The handler of all facts about which units are notified."""

    def __init__(
        self,
        notifications: Notifications,
        directories: Directories,
        channels: Collection[Channel],
        dispatches: Mapping[Lane, Dispatch],
        now: Clock = utc_now,
    ) -> None:
        """``channels``: those that are set up; a notification for another one is saved as skipped. ``dispatches``: of
        the lanes of this process."""
        self._notifications = notifications
        self._directories = directories
        self._channels = channels
        self._dispatches = dispatches
        self._now = now

    async def notify(self, fact: Notified) -> None:
        """Save the notifications about a fact, and offer them for sending. For a repeated fact, a notification that was
        sent is announced again, not sent again. Raises ``Outage``, also if nobody would be notified and the directory
        is not confirmed to be the newest."""
        composed = compose(fact, self._directories.current)
        if not composed and worth_telling(fact):
            await self._directories.confirm()
        for notification in composed:
            await self._note(notification, fact)
        for document in await self._notifications.about(fact.event_id):
            if document["state"] == State.PENDING and "destination" in document:
                self._offer(Row.of(document))
            elif document["state"] == State.SENT:
                await self._notifications.announce_again(document["_id"])

    def _offer(self, row: Row) -> None:
        if dispatch := self._dispatches.get(row.lane):
            dispatch.offer(row)

    async def _note(self, notification: Notification, fact: Notified) -> None:
        skipped, now = notification.channel not in self._channels, self._now()
        fresh = await self._notifications.open(notification, fact, now, carried(), skipped=skipped)
        if fresh and skipped:
            record_notification(notification.channel, "skipped", (now - fact.occurred_at).total_seconds())


class Resending:
    """Sends notifications again that failed or were given up, on request of an operator."""

    def __init__(self, notifications: Notifications, announcer: Announcer, now: Clock = utc_now) -> None:
        self._notifications = notifications
        self._announcer = announcer
        self._now = now

    async def act(self, request: OperatorRequested) -> None:
        """Make a notification due again. A repeated request changes nothing, and gets the same answer. Raises
        ``Outage``."""
        if request.target != SERVICE or request.action != "resend":
            return
        document = await self._notifications.find(request.record_id)
        if document is None:
            log.warning("request for a notification that is not kept here", record_id=request.record_id)
            return
        answer = await self._notifications.send_again(request.record_id, self._now(), request)
        await self._announce(request, answer, document.get("announcement") or {})

    async def _announce(self, request: OperatorRequested, answer: RowRequest, about: Document) -> None:
        identifier = digest_id("resend", request.record_id, request.event_id, request.actor, request.purpose)
        acted = OperatorActed(
            event_id=event_id(identifier, "acted"),
            occurred_at=answer.at,
            subject=about.get("subject", identifier),
            lane=Lane.NORMAL,
            service=SERVICE,
            record_id=request.record_id,
            action=request.action,
            actor=request.actor,
            purpose=request.purpose,
            outcome=answer.outcome,
            package_id=about.get("package_id", ""),
            document_id=about.get("document_id", ""),
        )
        await self._announcer.announce(acted)
        await self._announcer.announce(
            security_event(
                SERVICE,
                SecurityKind.OPERATOR_ACTED,
                event_id(identifier, "security/acted"),
                answer.at,
                actor=request.actor,
                origin="notifications",
                detail=f"{request.action} of {request.record_id}: {acted.outcome}; {request.purpose}",
                package_id=acted.package_id,
            )
        )
