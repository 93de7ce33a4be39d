"""Numbers of pods: nodes can be drained, no lane is without a consumer, scalers watch what their service has to do."""

import math

from common.domain.names import Lane
from common.facts.flows import SERVICES

from ..manifests import Manifests, Object, Workload, selects
from .configuring import environment_of

LEAST_SCALED = 2
DUE = "trunk:service_due"
"""The series that says how much a service has to do (deploy/monitoring/rules/recording.yaml)."""
AT_THE_DOOR = "trunk:submit_due"
"""The series that says how much waits until intake lets it in; all services behind it will have to do that, too."""
ZONES = 3


def drains(manifests: Manifests) -> list[str]:
    """No budget and no spread ever keeps a node from being drained."""
    faults = []
    for one in manifests.services:
        replicas = manifests.least_replicas(one)
        for budget in manifests.of("PodDisruptionBudget"):
            if selects(budget["spec"]["selector"], one.labels) and _allowed(budget["spec"], replicas) < 1:
                faults.append(f"{one.name}: its budget never lets one of {replicas} pods go")
        strict = [s for s in one.pod.get("topologySpreadConstraints", []) if s["whenUnsatisfiable"] == "DoNotSchedule"]
        if strict and replicas <= ZONES:
            faults.append(f"{one.name}: a drained zone keeps {replicas} pods from being scheduled")
    return faults


def _allowed(spec: Object, replicas: int) -> int:
    if "maxUnavailable" in spec:
        return _number(spec["maxUnavailable"], replicas)
    return replicas - _number(spec["minAvailable"], replicas)


def _number(told_: int | str, replicas: int) -> int:
    return told_ if isinstance(told_, int) else math.ceil(int(told_.rstrip("%")) * replicas / 100)


def lanes_of(manifests: Manifests, one: Workload) -> set[Lane]:
    """Lanes that a Deployment consumes."""
    lane = environment_of(manifests, one).get("TRUNK_LANE")
    return {Lane(lane)} if lane else set(Lane)


def lanes(manifests: Manifests) -> list[str]:
    """Every service has somebody for each lane, at all times."""
    faults = []
    for service in SERVICES:
        own = [one for one in manifests.services if one.service == service and manifests.least_replicas(one) > 0]
        consumed = {lane for one in own for lane in lanes_of(manifests, one)}
        faults += [f"{service}: nobody consumes the lane {lane}" for lane in sorted(set(Lane) - consumed)]
    return faults


def scalers(manifests: Manifests) -> list[str]:
    """Scalers: all that the service has to do in the normal lane, no number is an error, never to zero."""
    faults = []
    for scaler in manifests.of("ScaledObject"):
        name, spec = scaler["metadata"]["name"], scaler["spec"]
        one = manifests.workload(spec["scaleTargetRef"]["name"])
        faults += [f"ScaledObject {name}: {fault}" for fault in _faults(manifests, one, spec)]
    urgent = [one for one in manifests.services if lanes_of(manifests, one) != {Lane.NORMAL}]
    targets = {scaler["spec"]["scaleTargetRef"]["name"] for scaler in manifests.of("ScaledObject")}
    return faults + [f"{one.name} takes the urgent lane and is scaled" for one in urgent if one.name in targets]


def _query(service: str, namespace: str) -> str:
    own = f'{DUE}{{namespace="{namespace}", service="{service}", urgency="{Lane.NORMAL}"}}'
    at_the_door = f'{AT_THE_DOOR}{{urgency="{Lane.NORMAL}"}}'
    return own if service == "intake" else f"{own} + on (environment, namespace, urgency) {at_the_door}"


def _faults(manifests: Manifests, one: Workload, spec: Object) -> list[str]:
    triggers = [trigger["metadata"] for trigger in spec["triggers"]]
    queries = [trigger.get("query") for trigger in triggers]
    checks = {
        f"asks for {queries}": queries == [_query(one.service, one.whole["metadata"]["namespace"])],
        "goes below two": spec.get("minReplicaCount", 0) >= LEAST_SCALED <= spec["maxReplicaCount"],
        "the Deployment sets replicas too": "replicas" not in one.whole["spec"],
        "counts by another way": all(trigger["type"] == "prometheus" for trigger in spec["triggers"]),
        "takes no answer for zero": all(t["ignoreNullValues"] == "false" for t in triggers),
        "asks nobody": all(t.get("serverAddress", "").startswith("http") for t in triggers),
        "the series is not recorded": _is_recorded(manifests, DUE) and _is_recorded(manifests, AT_THE_DOOR),
    }
    return [fault for fault, is_well in checks.items() if not is_well]


def _is_recorded(manifests: Manifests, series: str) -> bool:
    """By the rules that come with the same overlay."""
    groups = [group for each in manifests.of("PrometheusRule") for group in each["spec"]["groups"]]
    return any(rule.get("record") == series for group in groups for rule in group["rules"])
