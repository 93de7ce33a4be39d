"""Checks whether broker and object store have an address for units."""

from collections.abc import Sequence
from dataclasses import dataclass

from trunkctl.doctor.finding import Finding, Level, ok, skipped
from trunkctl.install.addresses import store_namespaces
from trunkctl.install.kubectl import Kubectl
from trunkctl.install.manifests import Manifests, Object, at, name_of, namespace_of

BROKER_PORTS = {5671, 5672}
STORE_PORTS = {443, 8333}


@dataclass(frozen=True, slots=True)
class DoorSeen:
    """The addresses by which units reach broker and object store."""

    is_wanted: bool
    """Whether the manifests name an address for units: by a probe, or by the store's public address."""
    services: Sequence[Object]
    """Of the stores' namespaces."""
    ingresses: Sequence[Object]
    namespaces: Sequence[str]


def judge_door(door: DoorSeen) -> list[Finding]:
    """Each of the two needs an external address; a load balancer without an address does not count."""
    if not door.is_wanted:
        return skipped("the overlay names no door: neither a Probe nor TRUNK_S3_PUBLIC_ADDRESS")
    outside = [each for each in door.services if at(each, "spec", "type") in ("LoadBalancer", "NodePort")]
    pending = [each for each in outside if at(each, "spec", "type") == "LoadBalancer" and not _addresses(each)]
    findings = [
        Finding(
            Level.FAILED,
            f"Service {name_of(each)} in {namespace_of(each)} waits for its address",
            "Ask the load balancer's team.",
        )
        for each in pending
    ]
    where = ", ".join(door.namespaces)
    act = "Make a Service of type LoadBalancer, or a gateway of yours; one outside of Kubernetes cannot be seen here."
    if not any(_ports(each) & BROKER_PORTS for each in outside):
        findings.append(Finding(Level.WARNING, f"nothing in {where} lets units in to the broker", act))
    if not any(_ports(each) & STORE_PORTS for each in outside) and not any(map(_addresses, door.ingresses)):
        findings.append(Finding(Level.WARNING, f"nothing in {where} lets units in to the object store", act))
    return findings or ok("broker and object store have an address for units")


def see_door(manifests: Manifests, kubectl: Kubectl) -> DoorSeen:
    """Services and ingresses of the stores' namespaces."""
    named = any(settings.get("TRUNK_S3_PUBLIC_ADDRESS") for settings in manifests.settings().values())
    is_wanted = named or bool(manifests.of("Probe"))
    namespaces = store_namespaces(manifests) if is_wanted else []
    services = [one for each in namespaces for one in kubectl.items("services", namespace=each)]
    ingresses = [one for each in namespaces for one in kubectl.items("ingresses", namespace=each)]
    return DoorSeen(is_wanted, services, ingresses, namespaces)


def _addresses(whole: Object) -> list[Object]:
    return list(at(whole, "status", "loadBalancer", "ingress") or [])


def _ports(service: Object) -> set[int]:
    return {int(each["port"]) for each in at(service, "spec", "ports") or []}
