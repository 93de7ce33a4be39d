"""Parked messages: dead letters become records of the service, and operators' decisions about them are carried out.

A replay is handled from the record, inside the service that had given the message up: as the user who published it
according to the broker, in the queue that the broker names. Nobody publishes in another's name, and no copy travels.
"""

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol
from weakref import WeakValueDictionary

import structlog

from common import headers
from common.clock import Clock, utc_now
from common.domain.ids import digest_id, event_id
from common.domain.names import Lane
from common.domain.reason import Reason
from common.domain.security import SecurityKind
from common.facts import (
    ABOUT_ROWS,
    CarriesPackage,
    MessageParked,
    ObjectRef,
    OperatorActed,
    OperatorRequested,
    PackageFact,
    ParkedPackage,
    SecurityNoticed,
    security_event,
)
from common.failure import Forged, Permanent, Transient
from common.service.facts_in import fact_of
from common.service.incoming import Incoming
from common.service.outgoing import Announcer
from common.service.process import FACT_NAMES, Handler, Processor
from common.service.record_store import Records, change
from common.service.records import (
    UNDER_WAY,
    About,
    MessageRecord,
    OperatorDecision,
    RecordState,
    StoredMessage,
    begun,
    decided,
    decision_about,
    is_taken_before,
    parked,
    parked_again,
)
from common.service.settle import Disposition
from common.service.tracing import processing
from common.topology import unit_of_inbox, unit_of_submit_queue

log = structlog.get_logger("trunk.parking")

"""What an operator can decide about a parked message."""
ON_THE_WAY = ("facts.validator.", "facts.router.")
"""Queues in which a package that is not handled is not delivered."""
INLINE_BYTES = 64 * 1024
"""Bodies up to this size are kept in the record, larger ones in the object store."""
DEATH_REASONS = {
    "delivery_limit": (Reason.E_ATTEMPTS, "its handler failed or crashed too often"),
    "rejected": (Reason.E_RETURNED, "rejected by its reader"),
    "expired": (Reason.E_ATTEMPTS, "expired"),
    "maxlen": (Reason.E_ATTEMPTS, "its queue was full"),
}
"""What the broker's own words mean where the service has said nothing."""


class Bodies(Protocol):
    """Where large bodies are kept."""

    async def put(self, key: str, body: bytes) -> ObjectRef:
        """Store bytes under a key; again, the same bytes."""

    async def get(self, ref: ObjectRef) -> bytes:
        """The bytes, checked."""


