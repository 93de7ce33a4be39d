"""Probes ask for what the service answers, on the port it listens on, and patience is longer than what it waits for."""

from functools import cache

from common.service.health import CHECK_TIMEOUT_SECONDS, Readiness, routes

from ..manifests import Manifests, Workload
from .configuring import environment_of, settings_of

CLOSING_SECONDS = 15
"""After the drain: connections are closed, spans are sent."""
PROBES = ("startupProbe", "livenessProbe", "readinessProbe")
ROUTES = {"startupProbe": "/livez", "livenessProbe": "/livez", "readinessProbe": "/readyz"}


@cache
def paths() -> set[str]:
    """Paths that every service answers."""
    return {str(getattr(route, "path", "")) for route in routes(Readiness("any"))}


def probes(manifests: Manifests) -> list[str]:
    """Each service has the three probes, for routes it has, by a port it has."""
    faults = []
    for one in manifests.services:
        answered, ports = paths(), {port["name"] for port in one.container["ports"]}
        for kind in PROBES:
            request = one.container.get(kind, {}).get("httpGet", {})
            if (
                request.get("path") != ROUTES[kind]
                or request.get("path") not in answered
                or request.get("port") not in ports
            ):
                faults.append(f"{one.name}: {kind} asks {request.get('path')} at {request.get('port')}")
        if one.container.get("readinessProbe", {}).get("timeoutSeconds", 1) <= CHECK_TIMEOUT_SECONDS:
            faults.append(f"{one.name}: readiness is not waited for as long as its checks take")
    return faults


def listening(manifests: Manifests) -> list[str]:
    """The port that is declared is the one that the process is told to open, to others than itself."""
    faults = []
    for one in manifests.services:
        env = environment_of(manifests, one)
        declared = {str(port["containerPort"]) for port in one.container["ports"] if port["name"] == "http"}
        if declared != {env.get("TRUNK_HTTP_PORT")} or env.get("TRUNK_HTTP_HOST") != "0.0.0.0":
            faults.append(
                f"{one.name} listens on {env.get('TRUNK_HTTP_HOST')}:{env.get('TRUNK_HTTP_PORT')}, not {declared}"
            )
    return faults


def metrics(manifests: Manifests) -> list[str]:
    """Metrics are read where they are served."""
    answered = paths()
    return [
        f"PodMonitor {monitor['metadata']['name']} reads {endpoint['path']}"
        for monitor in manifests.of("PodMonitor")
        if "namespaceSelector" not in monitor["spec"]
        for endpoint in monitor["spec"]["podMetricsEndpoints"]
        if endpoint["path"] not in answered
    ]


def grace(manifests: Manifests) -> list[str]:
    """A stopped pod has the time to drain and to close."""
    return [
        f"{one.name} is killed after {seconds} s, needs {needed:g}"
        for one in manifests.services
        if (seconds := one.pod["terminationGracePeriodSeconds"])
        < (needed := _drain_seconds(manifests, one) + CLOSING_SECONDS)
    ]


def _drain_seconds(manifests: Manifests, one: Workload) -> float:
    default = settings_of(one.service).model_fields["drain_seconds"].default
    return float(environment_of(manifests, one).get("TRUNK_DRAIN_SECONDS", default))
