"""Deliveries to units: the only metrics that name a unit, and never in a histogram."""

from collections.abc import Iterable, Mapping
from typing import Literal, get_args

from prometheus_client import Counter, Gauge, Histogram

from common.domain.canary import is_canary
from common.domain.names import Lane, UnitCode
from common.metrics.registry import ANSWER_SECONDS, REGISTRY, SECONDS

DeliveryOutcome = Literal["delivered", "acknowledged", "refused", "failed"]
"""``delivered``: placed for the first time; ``acknowledged``: the unit's first status, other than a refusal;
``refused``: its status 02; ``failed``: the broker did not take one attempt to place it; it is made again at once."""

_DELIVERIES = Counter(
    "trunk_deliveries", "Deliveries by what became of them", ["unit", "urgency", "outcome"], registry=REGISTRY
)
_PENDING = Gauge(
    "trunk_deliveries_pending",
    "Deliveries placed that the unit has neither accepted nor refused",
    ["unit", "urgency"],
    registry=REGISTRY,
)
_DELIVERED = Histogram(
    "trunk_document_delivery_seconds",
    "Time from submission until the delivery to every addressee is recorded",
    ["urgency"],
    buckets=SECONDS,
    registry=REGISTRY,
)
_ACK = Histogram(
    "trunk_delivery_ack_seconds",
    "Time from placing a delivery to the unit's first status",
    ["urgency"],
    buckets=ANSWER_SECONDS,
    registry=REGISTRY,
)

_WAITING = Gauge(
    "trunk_placings_waiting",
    "Messages for inboxes that did not take them; they are tried again",
    ["cause"],
    registry=REGISTRY,
)
_DATA_LOST = Gauge(
    "trunk_broker_data_lost",
    "1 = the router's mark is missing at the broker: its data were lost, and inboxes have to be rebuilt",
    registry=REGISTRY,
)


def begin_counting_answer_times(lanes: Iterable[Lane]) -> None:
    """Shows the times until a unit's first status, empty, from the start, so that the first one is an increase."""
    for lane in lanes:
        _ACK.labels(lane)


def record_delivery(unit: UnitCode, lane: Lane, outcome: DeliveryOutcome) -> None:
    """Counts one change of a delivery. ``unit``: a code of the directory.

    The other outcomes of the unit are shown from then on, at zero, so that a success after failures is an increase.
    """
    if is_canary(unit):
        return
    for each in get_args(DeliveryOutcome):
        _DELIVERIES.labels(unit, lane, each)
    _DELIVERIES.labels(unit, lane, outcome).inc()


def record_delivery_ack(unit: UnitCode, lane: Lane, seconds: float) -> None:
    """Counts the first report of a unit on a delivery, and the seconds since it was placed."""
    if is_canary(unit):
        return
    _ACK.labels(lane).observe(max(seconds, 0.0))


def record_document_delivery(sender: UnitCode, lane: Lane, seconds: float) -> None:
    """Counts a document that is in the inbox of every receiver, and the seconds since it was submitted."""
    if is_canary(sender):
        return
    _DELIVERED.labels(lane).observe(max(seconds, 0.0))


def set_deliveries_pending(pending: Mapping[tuple[UnitCode, Lane], int]) -> None:
    """Sets how many deliveries wait for an answer, by unit; 0 for units that are not named."""
    _PENDING.clear()
    for (unit, lane), count in pending.items():
        if not is_canary(unit):
            _PENDING.labels(unit, lane).set(count)


def set_placings_waiting(waiting: Mapping[str, int]) -> None:
    """Sets how many placings wait, by cause."""
    for cause, count in waiting.items():
        _WAITING.labels(cause).set(count)


def set_broker_data_lost(*, is_lost: bool) -> None:
    """Sets whether the broker has lost its data, because the router's mark is missing there."""
    _DATA_LOST.set(is_lost)
