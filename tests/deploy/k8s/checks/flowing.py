"""Who may speak with whom: NetworkPolicies evaluated, compared with what is declared, paired with the other side."""

from dataclasses import dataclass

from ..manifests import COMPONENT, NAME, PART_OF, Labels, Manifests, Object, Workload, selects

DATA, MONITORING = "trunk-data", "monitoring"
NAMESPACE = "kubernetes.io/metadata.name"


@dataclass(frozen=True, order=True)
class Flow:
    """To whom, and by which port."""

    peer: str
    port: str


DNS = {Flow("kube-system/k8s-app=kube-dns", "53/UDP"), Flow("kube-system/k8s-app=kube-dns", "53/TCP")}
RABBITMQ = {Flow(f"{DATA}/{COMPONENT}=rabbitmq", port) for port in ("5671/TCP", "5672/TCP")}
MANAGEMENT = {Flow(f"{DATA}/{COMPONENT}=rabbitmq", port) for port in ("15671/TCP", "15672/TCP")}
MONGODB = {Flow(f"{DATA}/{COMPONENT}=mongod", "27017/TCP")}
S3 = {Flow(f"{DATA}/{COMPONENT}=s3", "8333/TCP")}
COLLECTOR = {Flow(f"{MONITORING}/{NAME}=opentelemetry-collector", "4318/TCP")}

STORES = DNS | RABBITMQ | MONGODB | S3
DECLARED: dict[str, set[Flow]] = {
    **dict.fromkeys(("intake", "validator", "router", "archive", "notifier"), STORES),
    "migrate": DNS | MONGODB | S3,
    "topology": DNS | MANAGEMENT | S3,
    "backup": DNS | MONGODB | S3,
    **dict.fromkeys(("toolbox", "toolbox-operator"), STORES | MANAGEMENT),
    "archive-check": DNS | MONGODB | S3,
    "log-tidy": DNS | MONGODB | S3,
    "canary": DNS | RABBITMQ,
}
"""What each kind of pod needs, inside the cluster."""
OUTSIDE = {"notifier": {"587/TCP", "443/TCP"}, "validator": {"80/TCP"}, "backup": {"443/TCP"}}
"""Ports by which a pod may leave the cluster, where components/network-egress or components/backup is used."""
INCOMING = {Flow(f"{MONITORING}/{NAME}=prometheus", "http/TCP")}


def flows(manifests: Manifests, one: Workload, direction: str) -> set[Flow]:
    """All that the policies over these pods allow; ``direction`` is ingress or egress."""
    own = f"{one.namespace}-data"
    return {
        Flow(_seen_from(own, _peer(peer)), f"{port['port']}/{port['protocol']}")
        for policy in manifests.of("NetworkPolicy")
        if selects(policy["spec"]["podSelector"], one.labels)
        and direction.capitalize() in policy["spec"]["policyTypes"]
        for rule in policy["spec"].get(direction, [])
        for peer in rule["to" if direction == "egress" else "from"]
        for port in rule["ports"]
    }


def outgoing(manifests: Manifests) -> list[str]:
    """Every pod reaches just what is declared for it."""
    faults = []
    for one in manifests.workloads:
        allowed = flows(manifests, one, "egress")
        abroad = {flow for flow in allowed if "/" in flow.peer and flow.peer[0].isdigit()}
        traced = COLLECTOR if "tracing" in manifests.names("NetworkPolicy") and one.is_service else set()
        if wrong := (allowed - abroad) ^ (DECLARED[one.service] | traced):
            faults.append(f"{one.name}: {sorted(wrong)}")
        if strange := {flow.port for flow in abroad} - OUTSIDE.get(one.service, set()):
            faults.append(f"{one.name} leaves the cluster by {sorted(strange)}")
    return faults


def incoming(manifests: Manifests) -> list[str]:
    """Only Prometheus speaks to a service and to the canary, and nobody to a job or toolbox."""
    return [
        f"{one.name}: {sorted(wrong)}"
        for one in manifests.workloads
        if (wrong := flows(manifests, one, "ingress") ^ (INCOMING if one.serves_metrics else set()))
    ]


def pairs(manifests: Manifests, stores: Manifests) -> list[str]:
    """What a pod may send to a store, the store's own policy lets in; and nothing else of the trunk's."""
    faults = []
    for policy in stores.of("NetworkPolicy"):
        store = policy["spec"]["podSelector"]["matchLabels"][COMPONENT]
        for one in manifests.workloads:
            sent = {f.port for f in flows(manifests, one, "egress") if f.peer == f"{DATA}/{COMPONENT}={store}"}
            if wrong := sent ^ _let_in(policy, one.labels):
                faults.append(f"{one.name} and {store}: only one side allows {sorted(wrong)}")
    reached = {flow.peer for one in manifests.workloads for flow in flows(manifests, one, "egress")}
    guarded = {
        f"{DATA}/{COMPONENT}={p['spec']['podSelector']['matchLabels'][COMPONENT]}" for p in stores.of("NetworkPolicy")
    }
    return faults + [
        f"{peer} has no policy of its own" for peer in sorted(reached) if peer.startswith(DATA) and peer not in guarded
    ]


def _let_in(policy: Object, labels: Labels) -> set[str]:
    """Ports by which a store's policy lets such a pod of a trunk's namespace in."""
    return {
        f"{port['port']}/{port['protocol']}"
        for rule in policy["spec"]["ingress"]
        for peer in rule["from"]
        if _is_of_the_trunk(peer) and selects(peer.get("podSelector", {}), labels)
        for port in rule["ports"]
    }


def _is_of_the_trunk(peer: Object) -> bool:
    return bool(peer.get("namespaceSelector", {}).get("matchLabels", {}).get(PART_OF) == "trunk")


def _seen_from(own: str, peer: str) -> str:
    """Stores of an installation are called alike, and those of another one are strangers."""
    namespace, _, pod = peer.partition("/")
    if namespace == own:
        return f"{DATA}/{pod}"
    return f"stores of another installation, {peer}" if namespace.endswith("-data") else peer


def _peer(peer: Object) -> str:
    if "ipBlock" in peer:
        return str(peer["ipBlock"]["cidr"])
    (pod,) = peer["podSelector"]["matchLabels"].items()
    return f"{peer['namespaceSelector']['matchLabels'][NAMESPACE]}/{pod[0]}={pod[1]}"
