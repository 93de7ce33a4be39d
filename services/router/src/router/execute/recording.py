"""Records events of deliveries, and has the answer to a recall applied to the unit's content."""

from common.domain.names import UnitCode
from router.delivery_history import DeliveryEvent
from router.delivery_state import ANSWERS, RECALLS, DeliveryState, EventKind, Step
from router.execute.execution import Decided, Execution
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

    async def happen(
        self, decided: Decided, receiver: UnitCode, event: DeliveryEvent, *, document: str = "", link: str | None = None
    ) -> Step:
        """Let an event happen to the unit's delivery of a document, if given of another one than was decided about.

        ``link``: key of the document that takes its place. An event that comes late may end a recall as well: by then
        the delivery was final already. A step that is repeated may have ended before it saw to the content.
        """
        key = document or decided.decision.subject
        happened = await self._store.deliveries.record(key, receiver, event, link)
        record_status(receiver, event, happened)
        was_pending = happened.before.state is DeliveryState.RECALL_PENDING or not happened.is_first
        is_pending = happened.step.position.state is DeliveryState.RECALL_PENDING
        if not is_pending and (was_pending or event.kind in (*ANSWERS, *RECALLS)):
            await self._held.settle(decided, receiver, key)
        return happened.step
