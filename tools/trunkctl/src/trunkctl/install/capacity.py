"""Checks whether the pods of the manifests fit onto the nodes beside the running ones."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from trunkctl.doctor.finding import Finding, Level, ok
from trunkctl.install.kubectl import Kubectl
from trunkctl.install.manifests import Manifests, Object, Workload, at
from trunkctl.install.quantities import quantity

RESOURCES = ("cpu", "memory", "ephemeral-storage")
HOSTNAME = "kubernetes.io/hostname"
PART_OF = "app.kubernetes.io/part-of"
KEEPS_OUT = {"NoSchedule", "NoExecute"}

Amounts = Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Pod:
    """One pod that must find a node."""

    by: str
    requests: Amounts
    apart: bool = False
    """No two of ``by`` on one node."""


@dataclass(frozen=True, slots=True)
class Node:
    """A node that takes pods, and what is free on it."""

    name: str
    free: Amounts


@dataclass(frozen=True, slots=True)
class RoomSeen:
    """The pods that are to run, and the nodes."""

    pods: Sequence[Pod]
    nodes: Sequence[Node]


def judge_room(room: RoomSeen) -> list[Finding]:
    """Places the largest pods first, each on the node with the most room, as the scheduler might."""
    if not room.nodes:
        return [Finding(Level.FAILED, "no node takes pods", "Are all of them cordoned or tainted?")]
    findings = [
        Finding(Level.FAILED, f"{count} of {by} do not fit onto {len(room.nodes)} nodes", "Add nodes, or take less.")
        for by, count in _unplaced(room).items()
    ]
    most = max((sum(pod.by == by for pod in room.pods) for by in {pod.by for pod in room.pods}), default=0)
    if len(room.nodes) < min(most, 2):
        says = f"{len(room.nodes)} node takes pods: when it goes, every service stops"
        findings.append(Finding(Level.WARNING, says, "Use three nodes or more for production."))
    wanted = {name: sum((pod.requests.get(name, Decimal(0)) for pod in room.pods), Decimal(0)) for name in RESOURCES}
    sizes = f"{wanted['cpu']:.1f} cores and {wanted['memory'] / 2**30:.1f} GiB"
    return findings or ok(f"{len(room.pods)} pods ask for {sizes}, and fit onto {len(room.nodes)} nodes")


def _unplaced(cluster: RoomSeen) -> dict[str, int]:
    free = {node.name: dict(node.free) for node in cluster.nodes}
    held: dict[str, set[str]] = {}
    left: dict[str, int] = {}
    for pod in sorted(
        cluster.pods, key=lambda each: (each.requests.get("cpu", 0), each.requests.get("memory", 0)), reverse=True
    ):
        taken = held.setdefault(pod.by, set())
        fitting = [
            name
            for name, room in free.items()
            if all(room.get(key, Decimal(0)) >= amount for key, amount in pod.requests.items())
            and not (pod.apart and name in taken)
        ]
        if not fitting:
            left[pod.by] = left.get(pod.by, 0) + 1
            continue
        node = max(fitting, key=lambda name: free[name].get("cpu", Decimal(0)))
        taken.add(node)
        for key, amount in pod.requests.items():
            free[node][key] -= amount
    return left


def see_room(manifests: Manifests, kubectl: Kubectl) -> RoomSeen:
    """Nodes and pods of all namespaces; what this installation runs already is counted once, as it is to be."""
    running = [each for each in kubectl.items("pods") if not is_replaced(each, manifests)]
    nodes = [room for each in kubectl.items("nodes") if (room := node_of(each, running))]
    workloads = [each for each in manifests.workloads if each.kind != "DaemonSet"]
    return RoomSeen([pod for each in workloads for pod in pods_of(each)], nodes)


def is_replaced(pod: Object, manifests: Manifests) -> bool:
    """Whether a pod is of this installation, or has ended."""
    own = at(pod, "metadata", "labels", PART_OF) == "trunk" and at(pod, "metadata", "namespace") in manifests.namespaces
    return own or at(pod, "status", "phase") in {"Succeeded", "Failed"}


def pods_of(workload: Workload) -> Iterator[Pod]:
    """As many as its replicas."""
    terms = at(workload.pod, "affinity", "podAntiAffinity", "requiredDuringSchedulingIgnoredDuringExecution") or []
    spread = workload.pod.get("topologySpreadConstraints") or []
    apart = any(each.get("topologyKey") == HOSTNAME for each in terms) or any(
        each.get("topologyKey") == HOSTNAME and each.get("whenUnsatisfiable") == "DoNotSchedule" for each in spread
    )
    for _ in range(workload.replicas):
        yield Pod(str(workload), requests_of(workload.pod), apart)


def requests_of(pod: Object) -> dict[str, Decimal]:
    """The sum of the containers, or the largest that runs before them (Kubernetes, "Init containers")."""
    steady = _sum(_requests(each) for each in pod.get("containers") or [])
    before = [_requests(each) for each in pod.get("initContainers") or []]
    needs = [steady, *before]
    return {
        key: max(each.get(key, Decimal(0)) for each in needs) for key in RESOURCES if any(key in each for each in needs)
    }


def node_of(whole: Object, pods: Sequence[Object]) -> Node | None:
    """What is left of a node beside these pods; None for one that takes no new pods."""
    spec, name = whole.get("spec") or {}, str(whole["metadata"]["name"])
    tainted = any(each.get("effect") in KEEPS_OUT for each in spec.get("taints") or [])
    ready = any(
        each["type"] == "Ready" and each["status"] == "True" for each in at(whole, "status", "conditions") or []
    )
    if spec.get("unschedulable") or tainted or not ready:
        return None
    used = _sum(requests_of(each["spec"]) for each in pods if at(each, "spec", "nodeName") == name)
    allocatable = at(whole, "status", "allocatable") or {}
    return Node(name, {key: quantity(allocatable[key]) - used.get(key, 0) for key in RESOURCES if key in allocatable})


def _requests(container: Object) -> dict[str, Decimal]:
    requests = at(container, "resources", "requests") or {}
    limits = at(container, "resources", "limits") or {}
    return {key: quantity(value) for key, value in {**limits, **requests}.items() if key in RESOURCES}


def _sum(amounts: Iterable[Mapping[str, Decimal]]) -> dict[str, Decimal]:
    total: dict[str, Decimal] = {}
    for each in amounts:
        for key, amount in each.items():
            total[key] = total.get(key, Decimal(0)) + amount
    return total
