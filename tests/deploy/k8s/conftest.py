"""What kustomize makes of each overlay and each test combination, rendered once."""

from collections.abc import Callable
from copy import deepcopy
from functools import cache
from pathlib import Path

import pytest
import yaml

from lab import k8s_schemas, k8s_tools
from lab.errors import Missing

from .manifests import Manifests, Object

K8S = Path(__file__).parents[3] / "deploy" / "k8s"
OVERLAYS = sorted(path.parent for place in ("overlays", "tests") for path in K8S.glob(f"{place}/*/kustomization.yaml"))
NAMES = [str(folder.relative_to(K8S)) for folder in OVERLAYS]


@cache
def rendered_text(name: str) -> str:
    return k8s_tools.render(K8S / name)


@pytest.fixture(scope="session")
def render_text() -> Callable[[str], str]:
    """YAML of an overlay by its name under deploy/k8s."""
    try:
        k8s_tools.kustomize()
    except Missing as error:
        pytest.skip(f"kustomize skipped: {error}")
    return rendered_text


@pytest.fixture(scope="session")
def render(render_text: Callable[[str], str]) -> Callable[[str], Manifests]:
    """Objects of an overlay; each call gives objects of its own, to be changed at will."""

    @cache
    def parsed(name: str) -> list[Object]:
        return list(yaml.load_all(render_text(name), yaml.CSafeLoader))

    return lambda name: Manifests(deepcopy(parsed(name)))


@pytest.fixture
def everything(render: Callable[[str], Manifests]) -> Manifests:
    """The objects of all components together, to be broken on purpose."""
    return render("tests/all-components")


@pytest.fixture
def stores(render: Callable[[str], Manifests]) -> Manifests:
    """The examples of the stores' own namespace."""
    return render("examples")


@pytest.fixture(scope="session")
def custom_schemas() -> Path:
    """Schemas of other people's resources."""
    try:
        return k8s_schemas.custom()
    except Missing as error:
        pytest.skip(f"schemas of custom resources skipped: {error}")
