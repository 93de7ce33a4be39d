"""The canary's own metrics (docs/operations/metrics.md); none of them is a statistic of the trunk."""

from collections.abc import Mapping
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from canary.names import Outcome, Step
from canary.signing import ROLES

REGISTRY = CollectorRegistry()
SECONDS = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 240.0)

_ATTEMPTS = Counter("trunk_canary_attempts", "Rounds of the canary by how they ended", ["outcome"], registry=REGISTRY)
_LAST = Gauge(
    "trunk_canary_last_success_timestamp_seconds",
    "When the last round ended in which everything came; 0 = none since the process started",
    registry=REGISTRY,
)
_STEP = Histogram(
    "trunk_canary_step_seconds",
    "Time from the beginning of a round to each of its steps",
    ["step"],
    buckets=SECONDS,
    registry=REGISTRY,
)
_LEFTOVERS = Counter(
    "trunk_canary_leftovers", "Messages taken out of the canary's inboxes that no running round asked for",
    registry=REGISTRY,
)  # fmt: skip
_NOT_AFTER = Gauge(
    "trunk_canary_certificate_not_after_timestamp_seconds",
    "When the certificate expires with which the canary signs; 0 = it cannot be read",
    ["role"],
    registry=REGISTRY,
)


def begin_counting() -> None:
    """Shows every series from the start, so that an alert sees the first count as an increase."""
    for outcome in Outcome:
        _ATTEMPTS.labels(outcome)
    for step in Step:
        _STEP.labels(step)
    for role in ROLES:
        _NOT_AFTER.labels(role)


def record_round(outcome: Outcome, done: Mapping[Step, float], now: datetime) -> None:
    """Counts a round that has ended, and the seconds to each step that it reached."""
    _ATTEMPTS.labels(outcome).inc()
    for step, seconds in done.items():
        _STEP.labels(step).observe(seconds)
    if outcome is Outcome.SUCCESS:
        _LAST.set(now.timestamp())


def record_leftover() -> None:
    """Counts one message that was taken out of an inbox unused."""
    _LEFTOVERS.inc()


def set_not_after(ends: Mapping[str, datetime]) -> None:
    """Sets when the certificate of each role expires; 1970 = it cannot be read."""
    for role, end in ends.items():
        _NOT_AFTER.labels(role).set(end.timestamp())
