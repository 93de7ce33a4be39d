"""Messages in and out: recorded by the chassis, once a message and once a publish."""

from contextlib import AbstractContextManager
from typing import Literal, get_args

from prometheus_client import Counter, Gauge, Histogram

from common.domain.names import Lane
from common.metrics.registry import REGISTRY, SECONDS

MessageOutcome = Literal["acked", "retried", "parked", "redelivered"]
PublishOutcome = Literal["confirmed", "nacked", "returned", "timeout"]

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


def begin_counting(service: str) -> None:
    """The process started: counters that alerts watch stand at zero, so that the first count is an increase."""
    for message_outcome in get_args(MessageOutcome):
        _MESSAGES.labels(service, message_outcome)
    for publish_outcome in get_args(PublishOutcome):
        _PUBLISHED.labels(service, publish_outcome)


def record_message(service: str, outcome: MessageOutcome, seconds: float) -> None:
    """A handler ended with its message."""
    _MESSAGES.labels(service, outcome).inc()
    _PROCESSING.labels(service).observe(seconds)


def record_queue_wait(service: str, lane: Lane, seconds: float) -> None:
    """A message was consumed for the first time, this long after it was published."""
    _QUEUE_WAIT.labels(service, lane).observe(max(seconds, 0.0))


def in_flight(service: str) -> AbstractContextManager[None]:
    """Around the handling of one message."""
    return _IN_FLIGHT.labels(service).track_inprogress()


def record_publish(service: str, outcome: PublishOutcome, seconds: float) -> None:
    """The broker answered a publish, or did not in time."""
    _PUBLISHED.labels(service, outcome).inc()
    _CONFIRM.labels(service, outcome).observe(seconds)
