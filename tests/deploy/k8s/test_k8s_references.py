"""What no schema sees: whether the objects of an overlay fit each other and the code. Each check is made to fail."""

import base64
from collections.abc import Callable

import pytest

from .checks import configuring, flowing, hardening, probing, referring, scaling, selecting
from .conftest import NAMES
from .manifests import INSTANCE, Manifests, Object

Check = Callable[[Manifests], list[str]]
Break = Callable[[Manifests], object]

EVERYWHERE: list[Check] = [
    selecting.deployments,
    selecting.budgets,
    selecting.scalers,
    selecting.monitors,
    selecting.policies,
    selecting.labels,
    referring.configmaps,
    referring.external_secrets,
    referring.no_secret_inside,
    referring.accounts,
    referring.volumes,
    configuring.unknown,
    configuring.unreadable,
    configuring.rollouts,
    configuring.commands,
    probing.probes,
    probing.listening,
    probing.metrics,
    probing.grace,
    scaling.drains,
    scaling.lanes,
    scaling.scalers,
    hardening.restricted,
    hardening.resources,
    hardening.workers,
    hardening.images,
    flowing.outgoing,
    flowing.incoming,
]


@pytest.mark.parametrize(
    "check", EVERYWHERE, ids=lambda check: f"{check.__module__.rpartition('.')[2]}.{check.__name__}"
)
def test_holds_in_every_overlay(render: Callable[[str], Manifests], check: Check) -> None:
    assert {name: faults for name in NAMES if (faults := check(render(name)))} == {}


@pytest.mark.parametrize("name", ["overlays/staging", "overlays/production", "tests/minimal", "tests/all-components"])
def test_processors_are_asked_for_as_measured(render: Callable[[str], Manifests], name: str) -> None:
    """All but the overlay for small clusters."""
    assert hardening.measured(render(name)) == []


def test_every_setting_is_told_or_left_alone_for_a_reason(everything: Manifests) -> None:
    assert configuring.untold(everything) == []


def test_the_list_of_settings_left_alone_is_no_longer_than_needed() -> None:
    known = {field for service in flowing.DECLARED for field in configuring.settings_of(service).model_fields}
    assert configuring.LEFT_AT_DEFAULT.keys() <= known


def test_production_names_digests(render: Callable[[str], Manifests]) -> None:
    assert hardening.unpinned(render("overlays/production")) == []


@pytest.mark.parametrize(
    "image",
    ["trunk-router", "registry.example/trunk-router:1.0", "registry.example/trunk-router:latest",
     "registry.example/trunk-router@sha256:0", f"registry.example/trunk-router:1.0@sha256:{'0' * 64}"],
)  # fmt: skip
def test_a_tag_in_production_is_found(render: Callable[[str], Manifests], image: str) -> None:
    production = render("overlays/production")
    container(production, "router")["image"] = image
    assert hardening.unpinned(production) == [f"router runs {image}"]


def test_both_sides_allow_the_same(render: Callable[[str], Manifests], stores: Manifests) -> None:
    assert {name: faults for name in NAMES if (faults := flowing.pairs(render(name), stores))} == {}


def first(manifests: Manifests, kind: str, name: str) -> Object:
    return manifests.one(kind, name)["spec"]


def pod(manifests: Manifests, name: str) -> Object:
    return manifests.workload(name).pod


def container(manifests: Manifests, name: str) -> Object:
    return manifests.workload(name).container


def trigger(manifests: Manifests, name: str) -> Object:
    return first(manifests, "ScaledObject", name)["triggers"][0]["metadata"]


def settings_source(manifests: Manifests) -> Object:
    return container(manifests, "router")["envFrom"][0]["configMapRef"]


def forget(manifests: Manifests, kind: str, name: str) -> None:
    manifests.objects.remove(manifests.one(kind, name))


def wider(manifests: Manifests) -> None:
    first(manifests, "NetworkPolicy", "migrate")["podSelector"] = {
        "matchLabels": {"app.kubernetes.io/part-of": "trunk"}
    }


