"""What a real API server says to everything that an operator would apply: every admission runs, no field is unknown."""

from copy import deepcopy
from pathlib import Path

import pytest

from lab.kubernetes import manifests
from lab.kubernetes.kubectl import Kubectl, Refused
from lab.kubernetes.manifests import Object

from .conftest import ROOT

DEPLOY = ROOT / "deploy" / "k8s"
FOLDERS = sorted(path.parent for kind in ("overlays", "tests") for path in DEPLOY.glob(f"{kind}/*/kustomization.yaml"))
EVERYTHING = DEPLOY / "tests" / "all-components"
WORKLOADS = ("Deployment", "Job", "CronJob")
MISSPELT = {
    "Deployment": ("spec", "template", "spec", "terminationGracePeriodSecond"),
    "PodDisruptionBudget": ("spec", "maxUnavailabel"),
    "NetworkPolicy": ("spec", "polcyTypes"),
    "ScaledObject": ("spec", "minReplicasCount"),
    "PodMonitor": ("spec", "podMetricEndpoints"),
    "PrometheusRule": ("spec", "group"),
    "ExternalSecret": ("spec", "refreshIntervall"),
}


def prepared(folder: Path, kubectl: Kubectl) -> list[Object]:
    """The objects of a folder; what the server looks for when it looks at them is there."""
    objects = manifests.rendered(folder)
    kubectl.apply(manifests.of_kind(objects, "Namespace"))
    kubectl.apply(manifests.of_kind(objects, "ServiceAccount"))
    return objects


@pytest.fixture(scope="module")
def everything(kubectl: Kubectl) -> list[Object]:
    """All components together."""
    return prepared(EVERYTHING, kubectl)


def test_every_overlay_is_looked_at() -> None:
    assert {folder.name for folder in FOLDERS if folder.parent.name == "overlays"} >= {"dev", "staging", "production"}
    assert EVERYTHING in FOLDERS


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: f"{folder.parent.name}/{folder.name}")
def test_the_server_takes_every_object_and_every_pod(folder: Path, kubectl: Kubectl) -> None:
    """Pod Security looks at pods alone, and only warns at what makes them: so the pods are handed in, too."""
    objects = prepared(folder, kubectl)
    pods = [pod_of(workload) for workload in manifests.of_kind(objects, *WORKLOADS)]
    said = kubectl.dry_run([*objects, *pods])
    assert said.count("(server dry run)") == len(objects) + len(pods)


@pytest.mark.parametrize("hole", ["privileged", "root", "no profile", "host network"])
def test_a_pod_with_a_hole_is_refused(hole: str, everything: list[Object], kubectl: Kubectl) -> None:
    pod = pod_of(deepcopy(manifests.of_kind(everything, "Deployment")[0]))
    spec, container = pod["spec"], pod["spec"]["containers"][0]
    match hole:
        case "privileged":
            container["securityContext"] |= {"privileged": True, "allowPrivilegeEscalation": True}
        case "root":
            spec["securityContext"] |= {"runAsNonRoot": False, "runAsUser": 0}
        case "no profile":
            del spec["securityContext"]["seccompProfile"]
        case "host network":
            spec["hostNetwork"] = True
    with pytest.raises(Refused, match='violates PodSecurity "restricted:latest"'):
        kubectl.dry_run([pod])


@pytest.mark.parametrize("kind", MISSPELT)
def test_a_misspelt_field_is_refused(kind: str, everything: list[Object], kubectl: Kubectl) -> None:
    objects = manifests.of_kind(everything, kind)
    if not objects:
        pytest.skip(f"misspelt field of {kind} skipped: the manifests have no such object")
    victim = deepcopy(objects[0])
    *way, field = MISSPELT[kind]
    place = victim
    for step in way:
        place = place[step]
    place[field] = 1
    with pytest.raises(Refused, match=rf"(?s)({field}.*field not declared|unknown field.*{field})"):
        kubectl.dry_run([victim])


def pod_of(workload: Object) -> Object:
    """The pod that the workload would make."""
    spec = workload["spec"]["jobTemplate"]["spec"] if workload["kind"] == "CronJob" else workload["spec"]
    template, named = spec["template"], {key: workload["metadata"][key] for key in ("name", "namespace")}
    metadata = {**template["metadata"], **named}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
