"""Parked messages: dead letters become records of the service, and operators' decisions about them are carried out.

A replay is handled from the record, inside the service that had given the message up: as the user who published it
according to the broker, in the queue that the broker names. Nobody publishes in another's name, and no copy travels.
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
    begun,
    decided,
    decision_about,
    explained,
    is_taken_before,
    parked,
    parked_again,
)
from common.service.records import UNDER_WAY, MessageRecord, RecordState
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
        """``handler_for``: the handler of a queue, None for a queue whose messages this service does not handle."""
        self._service = service
        self._records = records
        self._messages = StoredMessages(service, bodies)
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
