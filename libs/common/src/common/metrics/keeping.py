"""What the archive keeps and what the notifier tells."""

from typing import Literal

from prometheus_client import Counter, Histogram

from common.metrics.registry import REGISTRY, SECONDS

WriteOutcome = Literal["written", "repeated", "failed"]
"""``repeated``: the package was on record already."""
NotificationOutcome = Literal["sent", "retried", "failed", "skipped"]
"""``retried``: an attempt that is made again; ``failed``: never again; ``skipped``: the channel is not set up."""

_WRITES = Counter("trunk_archive_writes", "Packages put on record, by outcome", ["outcome"], registry=REGISTRY)
_WRITE = Histogram(
    "trunk_archive_write_seconds",
    "Time to put a package on record, copies under lock included",
    ["outcome"],
    buckets=SECONDS,
    registry=REGISTRY,
)
_NOTIFICATIONS = Counter(
    "trunk_notifications", "Notifications by channel and outcome", ["channel", "outcome"], registry=REGISTRY
)
_NOTIFICATION = Histogram(
    "trunk_notification_seconds",
    "Time from the fact to what became of its notification",
    ["channel", "outcome"],
    buckets=SECONDS,
    registry=REGISTRY,
)


def record_archive_write(outcome: WriteOutcome, seconds: float) -> None:
    """A package was to be put on record."""
    _WRITES.labels(outcome).inc()
    _WRITE.labels(outcome).observe(seconds)


def record_notification(channel: str, outcome: NotificationOutcome, seconds: float) -> None:
    """A notification came this far, so long after its fact."""
    _NOTIFICATIONS.labels(channel, outcome).inc()
    _NOTIFICATION.labels(channel, outcome).observe(max(seconds, 0.0))
