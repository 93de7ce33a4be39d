"""Tries placings: publishes each to its inbox, and notes whether the inbox took it. No attempt waits for room.

Longer than 250 lines: everything that begins or ends an attempt at a placing is here.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from weakref import WeakValueDictionary

import structlog
from pydantic import ValidationError

from common.domain.names import UnitCode
from common.domain.reason import Reason
from common.facts import FACT
from common.failure import Forged, Outage, Permanent
from common.headers import DOCUMENT_ID, PACKAGE_ID
from common.metrics import record_delivery
from common.service.incoming import Incoming
from common.service.outgoing import Forbidden, Outgoing, QueueFull, Unroutable
from common.telemetry import about_document
from router.actions import RefuseReceiver
from router.compose import Answer
from router.delivery_history import position_of
from router.delivery_state import DeliveryState
from router.execute.closed_units import ClosedUnits, ended_by_closing
from router.execute.execution import recall_of
from router.execute.messages import withdrawal_of
from router.execute.sender import Sender
from router.execute.silence import Silence
from router.inbox import Inbox
from router.placing import (
    LOST_AFTER,
    OTHER_RUN_LASTS,
    Cause,
    Failure,
    PlaceOrder,
    Placing,
    PlacingState,
    order_message,
)
from router.store import Store

log = structlog.get_logger("trunk.router")

SWEEP_LIMIT = 200
SWEEP_LEASE = timedelta(minutes=2)


class Placer:
    """Tries placings, and notes the results."""

    def __init__(
        self,
        store: Store,
        inbox: Inbox,
        sender: Sender,
        closed: Callable[[UnitCode], Awaitable[RefuseReceiver | None]],
        answer: Callable[[Answer], Awaitable[None]],
        finished: Callable[[str], Awaitable[None]],
        now: Callable[[], datetime],
        seconds: Callable[[], float],
    ) -> None:
        """``closed`` gives the refusal of a unit that is surely closed, None for any other; ``finished`` is called with
        the event id of a decision when none of its placings is open any more. ``seconds``: a monotonic clock."""
        self._store = store
        self._inbox = inbox
        self._sender = sender
        self._closed_units = ClosedUnits(store, sender, closed, answer, self._finish, now)
        self._finished = finished
        self._now = now
        self._silence = Silence(seconds)
        self._refusing = set[UnitCode]()
        """Units whose inboxes did not take the last message that this process tried."""
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        """By placing: one attempt at it at a time in this process."""

    async def order(self, placing: Placing, *, again: bool = False) -> None:
        """Order a saved placing to be tried, by any process of the router. Raises ``Outage``."""
        await self._send(order_message(placing, placing.attempts, again=again))

    async def order_again(self, placing: Placing) -> None:
        """Continue with a placing that another run saved: if it waits, order it; if it was placed or withdrawn,
        announce that again. One that is due is left to the run that made it due, for ``OTHER_RUN_LASTS``."""
        saved = await self._store.placings.find(placing.id) or placing
        match saved.state:
            case PlacingState.PLACED | PlacingState.RETURNED:
                await self.note_placed(saved)
            case PlacingState.WITHDRAWN:
                await self._note_withdrawn(saved)
            case PlacingState.WAITING:
                await self.order(saved)
            case PlacingState.DUE:
                await self._leave_to_other_run(saved)
            case PlacingState.HELD:
                pass

    async def _leave_to_other_run(self, placing: Placing) -> None:
        now = self._now()
        if placing.next_attempt_at > now:
            await self._store.placings.hasten(placing.id, now + OTHER_RUN_LASTS)
        elif await self._store.placings.lease(placing, now + SWEEP_LEASE):
            await self.order(placing)

    async def take(self, message: Incoming) -> None:
        """Try one placing, as ordered by a process of the router, unless another order has overtaken this one.

        An overtaken order that is redelivered may have led to an attempt before, of which nothing is noted, so the
        inbox may have the message.

        Raises ``Forged`` for an order of another user, ``Permanent`` for one that is malformed or names no placing, and
        ``Outage`` while nothing can be published.
        """
        if message.user_id != "router":
            raise Forged(f"order to place a message, by {message.user_id}")
        try:
            order = PlaceOrder.model_validate_json(message.body)
        except ValidationError as error:
            raise Permanent(Reason.E_FACT, str(error.error_count())) from error
        async with self._locks.setdefault(order.placing_id, asyncio.Lock()):
            await self._carry_out(order, message)

    async def _carry_out(self, order: PlaceOrder, message: Incoming) -> None:
        placing = await self._store.placings.find(order.placing_id)
        if placing is None:
            raise Permanent(Reason.E_FACT, f"no placing {order.placing_id}")
        if order.is_overtaken(placing, is_redelivered=message.is_redelivered):
            if message.is_redelivered:
                await self._store.placings.note_uncertain(placing.id)
            return
        labels = placing.headers
        about_document(package_id=labels.get(PACKAGE_ID), document_id=labels.get(DOCUMENT_ID))
        is_needed = placing.state is not PlacingState.PLACED or order.again
        if is_needed and await self._is_given_up(placing):
            return
        if ended_by_closing(placing):
            await self._closed_units.announce(placing)
            return
        if is_needed:
            publish = await self._prepared(placing)
            if not await self._may_try(placing):
                return
            if failure := await self._attempt(placing, publish):
                if failure.cause is Cause.MISSING and await self._closed_units.end(placing):
                    return
                was_tried = placing.is_uncertain or (message.is_redelivered and not order.is_unbegun(placing))
                self._refusing.add(placing.receiver)
                await self._note_failure(placing, replace(failure, is_uncertain=failure.is_uncertain or was_tried))
                return
            self._refusing.discard(placing.receiver)
        if is_needed and (renew_at := self._inbox.renewal_of(placing, self._now())):
            await self._store.placings.set_renewal(placing.id, renew_at)
        await self.note_placed(placing)

    async def is_recalled(self, placing: Placing) -> bool:
        """Whether the unit has agreed to a recall of a document that its inbox has had before. Then it is not placed
        again."""
        if placing.placed_at is None or not placing.delivery:
            return False
        history = await self._store.deliveries.history(placing.delivery, placing.receiver)
        return position_of(history).state is DeliveryState.RECALLED

    async def _is_given_up(self, placing: Placing) -> bool:
        if not await self.is_recalled(placing):
            return False
        if await self._store.placings.withdraw_unplaced(placing.id, f"{placing.id}/given up"):
            await self._finish(placing)
        return True

    async def _may_try(self, placing: Placing) -> bool:
        """Whether to try a placing. One that waits could be withdrawn at any moment, so its attempt is noted first."""
        if placing.state is PlacingState.WAITING:
            return await self._store.placings.begin_attempt(placing, self._now() + LOST_AFTER)
        return placing.state not in (PlacingState.HELD, PlacingState.WITHDRAWN, PlacingState.RETURNED)

    async def sweep(self) -> None:
        """Order the placings that are due: their pause is over, or their order may be lost."""
        refusing = frozenset(self._refusing)
        due = await self._store.placings.take_due(self._now(), SWEEP_LIMIT, SWEEP_LEASE, refusing)
        for placing in self._silence.to_order(due):
            await self.order(placing)

    async def _prepared(self, placing: Placing) -> Outgoing:
        """The message to publish. Raises ``Outage`` while nothing can be published.

        No attempt has begun at this point, so a placing that waits goes on waiting, and may be withdrawn.
        """
        await self._sender.check_publishing()
        return await self._inbox.message(placing)

    async def _attempt(self, placing: Placing, message: Outgoing) -> Failure | None:
        """Publish to the inbox. Returns why the inbox did not take it; None = it did. Raises ``Outage``."""
        try:
            if not await self._silence.publish(self._sender, message, placing.receiver):
                return Failure(Cause.SILENT)
        except QueueFull as error:
            return Failure(Cause.FULL, error.may_have_arrived)
        except Unroutable as error:
            return Failure(Cause.MISSING, error.may_have_arrived)
        except TimeoutError:
            return Failure(Cause.SILENT, is_uncertain=True)
        except Forbidden as error:
            raise Outage("broker", str(error)) from error
        return None

    async def _note_failure(self, placing: Placing, failure: Failure) -> None:
        await self._store.placings.failed(placing, failure, self._now())
        if placing.delivery:
            record_delivery(placing.receiver, placing.lane, "failed")
        attempts = placing.attempts + 1
        log.warning("inbox did not take a message", unit=placing.receiver, cause=failure.cause, attempts=attempts)

    async def note_placed(self, placing: Placing) -> None:
        """Note that the inbox has the message, or had it, and announce the fact. Idempotent."""
        at = self._now()
        is_first = await self._store.placings.placed(placing.id, at)
        if not is_first:
            await self._recall_late(placing)
        if placing.delivery and await self._store.deliveries.placed(placing.delivery, placing.receiver, at):
            record_delivery(placing.receiver, placing.lane, "delivered")
        if placing.fact is not None:
            await self._sender.announce(FACT.validate_python(placing.fact))
        await self._finish(placing)
        if is_first and placing.attempts:
            log.info("placed after waiting", unit=placing.receiver, attempts=placing.attempts)

    async def _note_withdrawn(self, placing: Placing) -> None:
        """Announce again that a delivery was withdrawn. A held one is announced by ``HeldContent``."""
        if ended_by_closing(placing):
            await self._closed_units.announce(placing)
            return
        if not (placing.delivery and placing.fact and placing.withdrawn_by):
            return
        recall = await self._store.decisions.find(recall_of(placing.withdrawn_by))
        if recall is None or placing.placed_at is not None:  # an operator gave up what the unit had given back
            await self._sender.announce(FACT.validate_python(placing.fact))
        else:
            await self._sender.announce(withdrawal_of(placing, recall.at))
        await self._finish(placing)

    async def _finish(self, placing: Placing) -> None:
        if placing.decision and (placing.is_alone or not await self._store.placings.has_open(placing.decision)):
            await self._finished(placing.decision)

    async def _recall_late(self, placing: Placing) -> None:
        """Place the recall at the unit, if a delivery is in its inbox although it was withdrawn for that recall: of two
        processes that tried it at once, one was refused and the other was not."""
        saved = await self._store.placings.find(placing.id) if placing.delivery else None
        if saved is None or saved.state is not PlacingState.WITHDRAWN:
            return
        log.error("withdrawn delivery reached its inbox", unit=placing.receiver, placing=placing.id)
        if saved.recall and await self._store.placings.reopen(saved.recall, self._now() + LOST_AFTER):
            recall = await self._store.placings.find(saved.recall)
            if recall is not None:
                await self.order(recall)

    async def _send(self, message: Outgoing) -> None:
        try:
            await self._sender.publish(message)
        except (QueueFull, Unroutable, Forbidden) as error:
            raise Outage("broker", f"{type(error).__name__}: {error}") from error
