"""One real node: containerd, kubelet, kube-proxy and CoreDNS, on the address of a place apart.

Only for a process that ``apart`` has started: it routes, filters and mounts. Pods have addresses of their own, reach
each other by services and names, and nothing else. Nobody enforces network policies.
"""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from devstack import commands
from devstack.errors import DevstackError
from devstack.progress import Progress, Silent
from lab.kubernetes import apart, control_plane, pause, programs
from lab.kubernetes.apart import NODE_ADDRESS
from lab.kubernetes.control_plane import ControlPlane

NAME = "node"
POD_SUBNET = "10.244.0.0/24"
KUBELET_PORT, KUBELET_HEALTH_PORT, PROXY_HEALTH_PORT, PROXY_METRICS_PORT = 10250, 10248, 10256, 10249
DEBIAN_LIBRARIES = "usr/lib/x86_64-linux-gnu"
LINKED = ("iptables", "iptables-save", "iptables-restore", "ip6tables", "ip6tables-save", "ip6tables-restore")


@dataclass(frozen=True)
class Node:
    """plane: the control plane that it joins."""

    plane: ControlPlane

    @property
    def folder(self) -> Path:
        """Images, containers, volumes, logs of pods."""
        return self.plane.state / "node"

    @property
    def socket(self) -> Path:
        """Where containerd listens."""
        return Path("/run/lab-containerd.sock")

    def take_in(self, image: Path) -> None:
        """Import the images of a tar file, as ``docker save`` writes it."""
        ctr = str(_runtime("containerd") / "usr/bin/ctr")
        commands.run([ctr, "--address", str(self.socket), "--namespace", "k8s.io", "images", "import", str(image)])

    def answers(self) -> bool:
        """Whether containerd does."""
        ctr = str(_runtime("containerd") / "usr/bin/ctr")
        try:
            return bool(commands.run([ctr, "--address", str(self.socket), "version"]))
        except DevstackError:
            return False


def start(plane: ControlPlane, images: Path, progress: Progress | None = None) -> Node:
    """Start everything and return when the node is ready with its images (a tar file)."""
    steps = progress or Silent()
    node = Node(plane)
    node.folder.mkdir(exist_ok=True)
    environment = _environment(node)
    with steps.step("container runtime"):
        containerd = str(_runtime("containerd") / "usr/bin/containerd")
        control_plane.run(plane, containerd, {"config": str(_containerd(node))}, environment)
        plane.kubectl.until("containerd", node.answers, 60)
        node.take_in(pause.write(node.folder / "pause.tar"))
    with steps.step("images into the node"):
        node.take_in(images)
    with steps.step("kubelet, service proxy and name server"):
        _network(node)
        _on_disk(node.folder / "volumes", Path("/var/lib/kubelet"))
        control_plane.run(plane, programs.program("kubernetes", "kube-proxy"), _proxy(plane), environment)
        control_plane.run(plane, programs.program("coredns"), {"conf": str(_names(node))}, environment)
        control_plane.run(plane, programs.program("kubernetes", "kubelet"), _kubelet(node), environment)
        plane.kubectl.until("node", lambda: plane.kubectl("get", "node", NAME), 60)
        plane.kubectl("wait", f"node/{NAME}", "--for=condition=Ready", "--timeout=120s")
    return node


def _runtime(part: str) -> Path:
    return Path(programs.program(part, "root"))


def _environment(node: Node) -> dict[str, str]:
    """Programs of the unpacked packages before those of the machine, with their libraries."""
    tools, containerd = _runtime("node-tools"), _runtime("containerd")
    links = node.folder / "bin"
    shutil.rmtree(links, ignore_errors=True)
    links.mkdir()
    for name in LINKED:
        (links / name).symlink_to(tools / "usr/sbin/xtables-nft-multi")
    (links / "runc").symlink_to(tools / "usr/sbin/runc")
    libraries = tools / DEBIAN_LIBRARIES
    return {
        "PATH": f"{links}:{containerd / 'usr/bin'}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LD_LIBRARY_PATH": str(libraries),
        "XTABLES_LIBDIR": str(libraries / "xtables"),
    }


