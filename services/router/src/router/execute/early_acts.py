"""Recalls and replacements of units that do not have the document yet: remembered, and applied when they get it.

Either the act sees the delivery or the delivery sees the act: an act is saved before deliveries are looked for, and a
delivery is opened before acts are looked for. May be repeated.
"""

from collections.abc import Mapping, Sequence

from common.domain.names import StatusCode, UnitCode
from common.facts import FACT, BaseFact, DocumentVerified, NoticeAccepted
from router.actions import Remember, Supersede
from router.acts import Act, effective
from router.compose import NOT_YET_RECEIVED
from router.delivery_history import History, has_event, may_answer_for
from router.delivery_state import RECALLS, VERSIONS, EventKind, Step
from router.execute.execution import Decided, Execution, Work, answer_event, answer_id, joined
from router.execute.messages import agreed, package_placing, recalled, recorded, superseded
from router.metrics import record_status
from router.order import SubmissionOrder
from router.placing import Placing, PlacingState
from router.store import Store


class EarlyActs:
    """Remembers acts, and applies them to deliveries."""

    def __init__(self, store: Store, trunk: UnitCode) -> None:
        self._store = store
        self._trunk = trunk

    async def remember(self, execution: Execution, action: Remember, placing: Placing | None) -> Work:
        """Keep an act, and apply it to deliveries that were opened since it was decided."""
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

    async def apply(
        self, execution: Execution, opened: Mapping[UnitCode, Step]
    ) -> tuple[Mapping[UnitCode, Step], Work]:
        """Apply what was remembered to deliveries of an update; ``opened``: what getting its content was to them.

        Returns the same after the acts, and what has to be announced and placed.
        """
        later = await self._store.acts.about(execution.decision.subject, execution.order)
        acts = effective(later, execution.order)
        steps, works = dict(opened), []
        for receiver in opened:
            for_unit = [act for act in acts if act.receiver in (receiver, None)]
            if for_unit:
                steps[receiver], work = await self._apply_all(execution, for_unit, receiver)
                works.append(work)
        return steps, joined(works)

    async def _apply_all(self, execution: Execution, acts: Sequence[Act], receiver: UnitCode) -> tuple[Step, Work]:
        """A unit that never got anything of a document taken back has nothing to answer: the trunk agrees for it.

        It may have got what another run had placed before the act was known, and may have answered since.
        """
        history = await self._store.deliveries.history(execution.decision.subject, receiver)
        content = package_placing(execution, receiver)
        placed = await self._store.placings.find(content.id)
        had_before = _had_content(history, execution.fact.event_id)
        if placed is None and not had_before:
            placed = await self._keep_back(content, acts, history)
        is_kept_back = placed is not None and placed.is_kept_back
        had_content = had_before or (placed is not None and not is_kept_back)
        works = []
        for act in acts:
            step, facts = await self._happen(act, receiver)
            is_told = had_content and act.placing
            works.append(Work((Placing.model_validate(act.placing),) if is_told else (), facts=facts))
            if act.event.kind in RECALLS and is_kept_back:
                step, agreement = await self._agree(act, receiver)
                works.append(Work(facts=(agreement,)))
        return step, joined(works)

    async def _keep_back(self, content: Placing, acts: Sequence[Act], history: History) -> Placing | None:
        """See to it that no run places content at a unit that has nothing of the document, if it is recalled from it
        and the unit has said nothing. Returns the placing as saved.

        Runs of an update may overlap: the row decides, which one of them inserts.
        """
        recall = next((act.event.id for act in acts if act.event.kind in RECALLS), None)
        if recall is None or not may_answer_for(history, content.receiver, answer_id(recall)):
            return None
        kept_back = {"state": PlacingState.WITHDRAWN, "withdrawn_by": recall, "fact": None}
        await self._store.placings.open([content.model_copy(update=kept_back)])
        return await self._store.placings.find(content.id)

    async def _apply_one(self, act: Act, receiver: UnitCode) -> Work | None:
        history = await self._store.deliveries.history(act.document_key, receiver)
        is_settled = has_event(history, answer_id(act.event.id))  # the trunk agreed when the delivery was opened
        if is_settled or not effective([act], _first_order(history)):
            return None
        _, facts = await self._happen(act, receiver)
        return Work((Placing.model_validate(act.placing),) if act.placing else (), facts=facts)

    async def _happen(self, act: Act, receiver: UnitCode) -> tuple[Step, tuple[BaseFact, ...]]:
        happened = await self._store.deliveries.record(act.document_key, receiver, act.event, link=act.successor)
        record_status(receiver, act.event, happened)
        return happened.step, await self._facts(act, receiver, happened.step)

    async def _facts(self, act: Act, receiver: UnitCode, step: Step) -> tuple[BaseFact, ...]:
        decided = await self._decided(act)
        if act.successor:
            return (superseded(decided, receiver, act.document_key),)
        recall = recalled(decided, receiver, step)
        if act.event.kind is EventKind.RECALL:
            return (recall,)
        noted = recorded(decided, receiver, receiver, StatusCode.TAKE_BACK, step, act.event.description)
        return (noted, recall)

    async def _agree(self, act: Act, receiver: UnitCode) -> tuple[Step, BaseFact]:
        decided = await self._decided(act)
        text = NOT_YET_RECEIVED.format(unit=receiver)
        event = answer_event(decided, act.event.order, self._trunk, text)
        happened = await self._store.deliveries.record(act.document_key, receiver, event)
        record_status(receiver, event, happened)
        return happened.step, agreed(decided, receiver, happened.step, text)

    async def _decided(self, act: Act) -> Decided:
        fact, decision = FACT.validate_python(act.fact), await self._store.decisions.find(act.event.id)
        if not isinstance(fact, DocumentVerified | NoticeAccepted) or decision is None:
            raise RuntimeError(f"act {act.id} was decided nowhere")
        return Decided(fact, decision)


def _had_content(history: History, opened_by: str) -> bool:
    """Whether an earlier package had given the unit content."""
    for entry in history:
        if entry.event.id == opened_by:
            return False
        if entry.event.kind in VERSIONS:
            return True
    return False


def _first_order(history: History) -> SubmissionOrder:
    """The place of the first package that gave the document to the unit."""
    return min(entry.event.order for entry in history if entry.event.kind in VERSIONS)
