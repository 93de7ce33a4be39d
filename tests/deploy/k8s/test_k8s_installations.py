"""Every overlay that is watched says of which installation its series are, everywhere the same."""

import re

import pytest

from .conftest import K8S, NAMES
from .manifests import Manifests, Object

WATCHED = [name for name in NAMES if "components/monitoring" in (K8S / name / "kustomization.yaml").read_text()]


def constants(manifests: Manifests) -> list[Object]:
    """The rules that say what the installation is."""
    rules: list[Object] = manifests.one("PrometheusRule", "trunk-installation")["spec"]["groups"][0]["rules"]
    return rules


@pytest.mark.parametrize("name", WATCHED)
def test_rules_series_and_scalers_are_of_one_installation(render, name: str) -> None:  # type: ignore[no-untyped-def]
    manifests = render(name)
    namespace = manifests.one("PodMonitor", "trunk")["metadata"]["namespace"]
    installations = {(rule["labels"]["environment"], rule["labels"]["namespace"]) for rule in constants(manifests)}
    assert len(installations) == 1
    for monitor in manifests.of("PodMonitor"):
        for endpoint in monitor["spec"]["podMetricsEndpoints"]:
            labels = {each.get("targetLabel"): each.get("replacement") for each in endpoint["relabelings"]}
            assert {(labels["environment"], labels["namespace"])} == installations
    for probe in manifests.of("Probe"):
        relabelings = probe["spec"]["targets"]["staticConfig"]["relabelingConfigs"]
        labels = {each["targetLabel"]: each["replacement"] for each in relabelings}
        assert {(labels["environment"], labels["namespace"])} == installations
    assert {each for _, each in installations} == {namespace}
    for scaler in manifests.of("ScaledObject"):
        assert f'namespace="{namespace}"' in scaler["spec"]["triggers"][0]["metadata"]["query"]


@pytest.mark.parametrize("name", WATCHED)
def test_rules_expect_a_canary_and_doors_where_they_are_installed_and_nowhere_else(render, name: str) -> None:  # type: ignore[no-untyped-def]
    manifests = render(name)
    expected = {rule["record"]: rule["expr"] for rule in constants(manifests)}
    doors = [door for probe in manifests.of("Probe") for door in probe["spec"]["targets"]["staticConfig"]["static"]]
    assert expected["trunk:canary:configured"] == f"vector({int('canary' in manifests.names('Deployment'))})"
    assert expected["trunk:doors:configured"] == f"vector({len(doors)})"


def test_overlays_are_told_apart(render) -> None:  # type: ignore[no-untyped-def]
    overlays = [name for name in WATCHED if name.startswith("overlays/")]
    environments = {constants(render(name))[0]["labels"]["environment"] for name in overlays}
    assert len(overlays) > 1
    assert len(environments) == len(overlays)


OVERLAYS = [name for name in NAMES if name.startswith("overlays/")]
STORES = re.compile(r"\btrunk(?:-[a-z]+)*-data\b")


@pytest.mark.parametrize("name", OVERLAYS)
def test_an_overlay_names_the_stores_of_its_own_namespace_alone(render_text, render, name: str) -> None:  # type: ignore[no-untyped-def]
    """In settings, policies, scrapes and rules: a sibling's stores cannot be reached, nor mistaken for its own."""
    (namespace,) = render(name).names("Namespace")
    assert set(STORES.findall(render_text(name))) == {f"{namespace}-data"}


def test_overlays_keep_their_backups_apart(render) -> None:  # type: ignore[no-untyped-def]
    places = [settings[0]["data"] for name in OVERLAYS if (settings := backups(render(name)))]
    buckets = [(each["TRUNK_BACKUP_S3_ENDPOINT"], each["TRUNK_BACKUP_BUCKET"]) for each in places]
    assert len(buckets) > 1
    assert len(set(buckets)) == len(buckets)


def backups(manifests: Manifests) -> list[Object]:
    """The settings of the second store, where there is one."""
    return [each for each in manifests.of("ConfigMap") if each["metadata"]["name"].startswith("trunk-backup-settings")]
