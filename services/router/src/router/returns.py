"""Messages that a unit's system returned: it rejected them, or did not settle them within the broker's time limit.

The broker moves such a message to the dead letters, and the chassis parks it. The router then notes that the message is
no longer in the inbox, notifies the sender of a document, and applies the operator's decision about the parked message
to the placing.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime

import structlog

from common.domain.names import PackageKind, UnitCode
from common.domain.reason import Reason
from common.facts import MessageParked, OperatorActed
from common.failure import Permanent
from common.headers import EVENT_ID, KIND
from common.service.incoming import Incoming
from common.topology import unit_of_inbox
from router import answers
from router.compose import Answer
from router.delivery_history import position_of
from router.delivery_state import FINAL, DeliveryState
from router.execute.placing import Placer
from router.placing import LOST_AFTER, Placing, PlacingState
from router.store import Store

log = structlog.get_logger("trunk.router")

SERVICE = "router"


class Returns:
    """Follows returned messages. All methods are idempotent."""

    def __init__(
        self,
        store: Store,
        placer: Placer,
        answer: Callable[[Answer], Awaitable[None]],
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._placer = placer
        self._answer = answer
        self._now = now

    async def note(self, fact: MessageParked) -> None:
        """Note that a message from an inbox was parked, and send a receipt to the sender of its document."""
        placing = await self._placing(fact, unit_of_inbox(fact.queue))
        if placing is None:
            return
        await self._store.placings.returned(placing.id, fact.occurred_at)
        saved = await self._store.placings.find(placing.id)
        if saved and saved.state is PlacingState.RETURNED:
            await self._placer.note_placed(saved)
        log.warning("unit gave a message back", unit=placing.receiver, placing=placing.id, reason=fact.reason)
        if placing.delivery:
            await self._store.deliveries.returned(placing.delivery, placing.receiver, fact.occurred_at)
            await self._answer(answers.returned_answer(fact, placing))

    async def settle(self, fact: OperatorActed) -> None:
        """Follow an operator's decision: the unit gets the message again, or never."""
        placing = await self._placing(fact)
        if placing is None or fact.outcome != "done":
            return
        if fact.action == "replay":
            await self._settle_replay(placing, fact.occurred_at)
        elif fact.action == "discard":
            await self._store.placings.withdraw_untaken(placing.id, fact.event_id, "")
            if placing.delivery:
                await self._answer(answers.discarded_delivery_answer(fact, placing))

    async def place_again(self, message: Incoming) -> None:
        """Place a parked message again, for an operator. Raises ``Permanent`` if the document was taken back, or if the
        router has no such placing."""
        placing = await self._store.placings.find(message.labels.get(EVENT_ID, ""))
        if placing is None:
            raise Permanent(Reason.E_FACT, "no placing of this message is kept")
        if taken_back := await self._taken_back(placing):
            raise Permanent(Reason.E_RECALLED, f"the delivery is {taken_back}")
        await self._reopen(placing)

    async def _settle_replay(self, placing: Placing, at: datetime) -> None:
        """Place the message if it was noted as returned after it was replayed, which stopped the replay. A message that
        was returned once more since then waits for another decision."""
        is_late = placing.state is PlacingState.RETURNED and placing.returned_at and placing.returned_at < at
        if is_late and not await self._taken_back(placing):
            await self._reopen(placing)

    async def _taken_back(self, placing: Placing) -> DeliveryState | None:
        """The state of the delivery, if the unit must not get the document; None = it may. A message that notifies the
        unit of a recall is not a document."""
        if not placing.delivery or placing.headers.get(KIND) == PackageKind.RECALL:
            return None
        history = await self._store.deliveries.history(placing.delivery, placing.receiver)
        state = position_of(history).state
        return state if state in FINAL or state is DeliveryState.RECALL_PENDING else None

    async def _reopen(self, placing: Placing) -> None:
        await self._store.placings.reopen(placing.id, self._now() + LOST_AFTER)
        if placing.delivery:
            await self._store.deliveries.returned(placing.delivery, placing.receiver, None)
        await self._placer.order(placing, again=True)

    async def _placing(self, fact: MessageParked | OperatorActed, receiver: UnitCode = "") -> Placing | None:
        if fact.service != SERVICE or not fact.message_event_id:
            return None
        placing = await self._store.placings.find(fact.message_event_id)
        return placing if placing and receiver in ("", placing.receiver) else None
