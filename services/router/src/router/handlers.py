"""The router's handlers: each loads the saved decision, or makes and saves one, and carries it out. Idempotent."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date
from typing import Protocol

from common.clock import Clock, loop_time, utc_now
from common.domain import ids
from common.domain.directory import Directory
from common.domain.envelope import Envelope, Message, StatusReport
from common.domain.ids import claims_document_id, concerned_documents, document_key
from common.domain.names import PackageKind, UnitCode
from common.domain.outcome import Refused, Undecided
from common.domain.reason import Reason
from common.edxml.dates import VIETNAM
from common.envelopes import from_json
from common.facts import (
    BaseFact,
    DocumentRefused,
    DocumentVerified,
    MessageParked,
    NoticeAccepted,
    OperatorActed,
    OperatorRequested,
    PackageAccepted,
    PackageRefused,
    PackageRepeated,
    PackageWaiting,
)
from common.failure import Permanent, Transient
from common.service.newest_decisions import following
from common.topology import unit_of_inbox
from router import answers
from router.actions import Decision, RefuseReceiver
from router.compose import Answer
from router.execute.discards import Discards
from router.execute.execution import OWN_DOCUMENT, Routable
from router.execute.executor import Executor
from router.execute.messages import refusal_of, routed, routed_refusal, version_of, waits
from router.execute.placing import Placer
from router.execute.references import References
from router.execute.sender import Sender
from router.inbox import Contents, Inbox
from router.metrics import record_carried_out
from router.order import order_of
from router.placing import PlacingState
from router.returns import Returns
from router.route import DocumentState, Known, Outcome, Plan, plan, rests_on_directory, units_named
from router.settings import RouterSettings
from router.store import Store
from router.store.rows import DocumentRecord
from router.succession import refusal_of as refusal_of_receiver


class Directories(Protocol):
    """Gives the unit directory in force (``common.directory.DirectoryReader``)."""

    @property
    def current(self) -> Directory:
        """The version that was loaded last."""

    async def confirm(self) -> None:
        """Make sure that ``current`` is the newest version. Raises ``Outage`` if that cannot be found out."""


class Router:
    """The steps of the router over its adapters.

    A handler may raise what the adapters raise (``Outage``), and ``Permanent`` or ``Transient`` where it says so.
    """

    def __init__(
        self,
        sender: Sender,
        settings: RouterSettings,
        objects: Contents,
        store: Store,
        directory: Directories,
        now: Clock = utc_now,
        seconds: Callable[[], float] = loop_time,
    ) -> None:
        """``seconds``: a monotonic clock."""
        self._store = store
        self._objects = objects
        self._directory = directory
        self._sender = sender
        self._now = now
        inbox = Inbox(objects, settings, now)
        self.placer = Placer(store, inbox, sender, self._surely_closed, self._answer, self._finish, now, seconds)
        self._executor = Executor(
            store, inbox, sender, self.placer, self._surely_reaches, self._finish, now, settings.actions_at_once
        )
        self.references = References(store, inbox, self.placer, sender, self._reaches, now)
        self._discards = Discards(store, objects)
        self.returns = Returns(store, self.placer, self._executor.answer, now)

    @property
    def handlers(self) -> dict[type[BaseFact], Callable[..., Awaitable[None]]]:
        """The handler of each fact that the router takes."""
        follow = following(self._store.newest_decisions, self.notify_held, self.notify_discarded)
        return {
            PackageAccepted: self.acknowledge,
            NoticeAccepted: self.route,
            DocumentVerified: self.route,
            PackageRefused: self.answer_refused,
            PackageWaiting: self.notify_waiting,
            PackageRepeated: self.repeat,
            DocumentRefused: self.refuse,
            MessageParked: follow,
            OperatorActed: follow,
            OperatorRequested: self.references.act,
        }

    async def acknowledge(self, fact: PackageAccepted) -> None:
        """Send a receipt to the sender of a package with files that was let in."""
        await self._executor.answer(answers.receipt_of(fact))

    async def answer_refused(self, fact: PackageRefused) -> None:
        """Send the refusal to the sender of a package that intake refused."""
        await self._executor.answer(answers.package_refusal_of(fact))
        await self._sender.announce(routed_refusal(fact))

    async def route(self, fact: Routable) -> None:
        """Decide once about a valid document or a notice, and carry the decision out.

        Raises ``Permanent`` if the package does not belong to the fact, ``Transient`` if it cannot be decided yet.
        """
        message = _checked(from_json(await self._objects.get(fact.envelope)), fact)
        earlier = await self._store.decisions.find(fact.event_id)
        decision = earlier or await self._decide(fact, message)
        _check_same(decision, fact)
        if isinstance(fact, NoticeAccepted):
            await self._executor.answer(answers.receipt_of(fact))
        if refused := decision.refused:
            await self._executor.refuse(fact, message, decision, refused)
        else:
            await self._executor.carry_out(fact, message, decision, is_repeated=earlier is not None)
        if not isinstance(fact, NoticeAccepted):
            await self._acknowledge_once(fact)
        if earlier:
            await self._report(fact, earlier)

    async def refuse(self, fact: DocumentRefused) -> None:
        """Record a document that the validator refused, and send the refusal to its sender. A package that brings no
        document of its own leaves the DocumentId that it names as it is."""
        message = from_json(await self._objects.get(fact.envelope))
        if isinstance(message, Envelope) and claims_document_id(message):
            await self._store.documents.note(_document(fact, message))
        await self._executor.answer(refusal_of(fact, message, fact.occurred_at, fact.reason, fact.detail))
        await self._acknowledge_once(fact)
        await self._sender.announce(routed_refusal(fact))

    async def repeat(self, fact: PackageRepeated) -> None:
        """Send the saved answers again, because the same bytes were submitted again. If the package was refused, only
        the refusals are sent. Raises ``Transient`` while there is no answer yet."""
        saved = await self._store.answers.of_package(fact.package_id)
        if not saved and not fact.accepted:
            saved = [answers.package_refusal_of(fact)]
        if not saved:
            raise Transient(Reason.E_UNAVAILABLE, "the first answer is not given yet")
        for answer in answers.to_repeat(saved):
            await self._executor.repeat(answer)

    async def notify_waiting(self, fact: PackageWaiting) -> None:
        """Notify the sender of a package that waits, unless it has been decided in the meantime."""
        if not await self._is_decided(fact):
            await self._executor.answer(answers.waiting_answer(fact))

    async def notify_held(self, fact: MessageParked) -> None:
        """Notify the sender of a package that a service has parked. A message that a unit's system returned is handled
        by ``Returns``."""
        if unit_of_inbox(fact.queue):
            await self.returns.note(fact)
        elif fact.holds_package and (sender := self._sender_of(fact)):
            await self._executor.answer(answers.held_answer(fact, sender))

    async def notify_discarded(self, fact: OperatorActed) -> None:
        """Follow an operator's decision about a parked message: the sender of a discarded package gets a refusal."""
        await self.returns.settle(fact)
        is_discarded = fact.action == "discard" and fact.outcome == "done"
        if is_discarded and fact.holds_package and (sender := self._sender_of(fact)):
            await self._executor.answer(answers.discarded_answer(fact, sender))
        await self._discards.note(fact)

    async def _is_decided(self, fact: PackageWaiting) -> bool:
        saved = await self._store.answers.of_package(fact.package_id)
        if any(answer.final for answer in saved):
            return True
        if fact.reason is Reason.E_REFDOC_AWAITED:  # intake had not let it in; any later answer means that it has
            return any(not answer.is_receipt or answer.reason is None for answer in saved)
        return await self._store.decisions.find(ids.event_id(fact.package_id, ids.VERDICT)) is not None

    async def _finish(self, event_id: str) -> None:
        """Announce that a decision is carried out for every receiver, and count it once."""
        now, decision = self._now(), await self._store.decisions.find(event_id)
        if decision is None or decision.carried_out_at is not None:
            return
        if fact := routed(decision):
            await self._sender.announce(fact)
        if await self._store.decisions.carried_out(event_id, now):
            record_carried_out(decision, now)

    async def _acknowledge_once(self, fact: Routable | DocumentRefused) -> None:
        """Send the receipt if it has not been sent: ``package.accepted`` may have been lost."""
        receipt = answers.receipt_of(fact)
        placing = await self._store.placings.find(receipt.event_id)
        if placing is None:
            await self._executor.answer(receipt)
        elif placing.state is PlacingState.DUE:  # its order may have been lost
            await self.placer.order_again(placing)

    async def _report(self, fact: Routable, earlier: Decision) -> None:
        """Answer a repeated fact: announce that its package is routed, or that it waits."""
        decision = replace(earlier, sender=fact.sender, kind=fact.kind)
        is_open = earlier.carried_out_at is None and await self._store.placings.has_open(fact.event_id)
        if report := waits(decision) if is_open else routed(decision):
            await self._sender.announce(report)

    async def _decide(self, fact: Routable, message: Message) -> Decision:
        outcome = await self._outcome(fact, message)
        if isinstance(outcome, Undecided):
            if isinstance(fact, NoticeAccepted):  # the receipt does not wait for the decision
                await self._executor.answer(answers.receipt_of(fact))
            raise Transient(outcome.reason, outcome.detail)
        decision = self._decision(fact, outcome)
        if isinstance(outcome, Plan) and isinstance(message, Envelope) and message.kind is PackageKind.UPDATE:
            decision = await self._executor.with_version(fact, message, decision)
        return await self._store.decisions.save(decision)

    async def _outcome(self, fact: Routable, message: Message) -> Outcome:
        known, directory = await self._known(fact, message), self._directory.current
        outcome = plan(message, fact.subject, known, directory, self._today())
        if rests_on_directory(outcome):
            await self._directory.confirm()
        if isinstance(outcome, Plan) and isinstance(message, Envelope) and message.kind in OWN_DOCUMENT:
            mine = await self._store.documents.claim(_document(fact, message))
            return outcome if mine else Refused(Reason.E_DUP, message.document_id)
        return outcome

    def _decision(self, fact: Routable, outcome: Plan | Refused) -> Decision:
        refused = outcome if isinstance(outcome, Refused) else None
        planned = outcome if isinstance(outcome, Plan) else Plan(subject=fact.subject, document_id=fact.document_id)
        return Decision(
            event_id=fact.event_id,
            lane=fact.lane,
            submitted_at=fact.submitted_at,
            is_document=isinstance(fact, DocumentVerified),
            package_id=fact.package_id,
            sender=fact.sender,
            kind=fact.kind,
            at=self._now(),
            subject=planned.subject,
            document_id=planned.document_id,
            orders=planned.orders,
            refused=refused,
        )

    async def _known(self, fact: Routable, message: Message) -> dict[str, Known]:
        known: dict[str, Known] = {}
        units = units_named(message, self._directory.current, self._today())
        for key in dict.fromkeys(document_key(*concerned) for concerned in concerned_documents(message)):
            if document := await self._store.documents.find(key):
                receivers = await self._store.deliveries.receivers(document.key, units)
                in_place_of = await self._in_place_of(document.key, message, units)
                if in_place_of:
                    holders = frozenset[UnitCode]().union(*in_place_of.values())
                    receivers |= await self._store.deliveries.receivers(document.key, holders)
                known[key] = Known(
                    key=document.key,
                    sender=document.sender,
                    document_id=document.document_id,
                    state=document.state,
                    receivers=receivers,
                    in_place_of=in_place_of,
                    is_corrected=document.is_corrected(fact.holder_of(key), order_of(fact)),
                )
        return known

    async def _in_place_of(
        self, key: str, message: Message, units: frozenset[UnitCode] | None
    ) -> dict[UnitCode, frozenset[UnitCode]]:
        """By closed unit, the units that were given the document in its place. Empty for a status, which only concerns
        the delivery of the unit that reports it."""
        return {} if isinstance(message, StatusReport) else await self._store.deliveries.in_place_of(key, units)

    def _today(self) -> date:
        """The local day in Ho Chi Minh City."""
        return self._now().astimezone(VIETNAM).date()

    def _reaches(self, unit: UnitCode) -> bool:
        listed = self._directory.current.unit(unit)
        return listed is not None and listed.is_open(self._today())

    async def _surely_reaches(self, unit: UnitCode) -> bool:
        """The same, where a negative answer is final. Raises ``Outage`` unless that answer is from the newest
        directory."""
        if not self._reaches(unit):
            await self._directory.confirm()
            return False
        return True

    async def _surely_closed(self, unit: UnitCode) -> RefuseReceiver | None:
        """The refusal of a unit that the newest directory lists as closed; None = it is open, or not listed. Raises
        ``Outage`` as above."""
        refusal = refusal_of_receiver(unit, self._directory.current, self._today())
        if refusal is None or refusal.reason is not Reason.E_TO_CLOSED:
            return None
        await self._directory.confirm()
        return refusal

    async def _answer(self, answer: Answer) -> None:
        await self._executor.answer(answer)

    def _sender_of(self, fact: MessageParked | OperatorActed) -> UnitCode:
        """The sender of a parked package: as the fact says, or the unit whose user published it. Empty = unknown."""
        if fact.sender:
            return fact.sender
        unit = self._directory.current.unit_of_user(fact.user) if fact.user else None
        return unit.code if unit else ""


