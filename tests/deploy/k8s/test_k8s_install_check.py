"""``trunkctl install check`` on the production overlay, against a cluster that is ready for it, and one that is not."""

import base64
import json
import os
import re
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from tests.trunkctl.install.certificates import certificate, pem
from trunkctl.install.capacity import pods_of
from trunkctl.install.checks import CHECKS
from trunkctl.install.manifests import Manifests as Parsed
from trunkctl.install.manifests import parse
from trunkctl.install.operators import OPERATORS, is_of_others
from trunkctl.install.references import brought, references
from trunkctl.main import app

from .kubectl import FakeKubectl
from .manifests import Object

PAGE = Path(__file__).parents[3] / "docs" / "operations" / "install-kubernetes.md"
SECRET_WORD = "Zx9-never-shown"
OWN = {
    "sha256:" + "0" * 64: "sha256:" + "a" * 64,
    "registry.example": "registry.city.vn",
    "backup.example": "backup.city.vn",
    "trunk.example": "trunk.city.vn",
    "192.0.2.": "10.0.2.",
    "198.51.100.": "10.0.3.",
    "203.0.113.": "10.0.4.",
}
"""What an installation writes in place of the overlay's examples."""
IMAGES = {"keda.sh": "keda:2.21.0"}
PODS = {
    "kube-system": [{"k8s-app": "kube-dns"}],
    "monitoring": [{"app.kubernetes.io/name": "prometheus"}, {"app.kubernetes.io/name": "opentelemetry-collector"}],
    "trunk-data": [{"app.kubernetes.io/component": name} for name in ("rabbitmq", "mongod", "s3")],
}
HOSTS = ["rabbitmq.trunk-data.svc", "seaweedfs-s3.trunk-data.svc"]

Cluster = dict[str, list[Object]]


@pytest.fixture
def overlay(render_text: Callable[[str], str]) -> str:
    """The production overlay with an installation's own values."""
    text = render_text("overlays/production")
    for example, own in OWN.items():
        text = text.replace(example, own)
    return text


@pytest.fixture
def kubectl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeKubectl:
    """First on the path."""
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return FakeKubectl(tmp_path)


def check(manifests: str, *options: str) -> Result:
    return CliRunner().invoke(app, ["install", "check", "-", *options], input=manifests)


def answers(manifests: str, *levels: str) -> list[tuple[str, str]]:
    """Check and words of all answers of these levels."""
    whole = json.loads(check(manifests, "--json").output)
    return [(each["check"], each["says"]) for each in whole["answers"] if each["level"] in levels]


def named(kind: str, namespace: str, **more: Any) -> Object:
    return {"metadata": {"name": kind, "namespace": namespace}, **more}


def value(name: str, key: str) -> str:
    service = name.removeprefix("trunk-")
    user = {"toolbox": "reader", "toolbox-operator": "operator"}.get(service, service)
    everyone = ("intake", "validator", "router", "archive", "notifier", "reader", "operator")
    return {
        "trunk_amqp_url": f"amqps://{user}:{SECRET_WORD}-{user}@rabbitmq.trunk-data.svc:5671/trunk",
        "trunk_mongo_uri": f"mongodb://{user}:{SECRET_WORD}@mongodb-rs0.trunk-data.svc:27017/?authSource=admin",
        "trunk_log_key": "0f" * 32,
        "users.json": json.dumps({each: f"{SECRET_WORD}-{each}" for each in everyone}),
    }.get(key, f"https://{SECRET_WORD}" if key.startswith("alertmanager_") else SECRET_WORD)


def sources(parsed: Parsed) -> Cluster:
    """Every Secret and ConfigMap that is named and does not stand in the manifests."""
    plain = {(each.kind, each.namespace, each.name) for each in brought(parsed) if not each.from_vault}
    keys_of: dict[tuple[str, str, str], set[str]] = {}
    for each in references(parsed):
        if (each.kind, each.namespace, each.name) not in plain:
            keys_of.setdefault((each.kind, each.namespace, each.name), set()).update(each.keys)
    cluster: Cluster = {"secrets": [], "configmaps": []}
    for (kind, namespace, name), keys in keys_of.items():
        data = {key: base64.b64encode(value(name, key).encode()).decode() for key in keys}
        which = ("secrets", "data") if kind == "Secret" else ("configmaps", "binaryData")
        cluster[which[0]].append(named(name, namespace, **{which[1]: data}))
    return cluster


