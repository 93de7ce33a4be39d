"""Messages in and out: recorded by the chassis, once a message and once a publish."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Literal, get_args

from prometheus_client import Counter, Gauge, Histogram

from common.domain.names import Lane
from common.metrics.registry import REGISTRY, SECONDS

MessageOutcome = Literal["acked", "retried", "waiting", "redelivered", "parked", "quarantined"]
"""``retried``: an attempt that failed for now; ``waiting``: came back before its next attempt was due, or while what
its kind needs is away, and was not handled; ``redelivered``: its handler failed unexpectedly; ``quarantined``: its
publisher was not entitled to it."""
PublishOutcome = Literal["confirmed", "nacked", "returned", "forbidden", "failed", "unknown"]
"""``nacked``: a queue was full; ``returned``: no queue is bound; ``forbidden``: a right is missing; ``failed``: the
channel was closed, perhaps because of another publish; ``unknown``: the connection was lost before the answer."""

_MESSAGES = Counter(
    "trunk_messages", "Messages a service finished with, by outcome", ["service", "outcome"], registry=REGISTRY
)
_PROCESSING = Histogram(
    "trunk_message_processing_seconds", "Time in the handler", ["service"], buckets=SECONDS, registry=REGISTRY
)
_QUEUE_WAIT = Histogram(
    "trunk_queue_wait_seconds",
    "Time between publishing and first consumption",
    ["service", "urgency"],
    buckets=SECONDS,
    registry=REGISTRY,
)
_IN_FLIGHT = Gauge("trunk_messages_in_flight", "Messages being handled now", ["service"], registry=REGISTRY)
_PUBLISHED = Counter("trunk_publish", "Publishes by what the broker said", ["service", "outcome"], registry=REGISTRY)
_CONFIRM = Histogram(
    "trunk_publish_confirm_seconds",
    "Time until the broker answered a publish",
    ["service", "outcome"],
    buckets=SECONDS,
    registry=REGISTRY,
)


_HELD = Gauge(
    "trunk_messages_held",
    "Messages that a service keeps until an operator decides, by the kind of queue they came from",
    ["service", "source", "reason", "quarantined"],
    registry=REGISTRY,
)
_DOOR = Gauge(
    "trunk_door_open", "Whether intake takes submissions of this lane: 1 open, 0 closed", ["urgency"], registry=REGISTRY
)
_UNDER_WAY = Gauge(
    "trunk_packages_under_way",
    "Packages that this process let in and that are not routed yet, as far as they count against its window",
    ["urgency"],
    registry=REGISTRY,
)
_UNDER_WAY_LIMIT = Gauge(
    "trunk_packages_under_way_limit",
    "How many packages this process lets be under way; 0 = no bound, because nothing is heard of them",
    registry=REGISTRY,
)
_UNDER_WAY_LAPSED = Counter(
    "trunk_packages_under_way_lapsed",
    "Packages that count no more as under way, though nothing was heard of them",
    ["urgency"],
    registry=REGISTRY,
)
_TASKS = Counter(
    "trunk_task_failures", "Background tasks that ended, and rounds of them that failed", ["task"], registry=REGISTRY
)
_UNCONFIRMED = Gauge(
    "trunk_publish_unconfirmed_since_timestamp_seconds",
    "When the oldest publish was begun that the broker has not answered; 0 = it has answered all",
    ["service"],
    registry=REGISTRY,
)
_TASK_DUE = Gauge(
    "trunk_task_due_timestamp_seconds",
    "When the next round of a background task is due, counted from the end of its last successful one",
    ["task"],
    registry=REGISTRY,
)


def begin_counting(service: str) -> None:
    """Shows the counters at zero when the process starts, so that an alert sees the first count as an increase."""
    for message_outcome in get_args(MessageOutcome):
        _MESSAGES.labels(service, message_outcome)
    for publish_outcome in get_args(PublishOutcome):
        _PUBLISHED.labels(service, publish_outcome)
    for lane in Lane:
        _UNDER_WAY_LAPSED.labels(lane)


def record_message(service: str, outcome: MessageOutcome, seconds: float) -> None:
    """Counts one attempt at a message by its outcome, and the seconds in the handler."""
    _MESSAGES.labels(service, outcome).inc()
    _PROCESSING.labels(service).observe(seconds)


def record_queue_wait(service: str, lane: Lane, seconds: float) -> None:
    """Records the seconds from publishing to the first consumption."""
    _QUEUE_WAIT.labels(service, lane).observe(max(seconds, 0.0))


def in_flight(service: str) -> AbstractContextManager[None]:
    """Counts a message as in flight while the block runs."""
    return _IN_FLIGHT.labels(service).track_inprogress()


def record_publish(service: str, outcome: PublishOutcome, seconds: float) -> None:
    """Counts one publish by the broker's answer, and the seconds until then."""
    _PUBLISHED.labels(service, outcome).inc()
    _CONFIRM.labels(service, outcome).observe(seconds)


def set_messages_held(service: str, counts: Mapping[tuple[str, str, bool], int]) -> None:
    """Sets how many messages a service has parked, by (kind of queue, reason, quarantined); 0 for kinds not named."""
    for labels in [labels for labels in _HELD._metrics if labels[0] == service]:
        _HELD.remove(*labels)
    for quarantined in (False, True):
        _HELD.labels(service, "facts", "", str(quarantined).lower()).set(0)
    for (source, reason, is_quarantined), count in counts.items():
        _HELD.labels(service, source, reason, str(is_quarantined).lower()).set(count)


def begin_counting_task(task: str) -> None:
    """Shows the failures of a task at zero when it begins, so that an alert sees the first as an increase."""
    _TASKS.labels(task)


def record_task_failure(task: str) -> None:
    """Counts a background task that ended, or a round of it that failed. The task goes on."""
    _TASKS.labels(task).inc()


def set_unconfirmed_since(service: str, at: float) -> None:
    """Sets when the oldest publish without an answer was begun, in seconds since 1970; 0 = there is none."""
    _UNCONFIRMED.labels(service).set(at)


def set_task_due(task: str, at: float) -> None:
    """Sets when the next round of a background task is due, in seconds since 1970. A failing round does not move it."""
    _TASK_DUE.labels(task).set(at)


def set_door(lane: Lane, *, is_open: bool) -> None:
    """Sets whether intake takes submissions of a lane."""
    _DOOR.labels(lane).set(is_open)


def set_under_way(lane: Lane, count: int) -> None:
    """Sets how many packages of a lane are let in and not routed yet."""
    _UNDER_WAY.labels(lane).set(count)


def set_under_way_limit(limit: int) -> None:
    """Sets how many packages may be under way; 0 = any number."""
    _UNDER_WAY_LIMIT.set(limit)


def record_under_way_lapsed(lane: Lane) -> None:
    """Counts one package that stopped counting as under way without a fact about it."""
    _UNDER_WAY_LAPSED.labels(lane).inc()
