"""Every overlay, every test combination and the examples render, and are what the API servers we support accept."""

from collections.abc import Callable
from pathlib import Path

import pytest

from lab import k8s_schemas, k8s_tools
from lab.errors import Missing

from .conftest import NAMES

WITHOUT_SCHEMA = {"PerconaServerMongoDB"}
"""Its operator's Go module cannot be fetched with a verified checksum; see docs/operations/install-kubernetes.md."""


@pytest.fixture(params=[k8s_schemas.OLDEST_MINOR, k8s_schemas.NEWEST_MINOR])
def core_schemas(request: pytest.FixtureRequest) -> Path:
    """Schemas of Kubernetes' own kinds, of the oldest and of the newest minor."""
    try:
        return k8s_schemas.core(request.param)
    except Missing as error:
        pytest.skip(f"schemas of Kubernetes {request.param} skipped: {error}")


@pytest.fixture
def refused(core_schemas: Path, custom_schemas: Path) -> Callable[[str], list[str]]:
    """What a strict look finds wrong in YAML."""
    try:
        k8s_tools.kubeconform()
    except Missing as error:
        pytest.skip(f"kubeconform skipped: {error}")
    return lambda objects: k8s_tools.nonconforming(objects, [core_schemas, custom_schemas])


@pytest.mark.parametrize("name", NAMES)
def test_conforms(render_text: Callable[[str], str], refused: Callable[[str], list[str]], name: str) -> None:
    assert refused(render_text(name)) == []


def test_examples_conform(render_text: Callable[[str], str], refused: Callable[[str], list[str]]) -> None:
    faults = [line for line in refused(render_text("examples")) if line.partition("/")[0] not in WITHOUT_SCHEMA]
    assert faults == []


@pytest.mark.parametrize(
    ("right", "wrong", "kind"),
    [
        ("readOnlyRootFilesystem:", "readOnlyRootFileSystem:", "Deployment"),
        ("replicas: 2", "replicas: two", "Deployment"),
        ("backoffLimit:", "backOffLimit:", "Job"),
        ("unhealthyPodEvictionPolicy:", "unhealthyPodPolicy:", "PodDisruptionBudget"),
        ("policyTypes:", "policyType:", "NetworkPolicy"),
        ("minReplicaCount:", "minReplicasCount:", "ScaledObject"),
        ("honorLabels:", "honourLabels:", "PodMonitor"),
        ("refreshInterval:", "refreshIntervall:", "ExternalSecret"),
    ],
)
def test_a_misspelling_is_refused(
    render_text: Callable[[str], str], refused: Callable[[str], list[str]], right: str, wrong: str, kind: str
) -> None:
    """In Kubernetes' own kinds and in other people's, where an API server would drop the key without a word."""
    whole = render_text("tests/all-components")
    assert right in whole
    assert kind in {line.partition("/")[0] for line in refused(whole.replace(right, wrong))}


def test_an_overlay_that_cannot_be_built_is_told(tmp_path: Path, render_text: Callable[[str], str]) -> None:
    (tmp_path / "kustomization.yaml").write_text("resources: [nowhere.yaml]\n")
    with pytest.raises(ValueError, match=r"nowhere\.yaml"):
        k8s_tools.render(tmp_path)