class Parking:
    """The parked messages of one service."""

    def __init__(
        self,
        service: str,
        records: Records,
        bodies: Bodies,
        announcer: Announcer,
        processor: Processor,
        handler_for: Callable[[str], Handler | None],
        now: Clock = utc_now,
    ) -> None:
        """``handler_for``: the handler of a queue, None for a queue whose messages this service does not handle."""
        self._service = service
        self._records = records
        self._bodies = bodies
        self._announcer = announcer
        self._processor = processor
        self._handler_for = handler_for
        self._now = now
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        """One decision about a message at a time; handlers bear it if another process has one as well."""

    async def take(self, dead_letter: Incoming) -> None:
        """A dead letter: keep it as a record, and say so.

        One that an operator has decided about and that the broker delivers again is not parked again. That it was
        parked is announced once more, unless a copy is on its way by now: the process that had parked it may have ended
        before it had announced that.
        """
        now, message = self._now(), dead_letter.before_death
        stored = await self._stored(message)
        about, is_foreign = about_message(message)
        death_reason = dead_letter.death.reason if dead_letter.death else ""
        died_at = dead_letter.death.at if dead_letter.death else None

        def park(saved: MessageRecord) -> MessageRecord:
            explained = saved if is_taken_before(saved, died_at) else _explained(saved, death_reason)
            return parked(explained, stored, about, now, is_quarantined=is_foreign, died_at=died_at)

        record = await change(self._records, begun(message, now), park)
        if not record.is_held:
            log.info("dead letter comes again after its decision", record_id=record.record_id, state=record.state)
            if record.state in UNDER_WAY:
                return
        await self._announcer.announce(parked_fact(self._service, record))
        await self.announce_security(record)

    async def announce_security(self, record: MessageRecord) -> None:
        """Announce the security event that giving up this message was, if it was one; again, the same."""
        if record.security:
            await self._announcer.announce(given_up_event(self._service, record, record.security))

    async def act(self, request: OperatorRequested) -> None:
        """An operator decided. Requests for other services are theirs; repeating one changes nothing.

        Rows of a service are its own business, not messages that are parked.
        """
        if request.target != self._service or request.action in ABOUT_ROWS:
            return
        async with self._locks.setdefault(request.record_id, asyncio.Lock()):
            record = await self._records.find(request.record_id)
            if record is None or record.message is None:
                log.warning("request for a message that is not kept here", record_id=request.record_id)
                return
            wanted = decision_of(request, self._now())
            decision = decision_about(record, wanted)
            if decision is None or not decision.outcome:
                record = await self._decide(record, request)
                decision = decision_about(record, wanted) or wanted
        await self._announcer.announce(acted_fact(self._service, record, request, decision))
        await self._announcer.announce(security_fact(self._service, record, request, decision))

    async def _decide(self, record: MessageRecord, request: OperatorRequested) -> MessageRecord:
        match request.action:
            case "discard":
                return await self._begin(record, request, "done", RecordState.DISCARDED)
            case "restore":
                return await self._begin(record, request, "done", RecordState.PARKED)
            case "replay":
                return await self._replay(record, request)
            case "resend" | "renew" | "redrive" | "rebuild":
                return await self._note(record, request, "not for a parked message", record.state)

    async def _replay(self, record: MessageRecord, request: OperatorRequested) -> MessageRecord:
        handler = self._handler_for(record.queue)
        if handler is None:
            obstacle = refused(record, request) or f"nothing here handles {record.queue}"
            return await self._note(record, request, obstacle, record.state)
        record = await self._begin(record, request, "", RecordState.REPLAYING)
        decision = decision_about(record, decision_of(request, self._now()))
        if decision is None or decision.outcome:
            return record
        message = await self._message(record)
        with processing(message, FACT_NAMES):
            settlement = await self._processor.attempt(message, handler, record.history)
        if settlement.disposition is Disposition.ACK:
            return await self._note(record, request, "done", RecordState.REPLAYED)
        if settlement.disposition is Disposition.DEAD:
            now = self._now()
            record = await change(self._records, record, lambda saved: parked_again(saved, settlement, now))
            return await self._note(record, request, f"parked again: {settlement.reason}", record.state)
        raise Transient(settlement.reason or Reason.E_ATTEMPTS, settlement.detail)

    async def _begin(
        self, record: MessageRecord, request: OperatorRequested, outcome: str, state: RecordState
    ) -> MessageRecord:
        """Note a decision, or why the message does not allow it: as it is now, for another process may have been faster
        with the same decision, or with another one."""
        wanted = decision_of(request, self._now())

        def begin(saved: MessageRecord) -> MessageRecord:
            refusal = refused(saved, request)
            noted = wanted.model_copy(update={"outcome": refusal or outcome, "reason": saved.reason})
            return decided(saved, noted, saved.state if refusal else state)

        return await change(self._records, record, begin)

    async def _note(
        self, record: MessageRecord, request: OperatorRequested, outcome: str, state: RecordState
    ) -> MessageRecord:
        about = {"outcome": outcome, "reason": record.reason}
        decision = decision_of(request, self._now()).model_copy(update=about)
        return await change(self._records, record, lambda saved: decided(saved, decision, state, record.parkings))

    async def _stored(self, message: Incoming) -> StoredMessage:
        is_small = len(message.body) <= INLINE_BYTES
        body_ref = None if is_small else await self._bodies.put(f"{self._service}/{message.key}", message.body)
        return StoredMessage(
            exchange=message.exchange,
            routing_key=message.routing_key,
            type=message.type,
            content_type=message.content_type,
            message_id=message.message_id,
            correlation_id=message.correlation_id,
            published_at=message.published_at,
            trace=dict(message.trace),
            labels=dict(message.labels),
            size_bytes=len(message.body),
            sha256=hashlib.sha256(message.body).hexdigest(),
            body=message.body if is_small else None,
            body_ref=body_ref,
        )

    async def _message(self, record: MessageRecord) -> Incoming:
        stored = record.message
        if stored is None:
            raise Permanent(Reason.E_OBJECT, "the message was not kept")
        body = await self._bodies.get(stored.body_ref) if stored.body_ref else stored.body or b""
        return Incoming(
            queue=record.queue,
            exchange=stored.exchange,
            routing_key=stored.routing_key,
            body=body,
            user_id=record.user_id,
            type=stored.type,
            content_type=stored.content_type,
            message_id=stored.message_id,
            correlation_id=stored.correlation_id,
            published_at=stored.published_at,
            trace=stored.trace,
            labels=stored.labels,
            is_redelivered=True,
        )


def decision_of(request: OperatorRequested, at: datetime) -> OperatorDecision:
    """What an operator decided, without what became of it."""
    return OperatorDecision(
        event_id=request.event_id, action=request.action, actor=request.actor, purpose=request.purpose, at=at
    )


def answer_id(record: MessageRecord, request: OperatorRequested, step: str) -> str:
    """Id of what is announced about a decision. The id that the request bears is the operator's word, and could be that
    of an earlier request, whose announcements would then hide these."""
    decision = digest_id("decision", request.event_id, request.action, request.actor, request.purpose)
    return event_id(record.record_id, f"{step}/{decision}")


def refused(record: MessageRecord, request: OperatorRequested) -> str:
    """Why a decision cannot be carried out; empty = it can."""
    if request.action == "restore":
        return "" if record.state is RecordState.DISCARDED else f"not discarded, but {record.state}"
    if request.action == "discard":
        return "" if record.is_held else f"not parked, but {record.state}"
    if record.is_quarantined:
        return "quarantined: its publisher was not entitled to it"
    if record.user_id is None:
        return "anonymous: there is nobody in whose name it could be handled"
    return "" if record.state in (RecordState.PARKED, RecordState.REPLAYING) else f"not parked, but {record.state}"


