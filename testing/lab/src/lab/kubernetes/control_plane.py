"""etcd, API server, controller manager and scheduler, on loopback, with their state in one folder."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from devstack import cache, ports, processes, waiting
from devstack.ports import LOOPBACK
from devstack.processes import Program
from devstack.progress import Progress, Silent
from lab.kubernetes import programs
from lab.kubernetes.certificates import Authority
from lab.kubernetes.kubectl import Kubectl, Refused

SERVER = "control-plane"
PORTS = (
    *("etcd", "etcd_peer", "api", "controllers", "scheduler", "kwok"),
    *("keda_api", "keda_service", "keda_metrics", "keda_adapter_metrics", "keda_health"),
)
SERVICE_RANGE, POD_RANGE = "10.96.0.0/16", "10.244.0.0/16"
API_ADDRESS = "10.96.0.1"
FRONT_PROXY = "front-proxy"
READY_SECONDS = 120.0
PATIENCE_SECONDS = 1.0
"""Nothing is kept of a cluster, so nothing needs to be closed in good order."""
AUTOSCALER_PERIOD = "5s"


@dataclass(frozen=True)
class ControlPlane:
    """state: absolute; everything of the cluster lies below. ports: by the names in PORTS."""

    state: Path
    ports: Mapping[str, int]

    @property
    def authority(self) -> Authority:
        """Issues the certificates of whoever joins."""
        return Authority(self.state / "pki")

    @property
    def api(self) -> str:
        """The API server's address."""
        return f"https://{LOOPBACK}:{self.ports['api']}"

    @property
    def kubectl(self) -> Kubectl:
        """With the rights of an administrator."""
        return Kubectl(self.authority.folder / "admin.kubeconfig")

    def access(self, name: str, user: str, *groups: str) -> Path:
        """A kubeconfig file for one more client."""
        return self.authority.access(name, user, self.api, groups=groups)


def start(state: Path, progress: Progress | None = None) -> ControlPlane:
    """A new, empty cluster below ``state``, ready. The programs must be in the cache. Raises ``NotReady``."""
    state = state.resolve()
    state.mkdir(parents=True, exist_ok=True)
    plane = ControlPlane(state, dict(zip(PORTS, ports.free_block(state), strict=False)))
    with (progress or Silent()).step("control plane"):
        _issue(plane)
        run(plane, programs.program("etcd", "root/usr/bin/etcd"), _etcd(plane))
        run(plane, programs.program("kubernetes", "kube-apiserver"), _api_server(plane))
        waiting.until_ready(state, SERVER, lambda: _ready(plane), READY_SECONDS)
        run(plane, programs.program("kubernetes", "kube-controller-manager"), _controllers(plane))
        run(plane, programs.program("kubernetes", "kube-scheduler"), _client(plane, "scheduler"))
        plane.kubectl.until("service account default", lambda: plane.kubectl("get", "serviceaccount", "default"))
    return plane


@contextmanager
def running(state: Path, progress: Progress | None = None) -> Iterator[ControlPlane]:
    """A cluster for the time of a block. What an earlier one left below ``state`` is stopped and erased first."""
    state = state.resolve()
    if state.is_dir():
        processes.stop(state)
        cache.erase(state)
    try:
        yield start(state, progress)
    finally:
        processes.stop(state)


def run(
    plane: ControlPlane, program: str, flags: Mapping[str, str], environment: Mapping[str, str] | None = None
) -> None:
    """Start one more program in the cluster's folder, to be stopped with it."""
    spawn(plane, Path(program).name, [program, *(f"--{flag}={value}" for flag, value in flags.items())], environment)


