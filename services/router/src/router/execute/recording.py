"""Records events of deliveries, and applies the answer to a recall to the content for the unit."""

from common.domain.names import UnitCode
from router.delivery_history import DeliveryEvent
from router.delivery_state import ANSWERS, RECALLS, DeliveryState, EventKind, Step
from router.execute.execution import Decided, Execution
from router.execute.held_content import HeldContent
from router.metrics import record_status
from router.store import Store


class Recording:
    """The one place that records events of open deliveries. All methods are idempotent."""

    def __init__(self, store: Store, held: HeldContent) -> None:
        self._store = store
        self._held = held

    async def record(self, execution: Execution, receiver: UnitCode, kind: EventKind, description: str = "") -> Step:
        """Record the effect that the package of the decision has on the unit's delivery. Returns the result."""
        return await self.happen(execution, receiver, execution.event(kind, description))

    async def happen(
        self, decided: Decided, receiver: UnitCode, event: DeliveryEvent, *, document: str = "", link: str | None = None
    ) -> Step:
        """Record an event of the unit's delivery of a document. Returns the result.

        ``document``: key of the document, if it is not that of the decision; ``link``: key of the document that takes
        its place. Content that was held for a recall is placed or withdrawn when the recall is no longer pending. That
        may also follow from an event that arrives late; and a repeated event may have been interrupted before it was
        done.
        """
        key = document or decided.decision.subject
        happened = await self._store.deliveries.record(key, receiver, event, link)
        record_status(receiver, event, happened)
        was_pending = happened.before.state is DeliveryState.RECALL_PENDING or not happened.is_first
        is_pending = happened.step.position.state is DeliveryState.RECALL_PENDING
        if not is_pending and (was_pending or event.kind in (*ANSWERS, *RECALLS)):
            await self._held.settle(decided, receiver, key)
        return happened.step
