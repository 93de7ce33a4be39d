"""The build of a process, and whether its dependencies answer. Set by the chassis."""

from prometheus_client import Gauge

from common.domain.names import Lane
from common.metrics.registry import REGISTRY

_DEPENDENCY_UP = Gauge(
    "trunk_dependency_up", "Whether what the service needs answers", ["service", "dependency"], registry=REGISTRY
)
_BUILD = Gauge(
    "trunk_build_info",
    "Which build runs; always 1",
    ["service", "version", "revision"],
    registry=REGISTRY,
)
_SCHEMA_VERSION = Gauge(
    "trunk_schema_version", "Version of the collections and indexes that this build expects", ["service"],
    registry=REGISTRY,
)  # fmt: skip
_BUDGET = Gauge(
    "trunk_urgency_budget_seconds",
    "Time within which a document has to be delivered",
    ["urgency"],
    registry=REGISTRY,
)


def set_dependency(service: str, dependency: str, *, up: bool) -> None:
    """Sets whether a dependency, such as a server or the unit directory, is available."""
    _DEPENDENCY_UP.labels(service, dependency).set(up)


def set_build(service: str, version: str, revision: str) -> None:
    """Sets version and commit of the running build."""
    _BUILD.labels(service, version, revision).set(1)


def set_schema_version(service: str, version: int) -> None:
    """Sets the version of collections and indexes that this build expects."""
    _SCHEMA_VERSION.labels(service).set(version)


def set_urgency_budget(lane: Lane, seconds: float) -> None:
    """Sets the seconds within which a document of a lane has to be delivered."""
    _BUDGET.labels(lane).set(seconds)