BROKEN: list[tuple[Check, Break]] = [
    (selecting.deployments, lambda m: first(m, "Deployment", "router")["selector"]["matchLabels"].pop(INSTANCE)),
    (
        selecting.deployments,
        lambda m: pod(m, "router")["topologySpreadConstraints"][0].update(labelSelector={"matchLabels": {"a": "b"}}),
    ),
    (selecting.budgets, lambda m: forget(m, "PodDisruptionBudget", "router")),
    (selecting.budgets, lambda m: first(m, "PodDisruptionBudget", "router").update(selector={})),
    (selecting.scalers, lambda m: first(m, "ScaledObject", "router")["scaleTargetRef"].update(name="rooter")),
    (selecting.monitors, lambda m: first(m, "PodMonitor", "trunk").update(selector={})),
    (selecting.monitors, lambda m: first(m, "PodMonitor", "trunk")["podMetricsEndpoints"][0].update(port="https")),
    (selecting.policies, lambda m: forget(m, "NetworkPolicy", "default-deny")),
    (
        selecting.policies,
        lambda m: first(m, "NetworkPolicy", "notifier-mail")["podSelector"]["matchLabels"].update(
            {"app.kubernetes.io/name": "notify"}
        ),
    ),
    (selecting.policies, lambda m: first(m, "Alertmanager", "trunk")["podMetadata"]["labels"].clear()),
    (selecting.labels, lambda m: m.one("ServiceAccount", "router")["metadata"].pop("labels")),
    (selecting.labels, lambda m: m.workload("router").labels.pop("app.kubernetes.io/component")),
    (referring.configmaps, lambda m: forget(m, "ConfigMap", "trunk-settings")),
    (referring.external_secrets, lambda m: forget(m, "ExternalSecret", "trunk-migrate")),
    (referring.external_secrets, lambda m: first(m, "ExternalSecret", "trunk-router")["data"].pop()),
    (referring.external_secrets, lambda m: first(m, "Alertmanager", "trunk")["secrets"].append("trunk-pager")),
    (referring.no_secret_inside, lambda m: m.one("Secret", referring.ROUTES)["data"].update({
        "alertmanager.yaml": base64.b64encode(b"url: https://pager.example").decode()})),
    (referring.no_secret_inside, lambda m: m.objects.append({"kind": "Secret", "metadata": {"name": "trunk-router"}})),
    (referring.accounts, lambda m: pod(m, "router").update(serviceAccountName="default")),
    (referring.accounts, lambda m: pod(m, "router").update(serviceAccountName="intake")),
    (referring.accounts, lambda m: pod(m, "router").pop("automountServiceAccountToken")),
    (referring.accounts, lambda m: m.one("ServiceAccount", "router").pop("automountServiceAccountToken")),
    (referring.volumes, lambda m: container(m, "router")["volumeMounts"].pop()),
    (referring.volumes, lambda m: pod(m, "router")["volumes"].append({"name": "x", "emptyDir": {}})),
    (referring.volumes, lambda m: forget(m, "PersistentVolumeClaim", "trunk-crl-drop")),
    (configuring.unknown, lambda m: container(m, "router")["env"].append({"name": "TRUNK_PREFETSCH", "value": "8"})),
    (configuring.unknown, lambda m: m.one("ConfigMap", "trunk-settings")["data"].update(TRUNK_SMTP_HOST="mail")),
    (configuring.unreadable, lambda m: m.one("ConfigMap", "trunk-settings")["data"].update(TRUNK_PREFETCH="eight")),
    (configuring.unreadable, lambda m: container(m, "router").update(env=[{"name": "TRUNK_LANE", "value": "slow"}])),
    (configuring.untold, lambda m: m.one("ConfigMap", "trunk-settings")["data"].pop("TRUNK_LOG_LEVEL")),
    (configuring.rollouts, lambda m: settings_source(m).update(name="trunk-settings")),
    (configuring.commands, lambda m: container(m, "trunk-topology").update(args=["topologie", "apply"])),
    (probing.probes, lambda m: container(m, "router")["livenessProbe"]["httpGet"].update(path="/healthz")),
    (probing.probes, lambda m: container(m, "router")["livenessProbe"]["httpGet"].update(path="/readyz")),
    (probing.probes, lambda m: container(m, "router")["readinessProbe"]["httpGet"].update(port="web")),
    (probing.probes, lambda m: container(m, "router")["readinessProbe"].pop("timeoutSeconds")),
    (probing.probes, lambda m: container(m, "router").pop("startupProbe")),
    (probing.listening, lambda m: container(m, "router")["ports"][0].update(containerPort=9091)),
    (probing.listening, lambda m: m.one("ConfigMap", "trunk-settings")["data"].update(TRUNK_HTTP_HOST="127.0.0.1")),
    (probing.metrics, lambda m: first(m, "PodMonitor", "trunk")["podMetricsEndpoints"][0].update(path="/metric")),
    (probing.grace, lambda m: pod(m, "router").update(terminationGracePeriodSeconds=30)),
    (probing.grace, lambda m: m.one("ConfigMap", "trunk-settings")["data"].update(TRUNK_DRAIN_SECONDS="60")),
    (scaling.drains, lambda m: first(m, "PodDisruptionBudget", "router").update(maxUnavailable=0)),
    (scaling.drains, lambda m: [first(m, "PodDisruptionBudget", "router").pop("maxUnavailable"),
                                first(m, "PodDisruptionBudget", "router").update(minAvailable="60%")]),
    (
        scaling.drains,
        lambda m: pod(m, "router")["topologySpreadConstraints"][0].update(whenUnsatisfiable="DoNotSchedule"),
    ),
    (scaling.lanes, lambda m: forget(m, "Deployment", "router-urgent")),
    (scaling.lanes, lambda m: first(m, "ScaledObject", "router").update(minReplicaCount=0)),
    (scaling.scalers, lambda m: first(m, "ScaledObject", "router").update(minReplicaCount=0)),
    (scaling.scalers, lambda m: trigger(m, "router").update(query='trunk:service_due{service="router"}')),
    (scaling.scalers, lambda m: trigger(m, "intake").update(query=trigger(m, "router")["query"])),
    (scaling.scalers, lambda m: first(m, "ScaledObject", "router")["triggers"].append(
        {"type": "cpu", "metadata": {"ignoreNullValues": "false", "serverAddress": "http://x"}})),
    (scaling.scalers, lambda m: trigger(m, "router").update(ignoreNullValues="true")),
    (scaling.scalers, lambda m: trigger(m, "router").pop("serverAddress")),
    (scaling.scalers, lambda m: forget(m, "PrometheusRule", "trunk-recording")),
    (scaling.scalers, lambda m: first(m, "Deployment", "router").update(replicas=2)),
    (scaling.scalers, lambda m: first(m, "ScaledObject", "router")["scaleTargetRef"].update(name="router-urgent")),
    (hardening.restricted, lambda m: container(m, "router")["securityContext"].pop("readOnlyRootFilesystem")),
    (hardening.restricted, lambda m: pod(m, "trunk-migrate")["securityContext"].update(runAsUser=0)),
    (hardening.restricted, lambda m: m.one("Namespace", "trunk")["metadata"]["labels"].popitem()
                                     and m.one("Namespace", "trunk")["metadata"]["labels"].clear()),
    (hardening.resources, lambda m: container(m, "router")["resources"]["limits"].update(cpu="1")),
    (hardening.resources, lambda m: container(m, "router")["resources"]["limits"].pop("memory")),
    (hardening.measured, lambda m: container(m, "router")["resources"]["requests"].update(cpu="100m")),
    (hardening.workers, lambda m: m.one("ConfigMap", "trunk-validator-settings")["data"].update(TRUNK_WORKERS="4")),
    (hardening.images, lambda m: container(m, "router").update(image="registry.example/trunk-intake:1")),
    (hardening.images, lambda m: container(m, "router").update(imagePullPolicy="Always")),
    (flowing.outgoing, lambda m: first(m, "NetworkPolicy", "services")["egress"].pop()),
    (flowing.outgoing, lambda m: forget(m, "NetworkPolicy", "dns")),
    (flowing.outgoing, lambda m: first(m, "NetworkPolicy", "services")["egress"][0]["to"][0]["namespaceSelector"][
        "matchLabels"].update({"kubernetes.io/metadata.name": "trunk-staging-data"})),
    (flowing.outgoing, wider),
    (
        flowing.outgoing,
        lambda m: first(m, "NetworkPolicy", "notifier-mail").update(podSelector={}),
    ),
    (flowing.incoming, lambda m: first(m, "NetworkPolicy", "services")["ingress"].pop()),
    (
        flowing.incoming,
        lambda m: first(m, "NetworkPolicy", "services").update(podSelector={}),
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("check", "break_it"), BROKEN, ids=[f"{check.__name__}-{number}" for number, (check, _) in enumerate(BROKEN)]
)
def test_the_check_can_fail(everything: Manifests, check: Check, break_it: Break) -> None:
    before = check(everything)
    break_it(everything)
    assert set(check(everything)) > set(before)


def test_every_check_was_made_to_fail() -> None:
    others = [configuring.untold, hardening.measured]
    assert {check for check, _ in BROKEN} == {*EVERYWHERE, *others}


@pytest.mark.parametrize("side", ["pod", "store"])
def test_a_flow_of_one_side_only_is_found(everything: Manifests, stores: Manifests, side: str) -> None:
    if side == "pod":
        first(everything, "NetworkPolicy", "services")["egress"].pop(0)
    else:
        first(stores, "NetworkPolicy", "mongodb")["ingress"].pop(0)
    assert flowing.pairs(everything, stores) != []
