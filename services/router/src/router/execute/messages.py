"""The messages and facts of actions. They are made of the execution alone, so that each is the same at every run."""

from datetime import datetime
from hashlib import sha256
from typing import Any, TypeVar

from common.domain.envelope import Envelope, Message, Organization
from common.domain.ids import document_key, event_id
from common.domain.names import Label, PackageKind, StatusCode, UnitCode
from common.domain.outcome import Refused
from common.domain.reason import Reason
from common.facts import (
    FACT,
    BaseFact,
    DeliveryPlaced,
    DeliveryRefused,
    DeliveryWaiting,
    DocumentRecalled,
    DocumentRefused,
    DocumentSuperseded,
    DocumentVerified,
    PackageFact,
    PackageRefused,
    PackageRouted,
    SecurityNoticed,
    StatusRecorded,
    security_event,
)
from common.headers import EDXML_TYPE
from router.actions import Decision, RefuseReceiver
from router.compose import Answer, agreement, answered, withdrawal
from router.delivery_state import Step
from router.execute.execution import Decided, Execution, Routable
from router.order import order_of
from router.placing import LOST_AFTER, MessageType, Placing
from router.route import DocumentState
from router.store.rows import DocumentRecord
from router.versions import Version

F = TypeVar("F", bound=PackageFact)


def package_placing(execution: Execution, receiver: UnitCode) -> Placing:
    """Places the package itself, as a delivery of the document."""
    return execution.placing(
        receiver,
        f"placed/{receiver}",
        MessageType.DOCUMENT,
        delivery=execution.decision.subject,
        fact=placed(execution, receiver, execution.subject_text, execution.label),
    )


def current_version_placing(execution: Execution, receiver: UnitCode) -> Placing:
    """Places the package of the document's current version at a unit that an update added. Raises ``RuntimeError`` if
    the decision has no version."""
    if execution.decision.version is None:
        raise RuntimeError(f"document {execution.decision.subject} has no content to deliver")
    current = execution.decision.version.version
    return execution.placing(
        receiver,
        f"placed/{receiver}",
        MessageType.DOCUMENT,
        package=current.package,
        headers=execution.headers(package_id=current.package_id, kind=current.kind, label=current.label),
        delivery=execution.decision.subject,
        fact=placed(execution, receiver, current.subject_text, current.label),
    )


def withdrawal_placing(execution: Execution, unit: UnitCode, trunk: Organization) -> Placing:
    """Places status 13, in the trunk's name, at a unit that an update removed."""
    decision = execution.decision
    notice = withdrawal(execution.fact.sender, decision.document_id, trunk, decision.at)
    return _status_placing(execution, unit, f"withdrawn/{unit}", notice, trunk)


def agreement_placing(execution: Execution, unit: UnitCode, trunk: Organization) -> Placing:
    """Places status 15, in the trunk's name, at the sender of a document that was withdrawn before a unit got it."""
    issuer, decision = execution.fact.sender, execution.decision
    answer = agreement(issuer, decision.document_id, unit, trunk, decision.at)
    return _status_placing(execution, issuer, f"agreed/{unit}", answer, trunk)


def _status_placing(execution: Execution, to: UnitCode, step: str, status: bytes, trunk: Organization) -> Placing:
    digest, identifier = sha256(status).hexdigest(), event_id(execution.fact.package_id, step)
    headers = execution.headers(sender=trunk.code, kind=PackageKind.STATUS, label=None)
    return Placing(
        id=identifier,
        receiver=to,
        lane=execution.fact.lane,
        type=MessageType.STATUS,
        headers=headers.amqp(identifier, digest),
        content_type=EDXML_TYPE,
        body=status,
        sha256=digest,
        decision=execution.decision.event_id,
        opened_at=execution.opened_at,
        next_attempt_at=execution.opened_at + LOST_AFTER,
    )


def placed(execution: Execution, receiver: UnitCode, text: str, label: Label | None) -> DeliveryPlaced:
    """The fact that the package is in the unit's inbox. ``text``: subject of the document."""
    return execution.follow(
        DeliveryPlaced,
        f"placed/{receiver}",
        receiver=receiver,
        subject_text=text,
        label=label,
        submitted_at=execution.fact.submitted_at,
    )


def recorded(
    decided: Decided, receiver: UnitCode, forwarded_to: UnitCode, code: StatusCode, step: Step, description: str = ""
) -> StatusRecorded:
    """The fact that a status was recorded for a delivery. ``forwarded_to``: the unit to which it is forwarded."""
    return decided.follow(
        StatusRecorded,
        f"recorded/{receiver}",
        receiver=receiver,
        told=forwarded_to,
        code=code,
        state=step.position.state,
        changed=step.changed,
        description=description,
    )


def agreed(decided: Decided, receiver: UnitCode, step: Step, description: str) -> StatusRecorded:
    """The fact that the trunk agreed to a recall for a unit that had not received the document."""
    return decided.follow(
        StatusRecorded,
        f"agreed/{receiver}",
        receiver=receiver,
        told=decided.fact.sender,
        code=StatusCode.AGREED,
        state=step.position.state,
        changed=step.changed,
        description=description,
    )


