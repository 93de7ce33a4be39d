"""Recalls and replacements for units that do not have the document yet: remembered, and applied when they get it.

Neither can miss the other: an act is saved before deliveries are read, and a delivery is opened before acts are read.
All methods are idempotent.
"""

from collections.abc import Sequence
from dataclasses import replace

from common.domain.names import StatusCode, UnitCode
from common.facts import FACT, BaseFact, DocumentVerified, NoticeAccepted
from router.actions import Remember, Supersede
from router.acts import Act, effective
from router.compose import NOT_YET_RECEIVED
from router.delivery_history import History, has_event, may_answer_for, recall_in_effect
from router.delivery_state import RECALLS, VERSIONS, EventKind, Step
from router.execute.execution import Decided, Execution, Work, answer_event, answer_id, joined
from router.execute.messages import agreed, package_placing, recalled, recorded, superseded
from router.execute.recording import Recording
from router.order import SubmissionOrder
from router.placing import Placing, PlacingState
from router.store import Store


class EarlyActs:
    """Remembers acts, and applies them to deliveries."""

    def __init__(self, store: Store, recording: Recording, trunk: UnitCode) -> None:
        self._store = store
        self._recording = recording
        self._trunk = trunk

    async def remember(self, execution: Execution, action: Remember, placing: Placing | None) -> Work:
        """Save an act, and apply it to deliveries that were opened since it was decided. ``placing``: notifies the unit
        of a recall."""
        key = action.document or execution.decision.subject
        act = Act(
            document_key=key,
            receiver=action.receiver or None,
            event=execution.event(action.kind, execution.reason),
            fact=execution.fact.model_dump(mode="json", exclude_none=True),
            placing=placing.model_dump(mode="json") if placing else None,
            successor=execution.decision.subject if action.kind is EventKind.REPLACE else None,
        )
        await self._store.acts.save([act])
        among = frozenset({action.receiver}) if action.receiver else None
        receivers = await self._store.deliveries.receivers(key, among)
        orders = execution.decision.orders
        others = receivers - {each.receiver for each in orders if isinstance(each, Supersede) and each.replaced == key}
        works = [await self._apply_one(act, unit) for unit in sorted(others)]
        return joined([work for work in works if work is not None])

    async def apply(self, execution: Execution) -> tuple[Execution, Work]:
        """Apply remembered acts to the deliveries of an update.

        Returns the execution with the positions of its deliveries after the acts, and what to place and announce.
        """
        later = await self._store.acts.about(execution.decision.subject, execution.order)
        acts = effective(later, execution.order)
        works = []
        for receiver in execution.opened:
            for_unit = [act for act in acts if act.receiver in (receiver, None)]
            if for_unit:
                execution, work = await self._apply_all(execution, for_unit, receiver)
                works.append(work)
        return execution, joined(works)

    async def _apply_all(self, execution: Execution, acts: Sequence[Act], receiver: UnitCode) -> tuple[Execution, Work]:
        """Apply acts to one delivery, in order.

        If the unit has never got anything of a recalled document, the trunk agrees to the recall for it. But another
        run may have placed content before the act was known, and the unit may have answered since.
        """
        is_kept_back = await self._is_kept_back(execution, acts, receiver)
        works = []
        for act in acts:
            step, facts = await self._happen(act, receiver)
            is_notified = act.placing and not is_kept_back
            works.append(Work((Placing.model_validate(act.placing),) if is_notified else (), facts=facts))
            if act.event.kind in RECALLS and is_kept_back:
                step, agreement = await self._agree(act, receiver)
                works.append(Work(facts=(agreement,)))
        kept_back = execution.kept_back | ({receiver} if is_kept_back else frozenset())
        return replace(execution, opened={**execution.opened, receiver: step}, kept_back=kept_back), joined(works)

    async def _is_kept_back(self, execution: Execution, acts: Sequence[Act], receiver: UnitCode) -> bool:
        """Make sure that no run of the update places content at the unit, if the document is recalled from it, and it
        has nothing of the document and has reported nothing. Returns whether that is so.

        Runs of an update may overlap. The placing's row decides, which only one of them inserts.
        """
        content = package_placing(execution, receiver)
        if (placed := await self._store.placings.find(content.id)) is not None:
            return placed.is_kept_back
        history = await self._store.deliveries.history(execution.decision.subject, receiver)
        recall = recall_in_effect(history, [act.event for act in acts])
        if _had_content(history, execution.fact.event_id) or recall is None:
            return False
        if not may_answer_for(history, receiver, answer_id(recall.id)):
            return False
        kept_back = {"state": PlacingState.WITHDRAWN, "withdrawn_by": recall.id, "fact": None}
        await self._store.placings.open([content.model_copy(update=kept_back)])
        placed = await self._store.placings.find(content.id)
        return placed is not None and placed.is_kept_back

    async def _apply_one(self, act: Act, receiver: UnitCode) -> Work | None:
        history = await self._store.deliveries.history(act.document_key, receiver)
        is_settled = has_event(history, answer_id(act.event.id))  # the trunk agreed when the delivery was opened
        if is_settled or not effective([act], _first_order(history)):
            return None
        _, facts = await self._happen(act, receiver)
        return Work((Placing.model_validate(act.placing),) if act.placing else (), facts=facts)

    async def _happen(self, act: Act, receiver: UnitCode) -> tuple[Step, tuple[BaseFact, ...]]:
        decided = await self._decided(act)
        step = await self._recording.happen(decided, receiver, act.event, document=act.document_key, link=act.successor)
        return step, _facts(act, decided, receiver, step)

    async def _agree(self, act: Act, receiver: UnitCode) -> tuple[Step, BaseFact]:
        decided = await self._decided(act)
        text = NOT_YET_RECEIVED.format(unit=receiver)
        step = await self._recording.happen(
            decided, receiver, answer_event(decided, act.event.order, self._trunk, text)
        )
        return step, agreed(decided, receiver, step, text)

    async def _decided(self, act: Act) -> Decided:
        fact, decision = FACT.validate_python(act.fact), await self._store.decisions.find(act.event.id)
        if not isinstance(fact, DocumentVerified | NoticeAccepted) or decision is None:
            raise RuntimeError(f"act {act.id} was decided nowhere")
        return Decided(fact, decision)


def _facts(act: Act, decided: Decided, receiver: UnitCode, step: Step) -> tuple[BaseFact, ...]:
    if act.successor:
        return (superseded(decided, receiver, act.document_key),)
    recall = recalled(decided, receiver, step)
    if act.event.kind is EventKind.RECALL:
        return (recall,)
    noted = recorded(decided, receiver, receiver, StatusCode.TAKE_BACK, step, act.event.description)
    return (noted, recall)


def _had_content(history: History, opened_by: str) -> bool:
    """Whether the unit had content before the event ``opened_by``."""
    for entry in history:
        if entry.event.id == opened_by:
            return False
        if entry.event.kind in VERSIONS:
            return True
    return False


def _first_order(history: History) -> SubmissionOrder:
    """The earliest place among the packages that gave the unit content of the document."""
    return min(entry.event.order for entry in history if entry.event.kind in VERSIONS)