def spawn(plane: ControlPlane, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
    """The same for any command; its log is called ``name``."""
    own = {**processes.ordinary_environment(), **(environment or {})}
    processes.start(plane.state, Program(SERVER, name, command, own, patience_seconds=PATIENCE_SECONDS))


def _ready(plane: ControlPlane) -> bool:
    try:
        return plane.kubectl("get", "--raw", "/readyz") == "ok"
    except Refused:
        return False


def _issue(plane: ControlPlane) -> None:
    authority = Authority.of_folder(plane.state / "pki")
    authority.signing_pair("accounts")
    names = ("localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", LOOPBACK, API_ADDRESS)
    authority.issue("apiserver", "kube-apiserver", hosts=names)
    authority.issue("to-kubelet", "apiserver", groups=["system:masters"])
    authority.issue("proxy", FRONT_PROXY)
    plane.access("admin", "admin", "system:masters")
    plane.access("controllers", "system:kube-controller-manager")
    plane.access("scheduler", "system:kube-scheduler")


def _etcd(plane: ControlPlane) -> dict[str, str]:
    clients, peers = (f"http://{LOOPBACK}:{plane.ports[name]}" for name in ("etcd", "etcd_peer"))
    return {
        "data-dir": str(plane.state / "etcd"),
        "unsafe-no-fsync": "true",
        "listen-client-urls": clients,
        "advertise-client-urls": clients,
        "listen-peer-urls": peers,
        "initial-advertise-peer-urls": peers,
        "initial-cluster": f"default={peers}",
        "log-level": "warn",
    }


def _api_server(plane: ControlPlane) -> dict[str, str]:
    pki = plane.authority.folder
    return {
        "etcd-servers": f"http://{LOOPBACK}:{plane.ports['etcd']}",
        "bind-address": LOOPBACK,
        "advertise-address": LOOPBACK,
        "endpoint-reconciler-type": "none",  # it would refuse to announce an address of loopback
        "secure-port": str(plane.ports["api"]),
        "service-cluster-ip-range": SERVICE_RANGE,
        "authorization-mode": "Node,RBAC",
        "enable-admission-plugins": "NodeRestriction",
        "allow-privileged": "true",
        "client-ca-file": str(pki / "ca.crt"),
        "tls-cert-file": str(pki / "apiserver.crt"),
        "tls-private-key-file": str(pki / "apiserver.key"),
        "service-account-issuer": "https://kubernetes.default.svc",
        "service-account-key-file": str(pki / "accounts.pub"),
        "service-account-signing-key-file": str(pki / "accounts.key"),
        "kubelet-preferred-address-types": "InternalIP",
        "kubelet-client-certificate": str(pki / "to-kubelet.crt"),
        "kubelet-client-key": str(pki / "to-kubelet.key"),
        "kubelet-certificate-authority": str(pki / "ca.crt"),
        "requestheader-client-ca-file": str(pki / "ca.crt"),
        "requestheader-allowed-names": FRONT_PROXY,
        "requestheader-username-headers": "X-Remote-User",
        "requestheader-group-headers": "X-Remote-Group",
        "requestheader-extra-headers-prefix": "X-Remote-Extra-",
        "proxy-client-cert-file": str(pki / "proxy.crt"),
        "proxy-client-key-file": str(pki / "proxy.key"),
    }


def _controllers(plane: ControlPlane) -> dict[str, str]:
    pki = plane.authority.folder
    return {
        **_client(plane, "controllers"),
        "service-account-private-key-file": str(pki / "accounts.key"),
        "root-ca-file": str(pki / "ca.crt"),
        "use-service-account-credentials": "true",
        "cluster-signing-cert-file": str(pki / "ca.crt"),
        "cluster-signing-key-file": str(pki / "ca.key"),
        "allocate-node-cidrs": "true",
        "cluster-cidr": POD_RANGE,
        "service-cluster-ip-range": SERVICE_RANGE,
        "horizontal-pod-autoscaler-sync-period": AUTOSCALER_PERIOD,
    }


def _client(plane: ControlPlane, name: str) -> dict[str, str]:
    """What controller manager and scheduler have in common; their part is called like their port."""
    access = str(plane.authority.folder / f"{name}.kubeconfig")
    return {
        **dict.fromkeys(("kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig"), access),
        "bind-address": LOOPBACK,
        "secure-port": str(plane.ports[name]),
        "leader-elect": "false",
    }
