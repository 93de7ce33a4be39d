"""Documents on their way: their progress, and refusals."""

from collections.abc import Collection, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Literal, get_args

from prometheus_client import Counter, Gauge, Histogram

from common.domain.canary import is_canary
from common.domain.names import Lane, PackageKind, UnitCode
from common.domain.reason import Reason
from common.metrics.registry import REGISTRY, SECONDS

Stage = Literal["intake", "validated", "delivered", "archived"]
"""Ends of stages, as ``trunk_document_stage_seconds`` names them."""
RejectionSource = Literal["package", "document", "receiver", "notice"]
"""The refused thing: a whole package by intake, its document, one receiver, or a package without files."""


RedriveTrigger = Literal["budget", "operator"]
"""Why a fact is published again: its package was open for too long, or an operator asked for it."""


class Unfinished(StrEnum):
    """The stages that a package may be waiting for."""

    VALIDATION = "validation"
    ROUTING = "routing"
    ARCHIVING = "archiving"


_STAGE = Histogram(
    "trunk_document_stage_seconds",
    "Time from submission to the end of a stage",
    ["stage", "urgency"],
    buckets=SECONDS,
    registry=REGISTRY,
)
_REJECTED = Counter(
    "trunk_documents_rejected",
    "Packages, documents, receivers and notices turned away",
    ["service", "reason", "source"],
    registry=REGISTRY,
)
_OLDEST = Gauge(
    "trunk_oldest_unfinished_timestamp_seconds",
    "When the oldest package that still waits for this stage was submitted; 0 = none waits",
    ["stage", "urgency"],
    registry=REGISTRY,
)
_WAITING = Gauge(
    "trunk_packages_waiting",
    "Packages that wait at intake for a document, or for the end of a package with their DocumentId",
    ["kind"],
    registry=REGISTRY,
)


_OVER_RATE = Gauge(
    "trunk_units_over_rate",
    "Units of which no more is taken in this minute",
    ["urgency"],
    registry=REGISTRY,
)
_RATE_EXCEEDED = Counter(
    "trunk_unit_rate_exceeded",
    "Minutes in which a unit submitted more than is taken of it",
    ["unit", "urgency"],
    registry=REGISTRY,
)
_DISABLED = Gauge(
    "trunk_unit_disabled", "1 = the unit is disabled: nothing is taken of what it submits", ["unit"], registry=REGISTRY
)


def set_units_disabled(units: Collection[UnitCode]) -> None:
    """Names the units that are disabled now. ``units``: codes of the directory."""
    for (unit,) in [labels for labels in _DISABLED._metrics if labels[0] not in units]:
        _DISABLED.remove(unit)
    for unit in units:
        _DISABLED.labels(unit).set(1)


def set_units_over_rate(lane: Lane, units: int) -> None:
    """Sets how many units have reached their limit in this minute."""
    _OVER_RATE.labels(lane).set(units)


def record_rate_exceeded(unit: UnitCode, lane: Lane) -> None:
    """Counts one unit that reached its limit in a minute. ``unit``: a code of the directory."""
    _RATE_EXCEEDED.labels(unit, lane).inc()


_REDRIVEN = Counter(
    "trunk_redriven",
    "Facts of open packages that intake published again, by what made it do so",
    ["urgency", "trigger"],
    registry=REGISTRY,
)
_SUSPECTS = Gauge(
    "trunk_lost_suspects",
    "Packages that are open past their budget and of which no service says where they are",
    ["urgency"],
    registry=REGISTRY,
)


def record_stage(sender: UnitCode, stage: Stage, lane: Lane, seconds: float) -> None:
    """Records that a package left a stage for the first time, and the seconds since it was submitted."""
    if is_canary(sender):
        return
    _STAGE.labels(stage, lane).observe(max(seconds, 0.0))


def record_rejection(sender: UnitCode, service: str, reason: Reason, source: RejectionSource) -> None:
    """Counts one refusal by its reason. Call it once for each refusal, however often the sender is notified of it."""
    if is_canary(sender):
        return
    _REJECTED.labels(service, reason, source).inc()


def set_oldest_unfinished(oldest: Mapping[tuple[Unfinished, Lane], datetime | None]) -> None:
    """Sets when the oldest package that waits for a stage was submitted; None, or a stage not named = none waits."""
    for stage in Unfinished:
        for lane in Lane:
            at = oldest.get((stage, lane))
            _OLDEST.labels(stage, lane).set(at.timestamp() if at else 0.0)


def set_packages_waiting(waiting: Mapping[PackageKind, int]) -> None:
    """Sets how many packages intake cannot decide about yet; 0 for kinds that are not named."""
    for kind in PackageKind:
        _WAITING.labels(kind).set(waiting.get(kind, 0))


def begin_counting_redrives() -> None:
    """Shows the counters at zero when the process starts, so that an alert sees the first count as an increase."""
    for lane in Lane:
        for trigger in get_args(RedriveTrigger):
            _REDRIVEN.labels(lane, trigger)


def record_redriven(lane: Lane, trigger: RedriveTrigger) -> None:
    """Counts one open package whose fact was published again."""
    _REDRIVEN.labels(lane, trigger).inc()


def set_lost_suspects(suspects: Mapping[Lane, int]) -> None:
    """Sets how many open packages are over their time budget and about which no service has reported, by lane."""
    for lane in Lane:
        _SUSPECTS.labels(lane).set(suspects.get(lane, 0))
