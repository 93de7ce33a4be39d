"""Carries out decisions. Every run opens, places and announces the same things, so that it may be repeated."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

import structlog

from common.domain.envelope import Envelope, Message, StatusReport
from common.domain.ids import document_key
from common.domain.names import PackageKind, StatusCode, UnitCode
from common.domain.outcome import Refused
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
    Supersede,
    Withdraw,
)
from router.compose import Answer
from router.delivery_state import Position, Step, on_recall, on_replacement, on_status, on_update
from router.execute.bounded import gather_bounded
from router.execute.execution import OWN_DOCUMENT, Execution, Routable, Work
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
    version_of,
    withdrawal_placing,
)
from router.execute.placing import Placer, Sender
from router.inbox import Inbox
from router.metrics import record_status
from router.placing import MessageType, Placing
from router.store import Store

log = structlog.get_logger("trunk.router")


class Executor:
    """Executes the actions of decisions over the store, and has the resulting messages placed."""

    def __init__(
        self,
        store: Store,
        inbox: Inbox,
        sender: Sender,
        placer: Placer,
        reaches: Callable[[UnitCode], bool],
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

    async def carry_out(self, fact: Routable, message: Message, decision: Decision) -> None:
        """Open all deliveries first: whoever gets the document can report on it at once."""
        execution = await self._execution(fact, message, decision)
        await self._all(partial(self._open, execution, action) for action in decision.orders)
        if message.kind in OWN_DOCUMENT:
            await self._store.documents.settle(decision.subject, fact.package_id)
        works = await self._all(partial(self._do, execution, action) for action in decision.orders)
        placings = [placing for work in works for placing in work.placings]
        if len(placings) == 1:
            placings = [placings[0].model_copy(update={"is_alone": True})]
        await self._place(placings)
        await self._all(partial(self._sender.announce, each) for work in works for each in work.facts)
        if not placings:
            await self._finished(decision.event_id)

    async def answer(self, answer: Answer) -> None:
        """Save an answer to the sender of a package, and place what was saved."""
        saved = await self._store.answers.save(answer)
        if self._can_answer(saved):
            await self._place([self._inbox.answer(saved)])

    async def repeat(self, answer: Answer) -> None:
        """Place a saved answer once more, because its receiver asked again."""
        if self._can_answer(answer):
            placing = self._inbox.answer(answer)
            await self._store.placings.open([placing])
            await self._placer.order(placing, again=True)

    async def refuse(self, fact: Routable, message: Message, decision: Decision, refused: Refused) -> None:
        """The whole package is refused: its sender is told, and so is the ledger."""
        await self.answer(refusal_of(fact, message, decision.at, refused.reason, refused.detail))
        about = {"subject": decision.subject, "document_id": decision.document_id}
        about |= {"reason": refused.reason, "detail": refused.detail}
        if event := security_fact(fact, refused, decision.at):
            await self._sender.announce(event)
        await self._sender.announce(fact.follow(RoutingRefused, "routing.refused", decision.at, **about))
        await self._finished(decision.event_id)

    async def _place(self, placings: list[Placing]) -> None:
        await self._store.placings.open(placings)
        await self._all(partial(self._placer.order, placing) for placing in placings)

    async def _all(self, works: Iterable[Callable[[], Awaitable[Any]]]) -> list[Any]:
        return await gather_bounded(works, self._at_once)

    def _can_answer(self, answer: Answer) -> bool:
        if not self._reaches(answer.to):
            log.warning("answer not placed, unit closed or unknown", unit=answer.to, answer=answer.id)
            return False
        return True

    async def _execution(self, fact: Routable, message: Message, decision: Decision) -> Execution:
        execution = Execution(fact, message, decision, self._now())
        if isinstance(message, StatusReport):
            return execution
        if document_key(message.sender.code, message.document_id) != decision.subject:
            await self._store.documents.name_alias(alias_of(execution, message))
        return await self._update(execution, message) if message.kind is PackageKind.UPDATE else execution

    async def _update(self, execution: Execution, envelope: Envelope) -> Execution:
        subject = execution.decision.subject
        if envelope.attachments:
            version = version_of(execution.fact, envelope)
            return replace(execution, version=await self._store.documents.add_version(subject, version))
        document = await self._store.documents.find(subject)
        versions = document.versions if document else ()
        return replace(execution, version=len(versions), current=versions[-1] if versions else None)

    async def _open(self, execution: Execution, action: Action) -> None:
        if isinstance(action, Deliver | DeliverCurrentVersion):
            current = execution.current if isinstance(action, DeliverCurrentVersion) else None
            package_id = current.package_id if current else execution.fact.package_id
            decision, lane = execution.decision, execution.fact.lane
            await self._store.deliveries.open(
                decision.subject, action.receiver, package_id, execution.version, lane, decision.at
            )

    async def _do(self, execution: Execution, action: Action) -> Work:
        match action:
            case Deliver() | ForwardPackage():
                return Work((package_placing(execution, action.receiver),))
            case OfferVersion():
                move = partial(on_update, version=execution.version)
                await self._happen(execution, action.receiver, "update", move)
                return Work((package_placing(execution, action.receiver),))
            case DeliverCurrentVersion():
                return Work((current_version_placing(execution, action.receiver),))
            case Withdraw():
                return await self._withdraw(execution, action)
            case Supersede():
                return await self._supersede(execution, action)
            case RecordStatus():
                return await self._record_status(execution, action)
            case RefuseReceiver():
                return await self._refuse_receiver(execution, action)

    async def _happen(
        self,
        execution: Execution,
        receiver: UnitCode,
        code: str,
        move: Callable[[Position], Step],
        description: str = "",
    ) -> Step:
        event = execution.event(code, description)
        happened = await self._store.deliveries.change(execution.decision.subject, receiver, event, move)
        record_status(receiver, event, happened)
        return happened.step

    async def _withdraw(self, execution: Execution, action: Withdraw) -> Work:
        unit = action.receiver
        step = await self._happen(execution, unit, "recall", on_recall, _reason_of(execution.message))
        recall = recalled(execution, unit, step)
        match action.enclosure:
            case Enclosure.PACKAGE:
                return Work((package_placing(execution, unit),), (recall,))
            case Enclosure.NOTICE:
                noted = recorded(execution, unit, unit, StatusCode.TAKE_BACK, step)
                return Work((withdrawal_placing(execution, unit, self._inbox.trunk),), (noted, recall))
            case Enclosure.NOTHING:
                log.warning("recall not placed, unit closed or unknown", unit=unit)
                return Work((), (recall,))

    async def _supersede(self, execution: Execution, action: Supersede) -> Work:
        subject = execution.decision.subject
        event = execution.event("replace")
        await self._store.deliveries.change(action.replaced, action.receiver, event, on_replacement, link=subject)
        return Work((), (superseded(execution, action.receiver, action.replaced),))

    async def _record_status(self, execution: Execution, action: RecordStatus) -> Work:
        message = execution.message
        description = message.description or "" if isinstance(message, StatusReport) else ""
        step = await self._happen(
            execution, action.receiver, action.code, partial(on_status, code=action.code), description
        )
        facts: list[BaseFact] = [recorded(execution, action.receiver, action.told, action.code, step, description)]
        if action.code is StatusCode.TAKE_BACK:
            facts.append(recalled(execution, action.receiver, step))
        if not self._reaches(action.told):
            log.warning("status not forwarded, unit closed or unknown", unit=action.told)
            return Work((), tuple(facts))
        return Work((execution.placing(action.told, "forwarded", MessageType.STATUS),), tuple(facts))

    async def _refuse_receiver(self, execution: Execution, action: RefuseReceiver) -> Work:
        fact, at = execution.fact, execution.decision.at
        await self.answer(refusal_of(fact, execution.message, at, action.reason, action.detail, action.receiver))
        return Work((), (receiver_refused(execution, action),))


def _reason_of(message: Message) -> str:
    return message.business.reason or "" if isinstance(message, Envelope) else ""
