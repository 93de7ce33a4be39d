"""Whoever selects pods selects those it means, all of them and no others."""

from ..manifests import COMPONENT, INSTANCE, NAME, PART_OF, Manifests, selects


def deployments(manifests: Manifests) -> list[str]:
    """A Deployment selects its own pods and nobody else's; its spread counts just these."""
    faults = []
    for one in manifests.services:
        chosen = [other.name for other in manifests.workloads if selects(one.whole["spec"]["selector"], other.labels)]
        if chosen != [one.name]:
            faults.append(f"Deployment {one.name} selects the pods of {chosen}")
        for spread in one.pod.get("topologySpreadConstraints", []):
            counted = [other.name for other in manifests.workloads if selects(spread["labelSelector"], other.labels)]
            if counted != [one.name]:
                faults.append(f"Deployment {one.name} spreads the pods of {counted}")
    return faults


def budgets(manifests: Manifests) -> list[str]:
    """Each Deployment has one PodDisruptionBudget: a pod under two cannot be evicted at all."""
    faults = []
    for one in manifests.services:
        over = [o for o in manifests.of("PodDisruptionBudget") if selects(o["spec"]["selector"], one.labels)]
        if len(over) != 1:
            faults.append(f"Deployment {one.name} has {len(over)} budgets")
    for budget in manifests.of("PodDisruptionBudget"):
        if not any(selects(budget["spec"]["selector"], one.labels) for one in manifests.services):
            faults.append(f"PodDisruptionBudget {budget['metadata']['name']} covers nothing")
    return faults


def scalers(manifests: Manifests) -> list[str]:
    """A scaler's target exists."""
    targets = {
        each["metadata"]["name"]: each["spec"]["scaleTargetRef"]["name"] for each in manifests.of("ScaledObject")
    }
    return [
        f"ScaledObject {name} scales {target}, which is not there"
        for name, target in targets.items()
        if target not in manifests.names("Deployment")
    ]


def monitors(manifests: Manifests) -> list[str]:
    """The trunk's PodMonitor chooses every service's pods, that of the canary its own, by ports that they have."""
    faults = []
    for monitor in manifests.of("PodMonitor"):
        if "namespaceSelector" in monitor["spec"]:
            continue  # somebody else's pods: compared with the examples
        chosen = {one.name for one in manifests.workloads if selects(monitor["spec"]["selector"], one.labels)}
        is_of_canary = monitor["metadata"]["name"] == "canary"
        if chosen != ({"canary"} if is_of_canary else {one.name for one in manifests.services}):
            faults.append(f"PodMonitor {monitor['metadata']['name']} chooses {sorted(chosen)}")
        ports = {port["name"] for one in manifests.services for port in one.container["ports"]}
        for endpoint in monitor["spec"]["podMetricsEndpoints"]:
            if endpoint["port"] not in ports:
                faults.append(f"PodMonitor {monitor['metadata']['name']}: no port {endpoint['port']}")
    return faults


def policies(manifests: Manifests) -> list[str]:
    """Each NetworkPolicy is about some pods, and every pod is denied by default."""
    faults = []
    of_operators = [each["spec"]["podMetadata"]["labels"] for each in manifests.of("Alertmanager")]
    pods = [one.labels for one in manifests.workloads] + of_operators
    for policy in manifests.of("NetworkPolicy"):
        if not any(selects(policy["spec"]["podSelector"], labels) for labels in pods):
            faults.append(f"NetworkPolicy {policy['metadata']['name']} is about no pod")
    denials = [
        policy
        for policy in manifests.of("NetworkPolicy")
        if policy["spec"]["podSelector"] == {}
        and set(policy["spec"]["policyTypes"]) == {"Ingress", "Egress"}
        and not policy["spec"].get("ingress")
        and not policy["spec"].get("egress")
    ]
    return faults if denials else [*faults, "nothing denies by default"]


def labels(manifests: Manifests) -> list[str]:
    """Every object is part of the trunk; every pod says which service, which instance and which kind of thing."""
    faults = []
    for each in manifests.objects:
        if each["metadata"].get("labels", {}).get(PART_OF) != "trunk" and each["kind"] != "ConfigMap":
            faults.append(f"{each['kind']} {each['metadata']['name']} is not labelled part of the trunk")
    for one in manifests.workloads:
        if missing := {NAME, INSTANCE, COMPONENT, PART_OF} - one.labels.keys():
            faults.append(f"{one.name}: pods without {sorted(missing)}")
        if one.is_service and one.labels.get(INSTANCE) != one.name:
            faults.append(f"{one.name}: pods of instance {one.labels.get(INSTANCE)}")
    return faults
