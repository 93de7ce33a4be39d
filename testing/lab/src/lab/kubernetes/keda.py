"""KEDA beside the cluster instead of in it: its operator, and the adapter that the autoscaler asks for numbers.

Both resolve the cluster's names and reach its services, so they have to run where the node is (``apart``).
"""

import shutil
from pathlib import Path

from devstack.ports import LOOPBACK
from devstack.progress import Progress, Silent
from lab.kubernetes import control_plane, programs
from lab.kubernetes.control_plane import ControlPlane

NAMESPACE = "keda"
GROUP, API_VERSION = "external.metrics.k8s.io", "v1beta1"
SERVICE = "keda-metrics-apiserver"
READY_SECONDS = 60.0


def start(plane: ControlPlane, progress: Progress | None = None) -> None:
    """Start both programs and return when the autoscaler can ask them. The kinds must be defined."""
    with (progress or Silent()).step("KEDA"):
        access, pki = plane.access("keda", "keda", "system:masters"), _certificates(plane)
        plane.kubectl.apply(_objects(plane))
        names = {"POD_NAMESPACE": NAMESPACE, "WATCH_NAMESPACE": "", "KEDA_CLUSTER_OBJECT_NAMESPACE": NAMESPACE}
        own = {**names, "POD_NAME": "keda-operator-0", "OPERATOR_NAME": "keda-operator"}
        control_plane.run(plane, programs.program("keda", "operator"), _operator(plane, access, pki), own)
        control_plane.run(plane, programs.program("keda", "adapter"), _adapter(plane, access, pki), names)
        plane.kubectl.until("KEDA's metrics", lambda: _answers(plane), READY_SECONDS)


def _answers(plane: ControlPlane) -> bool:
    return GROUP in plane.kubectl("get", "--raw", f"/apis/{GROUP}/{API_VERSION}")


def _operator(plane: ControlPlane, access: Path, pki: Path) -> dict[str, str]:
    return {
        "kubeconfig": str(access),
        "metrics-bind-address": f"{LOOPBACK}:{plane.ports['keda_metrics']}",
        "health-probe-bind-address": f"{LOOPBACK}:{plane.ports['keda_health']}",
        "metrics-service-bind-address": f"{LOOPBACK}:{plane.ports['keda_service']}",
        **dict.fromkeys(("cert-dir", "ca-dir"), str(pki)),
        "enable-cert-rotation": "false",
        "zap-encoder": "console",
    }


def _adapter(plane: ControlPlane, access: Path, pki: Path) -> dict[str, str]:
    accesses = ("kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig", "lister-kubeconfig")
    return {
        **dict.fromkeys(accesses, str(access)),
        "bind-address": LOOPBACK,
        "secure-port": str(plane.ports["keda_api"]),
        "port": str(plane.ports["keda_adapter_metrics"]),
        "metrics-service-address": f"localhost:{plane.ports['keda_service']}",
        "cert-dir": str(pki),
        "tls-cert-file": str(pki / "tls.crt"),
        "tls-private-key-file": str(pki / "tls.key"),
    }


def _certificates(plane: ControlPlane) -> Path:
    """A folder in the shape of KEDA's own secret."""
    authority, folder = plane.authority, plane.state / "keda"
    folder.mkdir(exist_ok=True)
    key_pair = authority.issue("keda-service", "keda-operator", hosts=["localhost", "keda-operator.keda.svc", LOOPBACK])
    for source, name in zip((*key_pair, authority.certificate), ("tls.crt", "tls.key", "ca.crt"), strict=True):
        shutil.copyfile(source, folder / name)
    return folder


def _objects(plane: ControlPlane) -> list[dict[str, object]]:
    """Where the API server finds the metrics, and the autoscaler's right to read them."""
    port = plane.ports["keda_api"]
    subject = {"kind": "ServiceAccount", "name": "horizontal-pod-autoscaler", "namespace": "kube-system"}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "external-metrics-reader"}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": SERVICE, "namespace": NAMESPACE},
            "spec": {"type": "ExternalName", "externalName": "localhost", "ports": [{"port": port}]},
        },
        {
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": {"name": f"{API_VERSION}.{GROUP}"},
            "spec": {
                "group": GROUP,
                "version": API_VERSION,
                "groupPriorityMinimum": 100,
                "versionPriority": 100,
                "insecureSkipTLSVerify": True,
                "service": {"name": SERVICE, "namespace": NAMESPACE, "port": port},
            },
        },
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": {"name": "external-metrics-reader"},
            "rules": [{"apiGroups": [GROUP], "resources": ["*"], "verbs": ["get", "list"]}],
        },
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": "external-metrics-reader"},
            "roleRef": role,
            "subjects": [subject],
        },
    ]
