"""Checks that the namespaces and pods in network policies exist, and that policies allow the addresses pods need."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any

from trunkctl.doctor.finding import Finding, Level, ok
from trunkctl.install.addresses import Address, installation_addresses
from trunkctl.install.kubectl import Kubectl
from trunkctl.install.manifests import Manifests, Object, at, name_of, namespace_of
from trunkctl.install.references import SECRET
from trunkctl.install.secrets import see_sources

NODE_LOCAL_DNS = {"k8s-app": "node-local-dns"}
NODE_LOCAL_ADDRESS = ip_address("169.254.20.10")
"""Where NodeLocal DNSCache listens unless it is told otherwise (Kubernetes, "Using NodeLocal DNSCache")."""

Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class NamespaceSeen:
    """A namespace of the cluster."""

    name: str
    labels: Labels
    is_ending: bool = False


@dataclass(frozen=True, slots=True)
class NetworkSeen:
    """Policies, and what they could choose."""

    policies: Sequence[Object]
    namespaces: Sequence[NamespaceSeen]
    pods: Mapping[str, Sequence[Labels]]
    """Labels of pods by namespace."""
    addresses: Sequence[Address] = ()


@dataclass(frozen=True, slots=True)
class NamespacesSeen:
    """Where objects are put, and what exists."""

    wanted: frozenset[str]
    made: frozenset[str]
    """By the manifests."""
    there: Sequence[NamespaceSeen]


def judge_namespaces(namespaces: NamespacesSeen) -> list[Finding]:
    """One that the manifests make is still to be there first: Secrets are put into it before the apply."""
    there = {each.name: each for each in namespaces.there}
    findings = []
    for name in sorted(namespaces.wanted):
        if name in there and there[name].is_ending:
            says = f"namespace {name} is being deleted"
            findings.append(Finding(Level.FAILED, says, "Wait until it is gone: `kubectl get namespace`.", "2-secrets"))
        elif name not in there:
            level = Level.WARNING if name in namespaces.made else Level.FAILED
            act = f"`kubectl create namespace {name}`, and its Secrets, before you apply."
            findings.append(Finding(level, f"namespace {name} is not there", act, "2-secrets"))
    return findings or ok(f"namespaces are there: {', '.join(sorted(namespaces.wanted))}")


def judge_policies(network: NetworkSeen) -> list[Finding]:
    """A policy that selects no pods silently blocks all."""
    findings = list(_judge_peers(network))
    findings += [finding for address in network.addresses for finding in _judge_address(address, network)]
    uses_node_local = any(selects(NODE_LOCAL_DNS, labels) for pods in network.pods.values() for labels in pods)
    if network.policies and uses_node_local and not any(_allows(each, NODE_LOCAL_ADDRESS) for each in network.policies):
        says = "nodes run NodeLocal DNSCache, and no policy lets pods reach its address"
        act = f"Add a policy with ipBlock {NODE_LOCAL_ADDRESS}/32, port 53 UDP and TCP: no name would resolve."
        findings.append(Finding(Level.FAILED, says, act))
    return findings or ok(f"{len(network.policies)} policies name namespaces and pods that exist")


def _judge_peers(network: NetworkSeen) -> Iterator[Finding]:
    """One line for what is missing, however many policies name it."""
    missing: dict[tuple[Level, str, str], list[str]] = {}
    for policy in network.policies:
        for way, peer in peers(policy):
            if lack := _lack(way, peer, network):
                missing.setdefault(lack, []).append(name_of(policy))
    for (level, what, act), names in missing.items():
        yield Finding(level, f"{what}; named by {', '.join(sorted(set(names)))}", act)


def _lack(way: str, peer: Object, network: NetworkSeen) -> tuple[Level, str, str] | None:
    """Level, what is missing of a peer and what to do; a peer without namespaces is of the manifests' own."""
    by_namespace, by_pod = peer.get("namespaceSelector"), peer.get("podSelector")
    if by_namespace is None:
        return None
    chosen = [each.name for each in network.namespaces if _chooses(by_namespace, each.labels)]
    purpose = "reach" if way == "to" else "be reached from"
    if not chosen:
        what = f"pods are to {purpose} a namespace that is not there: {_words(by_namespace)}"
        level = Level.FAILED if way == "to" else Level.WARNING
        return level, what, "Is the store or the monitoring elsewhere? Name its namespace in the overlay."
    if by_pod and not any(_chooses(by_pod, labels) for name in chosen for labels in network.pods.get(name, ())):
        what = f"pods are to {purpose} pods that are not there: {_words(by_pod)} in {', '.join(chosen)}"
        return Level.WARNING, what, "Do they come later? Else name the labels that they bear."
    return None


