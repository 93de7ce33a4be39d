"""Teaches the API server the kinds of objects that the manifests use and that are not its own."""

from lab.kubernetes import programs
from lab.kubernetes.control_plane import ControlPlane

KINDS = {
    # All of KEDA's: its operator gives up after two minutes when one is missing.
    "keda": (
        *("scaledobjects", "scaledjobs", "triggerauthentications", "clustertriggerauthentications"),
        *("cloudeventsources", "clustercloudeventsources"),
    ),
    "prometheus-operator": ("servicemonitors", "podmonitors", "prometheusrules", "probes"),
    "cluster-operator": ("rabbitmqclusters",),
    "external-secrets": ("externalsecrets", "secretstores", "clustersecretstores"),
}
"""By project; the files are called group_kinds.yaml."""


def install(plane: ControlPlane) -> None:
    """Every kind that is listed, as its project publishes it."""
    files = [
        file for project, kinds in KINDS.items() for file in programs.definitions(project) if _kinds(file.stem) in kinds
    ]
    plane.kubectl("apply", "--server-side", *(f"--filename={file}" for file in files))
    plane.kubectl("wait", "crd", "--all", "--for=condition=Established", "--timeout=60s")


def _kinds(stem: str) -> str:
    return stem.rpartition("_")[2]
