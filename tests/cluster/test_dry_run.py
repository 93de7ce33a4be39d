"""What a real API server says to everything that an operator would apply: every admission runs, no field is unknown."""

from pathlib import Path

import pytest

from lab.kubernetes import manifests
from lab.kubernetes.kubectl import Kubectl, Refused
from lab.kubernetes.manifests import Object

from .conftest import ROOT

DEPLOY = ROOT / "deploy" / "k8s"
FOLDERS = sorted(path.parent for kind in ("overlays", "tests") for path in DEPLOY.glob(f"{kind}/*/kustomization.yaml"))
WORKLOADS = ("Deployment", "Job", "CronJob")


@pytest.fixture(params=FOLDERS, ids=lambda folder: f"{folder.parent.name}/{folder.name}")
def objects(request: pytest.FixtureRequest, kubectl: Kubectl) -> list[Object]:
    """Of one folder; its namespaces are there."""
    found = manifests.rendered(request.param)
    kubectl.apply(manifests.of_kind(found, "Namespace"))
    return found


def test_the_server_takes_every_object(objects: list[Object], kubectl: Kubectl) -> None:
    said = kubectl.dry_run(objects)
    assert said.count("(server dry run)") == len(objects)


def test_pods_are_let_into_their_namespace(objects: list[Object], kubectl: Kubectl) -> None:
    """Pod Security looks at pods alone; at what makes them it only warns."""
    for workload in manifests.of_kind(objects, *WORKLOADS):
        kubectl.dry_run([pod_of(workload)])


@pytest.mark.parametrize("hole", ["privileged", "root", "no profile", "host network"])
def test_a_pod_with_a_hole_is_refused(hole: str, objects: list[Object], kubectl: Kubectl) -> None:
    pod = pod_of(manifests.of_kind(objects, "Deployment")[0])
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


MISSPELT = {
    "Deployment": ("spec", "template", "spec", "terminationGracePeriodSecond"),
    "PodDisruptionBudget": ("spec", "maxUnavailabel"),
    "NetworkPolicy": ("spec", "polcyTypes"),
    "ScaledObject": ("spec", "minReplicasCount"),
    "PodMonitor": ("spec", "podMetricEndpoints"),
    "ServiceMonitor": ("spec", "endpoint"),
    "PrometheusRule": ("spec", "group"),
    "ExternalSecret": ("spec", "refreshIntervall"),
}


@pytest.mark.parametrize("kind", MISSPELT)
def test_a_misspelt_field_is_refused(kind: str, kubectl: Kubectl) -> None:
    found = [one for folder in FOLDERS for one in manifests.of_kind(manifests.rendered(folder), kind)]
    if not found:
        pytest.skip(f"misspelt field of {kind} skipped: no folder has such an object")
    victim = found[0]
    kubectl.apply([namespace(victim["metadata"]["namespace"])])
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
    template = spec["template"]
    metadata = {"name": "probe", "namespace": workload["metadata"]["namespace"], **template["metadata"]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}


def namespace(name: str) -> Object:
    """An empty one."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def test_every_overlay_is_looked_at() -> None:
    assert {folder.name for folder in FOLDERS if folder.parent.name == "overlays"} >= {"dev", "staging", "production"}
    assert all(Path(folder, "kustomization.yaml").exists() for folder in FOLDERS)
