"""What is announced about parked messages and decisions: made of the record alone, so the same each time. Pure."""

from common.domain.ids import digest_id, event_id
from common.domain.names import Lane
from common.domain.reason import Reason
from common.domain.security import SecurityKind
from common.facts import MessageParked, OperatorActed, OperatorRequested, SecurityNoticed, security_event
from common.service.records import UNDER_WAY, MessageRecord, OperatorDecision


def parked_fact(service: str, record: MessageRecord) -> MessageParked:
    """What is announced about a record each time it has been parked."""
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
    """What is announced about a decision that was carried out, or could not be."""
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
    """Every decision of an operator is a security event (R40)."""
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
    """A message that had to be given up for a reason of security: one event each time it is parked, and the same before
    it is as afterwards."""
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
    """Id of what is announced about a decision. The id that the request bears is the operator's word, and could be that
    of an earlier request, whose announcements would then hide these."""
    decision = digest_id("decision", request.event_id, request.action, request.actor, request.purpose)
    return event_id(record.record_id, f"{step}/{decision}")