def _checked(message: Message, fact: Routable) -> Message:
    """The message, if its kind fits the fact. Raises ``Permanent`` for content that the validator has not verified, and
    for a verified package without content."""
    content = isinstance(message, Envelope) and (bool(message.attachments) or message.kind in OWN_DOCUMENT)
    if content is not isinstance(fact, DocumentVerified):
        raise Permanent(Reason.E_FACT, f"a {message.kind} does not come as {fact.fact}")
    return message


def _check_same(decision: Decision, fact: Routable) -> None:
    """Raises ``Permanent`` unless the decision is about the package of the fact."""
    if decision.package_id != fact.package_id:
        raise Permanent(Reason.E_FACT, f"the event was decided about package {decision.package_id}")


def _document(fact: Routable | DocumentRefused, envelope: Envelope) -> DocumentRecord:
    refused = fact if isinstance(fact, DocumentRefused) else None
    return DocumentRecord(
        key=document_key(envelope.sender.code, envelope.document_id),
        sender=envelope.sender.code,
        document_id=envelope.document_id,
        state=DocumentState.REFUSED if refused else DocumentState.ROUTING,
        package_id=fact.package_id,
        kind=fact.kind,
        submitted_at=fact.submitted_at,
        place=fact.place,
        versions=() if isinstance(fact, DocumentRefused) else (version_of(fact, envelope),),
        reason=refused.reason if refused else None,
    )
