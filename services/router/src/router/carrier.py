"""Carries out what was decided, as often as it takes: every repeat opens, places and announces the same things."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import structlog

from common.domain.envelope import Envelope, Message, StatusReport
from common.domain.ids import document_key, event_id
from common.domain.names import Label, PackageKind, StatusCode, UnitCode
from common.domain.outcome import Refused
from common.domain.reason import Reason
from common.facts import (
    DeliveryPlaced,
    DeliveryRefused,
    DocumentRecalled,
    DocumentRefused,
    DocumentSuperseded,
    DocumentVerified,
    NoticeAccepted,
    RoutingRefused,
    StatusRecorded,
)
from common.metrics import record_delivery
from router.bounded import do_all
from router.compose import Answer, answered, withdrawal
from router.inbox import Inbox, MessageType, Parcel, Sender, Slip, edxml_parcel
from router.measuring import measure_status
from router.orders import Decision, Deliver, Enclosure, Inform, Order, Record, Revise, Share, Supersede, Turn, Withdraw
from router.records import DocumentRecord, Event, Version
from router.route import DocumentState
from router.statuses import Position, Step, on_recall, on_replacement, on_status, on_update
from router.store import Store

log = structlog.get_logger("trunk.router")

Routable = DocumentVerified | NoticeAccepted
OWN_DOCUMENT = frozenset({PackageKind.NEW, PackageKind.REPLACE})
"""Kinds whose own DocumentId gets deliveries; recalls and updates work on those of another."""


@dataclass(frozen=True, slots=True)
class Job:
    """A decision with what it was made of."""

    fact: Routable
    message: Message
    decision: Decision
    parcel: Parcel
    version: int
    """Of the document, that the package brings; without content, the current one."""
    current: Version | None
    """The document's current version, when an update shares it with further units."""

    @property
    def label(self) -> Label | None:
        """Legal form, if the package was validated."""
        return self.fact.label if isinstance(self.fact, DocumentVerified) else None

    def about(self, step: str) -> dict[str, Any]:
        """What every fact of this job tells."""
        return about(self.fact, self.decision, step)

    def slip(self, step: str, kind: MessageType) -> Slip:
        """Headers of the package in an inbox."""
        return Slip(
            type=kind,
            event_id=event_id(self.fact.package_id, step),
            package_id=self.fact.package_id,
            document_key=self.decision.subject,
            document_id=self.decision.document_id,
            sender=self.fact.sender,
            kind=self.fact.kind,
            lane=self.fact.lane,
            label=self.label,
            unsigned_annexes=self.fact.unsigned_annexes if isinstance(self.fact, DocumentVerified) else 0,
        )

    def event(self, code: str, description: str = "") -> Event:
        """What happens to a delivery by this job."""
        return Event(
            id=self.fact.event_id,
            code=code,
            by=self.fact.sender,
            at=self.decision.at,
            description=description,
        )


