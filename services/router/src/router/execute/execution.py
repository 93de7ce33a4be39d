"""The execution of a decision: the decision with its fact and message, and the placings made of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from common.domain.envelope import Envelope, Message, StatusReport
from common.domain.ids import event_id
from common.domain.names import Label, PackageKind, UnitCode
from common.facts import BaseFact, DocumentVerified, NoticeAccepted, ObjectRef, PackageFact
from router.actions import Decision
from router.delivery_history import DeliveryEvent
from router.delivery_state import VERSIONS, EventKind, Step
from router.inbox import MessageHeaders
from router.order import SubmissionOrder, order_of
from router.placing import LOST_AFTER, MessageType, Placing

Routable = DocumentVerified | NoticeAccepted
OWN_DOCUMENT = frozenset({PackageKind.NEW, PackageKind.REPLACE})
"""Kinds of packages that open deliveries of a document of their own; updates and recalls work on those of another."""

F = TypeVar("F", bound=PackageFact)


@dataclass(frozen=True, slots=True)
class Work:
    """The result of one action: messages to place, and facts to announce."""

    placings: tuple[Placing, ...] = ()
    held: tuple[Placing, ...] = ()
    """Placings that must not be tried before the unit has answered a recall."""
    facts: tuple[BaseFact, ...] = ()


def joined(works: Sequence[Work]) -> Work:
    """The results of several actions as one."""
    return Work(
        tuple(placing for work in works for placing in work.placings),
        tuple(placing for work in works for placing in work.held),
        tuple(fact for work in works for fact in work.facts),
    )


@dataclass(frozen=True, slots=True)
class Decided:
    """A fact and the decision about it."""

    fact: Routable
    decision: Decision

    def follow(self, fact: type[F], step: str, **fields: Any) -> F:
        """A fact that follows from the decision. ``step``: names it among all facts about the package."""
        about = {"subject": self.decision.subject, "document_id": self.decision.document_id}
        return self.fact.follow(fact, step, self.decision.at, **about | fields)


@dataclass(frozen=True, slots=True)
class Execution(Decided):
    """A decision that is being carried out."""

    message: Message
    opened_at: datetime
    opened: Mapping[UnitCode, Step] = field(default_factory=dict)
    """By receiver, the result of getting the document for its delivery."""
    kept_back: frozenset[UnitCode] = frozenset()
    """Receivers that never get the package, because a recall that was submitted later came first, and the trunk agreed
    to it."""

    @property
    def version(self) -> int:
        """Number of the version that the package brings; without content, of the current version."""
        return self.decision.version.number if self.decision.version else 1

    @property
    def _version_order(self) -> SubmissionOrder | None:
        version = self.decision.version.version if self.decision.version else None
        return version.order if version and version.package_id != self.fact.package_id else None

    @property
    def order(self) -> SubmissionOrder:
        """The place of the package among all packages about the document."""
        return order_of(self.fact)

    @property
    def label(self) -> Label | None:
        """The label of the document; None for a notice."""
        return self.fact.label if isinstance(self.fact, DocumentVerified) else None

    @property
    def reason(self) -> str:
        """The reason that the issuer gives, in its own words; empty = none."""
        if isinstance(self.message, StatusReport):
            return self.message.description or ""
        return self.message.business.reason or ""

    @property
    def subject_text(self) -> str:
        """The subject of the document (trích yếu); empty for a status."""
        return self.message.subject if isinstance(self.message, Envelope) else ""

    def event(self, kind: EventKind, description: str = "") -> DeliveryEvent:
        """The event that the decision causes for a delivery."""
        return DeliveryEvent(
            id=self.fact.event_id,
            kind=kind,
            by=self.fact.sender,
            at=self.decision.at,
            order=self.order,
            version=self.version if kind in VERSIONS else None,
            version_order=self._version_order if kind in VERSIONS else None,
            description=description,
        )

    def headers(self, **changes: Any) -> MessageHeaders:
        """The headers of the package in an inbox. ``changes``: values that differ from the package's own."""
        values: dict[str, Any] = {
            "package_id": self.fact.package_id,
            "document_key": self.decision.subject,
            "document_id": self.decision.document_id,
            "sender": self.fact.sender,
            "kind": self.fact.kind,
            "lane": self.fact.lane,
            "label": self.label,
            "unsigned_annexes": self.fact.unsigned_annexes if isinstance(self.fact, DocumentVerified) else 0,
        }
        return MessageHeaders(**values | changes)

    def placing(
        self,
        receiver: UnitCode,
        step: str,
        kind: MessageType,
        *,
        package: ObjectRef | None = None,
        headers: MessageHeaders | None = None,
        delivery: str = "",
        fact: BaseFact | None = None,
    ) -> Placing:
        """A placing of the package, or of ``package`` instead, for one inbox. ``step``: names it among all placings of
        the package."""
        package = package or self.fact.package
        identifier = event_id(self.fact.package_id, step)
        return Placing(
            id=identifier,
            receiver=receiver,
            lane=self.fact.lane,
            type=kind,
            headers=(headers or self.headers()).amqp(identifier, package.sha256),
            package=package,
            sha256=package.sha256,
            decision=self.decision.event_id,
            delivery=delivery,
            fact=fact.model_dump(mode="json", exclude_none=True) if fact else None,
            opened_at=self.opened_at,
            next_attempt_at=self.opened_at + LOST_AFTER,
        )


def answer_id(recall: str) -> str:
    """Event id of the trunk's own answer to a recall. ``recall``: event id of the recall."""
    return f"{recall}/{EventKind.AGREED}"


def recall_of(answer: str) -> str:
    """The inverse of ``answer_id``; any other event id is returned unchanged."""
    return answer.removesuffix(f"/{EventKind.AGREED}")


def answer_event(recall: Decided, order: SubmissionOrder, by: UnitCode, description: str) -> DeliveryEvent:
    """The event of the trunk's own answer to a recall, directly after the recall in the order of submission.

    ``order``: place of the recall; ``by``: the trunk's code.
    """
    return DeliveryEvent(
        id=answer_id(recall.fact.event_id),
        kind=EventKind.AGREED,
        by=by,
        at=recall.decision.at,
        order=SubmissionOrder(submitted_at=order.submitted_at, package_id=f"{order.package_id}/{EventKind.AGREED}"),
        description=description,
    )
