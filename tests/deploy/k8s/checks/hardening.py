"""What a pod may do, and how much of the machine it may take."""

import re
from pathlib import Path

from ..manifests import Manifests, Workload
from .configuring import environment_of

USER = 10001
PERFORMANCE = Path(__file__).parents[4] / "docs" / "performance.md"
PLANNED_RATE = 10
"""Documents a second for which a replica's CPU is asked for."""
IMAGES = {f"trunk-{name}" for name in ("intake", "validator", "router", "archive", "notifier", "trunkctl", "canary")}
UNITS = {"Mi": 1, "Gi": 1024}
PROCESS_MIB = 512
"""What the validator's own process may need beside its workers."""


def restricted(manifests: Manifests) -> list[str]:
    """Pod Security `restricted`, and more: our user, a root file system that cannot be written."""
    faults = []
    for one in manifests.workloads:
        pod, container = one.pod.get("securityContext", {}), one.container.get("securityContext", {})
        checks = {
            "runs as another user": pod.get("runAsNonRoot") is True
            and pod.get("runAsUser") == pod.get("runAsGroup") == USER,
            "no seccomp profile": pod.get("seccompProfile", {}).get("type") == "RuntimeDefault",
            "may gain privileges": container.get("allowPrivilegeEscalation") is False,
            "keeps capabilities": container.get("capabilities", {}).get("drop") == ["ALL"],
            "may write its root file system": container.get("readOnlyRootFilesystem") is True,
        }
        faults += [f"{one.name}: {fault}" for fault, is_well in checks.items() if not is_well]
    for namespace in manifests.of("Namespace"):
        if namespace["metadata"]["labels"].get("pod-security.kubernetes.io/enforce") != "restricted":
            faults.append(f"Namespace {namespace['metadata']['name']} does not enforce `restricted`")
    return faults


def resources(manifests: Manifests) -> list[str]:
    """Memory is asked for and bounded, disk is bounded, CPU is asked for and not bounded."""
    faults = []
    for one in manifests.workloads:
        requests = one.container["resources"].get("requests", {})
        limits = one.container["resources"].get("limits", {})
        if not {"cpu", "memory"} <= requests.keys() or limits.keys() != {"memory", "ephemeral-storage"}:
            faults.append(f"{one.name}: asks {sorted(requests)}, limits {sorted(limits)}")
        if "cpu" in limits:
            faults.append(f"{one.name}: throttled CPU is latency")
    return faults


def measured(manifests: Manifests) -> list[str]:
    """CPU asked for is that of ten documents a second, as the careful (last) column of docs/performance.md has it."""
    row = re.search(r"of which ([\w /]+) \|.*\| ([\d /]+) \|$", PERFORMANCE.read_text(encoding="utf-8"), re.MULTILINE)
    assert row is not None
    milliseconds = dict(zip(row[1].split(" / "), map(int, row[2].split(" / ")), strict=True))
    return [
        f"{one.name} asks {cpu}, ten documents a second take {milliseconds[one.service] * PLANNED_RATE}m"
        for one in manifests.services
        if (cpu := one.container["resources"]["requests"]["cpu"]) != f"{milliseconds[one.service] * PLANNED_RATE}m"
    ]


def workers(manifests: Manifests) -> list[str]:
    """The validator's memory limit holds its workers at their own limits, and its process."""
    faults = []
    for one in manifests.services:
        if one.service == "validator":
            env = environment_of(manifests, one)
            needed = int(env["TRUNK_WORKERS"]) * int(env["TRUNK_WORKER_MEMORY_MIB"]) + PROCESS_MIB
            if mebibytes(one.container["resources"]["limits"]["memory"]) < needed:
                faults.append(f"{one.name}: less than {needed} MiB")
    return faults


def images(manifests: Manifests) -> list[str]:
    """Every pod runs its own image of the trunk."""
    faults = []
    for one in manifests.workloads:
        name = image_name(one)
        if name not in IMAGES or name != f"trunk-{one.service if one.serves_metrics else 'trunkctl'}":
            faults.append(f"{one.name} runs {name}")
        if one.container.get("imagePullPolicy") != "IfNotPresent":
            faults.append(f"{one.name}: pull policy {one.container.get('imagePullPolicy')}")
    return faults


def unpinned(manifests: Manifests) -> list[str]:
    """Images that a registry could change under us: not named by digest."""
    return [
        f"{one.name} runs {one.container['image']}"
        for one in manifests.workloads
        if not re.fullmatch(r"[a-z0-9./-]+@sha256:[0-9a-f]{64}", one.container["image"])
    ]


def image_name(one: Workload) -> str:
    """Without registry, tag and digest."""
    return str(one.container["image"]).rpartition("/")[2].partition("@")[0].partition(":")[0]


def mebibytes(told_: str) -> int:
    """Of a quantity in Mi or Gi."""
    return int(told_[:-2]) * UNITS[told_[-2:]]
