"""The router's handlers: load what was decided or decide, save it, carry all of it out; again does the same again."""

from datetime import UTC, date, datetime
from typing import Annotated, Protocol, assert_never

from pydantic import Field

from common.domain.directory import Directory
from common.domain.envelope import Envelope, Message
from common.domain.ids import claims_document_id, concerned_documents, document_key
from common.domain.names import UnitCode
from common.domain.outcome import Refused, Undecided
from common.domain.reason import Reason
from common.edxml.dates import VIETNAM
from common.envelopes import from_json
from common.facts import (
    DocumentRefused,
    DocumentVerified,
    NoticeAccepted,
    PackageAccepted,
    PackageRefused,
    PackageRepeated,
)
from common.failure import Permanent, Transient
from router.carrier import OWN_DOCUMENT, Carrier, Routable, refusal_of, version_of
from router.compose import Answer
from router.inbox import Contents, Inbox, Sender
from router.measuring import measure_carried_out
from router.orders import Decision
from router.records import DocumentRecord
from router.route import DocumentState, Known, Outcome, Plan, plan, units_named
from router.settings import RouterSettings
from router.store import Store

Taken = Annotated[
    PackageAccepted | PackageRefused | PackageRepeated | NoticeAccepted | DocumentVerified | DocumentRefused,
    Field(discriminator="fact"),
]
"""The facts the router takes."""


class Directories(Protocol):
    """Where the newest unit directory is found."""

    @property
    def current(self) -> Directory:
        """The directory as of now."""


class Router:
    """The steps of the router over its adapters."""

    def __init__(
        self, sender: Sender, settings: RouterSettings, objects: Contents, store: Store, directory: Directories
    ) -> None:
        self._store = store
        self._objects = objects
        self._directory = directory
        inbox = Inbox(sender, objects, settings)
        self._carrier = Carrier(store, inbox, sender, self._reaches, settings.placements_at_once)

    async def take(self, fact: Taken) -> None:
        """One fact."""
        match fact:
            case PackageAccepted():
                await self._carrier.tell(_receipt(fact))
            case NoticeAccepted() | DocumentVerified():
                await self.route(fact)
            case PackageRefused():
                await self._carrier.tell(_turned_away(fact))
            case PackageRepeated():
                await self.repeat(fact)
            case DocumentRefused():
                await self.refuse(fact)
            case _:
                assert_never(fact)

    async def route(self, fact: Routable) -> None:
        """A valid document, or a notice: decide once, then carry it out."""
        message = _checked(from_json(await self._objects.get(fact.envelope)), fact)
        decision = await self._store.decision(fact.event_id) or await self._decide(fact, message)
        if isinstance(fact, NoticeAccepted):
            await self._carrier.tell(_receipt(fact))
        if refused := decision.refused:
            await self._carrier.turn_away(fact, message, decision, refused)
        else:
            await self._carrier.carry_out(fact, message, decision)
        if await self._store.carried_out(fact.event_id, datetime.now(UTC)):
            measure_carried_out(fact, decision)

    async def refuse(self, fact: DocumentRefused) -> None:
        """Not valid: kept as refused, and the sender is told. An id that is not its own stays untouched."""
        message = from_json(await self._objects.get(fact.envelope))
        if isinstance(message, Envelope) and claims_document_id(message):
            await self._store.refuse(_document(fact, message))
        await self._carrier.tell(refusal_of(fact, message, fact.occurred_at, fact.reason, fact.detail))

    async def repeat(self, fact: PackageRepeated) -> None:
        """The same bytes again: the sender is told again what was said about them, a refusal before all else."""
        answers = await self._store.answers(fact.package_id)
        refusals = [answer for answer in answers if answer.final]
        if not answers and not fact.accepted:
            refusals = [_turned_away(fact)]
        if not answers and not refusals:
            raise Transient(Reason.E_UNAVAILABLE, "the first answer is not given yet", top_rung="1m")
        for answer in refusals or answers:
            await self._carrier.repeat(answer)

    async def _decide(self, fact: Routable, message: Message) -> Decision:
        outcome = await self._outcome(fact, message)
        if isinstance(outcome, Undecided):
            await self._receipt_while_waiting(fact)
            raise Transient(outcome.reason, outcome.detail, top_rung="1m")
        return await self._store.save_decision(_decision(fact, outcome))

    async def _outcome(self, fact: Routable, message: Message) -> Outcome:
        outcome = plan(message, fact.subject, await self._known(message), self._directory.current, today())
        if isinstance(outcome, Plan) and isinstance(message, Envelope) and message.kind in OWN_DOCUMENT:
            mine = await self._store.claim(_document(fact, message))
            return outcome if mine else Refused(Reason.E_DUP, message.document_id)
        return outcome

    async def _known(self, message: Message) -> dict[str, Known]:
        known: dict[str, Known] = {}
        for key in dict.fromkeys(document_key(*concerned) for concerned in concerned_documents(message)):
            if document := await self._store.document(key):
                receivers = await self._store.receivers(document.key, units_named(message))
                known[key] = Known(
                    key=document.key,
                    sender=document.sender,
                    document_id=document.document_id,
                    state=document.state,
                    receivers=receivers,
                )
        return known

    async def _receipt_while_waiting(self, fact: Routable) -> None:
        """The receipt does not wait; saved only after it was placed, so that further tries need not repeat it."""
        answer = _receipt(fact)
        if isinstance(fact, NoticeAccepted) and not await self._store.answers(fact.package_id):
            await self._carrier.repeat(answer)
            await self._store.save_answer(answer)

    def _reaches(self, unit: UnitCode) -> bool:
        found = self._directory.current.unit(unit)
        return found is not None and found.is_open(today())


