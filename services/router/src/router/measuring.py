"""What the router counts, each thing once: every function here follows a change that only one run can make."""

from datetime import UTC, datetime

from common.domain.directory import Directory
from common.domain.names import Lane, UnitCode
from common.facts import DocumentVerified, NoticeAccepted
from common.metrics import (
    record_delivery,
    record_delivery_ack,
    record_document_delivery,
    record_rejection,
    record_stage,
)
from common.metrics.documents import RejectionSource
from router.orders import Decision, Deliver, Revise, Share, Turn
from router.records import Event, Happened
from router.statuses import DeliveryState


def measure_carried_out(fact: DocumentVerified | NoticeAccepted, decision: Decision) -> None:
    """Everything that was decided is done."""
    for order in decision.orders:
        if isinstance(order, Turn):
            record_rejection("router", order.reason, "receiver")
    if decision.refused:
        source: RejectionSource = "document" if isinstance(fact, DocumentVerified) else "notice"
        record_rejection("router", decision.refused.reason, source)
    if any(isinstance(order, Deliver | Revise | Share) for order in decision.orders):
        seconds = (datetime.now(UTC) - fact.submitted_at).total_seconds()
        record_document_delivery(fact.lane, seconds)
        record_stage("delivered", fact.lane, seconds)


def measure_status(receiver: UnitCode, event: Event, happened: Happened) -> None:
    """A status was recorded. Only the receiver's own count, and its first one says how long it took."""
    if not happened.is_first or not happened.step.changed or event.by != receiver:
        return
    is_first_status = happened.before.state is DeliveryState.SENT
    if is_first_status:
        record_delivery_ack(happened.lane, (datetime.now(UTC) - happened.placed_at).total_seconds())
    if happened.step.position.state is DeliveryState.REFUSED:
        record_delivery(receiver, happened.lane, "refused")
    elif is_first_status:
        record_delivery(receiver, happened.lane, "acknowledged")


def none_pending(directory: Directory) -> dict[tuple[UnitCode, Lane], int]:
    """What the gauge says of units that have nothing to answer, so that each is there on every replica."""
    return {(unit, lane): 0 for unit in directory.units for lane in Lane}
