"""Rendered objects, and the few questions that every check asks of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]
Labels = dict[str, str]

NAME = "app.kubernetes.io/name"
INSTANCE = "app.kubernetes.io/instance"
COMPONENT = "app.kubernetes.io/component"
PART_OF = "app.kubernetes.io/part-of"


@dataclass(frozen=True)
class Workload:
    """A Deployment, a Job or a CronJob."""

    whole: Object

    @property
    def name(self) -> str:
        return str(self.whole["metadata"]["name"])

    @property
    def service(self) -> str:
        """intake … notifier, or migrate, topology, backup, toolbox, toolbox-operator, canary."""
        return self.labels[NAME]

    @property
    def is_service(self) -> bool:
        return bool(self.whole["kind"] == "Deployment") and self.labels.get(COMPONENT) not in ("toolbox", "canary")

    @property
    def serves_metrics(self) -> bool:
        """The services and the canary."""
        return self.is_service or self.service == "canary"

    @property
    def template(self) -> Object:
        spec = self.whole["spec"]
        return spec["jobTemplate"]["spec"]["template"] if self.whole["kind"] == "CronJob" else spec["template"]

    @property
    def labels(self) -> Labels:
        return self.template["metadata"]["labels"]

    @property
    def pod(self) -> Object:
        return self.template["spec"]

    @property
    def container(self) -> Object:
        (only,) = self.pod["containers"]
        return only

    @property
    def namespace(self) -> str:
        return str(self.whole["metadata"]["namespace"])


@dataclass(frozen=True)
class Manifests:
    """All objects of one rendering."""

    objects: list[Object]

    def of(self, *kinds: str) -> list[Object]:
        """Objects of these kinds."""
        return [each for each in self.objects if each["kind"] in kinds]

    def one(self, kind: str, name: str) -> Object:
        """The one object of that kind whose name is this, or this and a hash. Raises ``ValueError``."""
        (match,) = [each for each in self.of(kind) if name in (each["metadata"]["name"], _without_hash(each))]
        return match

    def names(self, kind: str) -> set[str]:
        """Names of all objects of a kind."""
        return {str(each["metadata"]["name"]) for each in self.of(kind)}

    @property
    def workloads(self) -> list[Workload]:
        """Deployments, Jobs and CronJobs."""
        return [Workload(each) for each in self.of("Deployment", "Job", "CronJob")]

    @property
    def services(self) -> list[Workload]:
        """Deployments of the five services."""
        return [each for each in self.workloads if each.is_service]

    def workload(self, name: str) -> Workload:
        """The Deployment, Job or CronJob of that name."""
        return next(each for each in self.workloads if each.name == name)

    def least_replicas(self, workload: Workload) -> int:
        """Replicas that a Deployment never goes below: its own number, or that of its scaler."""
        scalers = [o for o in self.of("ScaledObject") if o["spec"]["scaleTargetRef"]["name"] == workload.name]
        if scalers:
            return int(scalers[0]["spec"].get("minReplicaCount", 0))
        return int(workload.whole["spec"].get("replicas", 1))


def selects(selector: Object | None, labels: Labels) -> bool:
    """Whether a label selector chooses these labels; an empty one chooses all, none chooses nothing."""
    if selector is None:
        return False
    wanted = selector.get("matchLabels") or {}
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        _expression_holds(each, labels) for each in selector.get("matchExpressions") or []
    )


def values(tree: Any, key: str) -> Iterator[Any]:
    """Every value that stands under ``key``, at any depth."""
    if isinstance(tree, list):
        for each in tree:
            yield from values(each, key)
    elif isinstance(tree, dict):
        for name, value in tree.items():
            if name == key:
                yield value
            yield from values(value, key)


def _expression_holds(expression: Object, labels: Labels) -> bool:
    value, wanted = labels.get(expression["key"]), expression.get("values", [])
    answers = {
        "In": value in wanted,
        "NotIn": value not in wanted,
        "Exists": value is not None,
        "DoesNotExist": value is None,
    }
    return answers[expression["operator"]]


def _without_hash(whole: Object) -> str:
    name = str(whole["metadata"]["name"])
    return name.rpartition("-")[0] if whole["kind"] == "ConfigMap" else name
