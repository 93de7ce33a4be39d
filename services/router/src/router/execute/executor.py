"""Carries out decisions. Every run opens, places and announces the same, so that a run may be repeated."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

import structlog

from common.domain.envelope import Envelope, Message, StatusReport
from common.domain.ids import document_key
from common.domain.names import PackageKind, StatusCode, UnitCode
from common.domain.outcome import Refused
from common.domain.reason import Reason
from common.facts import (
    BaseFact,
    RoutingRefused,
)
from router.actions import (
    Action,
    Decision,
    Deliver,
    DeliverCurrentVersion,
    Enclosure,
    ForwardPackage,
    OfferVersion,
    RecordStatus,
    RefuseReceiver,
    Remember,
    Supersede,
    Withdraw,
)
from router.compose import Answer
from router.delivery_state import DeliveryState, EventKind, Note, Step
from router.execute.bounded import gather_bounded
from router.execute.early_acts import EarlyActs
from router.execute.execution import OWN_DOCUMENT, Execution, Routable, Work, joined
from router.execute.held_content import HeldContent, held
from router.execute.messages import (
    alias_of,
    current_version_placing,
    package_placing,
    recalled,
    receiver_refused,
    recorded,
    refusal_of,
    security_fact,
    superseded,
    withdrawal_placing,
)
from router.execute.placing import Placer
from router.execute.recalling import Recalling
from router.execute.recording import Recording
from router.execute.sender import Sender
from router.execute.versions import Versions
from router.inbox import Inbox
from router.placing import MessageType, Placing
from router.route import recall_later, replace_later
from router.store import Store

log = structlog.get_logger("trunk.router")


class Executor:
    """Carries out the actions of decisions in the store, and orders the resulting messages to be placed."""

    def __init__(
        self,
        store: Store,
        inbox: Inbox,
        sender: Sender,
        placer: Placer,
        reaches: Callable[[UnitCode], Awaitable[bool]],
        finished: Callable[[str], Awaitable[None]],
        now: Callable[[], datetime],
        at_once: int,
    ) -> None:
        self._store = store
        self._inbox = inbox
        self._sender = sender
        self._placer = placer
        self._reaches = reaches
        self._finished = finished
        self._now = now
        self._at_once = at_once
        self._versions = Versions(store)
        self._held = HeldContent(store, placer, sender, self.answer, finished, now)
        self._recording = Recording(store, self._held)
        self._early_acts = EarlyActs(store, self._recording, inbox.trunk.code)
        self._recalling = Recalling(store, self._recording, inbox.trunk, reaches, finished)

    async def carry_out(self, fact: Routable, message: Message, decision: Decision, *, is_repeated: bool) -> None:
        """Carry out a decision. All deliveries are opened before anything is placed, because a unit that gets the
        document may report on it at once.

        ``is_repeated``: an earlier run saved the decision, and may have carried out any part of it; units may have
        answered since.
        """
        execution = await self._execution(fact, message, decision)
        opened = await self._all(partial(self._open, execution, order) for order in decision.orders)
        execution, early = replace(execution, opened=dict(filter(None, opened))), Work()
        if message.kind is PackageKind.UPDATE:
            execution, early = await self._early_acts.apply(execution)
        if message.kind in OWN_DOCUMENT:
            await self._store.documents.settle(decision.subject, fact.package_id)
        works = [early, *await self._all(partial(self._do, execution, action) for action in decision.orders)]
        held_placings = [placing for work in works for placing in work.held]
        placings = [placing for work in works for placing in work.placings]
        if len(placings) == 1 and not held_placings:
            placings = [placings[0].model_copy(update={"is_alone": True})]
        held_before = await self._store.placings.open(held_placings)
        may_overlap = is_repeated or message.kind is PackageKind.UPDATE
        await self._place(placings, execution if may_overlap else None)
        await self._all(partial(self._sender.announce, each) for work in works for each in work.facts)
        await self._all(partial(self._held.settle, execution, placing.receiver) for placing in held_placings)
        await self._all(partial(self._placer.order_again, each) for each in held_placings if each.id in held_before)
        if not placings and not held_placings:
            await self._finished(decision.event_id)

    async def answer(self, answer: Answer) -> None:
        """Save an answer to the sender of a package, unless it is saved already, and place the saved one."""
        saved = await self._store.answers.save(answer)
        if await self._can_answer(saved):
            await self._place([self._inbox.answer(saved)])

    async def repeat(self, answer: Answer) -> None:
        """Place a saved answer again, because its package was submitted again."""
        if await self._can_answer(answer):
            placing = self._inbox.answer(answer)
            await self._store.placings.open([placing])
            await self._placer.order(placing, again=True)

    async def refuse(self, fact: Routable, message: Message, decision: Decision, refused: Refused) -> None:
        """Refuse the whole package: answer its sender, and announce the refusal."""
        await self.answer(refusal_of(fact, message, decision.at, refused.reason, refused.detail))
        about = {"subject": decision.subject, "document_id": decision.document_id}
        about |= {"reason": refused.reason, "detail": refused.detail}
        if event := security_fact(fact, refused, decision.at):
            await self._sender.announce(event)
        await self._sender.announce(fact.follow(RoutingRefused, "routing.refused", decision.at, **about))
        await self._finished(decision.event_id)

    async def _place(self, placings: list[Placing], repeated: Execution | None = None) -> None:
        """Save placings and order them to be tried. For placings that an earlier run has settled, announce the facts
        again.

        ``repeated``: the execution, if another run may have begun it. A unit that has agreed to a recall since then
        gets no content.
        """
        saved = await self._store.placings.open(placings)
        if repeated:
            await self._all(partial(self._held.settle, repeated, each.receiver) for each in placings if each.delivery)
        await self._all(partial(self._placer.order_again, each) for each in placings if each.id in saved)
        await self._all(partial(self._placer.order, each) for each in placings if each.id not in saved)

    async def _all(self, works: Iterable[Callable[[], Awaitable[Any]]]) -> list[Any]:
        return await gather_bounded(works, self._at_once)

    async def _can_answer(self, answer: Answer) -> bool:
        if not await self._reaches(answer.to):
            log.warning("answer not placed, unit closed or unknown", unit=answer.to, answer=answer.id)
            return False
        return True

    async def _execution(self, fact: Routable, message: Message, decision: Decision) -> Execution:
        execution = Execution(fact, decision, message, self._now())
        if isinstance(message, StatusReport):
            return execution
        if document_key(message.sender.code, message.document_id) != decision.subject:
            await self._store.documents.note(alias_of(execution, message))
        if message.kind is PackageKind.UPDATE and decision.version is None:
            version = await self._versions.of_update(fact, message, decision.subject)
            return replace(execution, decision=replace(decision, version=version))
        return execution

    async def with_version(self, fact: Routable, update: Envelope, decision: Decision) -> Decision:
        """The decision about an update, with the document's version that it brings or delivers, and with offers to the
        units that were given an older version by a later update."""
        return await self._versions.decide(fact, update, decision)

    async def _open(self, execution: Execution, action: Action) -> tuple[UnitCode, Step] | None:
        """For an action that brings content, open the receiver's delivery or record the event; None for others."""
        if isinstance(action, OfferVersion):
            return action.receiver, await self._recording.record(execution, action.receiver, EventKind.UPDATE)
        if isinstance(action, Deliver | DeliverCurrentVersion):
            decision, package_id = execution.decision, execution.fact.package_id
            if isinstance(action, DeliverCurrentVersion) and decision.version:
                package_id = decision.version.version.package_id
            event, lane = execution.event(EventKind.DELIVER), execution.fact.lane
            step = await self._store.deliveries.open(decision.subject, action.receiver, package_id, lane, event)
            return action.receiver, step
        return None

    async def _do(self, execution: Execution, action: Action) -> Work:
        match action:
            case Deliver() | OfferVersion():
                step = execution.opened[action.receiver]
                return await self._give(execution, step, package_placing(execution, action.receiver))
            case DeliverCurrentVersion():
                step = execution.opened[action.receiver]
                return await self._give(execution, step, current_version_placing(execution, action.receiver))
            case ForwardPackage():
                return Work((package_placing(execution, action.receiver),))
            case Withdraw():
                return await self._withdraw(execution, action)
            case Supersede():
                return await self._supersede(execution, action)
            case Remember():
                return await self._early_acts.remember(execution, action, self._recall_placing(execution, action))
            case RecordStatus():
                return await self._record_status(execution, action)
            case RefuseReceiver():
                return await self._refuse_receiver(execution, action)

    async def _give(self, execution: Execution, step: Step, placing: Placing) -> Work:
        """Place content, unless the document was taken back from the unit; hold it while the recall is pending."""
        receiver = placing.receiver
        refusal = RefuseReceiver(receiver=receiver, reason=Reason.E_RECALLED, detail=f"đơn vị nhận {receiver}")
        if receiver in execution.kept_back:
            return await self._refuse_receiver(execution, refusal)
        match step.position.state:
            case DeliveryState.RECALLED:
                return await self._refuse_receiver(execution, refusal)
            case DeliveryState.RECALL_PENDING:
                answer, fact = self._refusal(execution, refusal), receiver_refused(execution, refusal)
                return Work(held=(held(placing, answer, fact),))
            case _:
                return Work((placing,))

    async def _withdraw(self, execution: Execution, action: Withdraw) -> Work:
        unit = action.receiver
        step = await self._recording.record(execution, unit, EventKind.RECALL, execution.reason)
        if step.note is Note.NOT_YET:
            return await self._do_later(execution, recall_later(unit, EventKind.RECALL, action.enclosure))
        recall = recalled(execution, unit, step)
        placing = self._recall_placing(execution, action)
        withdrawal = await self._recalling.withdraw(execution, unit, step, placing)
        facts = (recall, *withdrawal.work.facts)
        if withdrawal.is_complete:
            return replace(withdrawal.work, facts=facts)
        if placing is None:
            log.warning("recall not placed, unit closed or unknown", unit=unit)
            return Work(facts=facts)
        if action.enclosure is Enclosure.NOTICE:
            return Work((placing,), facts=(recorded(execution, unit, unit, StatusCode.TAKE_BACK, step), *facts))
        return Work((placing,), facts=facts)

    async def _do_later(self, execution: Execution, actions: Sequence[Action]) -> Work:
        """Carry out the actions for a unit that got the document only by a later package than the one of the
        decision."""
        return joined([await self._do(execution, action) for action in actions])

    def _recall_placing(self, execution: Execution, action: Withdraw | Remember) -> Placing | None:
        """The placing that notifies a unit of a recall; None = the unit is closed."""
        if isinstance(action, Remember) and action.kind is EventKind.TAKE_BACK:
            return execution.placing(action.receiver, "forwarded", MessageType.STATUS)
        match action.enclosure:
            case Enclosure.PACKAGE:
                return package_placing(execution, action.receiver)
            case Enclosure.NOTICE:
                return withdrawal_placing(execution, action.receiver, self._inbox.trunk)
            case Enclosure.NOTHING:
                return None

    async def _supersede(self, execution: Execution, action: Supersede) -> Work:
        subject = execution.decision.subject
        event = execution.event(EventKind.REPLACE)
        step = await self._recording.happen(execution, action.receiver, event, document=action.replaced, link=subject)
        if step.note is Note.NOT_YET:
            return await self._do_later(execution, (replace_later(action.receiver, action.replaced),))
        return Work(facts=(superseded(execution, action.receiver, action.replaced),))

    async def _record_status(self, execution: Execution, action: RecordStatus) -> Work:
        description = execution.reason
        step = await self._recording.record(execution, action.receiver, EventKind(action.code), description)
        if step.note is Note.NOT_YET:
            later = recall_later(action.receiver, EventKind.TAKE_BACK, Enclosure.PACKAGE)
            return await self._do_later(execution, later)
        facts: list[BaseFact] = [recorded(execution, action.receiver, action.told, action.code, step, description)]
        is_reached = await self._reaches(action.told)
        forwarded = execution.placing(action.told, "forwarded", MessageType.STATUS) if is_reached else None
        if action.code is StatusCode.TAKE_BACK:
            facts.append(recalled(execution, action.receiver, step))
            withdrawal = await self._recalling.withdraw(execution, action.receiver, step, forwarded)
            facts.extend(withdrawal.work.facts)
            if withdrawal.is_complete:
                return replace(withdrawal.work, facts=tuple(facts))
        if forwarded is None:
            log.warning("status not forwarded, unit closed or unknown", unit=action.told)
        return Work((forwarded,) if forwarded else (), facts=tuple(facts))

    async def _refuse_receiver(self, execution: Execution, action: RefuseReceiver) -> Work:
        if action.successor:
            await self._store.deliveries.note_in_place_of(execution.decision.subject, action.successor, action.receiver)
        await self.answer(self._refusal(execution, action))
        return Work(facts=(receiver_refused(execution, action),))

    def _refusal(self, execution: Execution, action: RefuseReceiver) -> Answer:
        fact, at = execution.fact, execution.decision.at
        return refusal_of(fact, execution.message, at, action.reason, action.detail, action.receiver)
