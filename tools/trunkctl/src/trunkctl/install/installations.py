"""Checks whether these manifests would use the stores of another installation in the cluster."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trunkctl.doctor.finding import Finding, Level, ok
from trunkctl.install.addresses import Address, addresses
from trunkctl.install.kubectl import Kubectl
from trunkctl.install.manifests import Manifests, Object, at, name_of, namespace_of
from trunkctl.install.references import CONFIG_MAP, SECRET, references
from trunkctl.install.secrets import see_sources

SAME_STORE = (
    ("object store", ("TRUNK_S3_ENDPOINT",)),
    ("broker", ("TRUNK_RABBITMQ_MANAGEMENT_URL",)),
    ("second store and bucket", ("TRUNK_BACKUP_S3_ENDPOINT", "TRUNK_BACKUP_BUCKET")),
)
"""Settings that name one place when all are equal: buckets, databases and queues are named alike everywhere."""
LABELS = "app.kubernetes.io/part-of=trunk"
ACT = "Give each installation stores of its own: two of them would read and change each other's documents."


@dataclass(frozen=True, slots=True)
class Installation:
    """Of one namespace."""

    namespace: str
    settings: Mapping[str, str]
    addresses: Sequence[Address] = ()


@dataclass(frozen=True, slots=True)
class InstallationsSeen:
    """What is to be applied, and what the cluster's other namespaces hold."""

    own: Sequence[Installation]
    others: Sequence[Installation]


def judge_installations(installations: InstallationsSeen) -> list[Finding]:
    """By settings, and by the namespaces in which the others' stores are."""
    findings = []
    for own in installations.own:
        for other in installations.others:
            shared = [
                what for what, names in SAME_STORE if _place(own, names) and _place(own, names) == _place(other, names)
            ]
            namespaces = {each.namespace for each in other.addresses if each.namespace}
            shared += [
                f"{each.server} ({each.by})"
                for each in own.addresses
                if each.namespace in namespaces and each.by.startswith("Secret ")
            ]
            if shared:
                says = f"{own.namespace} would use what {other.namespace} uses: {', '.join(shared)}"
                findings.append(Finding(Level.FAILED, says, ACT))
    names = ", ".join(sorted(each.namespace for each in installations.others))
    return findings or ok(f"shares no store with {names}" if names else "no other installation is in this cluster")


def _place(installation: Installation, names: Sequence[str]) -> tuple[str, ...]:
    place = tuple(installation.settings.get(name, "").rstrip("/").lower() for name in names)
    return place if all(place) else ()


def see_installations(manifests: Manifests, kubectl: Kubectl) -> InstallationsSeen:
    """Of other namespaces the ConfigMaps that their pods use now; their Secrets are not read."""
    secrets = [each for each in see_sources(manifests, kubectl).held if each.kind == SECRET]
    own = [
        Installation(
            namespace, settings, addresses(settings, [each for each in secrets if each.namespace == namespace])
        )
        for namespace, settings in manifests.settings().items()
    ]
    used = _used(kubectl.items("deployments,cronjobs", labels=LABELS))
    settings: dict[str, dict[str, str]] = {}
    for each in kubectl.items("configmaps", labels=LABELS):
        if (namespace_of(each), name_of(each)) in used and namespace_of(each) not in manifests.namespaces:
            settings.setdefault(namespace_of(each), {}).update(each.get("data") or {})
    others = [Installation(namespace, data, addresses(data, [])) for namespace, data in settings.items()]
    return InstallationsSeen(own, others)


def _used(workloads: Sequence[Object]) -> set[tuple[str, str]]:
    plain = Manifests(tuple(each for each in workloads if at(each, "spec")))
    return {(each.namespace, each.name) for each in references(plain) if each.kind == CONFIG_MAP}
