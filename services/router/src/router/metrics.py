"""The router's counters. Each function is called after a change that only one run can make, so nothing counts twice."""

from datetime import datetime

from common.domain.directory import Directory
from common.domain.names import Lane, UnitCode
from common.metrics import (
    record_delivery,
    record_delivery_ack,
    record_document_delivery,
    record_rejection,
    record_stage,
)
from common.metrics.documents import RejectionSource
from router.actions import Decision, Deliver, DeliverCurrentVersion, OfferVersion, RefuseReceiver
from router.delivery_history import DeliveryEvent
from router.delivery_state import DeliveryState
from router.store.rows import Happened


def record_carried_out(decision: Decision, now: datetime) -> None:
    """Count a decision that is carried out for every receiver."""
    for action in decision.orders:
        if isinstance(action, RefuseReceiver):
            record_rejection(decision.sender, "router", action.reason, "receiver")
    if decision.refused:
        source: RejectionSource = "document" if decision.is_document else "notice"
        record_rejection(decision.sender, "router", decision.refused.reason, source)
    delivers = any(isinstance(action, Deliver | OfferVersion | DeliverCurrentVersion) for action in decision.orders)
    if delivers and decision.submitted_at:
        seconds = (now - decision.submitted_at).total_seconds()
        record_document_delivery(decision.sender, decision.lane, seconds)
        record_stage(decision.sender, "delivered", decision.lane, seconds)


def record_status(receiver: UnitCode, event: DeliveryEvent, happened: Happened) -> None:
    """Count a recorded status. Only statuses of the receiver itself count; the first of them gives the time that the
    receiver took."""
    if not happened.is_first or not happened.step.changed or event.by != receiver:
        return
    is_first_status = happened.before.state is DeliveryState.SENT
    if is_first_status:
        record_delivery_ack(receiver, happened.lane, (event.at - happened.placed_at).total_seconds())
    if happened.step.position.state is DeliveryState.REFUSED:
        record_delivery(receiver, happened.lane, "refused")
    elif is_first_status:
        record_delivery(receiver, happened.lane, "acknowledged")


def none_pending(directory: Directory) -> dict[tuple[UnitCode, Lane], int]:
    """Zero pending deliveries for every unit and lane, so that each replica reports all of them."""
    return {(unit, lane): 0 for unit in directory.units for lane in Lane}
