"""Every overlay that is watched says of which installation its series are, everywhere the same."""

import pytest

from .conftest import K8S, NAMES
from .manifests import Manifests, Object

WATCHED = [name for name in NAMES if "components/monitoring" in (K8S / name / "kustomization.yaml").read_text()]


def constants(manifests: Manifests) -> list[Object]:
    """The rules that say what the installation is."""
    found: list[Object] = manifests.one("PrometheusRule", "trunk-installation")["spec"]["groups"][0]["rules"]
    return found


@pytest.mark.parametrize("name", WATCHED)
def test_rules_series_and_scalers_are_of_one_installation(render, name: str) -> None:  # type: ignore[no-untyped-def]
    manifests = render(name)
    namespace = manifests.one("PodMonitor", "trunk")["metadata"]["namespace"]
    told = {(rule["labels"]["environment"], rule["labels"]["namespace"]) for rule in constants(manifests)}
    assert len(told) == 1
    for monitor in manifests.of("PodMonitor"):
        for endpoint in monitor["spec"]["podMetricsEndpoints"]:
            labels = {each.get("targetLabel"): each.get("replacement") for each in endpoint["relabelings"]}
            assert {(labels["environment"], labels["namespace"])} == told
    assert {each for _, each in told} == {namespace}
    for scaler in manifests.of("ScaledObject"):
        assert f'namespace="{namespace}"' in scaler["spec"]["triggers"][0]["metadata"]["query"]


def test_overlays_are_told_apart(render) -> None:  # type: ignore[no-untyped-def]
    overlays = [name for name in WATCHED if name.startswith("overlays/")]
    told = {constants(render(name))[0]["labels"]["environment"] for name in overlays}
    assert len(overlays) > 1
    assert len(told) == len(overlays)
