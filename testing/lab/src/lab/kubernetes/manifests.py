"""The objects of a kustomize folder, as an operator would apply them."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from lab import k8s_tools

Object = dict[str, Any]


def rendered(folder: Path) -> list[Object]:
    """What kustomize makes of a folder. Raises ``ValueError`` with its words."""
    return list(yaml.safe_load_all(k8s_tools.render(folder)))


def of_kind(objects: Iterable[Object], *kinds: str) -> list[Object]:
    """Those of these kinds."""
    return [object_ for object_ in objects if object_["kind"] in kinds]


def name(object_: Object) -> str:
    """Kind and name, as kubectl takes them."""
    return f"{object_['kind'].lower()}/{object_['metadata']['name']}"