def withdrawn(placing: Placing, at: datetime) -> DeliveryRefused:
    """The fact that a delivery was taken back before its unit got it."""
    detail = f"đơn vị nhận {placing.receiver}"
    return not_delivered(
        placing, RefuseReceiver(receiver=placing.receiver, reason=Reason.E_WITHDRAWN, detail=detail), at
    )


def not_delivered(placing: Placing, refusal: RefuseReceiver, at: datetime) -> DeliveryRefused:
    """The fact that a delivery ended before its unit got it."""
    delivery, about = DeliveryPlaced.model_validate(placing.fact), {"reason": refusal.reason, "detail": refusal.detail}
    return delivery.follow(DeliveryRefused, f"turned/{placing.receiver}", at, receiver=placing.receiver, **about)


def kept_withdrawal(placing: Placing, at: datetime) -> dict[str, Any] | None:
    """The same fact as JSON, to be saved before it is announced; None for a placing without a fact."""
    return withdrawn(placing, at).model_dump(mode="json", exclude_none=True) if placing.fact else None


def withdrawal_of(placing: Placing, at: datetime) -> BaseFact:
    """The same fact as it was first announced, even if the delivery was withdrawn again since, for another reason."""
    return FACT.validate_python(placing.withdrawal) if placing.withdrawal else withdrawn(placing, at)


def recalled(decided: Decided, receiver: UnitCode, step: Step) -> DocumentRecalled:
    """The fact that a recall was recorded for a delivery."""
    return decided.follow(DocumentRecalled, f"recalled/{receiver}", receiver=receiver, state=step.position.state)


def superseded(decided: Decided, receiver: UnitCode, replaced: str) -> DocumentSuperseded:
    """The fact that the document took the place of an older one at a unit. ``replaced``: key of the older document."""
    return decided.follow(
        DocumentSuperseded,
        f"superseded/{replaced}/{receiver}",
        subject=replaced,
        receiver=receiver,
        successor=decided.decision.subject,
    )


def receiver_refused(execution: Execution, action: RefuseReceiver) -> DeliveryRefused:
    """The fact that a receiver gets nothing."""
    receiver = action.receiver
    return execution.follow(
        DeliveryRefused, f"turned/{receiver}", receiver=receiver, reason=action.reason, detail=action.detail
    )


def routed(decision: Decision) -> PackageRouted | None:
    """The fact that a decision is carried out; None for a decision of an earlier release, which lacks the kind of its
    package."""
    return _of_decision(PackageRouted, decision, "routed", receivers=0 if decision.refused else decision.receivers)


def waits(decision: Decision) -> DeliveryWaiting | None:
    """The fact that placings of a decision wait; None as for ``routed``."""
    return _of_decision(DeliveryWaiting, decision, "delivery.waiting")


def routed_refusal(fact: DocumentRefused | PackageRefused) -> PackageRouted:
    """The fact ``package.routed`` for a package that intake or the validator refused: its sender is answered."""
    return fact.follow(PackageRouted, "routed", fact.occurred_at, receivers=0)


def _of_decision(fact: type[F], decision: Decision, step: str, **fields: Any) -> F | None:
    if decision.kind is None:
        return None
    about = {
        "event_id": event_id(decision.package_id, step),
        "occurred_at": decision.at,
        "subject": decision.subject,
        "lane": decision.lane,
        "package_id": decision.package_id,
        "sender": decision.sender,
        "document_id": decision.document_id,
        "kind": decision.kind,
    }
    return fact.model_validate(about | fields)


def security_fact(fact: Routable, refused: Refused, at: datetime) -> SecurityNoticed | None:
    """The security event of a refusal; None if the refusal is not a security event."""
    if refused.security is None:
        return None
    return security_event(
        "router",
        refused.security,
        event_id(fact.package_id, f"router/security/{refused.security}"),
        at,
        actor=fact.sender,
        detail=f"{refused.reason}: {refused.detail}",
        package_id=fact.package_id,
    )


def refusal_of(
    fact: Routable | DocumentRefused,
    message: Message,
    at: datetime,
    reason: Reason,
    detail: str,
    receiver: UnitCode | None = None,
) -> Answer:
    """The refusal of a package, or of one ``receiver`` of it."""
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
    """The version of the document that a package brings."""
    return Version(
        package_id=fact.package_id,
        package=fact.package,
        kind=fact.kind,
        label=fact.label if isinstance(fact, DocumentVerified) else None,
        subject_text=envelope.subject,
        order=order_of(fact),
    )


def alias_of(execution: Execution, envelope: Envelope) -> DocumentRecord:
    """The row for the DocumentId of an update or a recall, which stands for the document that the package concerns."""
    return DocumentRecord(
        key=document_key(envelope.sender.code, envelope.document_id),
        sender=envelope.sender.code,
        document_id=envelope.document_id,
        state=DocumentState.ALIAS,
        package_id=execution.fact.package_id,
        kind=execution.fact.kind,
        submitted_at=execution.fact.submitted_at,
        place=execution.fact.place,
        alias_of=execution.decision.subject,
    )