class Carrier:
    """Executes orders over the store and the inboxes."""

    def __init__(
        self, store: Store, inbox: Inbox, sender: Sender, reaches: Callable[[UnitCode], bool], at_once: int
    ) -> None:
        self._store = store
        self._inbox = inbox
        self._sender = sender
        self._reaches = reaches
        self._at_once = at_once

    async def carry_out(self, fact: Routable, message: Message, decision: Decision) -> None:
        """Open all deliveries first: whoever gets the document can report on it at once."""
        job = await self._job(fact, message, decision)
        await do_all([partial(self._open, job, order) for order in decision.orders], self._at_once)
        if message.kind in OWN_DOCUMENT:
            await self._store.settle(decision.subject, fact.package_id)
        await do_all([partial(self._execute, job, order) for order in decision.orders], self._at_once)

    async def tell(self, answer: Answer) -> None:
        """Save an answer to the sender of a package, and place what was saved."""
        await self.repeat(await self._store.save_answer(answer))

    async def turn_away(self, fact: Routable, message: Message, decision: Decision, refused: Refused) -> None:
        """The whole package is refused: its sender is told, and so is the ledger."""
        await self.tell(refusal_of(fact, message, decision.at, refused.reason, refused.detail))
        told = about(fact, decision, "routing.refused")
        await self._sender.announce(RoutingRefused(**told, reason=refused.reason, detail=refused.detail))

    async def repeat(self, answer: Answer) -> None:
        """Place a saved answer, if the sender still has an inbox."""
        if self._reaches(answer.to):
            await self._inbox.answer(answer)
        else:
            log.warning("answer not placed, unit closed or unknown", unit=answer.to, answer=answer.id)

    async def _job(self, fact: Routable, message: Message, decision: Decision) -> Job:
        parcel = await self._inbox.parcel(fact.package)
        job = Job(fact, message, decision, parcel, version=1, current=None)
        if isinstance(message, StatusReport):
            return job
        if document_key(message.sender.code, message.document_id) != decision.subject:
            await self._store.name_alias(_alias(job, message))
        if message.kind is PackageKind.UPDATE:
            return await self._update_job(job, message)
        return job

    async def _update_job(self, job: Job, envelope: Envelope) -> Job:
        if envelope.attachments:
            number = await self._store.add_version(job.decision.subject, version_of(job.fact, envelope))
            return Job(job.fact, envelope, job.decision, job.parcel, number, None)
        document = await self._store.document(job.decision.subject)
        versions = document.versions if document else ()
        return Job(job.fact, envelope, job.decision, job.parcel, len(versions), versions[-1] if versions else None)

    async def _open(self, job: Job, order: Order) -> None:
        if isinstance(order, Deliver | Share):
            package_id = job.current.package_id if isinstance(order, Share) and job.current else job.fact.package_id
            subject, at = job.decision.subject, job.decision.at
            await self._store.open_delivery(subject, order.receiver, package_id, job.version, job.fact.lane, at)

    async def _execute(self, job: Job, order: Order) -> None:
        match order:
            case Deliver() | Inform():
                await self._place(job, order.receiver)
            case Revise():
                await self._happen(job, order.receiver, "update", partial(on_update, version=job.version))
                await self._place(job, order.receiver)
            case Share():
                await self._share(job, order)
            case Withdraw():
                await self._withdraw(job, order)
            case Supersede():
                await self._supersede(job, order)
            case Record():
                await self._record(job, order)
            case Turn():
                await self._turn(job, order)

    async def _happen(
        self, job: Job, receiver: UnitCode, code: str, move: Callable[[Position], Step], description: str = ""
    ) -> Step:
        event = job.event(code, description)
        happened = await self._store.change(job.decision.subject, receiver, event, move)
        measure_status(receiver, event, happened)
        return happened.step

    async def _place(self, job: Job, receiver: UnitCode) -> None:
        step = f"placed/{receiver}"
        await self._put(job, receiver, job.parcel, job.slip(step, MessageType.DOCUMENT))
        text = job.message.subject if isinstance(job.message, Envelope) else ""
        await self._placed(job, receiver, text, job.label)

    async def _put(self, job: Job, receiver: UnitCode, parcel: Parcel, slip: Slip) -> None:
        """Place a document, and count the first time; ``receiver`` is a unit of the directory."""
        await self._inbox.place(receiver, parcel, slip, partial(record_delivery, receiver, job.fact.lane, "failed"))
        if await self._store.placed(job.decision.subject, receiver, datetime.now(UTC)):
            record_delivery(receiver, job.fact.lane, "delivered")

    async def _placed(self, job: Job, receiver: UnitCode, text: str, label: Label | None) -> None:
        await self._sender.announce(
            DeliveryPlaced(
                **job.about(f"placed/{receiver}"),
                receiver=receiver,
                subject_text=text,
                label=label,
                submitted_at=job.fact.submitted_at,
            )
        )

    async def _share(self, job: Job, order: Share) -> None:
        if job.current is None:
            raise RuntimeError(f"document {job.decision.subject} has no content to share")
        current = job.current
        slip = replace(
            job.slip(f"placed/{order.receiver}", MessageType.DOCUMENT),
            package_id=current.package_id,
            kind=current.kind,
            label=current.label,
        )
        await self._put(job, order.receiver, await self._inbox.parcel(current.package), slip)
        await self._placed(job, order.receiver, current.subject_text, current.label)

    async def _withdraw(self, job: Job, order: Withdraw) -> None:
        step = await self._happen(job, order.receiver, "recall", on_recall, _reason_of(job.message))
        match order.enclosure:
            case Enclosure.PACKAGE:
                await self._place(job, order.receiver)
            case Enclosure.NOTICE:
                notice = withdrawal(job.fact.sender, job.decision.document_id, self._inbox.trunk, job.decision.at)
                slip = job.slip(f"withdrawn/{order.receiver}", MessageType.STATUS)
                slip = replace(slip, sender=self._inbox.trunk.code, kind=PackageKind.STATUS, label=None)
                await self._inbox.place(order.receiver, edxml_parcel(notice), slip)
                await self._recorded(job, order.receiver, order.receiver, StatusCode.TAKE_BACK, step)
            case Enclosure.NOTHING:
                log.warning("recall not placed, unit closed or unknown", unit=order.receiver)
        await self._recalled(job, order.receiver, step)

    async def _supersede(self, job: Job, order: Supersede) -> None:
        await self._store.change(
            order.replaced, order.receiver, job.event("replace"), on_replacement, link=job.decision.subject
        )
        told = job.about(f"superseded/{order.replaced}/{order.receiver}") | {"subject": order.replaced}
        await self._sender.announce(DocumentSuperseded(**told, receiver=order.receiver, successor=job.decision.subject))

    async def _record(self, job: Job, order: Record) -> None:
        description = job.message.description or "" if isinstance(job.message, StatusReport) else ""
        move = partial(on_status, code=order.code)
        step = await self._happen(job, order.receiver, order.code, move, description)
        if self._reaches(order.told):
            await self._inbox.place(order.told, job.parcel, job.slip("forwarded", MessageType.STATUS))
        else:
            log.warning("status not forwarded, unit closed or unknown", unit=order.told)
        await self._recorded(job, order.receiver, order.told, order.code, step, description)
        if order.code is StatusCode.TAKE_BACK:
            await self._recalled(job, order.receiver, step)

    async def _recorded(
        self, job: Job, receiver: UnitCode, told: UnitCode, code: StatusCode, step: Step, description: str = ""
    ) -> None:
        await self._sender.announce(
            StatusRecorded(
                **job.about(f"recorded/{receiver}"),
                receiver=receiver,
                told=told,
                code=code,
                state=step.position.state,
                changed=step.changed,
                description=description,
            )
        )

    async def _recalled(self, job: Job, receiver: UnitCode, step: Step) -> None:
        about = job.about(f"recalled/{receiver}")
        await self._sender.announce(DocumentRecalled(**about, receiver=receiver, state=step.position.state))

    async def _turn(self, job: Job, order: Turn) -> None:
        answer = refusal_of(job.fact, job.message, job.decision.at, order.reason, order.detail, order.receiver)
        await self.tell(answer)
        await self._sender.announce(
            DeliveryRefused(
                **job.about(f"turned/{order.receiver}"),
                receiver=order.receiver,
                reason=order.reason,
                detail=order.detail,
            )
        )