def about_message(message: Incoming) -> tuple[About, bool]:
    """What a dead letter concerns, and whether its publisher was not entitled to it.

    A submission says nothing reliable about itself; of a fact, its own fields count if its publisher may publish it.
    """
    if unit_of_submit_queue(message.queue):
        return About(holds_package=True), False
    if unit_of_inbox(message.queue):
        return _about_inbox_message(message.labels), False
    if not message.queue.startswith("facts."):
        return About(document_id=message.labels.get(headers.DOCUMENT_ID, "")), False
    try:
        fact = fact_of(message)
    except Forged:
        return About(), True
    except Permanent:
        return About(), False
    if not isinstance(fact, PackageFact):
        return About(subject=fact.subject), False
    package = _package_in(fact) if message.queue.startswith(ON_THE_WAY) else None
    about = About(
        subject=fact.subject,
        package_id=fact.package_id,
        document_id=fact.document_id,
        sender=fact.sender,
        holds_package=package is not None,
        package=package,
    )
    return about, False


def _package_in(fact: PackageFact) -> ParkedPackage | None:
    if not isinstance(fact, CarriesPackage):
        return None
    return ParkedPackage(
        fact=fact.fact,
        kind=fact.kind,
        envelope=fact.envelope,
        submitted_at=fact.submitted_at,
        place=fact.place,
        claims_document_id=fact.claims_document_id,
    )


def _about_inbox_message(labels: Mapping[str, str]) -> About:
    """The router itself wrote them; of anybody else's message there are none."""
    return About(
        subject=labels.get(headers.DOCUMENT_KEY, ""),
        package_id=labels.get(headers.PACKAGE_ID, ""),
        document_id=labels.get(headers.DOCUMENT_ID, ""),
        sender=labels.get(headers.SENDER, ""),
        event_id=labels.get(headers.EVENT_ID, ""),
    )


def parked_fact(service: str, record: MessageRecord) -> MessageParked:
    """What is announced about a record each time it has been parked."""
    return MessageParked(
        event_id=event_id(record.record_id, "parked", record.parkings),
        occurred_at=record.parked_at or record.last_failed_at,
        subject=record.about.subject or record.record_id,
        lane=Lane.NORMAL,
        service=service,
        record_id=record.record_id,
        queue=record.queue,
        reason=record.reason or Reason.E_ATTEMPTS,
        detail=record.detail,
        user=record.user_id or "",
        is_quarantined=record.is_quarantined,
        holds_package=record.about.holds_package and not record.is_quarantined,
        sender=record.about.sender,
        package_id=record.about.package_id,
        document_id=record.about.document_id,
        message_event_id=record.about.event_id,
    )


def acted_fact(
    service: str, record: MessageRecord, request: OperatorRequested, decision: OperatorDecision
) -> OperatorActed:
    """What is announced about a decision that was carried out, or could not be."""
    return OperatorActed(
        event_id=answer_id(record, request, "acted"),
        occurred_at=decision.at,
        subject=record.about.subject or record.record_id,
        lane=Lane.NORMAL,
        service=service,
        record_id=record.record_id,
        action=request.action,
        actor=request.actor,
        purpose=request.purpose,
        outcome=decision.outcome,
        reason=decision.reason or record.reason,
        user=record.user_id or "",
        holds_package=record.about.holds_package and not record.is_quarantined,
        sender=record.about.sender,
        package_id=record.about.package_id,
        document_id=record.about.document_id,
        package=None if record.is_quarantined else record.about.package,
        message_event_id=record.about.event_id,
    )


def security_fact(
    service: str, record: MessageRecord, request: OperatorRequested, decision: OperatorDecision
) -> SecurityNoticed:
    """Every decision of an operator is a security event (R40)."""
    return security_event(
        service,
        SecurityKind.OPERATOR_ACTED,
        answer_id(record, request, "security/acted"),
        decision.at,
        actor=request.actor,
        origin=record.queue,
        detail=f"{request.action} of {record.record_id}: {decision.outcome}; {request.purpose}",
        package_id=record.about.package_id,
    )


def given_up_event(service: str, record: MessageRecord, kind: SecurityKind) -> SecurityNoticed:
    """A message that had to be given up for a reason of security: one event each time it is parked, and the same before
    it is as afterwards."""
    return security_event(
        service,
        kind,
        event_id(record.record_id, f"security/{kind}", record.parkings + (record.state in UNDER_WAY)),
        record.first_failed_at,
        actor=record.user_id or "",
        origin=record.queue,
        detail=record.detail,
    )


def _explained(record: MessageRecord, death_reason: str) -> MessageRecord:
    """With a reason: the service's own, else what the broker says. Of what is parked already, the one announced."""
    if record.is_held or (record.state is RecordState.GIVEN_UP and record.reason):
        return record
    reason, detail = DEATH_REASONS.get(death_reason, (Reason.E_ATTEMPTS, death_reason))
    return record.model_copy(update={"reason": reason, "detail": detail, "security": None})
