"""Parked messages: dead letters become message records, and operators' decisions about them are carried out.

A replay is handled from the record, inside the service that had given the message up, with the user and the queue that
the broker had named. Nothing is published in another user's name, and no copy of the message travels.
"""

import asyncio
from collections.abc import Callable
from weakref import WeakValueDictionary

import structlog

from common.clock import Clock, utc_now
from common.domain.reason import Reason
from common.facts import ABOUT_ROWS, OperatorRequested
from common.failure import Transient
from common.service.about_message import about_message
from common.service.incoming import Incoming
from common.service.operator_decisions import decision_of, refused
from common.service.outgoing import Announcer
from common.service.parking_facts import acted_fact, given_up_event, parked_fact, security_fact
from common.service.process import FACT_NAMES, Handler, Processor
from common.service.record_store import Records, change
from common.service.record_transitions import (
    as_parked,
    begun,
    decided,
    decision_about,
    explained,
    is_taken_before,
    parked,
    parked_again,
)
from common.service.records import MessageRecord, RecordState
from common.service.settle import Disposition
from common.service.stored_messages import Bodies, StoredMessages
from common.service.tracing import processing

log = structlog.get_logger("trunk.parking")


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
        """``handler_for``: gives the handler of a queue; None = this service does not handle its messages."""
        self._service = service
        self._records = records
        self._messages = StoredMessages(service, bodies)
        self._announcer = announcer
        self._processor = processor
        self._handler_for = handler_for
        self._now = now
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        """By record id: one decision about a message at a time in this process. Handlers are idempotent, so another
        process may carry one out at the same time."""

    async def take(self, dead_letter: Incoming) -> None:
        """Store a dead letter as a record, and announce ``message.parked``.

        A dead letter that is delivered again after an operator's decision is not parked again. That it was parked is
        announced again, as it was then, because the process that had parked it may have ended before it announced that.
        """
        now, message = self._now(), dead_letter.before_death
        stored = await self._messages.keep(message)
        about, is_foreign = about_message(message)
        death_reason = dead_letter.death.reason if dead_letter.death else ""
        died_at = dead_letter.death.at if dead_letter.death else None

        def park(saved: MessageRecord) -> MessageRecord:
            with_reason = saved if is_taken_before(saved, died_at) else explained(saved, death_reason)
            return parked(with_reason, stored, about, now, is_quarantined=is_foreign, died_at=died_at)

        record = await change(self._records, begun(message, now), park)
        if not record.is_held:
            log.info("dead letter comes again after its decision", record_id=record.record_id)
        for each in as_parked(record, died_at):
            await self._announcer.announce(parked_fact(self._service, each))
            await self.announce_security(each)

    async def announce_security(self, record: MessageRecord) -> None:
        """Announce the security event of a message that was given up, if that was one. Idempotent."""
        if record.security:
            await self._announcer.announce(given_up_event(self._service, record, record.security))

    async def act(self, request: OperatorRequested) -> None:
        """Carry out an operator's decision about a parked message, and announce it. Idempotent.

        Ignores requests to other services, and requests about rows (``ABOUT_ROWS``). Raises ``Transient`` if a replay
        must be tried again.
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
        message = await self._messages.message_of(record)
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
        """Save a decision, or why the state of the message does not allow it. The state is that of the saved record,
        because another process may have saved the same decision, or another one, before."""
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
