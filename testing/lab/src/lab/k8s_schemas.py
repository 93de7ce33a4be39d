"""Strict JSON schemas for kubeconform, out of package registries: core kinds and other people's resources.

Core kinds come from PyPI's kubernetes-validate, whose files point at each other and must be made self-contained.
Custom resources come from the definitions in their operators' own Go modules; there an unknown key is allowed by
JSON schema and pruned by the API server, so every closed object is closed here.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from devstack import cache
from devstack.errors import DevstackError
from lab import gotool, pytool
from lab.errors import Missing

OLDEST_MINOR = "1.33"
NEWEST_MINOR = "1.37"
"""Kubernetes minors that the manifests are made for, both ends included."""

CORE = ("kubernetes-validate", "1.37.0")
CUSTOM = (
    ("github.com/kedacore/keda/v2", "v2.21.0", "config/crd/bases/*keda.sh_*.yaml"),
    (
        "github.com/prometheus-operator/prometheus-operator",
        "v0.85.0",
        "example/prometheus-operator-crd/monitoring.coreos.com_*.yaml",
    ),
    ("github.com/external-secrets/external-secrets", "v1.3.2", "config/crds/bases/external-secrets.io_*.yaml"),
    ("github.com/rabbitmq/cluster-operator/v2", "v2.16.0", "config/crd/bases/*.yaml"),
)
"""Go module, version, and where its definitions lie."""

FORMAT = "1"
"""Goes up when this module writes other files."""

Schema = dict[str, Any]


class Loader(yaml.SafeLoader):
    """YAML 1.1 reads a lone ``=`` as a special value; Kubernetes does not."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in known if tag != "tag:yaml.org,2002:value"]
    for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def core(minor: str) -> Path:
    """Folder with a schema for each core kind of that minor. Raises ``Missing``."""
    known = pytool.packages(pytool.installed(*CORE)) / "kubernetes_validate" / "kubernetes-json-schema"
    source = known / f"v{minor}.0-local-strict"

    def build(folder: Path) -> None:
        definitions = json.loads(_inside((source / "_definitions.json").read_text()))["$defs"]
        for path in source.glob("*-v*.json"):
            schema = json.loads(_inside(path.read_text()))
            if {"apiVersion", "kind"} <= schema.get("properties", {}).keys() and not path.stem.endswith("list"):
                (folder / path.name).write_text(json.dumps(self_contained(schema, definitions)))

    return cache.kept(f"k8s-schemas-{minor}", (*CORE, minor, FORMAT), build)


def custom() -> Path:
    """Folder with a schema for each version of each custom resource. Raises ``Missing``."""

    def build(folder: Path) -> None:
        for module, version, pattern in CUSTOM:
            for path in sorted(gotool.source(module, version).glob(pattern)):
                for definition in yaml.load_all(path.read_text(encoding="utf-8"), Loader):
                    _write(definition or {}, folder)

    try:
        return cache.kept("k8s-schemas-custom", (*(part for each in CUSTOM for part in each), FORMAT), build)
    except DevstackError as error:
        raise error if isinstance(error, Missing) else Missing(str(error)) from error


def self_contained(schema: Schema, definitions: dict[str, Schema]) -> Schema:
    """The schema with every definition that it refers to, by whatever way."""
    needed: dict[str, Schema] = {}
    waiting = list(_references(schema))
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed[name] = definitions[name]
            waiting += _references(definitions[name])
    return {key: value for key, value in schema.items() if key != "$id"} | {"$defs": needed}


def closed(schema: Any) -> Any:
    """The same with no other keys allowed than those that are named, wherever some are named."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    shut = {key: _closed_values(value) if key == "properties" else closed(value) for key, value in schema.items()}
    is_open = "additionalProperties" in schema or schema.get("x-kubernetes-preserve-unknown-fields")
    if "properties" in schema and not is_open:
        shut["additionalProperties"] = False
    return shut


def _closed_values(properties: Schema) -> Schema:
    return {name: closed(value) for name, value in properties.items()}


def _write(definition: Schema, folder: Path) -> None:
    if definition.get("kind") != "CustomResourceDefinition":
        return
    spec = definition["spec"]
    for version in spec["versions"]:
        schema = closed(version["schema"]["openAPIV3Schema"])
        schema.get("properties", {})["metadata"] = {"type": "object"}
        name = f"{spec['names']['kind'].lower()}-{spec['group'].split('.')[0]}-{version['name']}.json"
        (folder / name).write_text(json.dumps(schema))


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, list):
        for each in schema:
            yield from _references(each)
    elif isinstance(schema, dict):
        if isinstance(target := schema.get("$ref"), str):
            yield target.rsplit("/", 1)[1]
        for value in schema.values():
            yield from _references(value)


def _inside(text: str) -> str:
    return text.replace("/api/_definitions.json#/$defs/", "#/$defs/")
