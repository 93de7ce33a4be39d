"""Records events of deliveries, and has the answer to a recall applied to the unit's content."""

from common.domain.names import UnitCode
from router.delivery_history import DeliveryEvent
from router.delivery_state import ANSWERS, RECALLS, DeliveryState, EventKind, Step
from router.execute.execution import Execution
from router.execute.held_content import HeldContent
from router.metrics import record_status
from router.store import Store


class Recording:
    """The one place where events happen to deliveries that are open. May be repeated."""

    def __init__(self, store: Store, held: HeldContent) -> None:
        self._store = store
        self._held = held

    async def record(self, execution: Execution, receiver: UnitCode, kind: EventKind, description: str = "") -> Step:
        """What the package does to the unit's delivery."""
        return await self.happen(execution, receiver, execution.event(kind, description))

    async def happen(self, execution: Execution, receiver: UnitCode, event: DeliveryEvent) -> Step:
        """Let an event happen to the unit's delivery."""
        happened = await self._store.deliveries.record(execution.decision.subject, receiver, event)
        record_status(receiver, event, happened)
        is_answered = happened.step.position.state is not DeliveryState.RECALL_PENDING
        if is_answered and event.kind in (*ANSWERS, *RECALLS):
            await self._held.settle(execution, receiver)
        return happened.step
