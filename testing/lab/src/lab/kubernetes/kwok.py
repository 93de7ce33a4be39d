"""Zones whose nodes are only spoken of: KWOK answers for them, and for every pod that is placed on them.

What is real is the decisions: scheduling, rollouts, evictions. No container runs.
"""

from pathlib import Path

from devstack import ports
from devstack.progress import Progress, Silent
from lab.kubernetes import control_plane, programs
from lab.kubernetes.control_plane import ControlPlane

ZONES = ("a", "b", "c")
ZONE_LABEL = "topology.kubernetes.io/zone"
ANNOTATION = "kwok.x-k8s.io/node"
STAGES = ("node/fast", "node/heartbeat-with-lease", "pod/fast")
ROOM = {"cpu": "8", "memory": "32Gi", "ephemeral-storage": "100Gi", "pods": "110"}


def start(plane: ControlPlane, progress: Progress | None = None) -> None:
    """Give the cluster a ready node in every zone."""
    with (progress or Silent()).step("a pretended node in each of three zones"):
        flags = {
            "kubeconfig": str(plane.access("kwok", "kwok", "system:masters")),
            "config": str(_stages(plane.state / "kwok-stages.yaml")),
            "manage-nodes-with-annotation-selector": f"{ANNOTATION}=fake",
            "node-lease-duration-seconds": "40",
            "server-address": f"{ports.LOOPBACK}:{plane.ports['kwok']}",
        }
        control_plane.run(plane, programs.program("kwok"), flags)
        plane.kubectl.apply(_node(zone) for zone in ZONES)
        plane.kubectl("wait", "node", "--all", "--for=condition=Ready", "--timeout=60s")


def node_name(zone: str) -> str:
    """Of the one node of a zone."""
    return f"zone-{zone}"


def _node(zone: str) -> dict[str, object]:
    name = node_name(zone)
    labels = {ZONE_LABEL: zone, "kubernetes.io/hostname": name, "kubernetes.io/os": "linux"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels, "annotations": {ANNOTATION: "fake"}},
        "status": {"allocatable": ROOM, "capacity": ROOM},
    }


def _stages(file: Path) -> Path:
    """One file that tells KWOK how nodes and pods come to life and end, as its project publishes it."""
    files = programs.definitions("kwok")
    wanted = [path for path in files if "/".join(path.parts[-3:-1]) in STAGES]
    file.write_text("---\n".join(path.read_text() for path in wanted))
    return file
