"""Three nodes of RabbitMQ, of which the one that leads most queues dies again and again under load."""

from pathlib import Path

from ..broker_cluster import Cluster, three_nodes
from ..trunk import Trunk, eventually
from .faults import Arena, Fault
from .ordeal import FaultPlan, Ordeal, ordeal


def lost_leaders(trunk: Trunk, folder: Path, packages: int, deaths: int, seed: int, patience_seconds: float) -> Ordeal:
    """The broker is a new one before and after: nothing that the trunk has accepted may be under way."""
    assert eventually(lambda: not trunk.depths(), patience_seconds, 1.0), "packages are under way"
    with three_nodes(trunk) as cluster:
        plan = FaultPlan(of_services=[], of_servers=[_leader_lost(cluster)] * deaths)
        return ordeal(cluster.trunk, folder, packages, plan, seed, patience_seconds)


def _leader_lost(cluster: Cluster) -> Fault:
    def leader_killed(arena: Arena) -> None:
        """Kills the node and starts it again; the other nodes continue."""
        node = cluster.leader()
        cluster.lose(node)
        arena.wait(1.0, 5.0)
        cluster.regain(node)

    return leader_killed
