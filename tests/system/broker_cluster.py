"""Three nodes of RabbitMQ instead of one, behind one address, like a Kubernetes service."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx

from devstack import loopback

from .relay import relay
from .trunk import BIN, PATIENCE_SECONDS, STATE, VHOST, Trunk, eventually, run

COUNT = 3
ADOPT = ("topology", "adopt", "--by", "Nguyễn Văn A", "--why", "thử nghiệm cụm RabbitMQ", "--state", STATE)


@dataclass(frozen=True)
class Node:
    """state: its folder. name: as RabbitMQ calls it."""

    state: Path
    name: str
    amqp_port: int
    management_port: int


@dataclass(frozen=True)
class Cluster:
    """trunk: the same one, reached through whichever node answers."""

    trunk: Trunk
    nodes: list[Node]

    def ask(self, path: str) -> Any:
        """Queries the management API of any node that answers."""
        who = (self.trunk.config["rabbitmq_admin_user"], self.trunk.config["rabbitmq_admin_password"])
        for node in self.nodes:
            try:
                address = f"http://127.0.0.1:{node.management_port}/api{path}"
                return loopback.get(address, auth=who, timeout=20).raise_for_status().json()
            except httpx.HTTPError:
                continue
        raise AssertionError("no node answers")

    def leader(self) -> Node:
        """The node that leads most queues."""
        led = Counter(queue.get("leader") or queue.get("node") for queue in self.ask(f"/queues/{VHOST}"))
        return max(self.nodes, key=lambda node: led[node.name])

    def is_whole(self) -> bool:
        """Whether every queue has all its members, so that another node may fail."""
        queues = self.ask(f"/queues/{VHOST}")
        return all(len(queue.get("online") or ()) == len(self.nodes) for queue in queues if queue["type"] == "quorum")

    def lose(self, node: Node) -> None:
        """Kills the node."""
        self.trunk.kill_server("rabbitmq", node.state)

    def regain(self, node: Node) -> None:
        """Starts it again; returns when it is a member of every queue."""
        self.trunk.revive_server("rabbitmq", node.state)
        assert eventually(self.is_whole, PATIENCE_SECONDS, 0.5), "a queue misses a member"


@contextmanager
def three_nodes(trunk: Trunk) -> Iterator[Cluster]:
    """While entered, the broker is a new cluster with the topology declared; afterwards a new single node is."""
    nodes = [Node(Path(row.pop("state_dir")), **row) for row in json.loads(_devstack("form", COUNT))]
    try:
        _declare()
        with relay([node.amqp_port for node in nodes]) as port:
            cluster = Cluster(replace(trunk, config={**trunk.config, "amqp_port": port}), nodes)
            assert eventually(cluster.is_whole, PATIENCE_SECONDS, 0.5), "a queue misses a member"
            yield cluster
    finally:
        _devstack("dissolve")
        _declare()


def _declare() -> None:
    run(BIN / "trunkctl", *ADOPT)
    run(BIN / "trunkctl", "topology", "apply", "--state", STATE)


def _devstack(verb: str, *arguments: int) -> str:
    call = (
        "import dataclasses, json, pathlib, sys; from devstack import broker_nodes as nodes;"
        " made = getattr(nodes, sys.argv[1])(pathlib.Path(sys.argv[2]), *map(int, sys.argv[3:])) or [];"
        " print(json.dumps([dataclasses.asdict(node) for node in made], default=str))"
    )
    return str(run(BIN / "python", "-c", call, verb, STATE, *map(str, arguments)).stdout)