def _containerd(node: Node) -> Path:
    file = node.folder / "containerd.toml"
    file.write_text(
        f"""\
version = 3
root = "{node.folder}/containerd"
state = "/run/lab-containerd"
[grpc]
  address = "{node.socket}"
[plugins."io.containerd.cri.v1.images"]
  snapshotter = "overlayfs"
[plugins."io.containerd.cri.v1.images".pinned_images]
  sandbox = "{pause.NAME}"
[plugins."io.containerd.cri.v1.runtime"]
  restrict_oom_score_adj = true
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
  BinaryName = "{node.folder}/bin/runc"
  SystemdCgroup = false
[plugins."io.containerd.cri.v1.runtime".cni]
  bin_dirs = ["{_runtime("node-tools")}/usr/lib/cni"]
  conf_dir = "{node.folder}/network"
"""
    )
    return file


def _on_disk(folder: Path, mount_point: Path) -> None:
    """Let a path below /var, which is in memory, be a folder of the cluster's: its size counts as the node's."""
    for path in (folder, mount_point):
        path.mkdir(exist_ok=True)
    commands.run(["mount", "--bind", str(folder), str(mount_point)])


def _network(node: Node) -> None:
    """Every pod at the end of its own line, routed by the node: services work between all of them."""
    addresses = {"type": "host-local", "ranges": [[{"subnet": POD_SUBNET}]], "routes": [{"dst": "0.0.0.0/0"}]}
    plugins = [{"type": "ptp", "ipMasq": False, "ipam": {**addresses, "dataDir": "/run/pod-addresses"}}]
    folder = node.folder / "network"
    folder.mkdir(exist_ok=True)
    (folder / "10-pods.conflist").write_text(json.dumps({"cniVersion": "1.0.0", "name": "pods", "plugins": plugins}))


def _names(node: Node) -> Path:
    """Settings of the name server: the cluster's own names, and none of the world's."""
    access = node.plane.access("coredns", "coredns", "system:masters")
    file = node.folder / "Corefile"
    file.write_text(
        f""".:53 {{
  bind {NODE_ADDRESS}
  errors
  kubernetes cluster.local {{
    kubeconfig {access} lab
  }}
}}
"""
    )
    return file


def _proxy(plane: ControlPlane) -> dict[str, str]:
    return {
        "kubeconfig": str(plane.access("kube-proxy", "system:kube-proxy")),
        "hostname-override": NAME,
        "proxy-mode": "iptables",
        "cluster-cidr": control_plane.POD_RANGE,
        "bind-address": NODE_ADDRESS,
        "healthz-bind-address": f"{NODE_ADDRESS}:{PROXY_HEALTH_PORT}",
        "metrics-bind-address": f"{NODE_ADDRESS}:{PROXY_METRICS_PORT}",
        # These are numbers of the whole machine.
        "conntrack-max-per-core": "0",
        "conntrack-tcp-timeout-established": "0",
        "conntrack-tcp-timeout-close-wait": "0",
    }


def _kubelet(node: Node) -> dict[str, str]:
    authority = node.plane.authority
    certificate, key = authority.issue("kubelet-server", f"system:node:{NAME}", hosts=[NAME, NODE_ADDRESS])
    settings = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "failCgroupV1": False,
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": os.environ[apart.CGROUP_VARIABLE],
        "enforceNodeAllocatable": [],
        "containerRuntimeEndpoint": f"unix://{node.socket}",
        "address": NODE_ADDRESS,
        "port": KUBELET_PORT,
        "readOnlyPort": 0,
        "healthzBindAddress": NODE_ADDRESS,
        "healthzPort": KUBELET_HEALTH_PORT,
        "failSwapOn": False,
        "authentication": {
            "anonymous": {"enabled": False},
            "x509": {"clientCAFile": str(authority.certificate)},
            "webhook": {"enabled": False},
        },
        "authorization": {"mode": "AlwaysAllow"},
        "tlsCertFile": str(certificate),
        "tlsPrivateKeyFile": str(key),
        "clusterDomain": "cluster.local",
        "clusterDNS": [NODE_ADDRESS],
        "resolvConf": "/etc/resolv.conf",
        "seccompDefault": True,
        "podLogsDir": "/var/log/pods",
        "maxPods": 60,
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "2%", "imagefs.available": "2%"},
        "imageGCHighThresholdPercent": 99,
        "imageGCLowThresholdPercent": 98,
    }
    file = node.folder / "kubelet.json"
    file.write_text(json.dumps(settings))
    return {
        "config": str(file),
        "kubeconfig": str(node.plane.access("kubelet", f"system:node:{NAME}", "system:nodes")),
        "hostname-override": NAME,
        "node-ip": NODE_ADDRESS,
        "root-dir": "/var/lib/kubelet",
        "cert-dir": str(node.folder),
    }