def about(fact: Routable, decision: Decision, step: str) -> dict[str, Any]:
    """What every fact of a decision tells."""
    return {
        "event_id": event_id(fact.package_id, step),
        "occurred_at": decision.at,
        "subject": decision.subject,
        "package_id": fact.package_id,
        "sender": fact.sender,
        "document_id": decision.document_id,
        "kind": fact.kind,
        "lane": fact.lane,
    }


def refusal_of(
    fact: Routable | DocumentRefused,
    message: Message,
    at: datetime,
    reason: Reason,
    detail: str,
    receiver: UnitCode | None = None,
) -> Answer:
    """What the sender of a package is told when it, or one receiver of it, is refused."""
    return Answer(
        id=f"{fact.package_id}/refusal" + (f"/{receiver}" if receiver else ""),
        to=fact.sender,
        package_id=fact.package_id,
        document_key=fact.subject,
        document_id=fact.document_id,
        kind=fact.kind,
        lane=fact.lane,
        at=at,
        submitted_at=fact.submitted_at,
        sha256=fact.package.sha256,
        reason=reason,
        detail=detail,
        response_for=answered(message),
    )


def version_of(fact: Routable, envelope: Envelope) -> Version:
    """The content that a validated package brings."""
    return Version(
        package_id=fact.package_id,
        package=fact.package,
        kind=fact.kind,
        label=fact.label if isinstance(fact, DocumentVerified) else None,
        subject_text=envelope.subject,
    )


def _alias(job: Job, envelope: Envelope) -> DocumentRecord:
    return DocumentRecord(
        key=document_key(envelope.sender.code, envelope.document_id),
        sender=envelope.sender.code,
        document_id=envelope.document_id,
        state=DocumentState.ALIAS,
        package_id=job.fact.package_id,
        kind=job.fact.kind,
        submitted_at=job.fact.submitted_at,
        alias_of=job.decision.subject,
    )


def _reason_of(message: Message) -> str:
    return message.business.reason or "" if isinstance(message, Envelope) else ""
