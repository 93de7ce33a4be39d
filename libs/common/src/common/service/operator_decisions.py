"""Operators' decisions about parked messages, and whether the state of a message allows them. Pure."""

from datetime import datetime

from common.facts import OperatorRequested
from common.service.records import MessageRecord, OperatorDecision, RecordState


def decision_of(request: OperatorRequested, at: datetime) -> OperatorDecision:
    """The decision in a request, without an outcome."""
    return OperatorDecision(
        event_id=request.event_id, action=request.action, actor=request.actor, purpose=request.purpose, at=at
    )


def refused(record: MessageRecord, request: OperatorRequested) -> str:
    """Why a decision cannot be carried out; empty = it can."""
    if request.action == "restore":
        return "" if record.state is RecordState.DISCARDED else f"not discarded, but {record.state}"
    if request.action == "discard":
        return "" if record.is_held else f"not parked, but {record.state}"
    if record.is_quarantined:
        return "quarantined: its publisher was not entitled to it"
    if record.user_id is None:
        return "anonymous: there is nobody in whose name it could be handled"
    return "" if record.state in (RecordState.PARKED, RecordState.REPLAYING) else f"not parked, but {record.state}"
