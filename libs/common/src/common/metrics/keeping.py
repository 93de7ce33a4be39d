"""Archived packages, notifications, the ledger's log, backups, and removal."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal, get_args

from prometheus_client import Counter, Gauge, Histogram

from common.domain.canary import is_canary
from common.domain.names import UnitCode
from common.metrics.registry import REGISTRY, SECONDS

WriteOutcome = Literal["written", "repeated", "failed"]
"""``repeated``: the package was on record already."""
NotificationOutcome = Literal["sent", "retried", "failed", "skipped", "given_up"]
"""``retried``: an attempt that is made again; ``failed``: refused for good; ``given up``: not taken for as long as the
patience lasted; ``skipped``: the channel is not set up, or the contact was taken away."""

BackedUp = Literal["database", "store"]
"""The kinds of backups, by what they copy."""

LogRefusal = Literal["no_key", "ahead", "conflict"]
"""Why the sealer does not go on. ``ahead``: the log in the store is longer than the database leads to; ``conflict``:
the store or the database holds something else than was sealed."""

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
_WAITING = Gauge(
    "trunk_notifications_waiting", "Notifications not sent yet, by channel", ["channel"], registry=REGISTRY
)
_SILENT = Gauge(
    "trunk_notification_destinations_failing",
    "Webhooks, mail addresses and mail servers that did not take the last notification",
    ["channel"],
    registry=REGISTRY,
)
_LOG_SIZE = Gauge("trunk_log_size", "Entries of the log", registry=REGISTRY)
_UNSEALED = Gauge(
    "trunk_log_unsealed_since_timestamp_seconds",
    "When the oldest entry was recorded that the log does not hold yet; 0 = it holds all",
    registry=REGISTRY,
)
_LOG_REFUSED = Gauge("trunk_log_refused", "Whether the sealer refuses to go on, by cause", ["cause"], registry=REGISTRY)
_BACKUP = Gauge(
    "trunk_backup_last_success_timestamp_seconds",
    "When the newest complete backup was begun; 0 = there is none",
    ["of"],
    registry=REGISTRY,
)
_CHECKED = Gauge(
    "trunk_archive_check_last_success_timestamp_seconds",
    "When the newest check of the whole archive that found no fault was begun; 0 = there is none",
    registry=REGISTRY,
)
_CHECK_FAULTS = Gauge(
    "trunk_archive_check_faults", "Faults that the newest check of the whole archive found", registry=REGISTRY
)
_TIDIED = Gauge(
    "trunk_log_tidy_last_success_timestamp_seconds",
    "When the newest removal of the log's partial tiles that found nothing wrong was begun; 0 = there is none",
    registry=REGISTRY,
)
_DUE = Gauge(
    "trunk_removal_due",
    "What has come to its end and is still there, by why it is not kept; at most 10,000 of each are counted",
    ["ending"],
    registry=REGISTRY,
)
_DUE_SINCE = Gauge(
    "trunk_removal_due_since_timestamp_seconds",
    "When the first of it came to its end; 0 = nothing is due",
    ["ending"],
    registry=REGISTRY,
)
_REMOVED = Counter(
    "trunk_removed", "Packages and uploads that were removed at their end", ["ending"], registry=REGISTRY
)


def begin_counting_archive_writes() -> None:
    """Shows every outcome at zero when the process starts, so that an alert sees the first failure as an increase."""
    for outcome in get_args(WriteOutcome):
        _WRITES.labels(outcome)


def begin_counting_notifications(channels: Iterable[str]) -> None:
    """Shows every outcome of these channels at zero when the process starts, so that an alert sees the first one as an
    increase."""
    for channel in channels:
        for outcome in get_args(NotificationOutcome):
            _NOTIFICATIONS.labels(channel, outcome)


def record_archive_write(sender: UnitCode, outcome: WriteOutcome, seconds: float) -> None:
    """Counts one attempt to put a package on record, and the seconds that it took."""
    if is_canary(sender):
        return
    _WRITES.labels(outcome).inc()
    _WRITE.labels(outcome).observe(seconds)


def record_notification(channel: str, outcome: NotificationOutcome, seconds: float) -> None:
    """Counts one result of a notification, and the seconds since its fact."""
    _NOTIFICATIONS.labels(channel, outcome).inc()
    _NOTIFICATION.labels(channel, outcome).observe(max(seconds, 0.0))


def set_notifications_waiting(waiting: Mapping[str, int]) -> None:
    """Sets how many notifications wait, by channel."""
    for channel, count in waiting.items():
        _WAITING.labels(channel).set(count)


def set_destinations_failing(failing: Mapping[str, int]) -> None:
    """Sets how many destinations fail, by channel."""
    for channel, count in failing.items():
        _SILENT.labels(channel).set(count)


def set_log(size: int, unsealed_since: datetime | None) -> None:
    """Sets how many entries the log has, and when the oldest entry that is not in it was recorded."""
    _LOG_SIZE.set(size)
    _UNSEALED.set(unsealed_since.timestamp() if unsealed_since else 0.0)


def set_log_refused(cause: LogRefusal | None) -> None:
    """Sets why the sealer of this process does not go on; None = it does."""
    for each in get_args(LogRefusal):
        _LOG_REFUSED.labels(each).set(each == cause)


def set_backups(begun: Mapping[BackedUp, datetime]) -> None:
    """Sets when the newest complete backup of each kind was begun; kinds not named have none."""
    for part in get_args(BackedUp):
        _BACKUP.labels(part).set(begun[part].timestamp() if part in begun else 0.0)


def set_archive_check(clean_at: datetime | None, faults: int) -> None:
    """Sets when the newest complete check of the archive without a fault was begun, and the faults of the newest
    check."""
    _CHECKED.set(clean_at.timestamp() if clean_at else 0.0)
    _CHECK_FAULTS.set(faults)


def set_log_tidied(clean_at: datetime | None) -> None:
    """Sets when the newest removal of the log's partial tiles without a fault was begun."""
    _TIDIED.set(clean_at.timestamp() if clean_at else 0.0)


def set_removals_due(ending: str, count: int, since: datetime | None) -> None:
    """Sets how many packages or uploads are due for removal, and since when."""
    _DUE.labels(ending).set(count)
    _DUE_SINCE.labels(ending).set(since.timestamp() if since else 0.0)


def begin_counting_removals(endings: Iterable[str]) -> None:
    """Shows the counter at zero when the process starts, so that the first removal is an increase."""
    for ending in endings:
        _REMOVED.labels(ending)


def record_removed(ending: str) -> None:
    """Counts one package or upload that was removed because its term was over."""
    _REMOVED.labels(ending).inc()
