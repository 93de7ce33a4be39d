"""Manifests that are to be applied, and functions on them that several checks use; pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from trunkctl.command_error import CommandError

Object = Mapping[str, Any]

POD_KINDS = ("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob")
DEFAULT_NAMESPACE = "default"
LOADER: type[yaml.SafeLoader] | type[yaml.CSafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Ten times as fast where PyYAML was built with libyaml."""
NOT_RENDERED = {"Kustomization", "Component"}


@dataclass(frozen=True, slots=True)
class Workload:
    """An object that makes pods."""

    kind: str
    name: str
    namespace: str
    labels: Mapping[str, str]
    """Of its pods."""
    pod: Object
    """The pods' ``spec``."""
    replicas: int
    """The least number that runs; 1 for what runs once, or once a node."""
    spec: Object
    """The object's own ``spec``."""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"

    @property
    def containers(self) -> list[Object]:
        """Those that stay and those that run before them."""
        return [*(self.pod.get("initContainers") or []), *self.pod["containers"]]


@dataclass(frozen=True, slots=True)
class Manifests:
    """All objects of one rendering."""

    objects: tuple[Object, ...]

    def of(self, *kinds: str) -> list[Object]:
        """Objects of these kinds."""
        return [each for each in self.objects if each["kind"] in kinds]

    @property
    def workloads(self) -> list[Workload]:
        """Everything that makes pods, with the least replicas that its scaler leaves it."""
        scaled = {
            (namespace_of(each), each["spec"]["scaleTargetRef"]["name"]): int(each["spec"].get("minReplicaCount", 0))
            for each in self.of("ScaledObject")
        }
        return [_workload(each, scaled) for each in self.of(*POD_KINDS)]

    @property
    def namespaces(self) -> set[str]:
        """Where objects are put."""
        return {namespace_of(each) for each in self.objects if each["kind"] not in CLUSTER_WIDE}

    def settings(self) -> dict[str, dict[str, str]]:
        """Variables of the services and jobs, by namespace: every ConfigMap with ``TRUNK_`` keys, put together."""
        by_namespace: dict[str, dict[str, str]] = {}
        for each in self.of("ConfigMap"):
            data = {key: str(value) for key, value in (each.get("data") or {}).items() if key.startswith("TRUNK_")}
            by_namespace.setdefault(namespace_of(each), {}).update(data)
        return {namespace: data for namespace, data in by_namespace.items() if data}


CLUSTER_WIDE = {"Namespace", "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "PriorityClass"}


def parse(text: str) -> Manifests:
    """YAML or JSON as ``kubectl kustomize`` prints it. Raises ``CommandError`` for anything else."""
    try:
        documents = [each for each in yaml.load_all(text, LOADER) if each is not None]
    except yaml.YAMLError as error:
        raise CommandError(f"The manifests are no YAML: {' '.join(str(error).split())}") from error
    objects = [item for each in documents for item in _items(each)]
    if not objects:
        raise CommandError("There are no manifests: give the output of `kubectl kustomize OVERLAY`.")
    if any(not isinstance(each, dict) or not each.get("kind") or not _name(each) for each in objects):
        raise CommandError("Not every document is an object of Kubernetes with a kind and a name.")
    if any(each["kind"] in NOT_RENDERED for each in objects):
        raise CommandError("This is a kustomization: give what `kubectl kustomize OVERLAY` makes of it.")
    return Manifests(tuple(objects))


def namespace_of(whole: Object) -> str:
    """Where an object is, or is to be."""
    return str(whole["metadata"].get("namespace") or DEFAULT_NAMESPACE)


def name_of(whole: Object) -> str:
    """An object's name."""
    return str(whole["metadata"]["name"])


def at(whole: Any, *path: str) -> Any:
    """The value below these keys; None where one is missing."""
    for key in path:
        whole = whole.get(key) if isinstance(whole, dict) else None
    return whole


def _items(document: Any) -> list[Any]:
    is_list = isinstance(document, dict) and str(document.get("kind", "")).endswith("List")
    return list(document.get("items") or []) if is_list else [document]


def _name(whole: Any) -> Any:
    return at(whole, "metadata", "name")


def _workload(whole: Object, scaled: Mapping[tuple[str, str], int]) -> Workload:
    spec = whole["spec"]
    job = spec["jobTemplate"]["spec"] if whole["kind"] == "CronJob" else spec
    namespace, name = namespace_of(whole), name_of(whole)
    return Workload(
        kind=whole["kind"],
        name=name,
        namespace=namespace,
        labels=at(job, "template", "metadata", "labels") or {},
        pod=job["template"]["spec"],
        replicas=scaled.get((namespace, name), int(spec.get("replicas", 1))),
        spec=spec,
    )
