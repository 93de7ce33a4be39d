"""Checks whether an existing broker is suitable for the trunk."""

from collections.abc import Sequence
from dataclasses import dataclass

from trunkctl.doctor.finding import Finding, Level, ok, skipped
from trunkctl.install.addresses import store_namespaces
from trunkctl.install.kubectl import Kubectl
from trunkctl.install.manifests import Manifests, Object, at, name_of, namespace_of
from trunkctl.install.operators import version_of

OLDEST_RABBITMQ = (4, 3)
"""The oldest with delayed retry of quorum queues."""
PLUGINS = ("rabbitmq_event_exchange",)
"""Besides management and prometheus, which the operator always turns on."""


@dataclass(frozen=True, slots=True)
class BrokersSeen:
    """RabbitMQ clusters in the stores' namespaces, the operator's own resources."""

    clusters: Sequence[Object]


def judge_brokers(brokers: BrokersSeen) -> list[Finding]:
    """Judges version, size and plugins. The doctor checks a broker of another operator."""
    if not brokers.clusters:
        return skipped(
            "no RabbitmqCluster: the broker is elsewhere", "`trunkctl doctor` asks it once the trunk is there."
        )
    findings = []
    for each in brokers.clusters:
        who = f"broker {name_of(each)} in {namespace_of(each)}"
        image = str(at(each, "spec", "image") or "")
        version = version_of(image.partition("@")[0].rpartition(":")[2])
        if version is None:
            says = f"{who} does not tell its version: {image or 'the image is the default of its operator'}"
            findings.append(Finding(Level.WARNING, says, "Name RabbitMQ 4.3 or later, by tag and digest."))
        elif version < OLDEST_RABBITMQ:
            says = f"{who} is RabbitMQ {'.'.join(map(str, version))}, older than 4.3"
            findings.append(Finding(Level.FAILED, says, "Upgrade it first: delayed retry is missing."))
        missing = [name for name in PLUGINS if name not in (at(each, "spec", "rabbitmq", "additionalPlugins") or [])]
        if missing:
            says = f"{who} lacks the plugin {', '.join(missing)}"
            findings.append(Finding(Level.FAILED, says, "Add it to additionalPlugins."))
        if int(at(each, "spec", "replicas") or 1) < 3:
            says = f"{who} has fewer than three nodes: a queue does not outlive the loss of one"
            findings.append(Finding(Level.WARNING, says, "Three, for production."))
        conditions = {one["type"]: one["status"] for one in at(each, "status", "conditions") or []}
        if conditions.get("AllReplicasReady") == "False":
            findings.append(Finding(Level.FAILED, f"not every node of {who} is ready", "Bring it up first."))
    return findings or ok(f"{len(brokers.clusters)} broker: RabbitMQ 4.3 or later, with its plugins")


def see_brokers(manifests: Manifests, kubectl: Kubectl) -> BrokersSeen:
    """Of the stores' namespaces."""
    kind = "rabbitmqclusters.rabbitmq.com"
    return BrokersSeen([one for each in store_namespaces(manifests) for one in kubectl.items(kind, namespace=each)])
