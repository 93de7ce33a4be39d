"""Runs a handler on each message: with a trace, a log line, a count, the record of earlier attempts, and the
settlement."""

import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog

from common.clock import Clock, utc_now
from common.facts.flows import FLOWS
from common.failure import Outage
from common.metrics import in_flight, record_message, record_queue_wait
from common.service.incoming import Incoming
from common.service.outage_gate import OutageGate
from common.service.record_store import Records, change
from common.service.record_transitions import begun, copy_handled, failed, given_up
from common.service.records import UNDER_WAY, MessageRecord
from common.service.settle import Disposition, History, Settlement, settle
from common.service.tracing import processing
from common.work_limit import work_limit

log = structlog.get_logger("trunk.messages")

Handler = Callable[[Incoming], Awaitable[None]]
Noticed = Callable[[MessageRecord], Awaitable[None]]

FACT_NAMES = frozenset(FLOWS)
TURN_SECONDS = 900.0
"""How long a handler may wait for room in the memory of its process, in total and besides its limit on time. Then the
message goes back to its queue, and nothing counts against it. Together the two stay below the 30 minutes after which
the broker takes a message back that is not settled."""
SUCCESS_COUNTS_FOR = timedelta(minutes=10)
"""A failure is attributed to the message itself if another message succeeded within this time before."""


class Processor:
    """Runs handlers and settles their messages, for one service."""

    def __init__(
        self,
        service: str,
        records: Records,
        *,
        patience: timedelta,
        handler_seconds: float,
        slots: int,
        on_security: Noticed,
        now: Clock = utc_now,
    ) -> None:
        """``slots``: how many messages of one queue are handled at the same time. ``on_security``: called with the
        record of a message that was given up because of a security event."""
        self._service = service
        self._records = records
        self._patience = patience
        self._handler_seconds = handler_seconds
        self._on_security = on_security
        self._now = now
        self._gate = OutageGate(slots)
        self._last_success: tuple[str, datetime] | None = None

    async def process(self, message: Incoming, handle: Handler) -> Settlement:
        """Handle a message from a queue. Returns how to settle it. Raises nothing but cancellation."""
        if not await self._gate.admits(message):
            record_message(self._service, "waiting", 0.0)
            return Settlement(Disposition.RETURN, "waiting")
        began = time.monotonic()
        self._note_wait(message)
        with structlog.contextvars.bound_contextvars(), processing(message, FACT_NAMES), in_flight(self._service):
            try:
                settlement = await self._settled(message, handle)
            except Outage as error:
                settlement = self._unavailable(message, error)
            except Exception:
                log.exception("settling failed", queue=message.queue)
                settlement = self._unsettled(message)
            seconds = time.monotonic() - began
            record_message(self._service, settlement.outcome, seconds)
            log.info(
                "message",
                queue=message.queue,
                outcome=settlement.outcome,
                type=message.type if message.type in FACT_NAMES else "",
                reason=settlement.reason,
                detail=settlement.detail,
                seconds=round(seconds, 4),
            )
        return settlement

    async def attempt(self, message: Incoming, handle: Handler, history: History) -> Settlement:
        """Run a handler once, and decide how to settle the message, without saving anything. Raises ``Outage``."""
        error = await self._run(message, handle)
        if isinstance(error, Outage):
            raise error
        return settle(error, history, message.lane, self._patience, others_succeed=self._others_succeed(message))

    async def _settled(self, message: Incoming, handle: Handler) -> Settlement:
        record = await self._records.find(message.key) if message.is_redelivered else None
        if record is not None and not record.is_due(self._now()):
            return Settlement(Disposition.RETURN, "waiting")
        settlement = await self.attempt(message, handle, record.history if record else History())
        await self._keep(message, record, settlement)
        if settlement.disposition is Disposition.ACK:
            self._gate.note_success(message)
        return settlement

    async def _run(self, message: Incoming, handle: Handler) -> Exception | None:
        try:
            async with work_limit(self._handler_seconds, TURN_SECONDS):
                await handle(message)
        except Exception as error:
            if not isinstance(error, Outage):
                log.warning("handler failed", queue=message.queue, exc_info=error)
            return error
        self._last_success = (message.key, self._now())
        return None

    async def _keep(self, message: Incoming, record: MessageRecord | None, settlement: Settlement) -> None:
        """Save the record of a failed attempt, or remove that of a message that was handled."""
        if settlement.disposition is Disposition.ACK:
            if record is not None and record.state in UNDER_WAY:
                await self._records.forget(message.key)
            elif record is not None and record.next_attempt_at is not None:
                await change(self._records, record, copy_handled)
        elif settlement.pause is not None:
            now = self._now()
            again = message.is_redelivered
            await change(
                self._records,
                begun(message, now),
                lambda saved: failed(saved, settlement, now, is_redelivered=again),
            )
        elif settlement.disposition is Disposition.DEAD:
            now = self._now()
            saved = await change(self._records, begun(message, now), lambda saved: given_up(saved, settlement, now))
            if saved.security:
                await self._on_security(saved)

    def _unsettled(self, message: Incoming) -> Settlement:
        """The settlement of an attempt about which nothing could be saved: the broker counts it, unless no other
        message succeeds either."""
        is_own = self._others_succeed(message)
        return Settlement(Disposition.COUNT if is_own else Disposition.RETURN, "redelivered")

    def _unavailable(self, message: Incoming, error: Outage) -> Settlement:
        settlement = Settlement(Disposition.RETURN, "retried", error.reason, error.detail)
        self._gate.note_outage(message, error.dependency)
        log.warning("something is away", detail=error.detail)
        return settlement

    def _others_succeed(self, message: Incoming) -> bool:
        if self._last_success is None or self._last_success[0] == message.key:
            return False
        return self._now() - self._last_success[1] <= SUCCESS_COUNTS_FOR

    def _note_wait(self, message: Incoming) -> None:
        if message.published_at is not None and not message.is_redelivered:
            waited = self._now() - message.published_at
            record_queue_wait(self._service, message.lane, waited.total_seconds())
