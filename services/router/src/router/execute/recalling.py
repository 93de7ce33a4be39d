"""Recalls of documents that a unit has not got yet: the delivery is withdrawn, and the trunk answers for the unit.

A delivery waits in the router while its inbox is full or missing. If the sender recalls the document then, it need not
wait for a unit that has never seen the document. A message in an inbox cannot be taken out again; there the recall
follows, and the unit answers.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime

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


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """The result of withdrawing a unit's deliveries of a recalled document."""

    work: Work = field(default_factory=Work)
    """Placings and facts that follow, even if only some of the deliveries were withdrawn."""
    is_complete: bool = False
    """Whether all were withdrawn and the trunk has answered for the unit. Otherwise the unit has the document, or may
    have it, and gets the recall."""


class Recalling:
    """Withdraws deliveries. Idempotent: a delivery that was withdrawn for a recall stays withdrawn."""

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

    async def withdraw(self, execution: Execution, unit: UnitCode, step: Step, recall: Placing | None) -> Withdrawal:
        """Withdraw the deliveries of a document that a unit has not got, and agree to the recall in its place.

        ``step``: result of the recall for the delivery; ``recall``: the placing that notifies the unit, None if it is
        closed.
        """
        position = step.position
        if position.state is not DeliveryState.RECALL_PENDING or position.previous is not DeliveryState.SENT:
            return Withdrawal()
        text = NOT_YET_RECEIVED.format(unit=unit)
        event = answer_event(execution, execution.order, self._trunk.code, text)
        history = await self._store.deliveries.history(execution.decision.subject, unit)
        deliveries = await self._deliveries(history, unit)
        is_begun = any(placing.withdrawn_by == execution.fact.event_id for placing in deliveries)
        may_answer = is_begun or may_answer_for(history, unit, event.id)
        withdrawn, is_complete = await self._untaken(execution, deliveries if may_answer else [], recall)
        answer = await self._recording.happen(execution, unit, event) if is_complete else None
        facts: list[BaseFact] = [withdrawal_of(placing, execution.decision.at) for placing in withdrawn]
        for decision in {placing.decision for placing in withdrawn}:
            if not await self._store.placings.has_open(decision):
                await self._finished(decision)
        if answer is None:
            return Withdrawal(Work(facts=tuple(facts)))
        facts.append(agreed(execution, unit, answer, text))
        is_reached = await self._reaches(execution.fact.sender)
        placings = (agreement_placing(execution, unit, self._trunk),) if is_reached else ()
        return Withdrawal(Work(placings, facts=tuple(facts)), is_complete=True)

    async def _untaken(
        self, execution: Execution, deliveries: list[Placing], recall: Placing | None
    ) -> tuple[list[Placing], bool]:
        """Withdraw the unit's deliveries of the document. Returns those withdrawn, and whether that is all of them, so
        that the inbox has none and will have none.

        The oldest is withdrawn first, because it was tried first. If the inbox takes a later one at the same moment,
        that one is not withdrawn and the unit gets the recall; those withdrawn before stay withdrawn.
        """
        if recall is not None:
            await self._store.placings.open([recall.model_copy(update={"state": PlacingState.WITHDRAWN})])
        withdrawn: list[Placing] = []
        for placing in deliveries:
            withdrawn_for = execution.fact.event_id, recall.id if recall else ""
            fact = kept_withdrawal(placing, execution.decision.at)
            if not await self._store.placings.withdraw_untaken(placing.id, *withdrawn_for, fact):
                break
            withdrawn.append(await self._store.placings.find(placing.id) or placing)
        is_complete = bool(deliveries) and len(withdrawn) == len(deliveries)
        if recall is not None and not is_complete:
            await self._notify(recall, execution.opened_at)
        return withdrawn, is_complete

    async def _notify(self, recall: Placing, at: datetime) -> None:
        """Have the recall placed at the unit, unless an earlier run has placed it or an operator has decided about
        it."""
        saved = await self._store.placings.find(recall.id)
        if saved and saved.state is PlacingState.WITHDRAWN and not saved.withdrawn_by:
            await self._store.placings.reopen(recall.id, at)

    async def _deliveries(self, history: History, unit: UnitCode) -> list[Placing]:
        identifiers = [delivery_placing_id(package_id, unit) for package_id in content_packages(history)]
        placings = [await self._store.placings.find(identifier) for identifier in identifiers]
        return [placing for placing in placings if placing and placing.state is not PlacingState.HELD]
