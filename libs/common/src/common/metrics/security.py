"""Security events, as the archive records them."""

from prometheus_client import Counter

from common.domain.security import SecurityKind
from common.metrics.registry import REGISTRY

_EVENTS = Counter("trunk_security_events", "Security events on record, by kind", ["kind"], registry=REGISTRY)


def begin_counting_security() -> None:
    """Shows every kind at zero when the process starts, so that an alert sees the first event as an increase."""
    for kind in SecurityKind:
        _EVENTS.labels(kind)


def record_security_event(kind: SecurityKind, count: int = 1) -> None:
    """Counts security events when they are first recorded."""
    _EVENTS.labels(kind).inc(count)
