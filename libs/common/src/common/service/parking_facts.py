"""Facts about parked messages and decisions, made of the record alone, so that each is the same every time. Pure."""

from common.domain.ids import digest_id, event_id
from common.domain.names import Lane
from common.domain.reason import Reason
from common.domain.security import SecurityKind
from common.facts import MessageParked, OperatorActed, OperatorRequested, SecurityNoticed, security_event
from common.service.records import UNDER_WAY, MessageRecord, OperatorDecision


def parked_fact(service: str, record: MessageRecord) -> MessageParked:
    """The fact that a message was parked; one for each time it was."""
    return MessageParked(
        event_id=event_id(record.record_id, "parked", record.parkings),
        occurred_at=record.parked_at or record.last_failed_at,
        subject=record.about.subject or record.record_id,
        lane=Lane.NORMAL,
        service=service,
        record_id=record.record_id,
        queue=record.queue,
        reason=record.reason or Reason.E_ATTEMPTS,
        detail=record.detail,
        user=record.user_id or "",
        is_quarantined=record.is_quarantined,
        holds_package=record.about.holds_package and not record.is_quarantined,
        sender=record.about.sender,
        package_id=record.about.package_id,
        document_id=record.about.document_id,
        message_event_id=record.about.event_id,
    )


def acted_fact(
    service: str, record: MessageRecord, request: OperatorRequested, decision: OperatorDecision
) -> OperatorActed:
    """The fact that an operator's decision was carried out, or why it could not be."""
    return OperatorActed(
        event_id=answer_id(record, request, "acted"),
        occurred_at=decision.at,
        subject=record.about.subject or record.record_id,
        lane=Lane.NORMAL,
        service=service,
        record_id=record.record_id,
        action=request.action,
        actor=request.actor,
        purpose=request.purpose,
        outcome=decision.outcome,
        reason=decision.reason or record.reason,
        user=record.user_id or "",
        holds_package=record.about.holds_package and not record.is_quarantined,
        sender=record.about.sender,
        package_id=record.about.package_id,
        document_id=record.about.document_id,
        package=None if record.is_quarantined else record.about.package,
        message_event_id=record.about.event_id,
    )


def security_fact(
    service: str, record: MessageRecord, request: OperatorRequested, decision: OperatorDecision
) -> SecurityNoticed:
    """The security event of an operator's decision (R40)."""
    return security_event(
        service,
        SecurityKind.OPERATOR_ACTED,
        answer_id(record, request, "security/acted"),
        decision.at,
        actor=request.actor,
        origin=record.queue,
        detail=f"{request.action} of {record.record_id}: {decision.outcome}; {request.purpose}",
        package_id=record.about.package_id,
    )


def given_up_event(service: str, record: MessageRecord, kind: SecurityKind) -> SecurityNoticed:
    """The security event of a message that was given up because of ``kind``. There is one for each time it is parked;
    it is the same before and after the parking."""
    return security_event(
        service,
        kind,
        event_id(record.record_id, f"security/{kind}", record.parkings + (record.state in UNDER_WAY)),
        record.first_failed_at,
        actor=record.user_id or "",
        origin=record.queue,
        detail=record.detail,
    )


def answer_id(record: MessageRecord, request: OperatorRequested, step: str) -> str:
    """Event id of a fact about a decision. It does not depend on the request's event id alone, because the operator
    chooses that: facts with the id of an earlier request's facts would be taken for repetitions."""
    decision = digest_id("decision", request.event_id, request.action, request.actor, request.purpose)
    return event_id(record.record_id, f"{step}/{decision}")
