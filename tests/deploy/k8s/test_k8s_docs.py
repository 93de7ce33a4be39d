"""The page that operators follow says what the manifests need."""

import re
from collections.abc import Callable

import yaml

from lab import k8s_schemas

from .checks.referring import CONFIGMAPS_BY_HAND, secrets_needed
from .conftest import K8S
from .manifests import COMPONENT, NAME, Manifests

PAGE = (K8S.parents[1] / "docs" / "operations" / "install-kubernetes.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| ((?:`trunk-[a-z-]+`(?:, )?)+) \| ((?:`[a-z0-9_.]+`(?:, )?)+) \|", re.MULTILINE)
QUOTED = re.compile(r"`([^`]+)`")
BESIDE = ("job", "toolbox", "canary")
"""Components that are applied whole."""


def test_its_table_of_secrets_is_complete(everything: Manifests) -> None:
    table = {name: set(QUOTED.findall(keys)) for names, keys in ROW.findall(PAGE) for name in QUOTED.findall(names)}
    assert table == secrets_needed(everything)


def test_it_names_every_configmap_made_by_hand() -> None:
    assert [name for name in CONFIGMAPS_BY_HAND if name not in PAGE] == []


def test_it_names_the_minors_that_are_checked() -> None:
    assert f"{k8s_schemas.OLDEST_MINOR} to {k8s_schemas.NEWEST_MINOR}" in PAGE


def test_both_pages_name_every_component_and_overlay() -> None:
    readme = (K8S / "README.md").read_text(encoding="utf-8")
    components = {path.name for path in (K8S / "components").iterdir()}
    overlays = {path.name for path in (K8S / "overlays").iterdir()}
    assert {name for name in components | overlays if name not in readme} == set()
    assert {
        name for name in components - {"lanes"} | overlays if f"`{name}`" not in PAGE and f"/{name}`" not in PAGE
    } == set()


def test_the_waivers_that_it_points_to_are_reasoned() -> None:
    waivers = yaml.safe_load((K8S / "checkov-waivers.yaml").read_text())
    assert all(len(waiver["why"]) > 20 for waiver in waivers)


def test_what_it_calls_by_hand_is_by_hand(render: Callable[[str], Manifests]) -> None:
    """No overlay makes one of those ConfigMaps itself."""
    for path in (K8S / "overlays").iterdir():
        assert not render(f"overlays/{path.name}").names("ConfigMap") & CONFIGMAPS_BY_HAND.keys()


def test_the_steps_of_an_upgrade_reach_every_object_once(everything: Manifests) -> None:
    """And in the order of upgrade.md; what a pod is told is there before the pod."""
    services = re.search(r"for service in ([a-z ]+); do", PAGE)
    assert services is not None
    assert services[1].split() == ["notifier", "archive", "router", "validator", "intake"]
    assert set(services[1].split()) == {one.service for one in everything.services}
    others = [each for each in everything.objects if COMPONENT not in each["metadata"]["labels"]]
    assert {each["kind"] for each in everything.objects} - {each["kind"] for each in others} == {
        *("Deployment", "Job", "PodDisruptionBudget", "ServiceAccount")
    }
    assert all(f"-l app.kubernetes.io/component={name} " in PAGE for name in BESIDE)
    for each in everything.objects:
        labels = each["metadata"]["labels"]
        chosen = [labels.get(COMPONENT) is None, *(labels.get(COMPONENT) == name for name in BESIDE)]
        chosen += [labels.get(COMPONENT) == "service" and labels.get(NAME) == name for name in services[1].split()]
        assert sum(chosen) == 1, each["metadata"]
