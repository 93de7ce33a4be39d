"""Every metric of the trunk, declared in one place; callers say what happened and never build labels.

Names and labels are a contract with dashboards and alerts. No label carries a document, a person or free text.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from common.domain.names import Lane
from common.domain.reason import Reason

REGISTRY = CollectorRegistry(auto_describe=True)

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)
"""Bucket edges; 60, 300 and 900 are the delivery budgets of the three urgencies."""

MESSAGES = Counter(
    "trunk_messages",
    "Messages a service finished with, by outcome",
    ["service", "outcome"],
    registry=REGISTRY,
)
PROCESSING = Histogram(
    "trunk_message_processing_seconds", "Time in the handler", ["service"], buckets=SECONDS, registry=REGISTRY
)
QUEUE_WAIT = Histogram(
    "trunk_queue_wait_seconds",
    "Time between publishing and first consumption",
    ["service", "urgency"],
    buckets=SECONDS,
    registry=REGISTRY,
)
IN_FLIGHT = Gauge("trunk_messages_in_flight", "Messages being handled now", ["service"], registry=REGISTRY)
PUBLISHED = Counter("trunk_publish", "Publishes by what the broker said", ["service", "outcome"], registry=REGISTRY)
CONFIRM = Histogram(
    "trunk_publish_confirm_seconds",
    "Time until the broker confirmed",
    ["service"],
    buckets=SECONDS,
    registry=REGISTRY,
)
REJECTED = Counter(
    "trunk_documents_rejected",
    "Packages, documents and receivers refused",
    ["service", "reason"],
    registry=REGISTRY,
)
STAGE = Histogram(
    "trunk_document_stage_seconds",
    "Time from submission to the end of a stage",
    ["stage", "urgency"],
    buckets=SECONDS,
    registry=REGISTRY,
)
DEPENDENCY_UP = Gauge(
    "trunk_dependency_up",
    "Whether a server the service needs answers",
    ["service", "dependency"],
    registry=REGISTRY,
)

ARCHIVE_WRITES = Counter(
    "trunk_archive_writes",
    "Packages put on record by the archive, by outcome",
    ["outcome"],
    registry=REGISTRY,
)
NOTIFICATIONS = Counter(
    "trunk_notifications",
    "Notifications by channel and outcome",
    ["channel", "outcome"],
    registry=REGISTRY,
)


def record_message(service: str, outcome: str, seconds: float) -> None:
    """A handler ended: ``outcome`` is acked, retried, parked or redelivered."""
    MESSAGES.labels(service, outcome).inc()
    PROCESSING.labels(service).observe(seconds)


def record_queue_wait(service: str, lane: Lane, seconds: float) -> None:
    """A message was consumed for the first time, this long after it was published."""
    QUEUE_WAIT.labels(service, lane).observe(max(seconds, 0.0))


def record_publish(service: str, outcome: str, seconds: float) -> None:
    """The broker answered a publish: confirmed, nacked, returned or timeout."""
    PUBLISHED.labels(service, outcome).inc()
    CONFIRM.labels(service).observe(seconds)


def record_rejection(service: str, reason: Reason) -> None:
    """Something was refused for this reason."""
    REJECTED.labels(service, reason).inc()


def record_stage(stage: str, lane: Lane, seconds: float) -> None:
    """A document left a stage, this long after it was submitted."""
    STAGE.labels(stage, lane).observe(max(seconds, 0.0))


def record_archive_write(outcome: str) -> None:
    """A package was put on record: ``outcome`` is written, repeated (it was there already) or failed."""
    ARCHIVE_WRITES.labels(outcome).inc()


def record_notification(channel: str, outcome: str) -> None:
    """A notification: ``outcome`` is sent, retried, failed (for good) or skipped (channel not set up)."""
    NOTIFICATIONS.labels(channel, outcome).inc()
