"""Recalls of documents that a unit has not got yet: they are withdrawn, and the trunk answers for the unit.

A delivery waits in the router while its inbox is full or missing. The sender that takes the document back then must not
wait for a unit that never saw it. What lies in the inbox cannot be taken out of it: there the recall follows, and the
unit answers.
"""

from collections.abc import Awaitable, Callable

from common.domain.envelope import Organization
from common.domain.names import UnitCode
from common.facts import BaseFact
from router.compose import NOT_YET_RECEIVED
from router.delivery_history import History, content_packages, may_answer_for
from router.delivery_state import DeliveryState, Step
from router.execute.execution import Execution, Work, answer_event
from router.execute.messages import agreed, agreement_placing, kept_withdrawal, withdrawal_of
from router.execute.recording import Recording
from router.placing import Placing, PlacingState, delivery_placing_id
from router.store import Store


class Recalling:
    """Withdraws deliveries. May be repeated: what was withdrawn for a recall stays so."""

    def __init__(
        self,
        store: Store,
        recording: Recording,
        trunk: Organization,
        reaches: Callable[[UnitCode], Awaitable[bool]],
        finished: Callable[[str], Awaitable[None]],
    ) -> None:
        """``finished`` is called with a decision when the last of its placings is settled."""
        self._store = store
        self._recording = recording
        self._trunk = trunk
        self._reaches = reaches
        self._finished = finished

    async def withdraw(self, execution: Execution, unit: UnitCode, step: Step, recall: Placing | None) -> Work | None:
        """Withdraw a delivery that the unit has not got, and agree in its place. None = the unit has it.

        ``step``: what the recall was to the delivery; ``recall``: what tells the unit of it, if it can be told.
        """
        position = step.position
        if position.state is not DeliveryState.RECALL_PENDING or position.previous is not DeliveryState.SENT:
            return None
        text = NOT_YET_RECEIVED.format(unit=unit)
        event = answer_event(execution, execution.order, self._trunk.code, text)
        history = await self._store.deliveries.history(execution.decision.subject, unit)
        deliveries = await self._deliveries(history, unit)
        is_begun = any(placing.withdrawn_by == execution.fact.event_id for placing in deliveries)
        may_answer = is_begun or may_answer_for(history, unit, event.id)
        taken_back = await self._untaken(execution, deliveries if may_answer else [], recall)
        if not taken_back:
            return None
        answer = await self._recording.happen(execution, unit, event)
        facts: list[BaseFact] = [withdrawal_of(placing, execution.decision.at) for placing in taken_back]
        facts.append(agreed(execution, unit, answer, text))
        for decision in {placing.decision for placing in taken_back}:
            if not await self._store.placings.has_open(decision):
                await self._finished(decision)
        is_reached = await self._reaches(execution.fact.sender)
        return Work((agreement_placing(execution, unit, self._trunk),) if is_reached else (), facts=tuple(facts))

    async def _untaken(self, execution: Execution, deliveries: list[Placing], recall: Placing | None) -> list[Placing]:
        """The unit's deliveries of the document, all of them withdrawn now; empty if its inbox has, or may have, any.

        The oldest comes first: it was tried first. An update behind it that its inbox takes in the same moment is not
        withdrawn, and the unit gets the recall.
        """
        if recall is not None:
            await self._store.placings.open([recall.model_copy(update={"state": PlacingState.WITHDRAWN})])
        withdrawals: list[Placing] = []
        for placing in deliveries:
            withdrawn_for = execution.fact.event_id, recall.id if recall else ""
            told = kept_withdrawal(placing, execution.decision.at)
            if not await self._store.placings.withdraw_untaken(placing.id, *withdrawn_for, told):
                withdrawals.clear()
                break
            withdrawals.append(await self._store.placings.find(placing.id) or placing)
        if recall is not None and not withdrawals:
            await self._tell(recall)
        return withdrawals

    async def _tell(self, recall: Placing) -> None:
        """The unit gets the recall. What became of it in an earlier run stays: placed, or decided by an operator."""
        saved = await self._store.placings.find(recall.id)
        if saved and saved.state is PlacingState.WITHDRAWN and not saved.withdrawn_by:
            await self._store.placings.reopen(recall.id, recall.next_attempt_at)

    async def _deliveries(self, history: History, unit: UnitCode) -> list[Placing]:
        identifiers = [delivery_placing_id(package_id, unit) for package_id in content_packages(history)]
        placings = [await self._store.placings.find(identifier) for identifier in identifiers]
        return [placing for placing in placings if placing and placing.state is not PlacingState.HELD]