def today() -> date:
    """The local day in Ho Chi Minh City."""
    return datetime.now(VIETNAM).date()


def _checked(message: Message, fact: Routable) -> Message:
    """Content passes only after the validator: a notice has none, and a status is never verified."""
    content = isinstance(message, Envelope) and (bool(message.attachments) or message.kind in OWN_DOCUMENT)
    if content is not isinstance(fact, DocumentVerified):
        raise Permanent(Reason.E_FACT, f"a {message.kind} does not come as {fact.fact}")
    return message


def _decision(fact: Routable, outcome: Plan | Refused) -> Decision:
    refused = outcome if isinstance(outcome, Refused) else None
    planned = outcome if isinstance(outcome, Plan) else Plan(subject=fact.subject, document_id=fact.document_id)
    return Decision(
        event_id=fact.event_id,
        package_id=fact.package_id,
        at=datetime.now(UTC),
        subject=planned.subject,
        document_id=planned.document_id,
        orders=planned.orders,
        refused=refused,
    )


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
        versions=() if isinstance(fact, DocumentRefused) else (version_of(fact, envelope),),
        reason=refused.reason if refused else None,
    )


def _receipt(fact: PackageAccepted | Routable) -> Answer:
    return Answer(
        id=f"{fact.package_id}/receipt",
        to=fact.sender,
        package_id=fact.package_id,
        document_key=fact.subject,
        document_id=fact.document_id,
        kind=fact.kind,
        lane=fact.lane,
        at=fact.submitted_at,
        submitted_at=fact.submitted_at,
        sha256=fact.package.sha256,
    )


def _turned_away(fact: PackageRefused | PackageRepeated) -> Answer:
    """Intake's refusal; of the package no more is known than its fact says."""
    package = fact.package if isinstance(fact, PackageRefused) else None
    return Answer(
        id=f"{fact.package_id}/refusal",
        to=fact.sender,
        package_id=fact.package_id,
        document_key=fact.subject,
        document_id=fact.document_id,
        kind=fact.kind,
        lane=fact.lane,
        at=fact.occurred_at,
        submitted_at=fact.submitted_at,
        sha256=package.sha256 if package else "",
        reason=fact.reason or Reason.E_FACT,
        detail=fact.detail,
    )
