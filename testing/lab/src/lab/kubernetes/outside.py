"""Servers of the node's own machine as services of the cluster: no pod can reach the loopback they listen on."""

import sys
from collections.abc import Mapping

from lab.kubernetes import control_plane
from lab.kubernetes.apart import NODE_ADDRESS
from lab.kubernetes.control_plane import ControlPlane
from lab.kubernetes.manifests import Object

Served = Mapping[str, Mapping[int, str]]
"""By the service's name: its ports, and HOST:PORT where the server really listens."""


def offer(plane: ControlPlane, namespace: str, served: Served) -> None:
    """Make a service without pods for each server, and carry what comes to it. Ports must differ between services."""
    places = {port: place for ports in served.values() for port, place in ports.items()}
    pairs = [f"{NODE_ADDRESS}:{port}={place}" for port, place in places.items()]
    control_plane.spawn(plane, "relay", [sys.executable, "-m", "lab.relay", *pairs])
    plane.kubectl.apply([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}])
    plane.kubectl.apply(object_ for name, ports in served.items() for object_ in _objects(namespace, name, list(ports)))


def _objects(namespace: str, name: str, ports: list[int]) -> list[Object]:
    metadata = {"name": name, "namespace": namespace}
    numbered = [{"name": f"port-{port}", "port": port, "protocol": "TCP"} for port in ports]
    return [
        {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": numbered}},
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {**metadata, "labels": {"kubernetes.io/service-name": name}},
            "addressType": "IPv4",
            "endpoints": [{"addresses": [NODE_ADDRESS], "conditions": {"ready": True}}],
            "ports": numbered,
        },
    ]