def others(parsed: Parsed) -> Cluster:
    """Definitions of other people's kinds, and their operators."""
    kinds = {
        (*str(each["apiVersion"]).split("/"), each["kind"]) for each in parsed.objects if "/" in each["apiVersion"]
    }
    definitions = [
        {"spec": {"group": group, "names": {"kind": kind}, "versions": [{"name": version, "served": True}]}}
        for group, version, kind in kinds
        if is_of_others(group)
    ]
    deployments = [
        named(
            operator.deployment,
            "operators",
            spec={"template": {"spec": {"containers": [{"image": IMAGES.get(group, f"{operator.image}:9.9.9")}]}}},
            status={"availableReplicas": 1},
        )
        for group, operator in OPERATORS.items()
    ]
    return {"customresourcedefinitions": definitions, "deployments": deployments}


def ready_cluster(overlay: str) -> Cluster:
    """A cluster in which the overlay would come up."""
    parsed, now = parse(overlay), datetime.now(UTC)
    server = pem(certificate("server", names=HOSTS, begins=now - timedelta(days=1)))
    tls = {"tls.crt": base64.b64encode(server).decode(), "tls.key": base64.b64encode(SECRET_WORD.encode()).decode()}
    objects = sources(parsed)
    objects["secrets"].append(named("rabbitmq-tls", "trunk-data", type="kubernetes.io/tls", data=tls))
    conditions = [{"type": "Ready", "status": "True"}]
    doors = [
        named(
            f"door-{port}",
            "trunk-data",
            spec={"type": "LoadBalancer", "ports": [{"port": port}]},
            status={"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}},
        )
        for port in (5671, 443)
    ]
    broker = {
        "image": "rabbitmq:4.3.1",
        "replicas": 3,
        "tls": {"secretName": "rabbitmq-tls"},
        "rabbitmq": {"additionalPlugins": ["rabbitmq_event_exchange"]},
    }
    room = {"cpu": "8", "memory": "32Gi", "ephemeral-storage": "100Gi"}
    return {
        **objects,
        **others(parsed),
        "namespaces": [
            {"metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name}}} for name in ("trunk", *PODS)
        ],
        "pods": [
            {"metadata": {"namespace": namespace, "labels": labels}, "spec": {"containers": []}}
            for namespace, each in PODS.items()
            for labels in each
        ],
        "nodes": [
            {"metadata": {"name": name}, "spec": {}, "status": {"allocatable": room, "conditions": conditions}}
            for name in "abc"
        ],
        "clustersecretstores": [
            {"kind": "ClusterSecretStore", "metadata": {"name": "trunk"}, "status": {"conditions": conditions}}
        ],
        "storageclasses": [
            {"metadata": {"name": "fast", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}}
        ],
        "services": doors,
        "rabbitmqclusters": [named("rabbitmq", "trunk-data", spec=broker)],
    }


def test_a_cluster_that_is_ready(overlay: str, kubectl: FakeKubectl) -> None:
    kubectl.know(ready_cluster(overlay))
    result = check(overlay)
    assert result.exit_code == 0, result.output
    assert "context lab, namespaces trunk" in result.output
    assert all(each.name in result.output for each in CHECKS)


def test_the_shipped_overlay_is_not_yet_an_installation(
    render_text: Callable[[str], str], overlay: str, kubectl: FakeKubectl
) -> None:
    kubectl.know(ready_cluster(overlay))
    shipped = render_text("overlays/production")
    assert {name for name, _ in answers(shipped, "failed", "warning")} == {"images", "examples"}


def test_it_only_reads(overlay: str, kubectl: FakeKubectl) -> None:
    kubectl.know(ready_cluster(overlay))
    check(overlay, "--context=city")
    assert {each[0] for each in kubectl.calls} == {"get"}
    assert all("--context=city" in each for each in kubectl.calls)
    assert len(kubectl.calls) == len(set(map(tuple, kubectl.calls))), "nothing is asked for twice"
    secrets = {name for each in kubectl.calls if each[1] == "secrets" for name in each[2:] if not name.startswith("--")}
    assert secrets == {each.name for each in references(parse(overlay)) if each.kind == "Secret"}


def drop(kind: str, name: str) -> Callable[[Cluster], None]:
    def change(cluster: Cluster) -> None:
        cluster[kind] = [each for each in cluster[kind] if each["metadata"]["name"] != name]

    return change


def put(kind: str, name: str, key: str, text: str) -> Callable[[Cluster], None]:
    def change(cluster: Cluster) -> None:
        (target,) = [each for each in cluster[kind] if each["metadata"]["name"] == name]
        target["data"][key] = base64.b64encode(text.encode()).decode()

    return change


def take_key(name: str, key: str) -> Callable[[Cluster], None]:
    def change(cluster: Cluster) -> None:
        (target,) = [each for each in cluster["secrets"] if each["metadata"]["name"] == name]
        del target["data"][key]

    return change


def add(kind: str, *objects: Object) -> Callable[[Cluster], None]:
    return lambda cluster: cluster.setdefault(kind, []).extend(objects)


PART_OF = {"app.kubernetes.io/part-of": "trunk"}
STAGING = {
    "metadata": {"name": "trunk-settings-x", "namespace": "trunk-staging", "labels": PART_OF},
    "data": {"TRUNK_S3_ENDPOINT": "seaweedfs-s3.trunk-data.svc:8333"},
}
STAGING_POD = {"containers": [{"name": "c", "envFrom": [{"configMapRef": {"name": "trunk-settings-x"}}]}]}
STAGING_INTAKE = {
    "kind": "Deployment",
    "metadata": {"name": "intake", "namespace": "trunk-staging", "labels": PART_OF},
    "spec": {"template": {"spec": STAGING_POD}},
}
LARGE = {"resources": {"requests": {"cpu": "7900m"}}}


@pytest.mark.parametrize(
    ("changes", "name", "words"),
    [
        ([drop("namespaces", "trunk-data")], "network policies", "trunk-data"),
        ([take_key("trunk-archive", "trunk_log_key")], "secrets", "lacks trunk_log_key"),
        ([drop("configmaps", "trunk-trust")], "secrets", "ConfigMap trunk-trust is not in trunk, with trust.json"),
        ([put("secrets", "trunk-intake", "trunk_mongo_uri", "mongodb://intake:PASSWORD@h/")], "values", "of the docs"),
        (
            [
                put(
                    "secrets",
                    "trunk-intake",
                    "trunk_amqp_url",
                    f"amqps://intake:{SECRET_WORD}-x@rabbitmq.trunk-data.svc/trunk",
                )
            ],
            "values",
            "the password of intake",
        ),
        (
            [
                put(
                    "secrets",
                    "trunk-intake",
                    "trunk_mongo_uri",
                    f"mongodb://intake:{SECRET_WORD}@m.trunk-staging-data.svc/",
                )
            ],
            "network policies",
            "no policy lets pods reach namespace trunk-staging-data",
        ),
        ([put("secrets", "rabbitmq-tls", "tls.crt", "none")], "certificates", "tls.crt holds no certificate"),
        ([drop("clustersecretstores", "trunk")], "vault", "ClusterSecretStore trunk is not there"),
        ([drop("storageclasses", "fast")], "storage", "default storage class"),
        (
            [
                add("configmaps", STAGING),
                add("deployments", STAGING_INTAKE),
            ],
            "other installations",
            "trunk would use what trunk-staging uses: object store",
        ),
        (
            [
                add(
                    "pods",
                    *(
                        {"metadata": {"namespace": "city"}, "spec": {"nodeName": node, "containers": [LARGE]}}
                        for node in "abc"
                    ),
                )
            ],
            "room",
            "do not fit onto 3 nodes",
        ),
    ],
)
def test_what_is_wrong_is_told_and_no_secret_is(
    overlay: str, kubectl: FakeKubectl, changes: list[Callable[[Cluster], None]], name: str, words: str
) -> None:
    cluster = deepcopy(ready_cluster(overlay))
    for change in changes:
        change(cluster)
    kubectl.know(cluster)
    result = check(overlay, "--json")
    failed = [each for each in json.loads(result.output)["answers"] if each["level"] == "failed"]
    assert [each for each in failed if each["check"] == name and words in each["says"]]
    assert result.exit_code == 2
    assert SECRET_WORD not in result.output


def test_what_a_person_may_not_see_is_skipped(overlay: str, kubectl: FakeKubectl) -> None:
    kubectl.know(ready_cluster(overlay), forbidden=["secrets"])
    skipped = answers(overlay, "skipped")
    assert {"secrets", "values", "certificates", "jobs"} <= {name for name, _ in skipped}
    assert all("may not see it" in said for _, said in skipped)


def test_a_cluster_that_does_not_answer_is_unknown(overlay: str, kubectl: FakeKubectl) -> None:
    (kubectl.folder / "kubectl").write_text(
        '#!/bin/sh\n[ "$1" = config ] && echo lab || { echo refused >&2; exit 1; }\n'
    )
    assert ("cluster", "could not be asked: refused") in answers(overlay, "unknown")


def test_pages_are_sections() -> None:
    headings = re.findall(r"^#+ (.+)$", PAGE.read_text(encoding="utf-8"), re.M)
    anchors = {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings}
    assert {each.section for each in CHECKS} | {"3-trust", "2-secrets"} <= anchors


def test_the_page_asks_for_enough_of_the_nodes(overlay: str) -> None:
    pods = [pod.requests for workload in parse(overlay).workloads for pod in pods_of(workload)]
    free = re.search(r"`production` (\d+) cores and (\d+) GiB free", PAGE.read_text(encoding="utf-8"))
    assert free
    assert sum(each["cpu"] for each in pods) <= int(free[1])
    assert sum(each["memory"] for each in pods) <= int(free[2]) * 2**30
