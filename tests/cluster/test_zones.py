"""Production's objects over three zones: a rollout, the way back, and a drain of one zone after the other.

The nodes are only spoken of (KWOK) and no container runs; who is placed where, who may be evicted and when, is
decided by the real scheduler and the real controllers.
"""

import json
from collections import Counter
from collections.abc import Iterator

import pytest

from lab.kubernetes import kwok, manifests
from lab.kubernetes.kubectl import Kubectl, Refused
from lab.kubernetes.manifests import Object
from lab.kubernetes.readiness import LABEL, ReadyPods

from .conftest import ROOT

FOLDER = ROOT / "deploy" / "k8s" / "overlays" / "production"
SERVICES = {"intake", "validator", "router", "archive", "notifier"}
PATIENCE = "--timeout=180s"
NEXT = "registry.example/next@sha256:" + "1" * 64


@pytest.fixture(scope="module")
def objects() -> list[Object]:
    """Of production."""
    return manifests.rendered(FOLDER)


@pytest.fixture(scope="module")
def trunk(objects: list[Object], kubectl: Kubectl) -> Iterator[Kubectl]:
    """Production applied, every Deployment at its full number. kubectl in its namespace."""
    kubectl.apply(manifests.of_kind(objects, "Namespace"))
    kubectl.apply(objects, "--validate=strict")
    space = Kubectl(kubectl.access, manifests.of_kind(objects, "Deployment")[0]["metadata"]["namespace"])
    for scaled in manifests.of_kind(objects, "ScaledObject"):
        least, target = scaled["spec"]["minReplicaCount"], scaled["spec"]["scaleTargetRef"]["name"]
        space("scale", f"deployment/{target}", f"--replicas={least}")  # KEDA's share, which does not run here
    wait(space)
    yield space
    space("delete", "namespace", str(space.namespace), "--wait=false")


def wait(trunk: Kubectl) -> None:
    """Until every Deployment is as its object says."""
    for deployment in trunk.items("deployments"):
        trunk("rollout", "status", manifests.name(deployment), PATIENCE)


def zones_of(trunk: Kubectl) -> dict[str, Counter[str]]:
    """Zones in which each service's pods are."""
    zones: dict[str, Counter[str]] = {}
    for pod in trunk.items("pods", "--selector=app.kubernetes.io/component=service"):
        service = pod["metadata"]["labels"][LABEL]
        zones.setdefault(service, Counter())[pod["spec"]["nodeName"]] += 1
    return zones


def test_every_service_stands_in_more_than_one_zone(trunk: Kubectl) -> None:
    zones_by_service = zones_of(trunk)
    assert set(zones_by_service) >= SERVICES
    assert {service: zones for service, zones in zones_by_service.items() if len(zones) < 2} == {}


def test_the_jobs_come_to_an_end(trunk: Kubectl) -> None:
    trunk("wait", "job", "--all", "--for=condition=Complete", PATIENCE)


def test_a_rollout_and_the_way_back(trunk: Kubectl) -> None:
    before, full = templates(trunk), replicas(trunk)
    with ReadyPods(trunk) as watched:
        trunk("set", "image", "deployment", "--all", f"service={NEXT}")
        wait(trunk)
        assert all(image_of(template) == NEXT for template in templates(trunk).values())
        trunk("rollout", "undo", *(f"deployment/{service}" for service in before))
        wait(trunk)
    assert templates(trunk) == before
    assert {service: watched.fewest[service] for service in full if watched.fewest[service] < full[service]} == {}


@pytest.mark.parametrize("zone", kwok.ZONES)
def test_a_zone_is_drained_and_every_service_stays(zone: str, trunk: Kubectl) -> None:
    node, full, allowed = kwok.node_name(zone), replicas(trunk), disruptions(trunk)
    with ReadyPods(trunk) as watched:
        try:
            trunk("drain", node, "--ignore-daemonsets", "--delete-emptydir-data", PATIENCE)
        finally:
            trunk("uncordon", node)
    assert not [pod for pod in trunk.items("pods") if pod["spec"]["nodeName"] == node and is_running(pod)]
    assert {service: watched.fewest[service] for service in full if watched.fewest[service] < 1} == {}
    wanted = {service: count - allowed[service] for service, count in full.items()}
    short = {service: watched.fewest[service] for service in full if watched.fewest[service] < wanted[service]}
    assert short == {}, f"fewer pods than the budget allows: {wanted}"
    wait(trunk)


def templates(trunk: Kubectl) -> dict[str, Object]:
    """Of every Deployment's pods."""
    return {deployment["metadata"]["name"]: deployment["spec"]["template"] for deployment in trunk.items("deployments")}


def image_of(template: Object) -> str:
    """Of the one container."""
    return str(template["spec"]["containers"][0]["image"])


def is_running(pod: Object) -> bool:
    """Whether a pod has not ended."""
    return pod["status"]["phase"] == "Running"


def replicas(trunk: Kubectl) -> dict[str, int]:
    """Ready pods of each Deployment."""
    deployments = trunk.items("deployments")
    return {deployment["metadata"]["name"]: deployment["status"]["readyReplicas"] for deployment in deployments}


def disruptions(trunk: Kubectl) -> dict[str, int]:
    """Pods of each service that may be away at the same time, by the controller's own reckoning."""
    return {budget["metadata"]["name"]: budget["status"]["disruptionsAllowed"] for budget in trunk.items("pdb")}


@pytest.fixture
def no_room(trunk: Kubectl) -> Iterator[None]:
    """No node takes a pod, so that nothing that was evicted comes back."""
    nodes = [kwok.node_name(zone) for zone in kwok.ZONES]
    trunk("cordon", *nodes)
    yield
    trunk("uncordon", *nodes)


def test_an_eviction_beyond_the_budget_is_refused(trunk: Kubectl, no_room: None) -> None:
    """So the drains above could have failed."""
    allowed = disruptions(trunk)
    for service in sorted(SERVICES):
        pods = trunk.items("pods", f"--selector={LABEL}={service}")
        names = [pod["metadata"]["name"] for pod in pods if is_running(pod)]
        assert 0 < allowed[service] < len(names)
        for name in names[: allowed[service]]:
            evict(trunk, name)
        with pytest.raises(Refused, match="Cannot evict pod as it would violate the pod's disruption budget"):
            evict(trunk, names[allowed[service]])


def evict(trunk: Kubectl, pod: str) -> None:
    """As ``kubectl drain`` does it, for one pod."""
    metadata = {"name": pod, "namespace": trunk.namespace}
    wanted = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata}
    place = f"/api/v1/namespaces/{trunk.namespace}/pods/{pod}/eviction"
    trunk("create", "--raw", place, "--filename=-", input_text=json.dumps(wanted))
