"""Checks that the storage classes of the volumes exist."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from trunkctl.doctor.finding import Finding, Level, ok
from trunkctl.install.kubectl import Kubectl
from trunkctl.install.manifests import Manifests, at, name_of

DEFAULT_CLASS = re.compile(r"storageclass\.(beta\.)?kubernetes\.io/is-default-class")


@dataclass(frozen=True, slots=True)
class StorageSeen:
    """Volumes that are asked for, by what, and the classes that the cluster has."""

    wanted: Sequence[tuple[str, str]]
    """Who asks, and for which class; empty = the default one."""
    classes: frozenset[str]
    has_default: bool


def judge_storage(storage: StorageSeen) -> list[Finding]:
    """A claim without its class waits for ever."""
    findings = []
    for by, name in storage.wanted:
        if name and name not in storage.classes:
            says = f"{by} asks for the storage class {name}, which is not there"
            findings.append(Finding(Level.FAILED, says, f"There are: {', '.join(sorted(storage.classes)) or 'none'}."))
        elif not name and not storage.has_default:
            says = f"{by} asks for the default storage class, and there is none"
            findings.append(Finding(Level.FAILED, says, "Mark a class as the default, or name one in the overlay."))
    return findings or ok(f"{len(storage.wanted)} volumes are asked for, of classes that are there")


def see_storage(manifests: Manifests, kubectl: Kubectl) -> StorageSeen:
    """Claims, templates of claims, and what operators are told to claim."""
    claims = [(each, each["spec"]) for each in manifests.of("PersistentVolumeClaim")]
    claims += [
        (each, claim["spec"])
        for each in manifests.of("StatefulSet")
        for claim in at(each, "spec", "volumeClaimTemplates") or []
    ]
    claims += [
        (each, claim)
        for each in manifests.of("Alertmanager", "Prometheus")
        if (claim := at(each, "spec", "storage", "volumeClaimTemplate", "spec"))
    ]
    wanted = [(f"{each['kind']} {name_of(each)}", str(spec.get("storageClassName") or "")) for each, spec in claims]
    classes = kubectl.items("storageclasses") if wanted else []
    has_default = any(
        DEFAULT_CLASS.fullmatch(key) and value == "true"
        for each in classes
        for key, value in (at(each, "metadata", "annotations") or {}).items()
    )
    return StorageSeen(wanted, frozenset(map(name_of, classes)), has_default)
