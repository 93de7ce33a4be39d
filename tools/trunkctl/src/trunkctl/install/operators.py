"""Checks the API server's version, and definitions and operators of the kinds that the manifests use."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trunkctl.doctor.finding import Finding, Level, ok
from trunkctl.install.kubectl import Kubectl
from trunkctl.install.manifests import Manifests, Object, at, name_of, namespace_of

OLDEST_KUBERNETES, NEWEST_KUBERNETES = (1, 33), (1, 37)
"""The manifests are checked strictly against both."""
VERSION = re.compile(r"v?(\d+)\.(\d+)(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class Operator:
    """Who acts on the objects of an API group."""

    title: str
    deployment: str
    """Part of its Deployment's name, however it was installed."""
    image: str
    """The last part of its image's name: tells it from others of that name, and holds its version as the tag."""
    oldest: tuple[int, int] | None = None


OPERATORS = {
    "keda.sh": Operator("KEDA", "keda-operator", "keda", (2, 21)),
    "monitoring.coreos.com": Operator("the Prometheus Operator", "prometheus-operator", "prometheus-operator"),
    "external-secrets.io": Operator("External Secrets", "external-secrets", "external-secrets"),
    "rabbitmq.com": Operator("the RabbitMQ cluster operator", "rabbitmq", "cluster-operator"),
    "psmdb.percona.com": Operator("Percona's operator for MongoDB", "psmdb", "percona-server-mongodb-operator"),
}
"""By API group; one version is served only by those that know it."""
OWN_GROUPS = ("apps", "batch", "policy", "autoscaling")


def judge_version(git_version: str) -> list[Finding]:
    """``git_version``: as the API server writes it."""
    version = version_of(git_version)
    if version is None:
        return [Finding(Level.UNKNOWN, f"the API server has no version that is known: {git_version}")]
    if version < OLDEST_KUBERNETES:
        says = f"Kubernetes {git_version} is older than {_dotted(OLDEST_KUBERNETES)}"
        return [Finding(Level.FAILED, says, "Upgrade the cluster first.")]
    if version > NEWEST_KUBERNETES:
        says = f"Kubernetes {git_version} is newer than {_dotted(NEWEST_KUBERNETES)}, the newest that was checked"
        return [Finding(Level.WARNING, says, "Try the overlay with --dry-run=server first.")]
    return ok(f"Kubernetes {git_version}")


@dataclass(frozen=True, slots=True)
class KindsSeen:
    """Kinds that the manifests use and that Kubernetes itself does not know, and what the cluster has of them."""

    wanted: frozenset[tuple[str, str, str]]
    """API group, version and kind."""
    served: frozenset[tuple[str, str, str]]
    operators: Mapping[str, Sequence[Object]]
    """Deployments that may be the operator, by API group."""


def judge_kinds(state: KindsSeen) -> list[Finding]:
    """If a definition is missing, the apply stops half-way; if an operator is missing, its objects have no effect."""
    findings, known = [], {(group, kind) for group, _, kind in state.served}
    lacking: dict[tuple[str, str], list[str]] = {}
    for group, version, kind in sorted(state.wanted - state.served):
        lacking.setdefault((group, version), []).append(kind)
    for (group, version), kinds in lacking.items():
        has_other = all((group, kind) in known for kind in kinds)
        why = f"not served in version {version}" if has_other else "not defined in the cluster"
        title = OPERATORS[group].title if group in OPERATORS else f"what brings {group}"
        act = f"Install {title}, or take the component out of the overlay."
        findings.append(Finding(Level.FAILED, f"{group}/{version}: {', '.join(kinds)} {why}", act))
    groups = {group for group, _, _ in state.wanted & state.served}
    fine: list[Finding] = []
    for group in sorted(groups & OPERATORS.keys()):
        finding = _judge_operator(OPERATORS[group], state.operators.get(group, ()))
        (fine if finding.level is Level.OK else findings).append(finding)
    says = ", ".join(each.says for each in fine) or "no operator is needed"
    return findings or ok(f"{len(state.wanted)} kinds of others are defined; {says}")


def _judge_operator(operator: Operator, candidates: Sequence[Object]) -> Finding:
    running = [(each, image) for each in candidates for image in images(each) if _last(image) == operator.image]
    if not running:
        says = f"no Deployment of {operator.title} was found"
        return Finding(Level.WARNING, says, "Is it installed under another name? Else its objects do nothing.")
    deployment, image = running[0]
    place = f"{name_of(deployment)} in {namespace_of(deployment)}"
    if not at(deployment, "status", "availableReplicas"):
        return Finding(Level.FAILED, f"{operator.title} does not run ({place})", "Bring it up first.")
    label = at(deployment, "metadata", "labels", "app.kubernetes.io/version")
    version = version_of(image.partition("@")[0].rpartition(":")[2]) or version_of(str(label or ""))
    if operator.oldest and version is None:
        says = f"the version of {operator.title} ({place}) cannot be told from its image or label"
        return Finding(Level.UNKNOWN, says, f"See yourself that it is {_dotted(operator.oldest)} or later.")
    if operator.oldest and version and version < operator.oldest:
        says = f"{operator.title} {_dotted(version)} ({place}) is older than {_dotted(operator.oldest)}"
        return Finding(Level.FAILED, says, "Upgrade it first.")
    return Finding(Level.OK, f"{operator.title} {_dotted(version)}".strip())


def version_of(text: str) -> tuple[int, int] | None:
    """Major and minor of ``v2.21.0`` and the like; None of anything else."""
    match = VERSION.match(text)
    return (int(match[1]), int(match[2])) if match else None


def images(deployment: Object) -> list[str]:
    """Of all containers."""
    return [str(each.get("image", "")) for each in at(deployment, "spec", "template", "spec", "containers") or []]


def see_version(kubectl: Kubectl) -> str:
    """The API server's."""
    return kubectl.version()


def see_kinds(manifests: Manifests, kubectl: Kubectl) -> KindsSeen:
    """Definitions by name, and Deployments of all namespaces."""
    wanted = frozenset(
        (group, version, str(each["kind"]))
        for each in manifests.objects
        for group, _, version in [str(each["apiVersion"]).rpartition("/")]
        if is_of_others(group)
    )
    if not wanted:
        return KindsSeen(wanted, frozenset(), {})
    definitions = kubectl.items("customresourcedefinitions.apiextensions.k8s.io")
    served = frozenset(
        (str(each["spec"]["group"]), str(version["name"]), str(each["spec"]["names"]["kind"]))
        for each in definitions
        for version in each["spec"]["versions"]
        if version.get("served")
    )
    deployments = kubectl.items("deployments.apps")
    candidates = {
        group: [each for each in deployments if operator.deployment in name_of(each)]
        for group, operator in OPERATORS.items()
    }
    return KindsSeen(wanted, served, candidates)


def is_of_others(group: str) -> bool:
    """Whether Kubernetes itself does not know this API group."""
    return "." in group and not group.endswith(".k8s.io") and group not in OWN_GROUPS


def _last(image: str) -> str:
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0]


def _dotted(version: tuple[int, int] | None) -> str:
    return ".".join(map(str, version)) if version else ""