def _judge_address(address: Address, network: NetworkSeen) -> Iterator[Finding]:
    """Egress is denied by default: a host of a namespace that no policy names cannot be reached."""
    if not address.namespace or not network.policies:
        return
    there = {each.name: each.labels for each in network.namespaces}
    labels = there.get(address.namespace, {"kubernetes.io/metadata.name": address.namespace})
    chosen = (
        peer.get("namespaceSelector") is not None and _chooses(peer["namespaceSelector"], labels)
        for policy in network.policies
        for way, peer in peers(policy)
        if way == "to"
    )
    if not any(chosen):
        says = f"{address.by} names {address.host}, and no policy lets pods reach namespace {address.namespace}"
        yield Finding(Level.FAILED, says, "Name the right host, or let the overlay's policies name this namespace.")


def peers(policy: Object) -> Iterator[tuple[str, Object]]:
    """Everyone whom a policy names, with ``from`` or ``to``."""
    for rules, way in (("ingress", "from"), ("egress", "to")):
        for rule in at(policy, "spec", rules) or []:
            for peer in rule.get(way) or []:
                yield way, peer


def selects(wanted: Labels, labels: Labels) -> bool:
    """Whether all of these labels are borne."""
    return all(labels.get(key) == value for key, value in wanted.items())


def _chooses(selector: Object, labels: Labels) -> bool:
    return selects(selector.get("matchLabels") or {}, labels) and all(
        _holds(each, labels) for each in selector.get("matchExpressions") or []
    )


def _holds(expression: Object, labels: Labels) -> bool:
    value, wanted = labels.get(expression["key"]), expression.get("values") or []
    return {
        "In": value in wanted,
        "NotIn": value not in wanted,
        "Exists": value is not None,
        "DoesNotExist": value is None,
    }[expression["operator"]]


def _allows(policy: Object, address: Any) -> bool:
    blocks = [at(peer, "ipBlock", "cidr") for way, peer in peers(policy) if way == "to"]
    return any(address in ip_network(block, strict=False) for block in blocks if block)


def _words(selector: Object) -> str:
    plain = [f"{key}={value}" for key, value in (selector.get("matchLabels") or {}).items()]
    other = [f"{each['key']} {each['operator']}" for each in selector.get("matchExpressions") or []]
    return ", ".join([*plain, *other]) or "any"


def see_namespaces(manifests: Manifests, kubectl: Kubectl) -> NamespacesSeen:
    """All of the cluster."""
    made = frozenset(name_of(each) for each in manifests.of("Namespace"))
    return NamespacesSeen(frozenset(manifests.namespaces), made, _namespaces(kubectl))


def see_policies(manifests: Manifests, kubectl: Kubectl) -> NetworkSeen:
    """Labels of namespaces and pods; those that the manifests themselves bring count as there."""
    pods: dict[str, list[Labels]] = {}
    for each in kubectl.items("pods"):
        pods.setdefault(namespace_of(each), []).append(at(each, "metadata", "labels") or {})
    for workload in manifests.workloads:
        pods.setdefault(workload.namespace, []).append(workload.labels)
    there = _namespaces(kubectl)
    coming = [
        NamespaceSeen(
            name_of(each), {"kubernetes.io/metadata.name": name_of(each)} | (each["metadata"].get("labels") or {})
        )
        for each in manifests.of("Namespace")
        if name_of(each) not in {one.name for one in there}
    ]
    secrets = [each for each in see_sources(manifests, kubectl).held if each.kind == SECRET]
    every_address = installation_addresses(manifests, secrets)
    return NetworkSeen(manifests.of("NetworkPolicy"), [*there, *coming], pods, every_address)


def _namespaces(kubectl: Kubectl) -> list[NamespaceSeen]:
    return [
        NamespaceSeen(name_of(each), at(each, "metadata", "labels") or {}, at(each, "status", "phase") == "Terminating")
        for each in kubectl.items("namespaces")
    ]
