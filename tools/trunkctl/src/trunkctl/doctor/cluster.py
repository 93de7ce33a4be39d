"""The broker's nodes, queues and sessions: is there a quorum, is every queue served, which version is each service?"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version

from common.domain.names import Lane
from common.facts.flows import SERVICES
from common.failure import TrunkFailure
from common.topology import dead_letters, facts_queue, place_queue
from trunkctl import broker_identity
from trunkctl.broker_admin import Row
from trunkctl.broker_identity import BrokerIdentity
from trunkctl.doctor.asking import is_forbidden
from trunkctl.doctor.finding import Finding, Level, ok
from trunkctl.doctor.sources import Sources

NAMED = 5
"""Queues that one line names; for more, it gives the number."""
OWN_VERSION = version("trunk-common")
"""Of the packages that this trunkctl runs with."""
RUNNING = "running"
"""The one state in which a queue works. Others: ``down``, ``minority``, ``recovering``, ``timeout``, ``crashed``."""
WORK_QUEUES = (
    *(facts_queue(service, lane) for service in SERVICES for lane in Lane),
    *(place_queue(lane) for lane in Lane),
    *(dead_letters(service) for service in SERVICES),
)
"""Queues that a running service always consumes."""


@dataclass(frozen=True, slots=True)
class Node:
    """One node as the broker lists it."""

    name: str
    is_running: bool
    alarms: tuple[str, ...] = ()
    """``memory``, ``disk``."""
    is_parted: bool = False
    """It cannot reach other running nodes."""


@dataclass(frozen=True, slots=True)
class NodesSeen:
    """The broker's nodes, and how many there should be."""

    nodes: tuple[Node, ...]
    recorded: BrokerIdentity | None = None
    cluster_id: str = ""
    """Empty = this session lacks the right to see it."""

    @property
    def configured(self) -> int:
        """How many nodes the trunk's broker has."""
        return max(len(self.nodes), self.recorded.nodes if self.recorded else 0)


def judge_nodes(cluster: NodesSeen) -> list[Finding]:
    """A majority of the configured nodes, no alarm, and no other cluster than the recorded one."""
    running = sum(node.is_running for node in cluster.nodes)
    count = f"{running} of {cluster.configured} nodes of the broker run"
    away = ", ".join(node.name for node in cluster.nodes if not node.is_running)
    findings = []
    if 2 * running <= cluster.configured:
        act = "Bring up enough nodes for a majority before all else; never remove a node's data."
        findings.append(Finding(Level.FAILED, f"no majority: {count}", act))
    elif running < cluster.configured:
        findings.append(Finding(Level.WARNING, f"{count}{f'; away: {away}' if away else ''}", "Bring the node back."))
    if cluster.recorded and cluster.cluster_id and cluster.cluster_id != cluster.recorded.cluster_id:
        says = f"another cluster: the broker is {cluster.cluster_id}, and the trunk's is {cluster.recorded.cluster_id}"
        findings.append(Finding(Level.FAILED, says, "Join the node to its cluster again; do not adopt this one."))
    for node in cluster.nodes:
        if node.alarms:
            says = f"{node.name} blocks every publisher: alarm of {' and '.join(node.alarms)}"
            act = "Free memory or disk of that node; publishers go on by themselves."
            findings.append(Finding(Level.FAILED, says, act, "broker-alarm"))
        if node.is_parted:
            findings.append(Finding(Level.FAILED, f"{node.name} does not see all others", "Repair the network."))
    findings = findings or ok(count)
    if cluster.recorded and not cluster.cluster_id:
        says = "this session may not see whether this is the trunk's own cluster or another one"
        findings.append(Finding(Level.SKIPPED, says, "Ask again with the role that acts."))
    return findings


@dataclass(frozen=True, slots=True)
class QueueSeen:
    """A quorum queue: which nodes hold it, and which of them run."""

    name: str
    leader: str
    """The last one that the broker knows of, whether or not it still leads."""
    members: int
    online: int
    state: str = RUNNING

    @property
    def works(self) -> bool:
        """Whether it has a leader and a majority, as far as the list of queues shows."""
        return bool(self.leader) and 2 * self.online > self.members and self.state == RUNNING


def judge_queues(queues: Sequence[QueueSeen]) -> list[Finding]:
    """A queue without leader or majority does not work; one without all its members may not survive a further loss."""
    dead = [queue.name for queue in queues if not queue.works]
    thin = [queue.name for queue in queues if queue.name not in dead and queue.online < queue.members]
    findings = []
    if dead:
        act = "Bring back the nodes that hold them; what is in them is kept."
        findings.append(Finding(Level.FAILED, f"without leader or majority: {_named(dead)}", act))
    if thin:
        act = "Bring the missing node back before anybody touches another one."
        findings.append(Finding(Level.WARNING, f"a member is away: {_named(thin)}", act))
    return findings or ok(f"{len(queues)} queues have a leader and all their members")


def judge_leaders(leaderless: Sequence[str]) -> list[Finding]:
    """``leaderless``: queues whose leader did not answer. The list of queues may show each of them as running."""
    if leaderless:
        act = "`rabbitmq-queues --vhost trunk quorum_status QUEUE` shows its members: bring them back, purge nothing."
        return [Finding(Level.FAILED, f"no elected leader: {_named(sorted(leaderless))}", act)]
    return ok("every quorum queue has an elected leader")


def judge_consumers(served: Mapping[str, int]) -> list[Finding]:
    """``served``: consumers by queue, of the queues that a running service always consumes."""
    idle = [queue for queue, consumers in served.items() if not consumers]
    if idle:
        act = "Look at the services behind them: not running, not ready, or not allowed to read."
        return [Finding(Level.FAILED, f"nobody consumes {_named(idle)}", act)]
    return ok(f"{len(served)} queues of the services are consumed")


def judge_versions(versions: Mapping[str, frozenset[str]], own: str = OWN_VERSION) -> list[Finding]:
    """``versions``: the versions that the sessions of each service report; "" for a session that reports none."""
    findings = []
    for service, reported in versions.items():
        known = ", ".join(sorted(each or "unknown" for each in reported))
        if not reported:
            act = "Look at its processes: does it run, and may it log in?"
            says = f"{service} has no session at the broker"
            findings.append(Finding(Level.FAILED, says, act, "service-down"))
        elif reported == {""}:
            says = f"{service}: unknown version, of a release before sessions told it"
            findings.append(Finding(Level.SKIPPED, says))
        elif reported != {own}:
            act = "While an upgrade goes on this is right; else bring all to one version, trunkctl included."
            findings.append(Finding(Level.WARNING, f"{service} runs {known}, and this trunkctl is {own}", act))
    return findings or ok(f"all services run {own}, as this trunkctl does")


def node_of(row: Row) -> Node:
    """A node as the management API lists it."""
    alarms = {"memory": row.get("mem_alarm"), "disk": row.get("disk_free_alarm")}
    return Node(
        name=row["name"],
        is_running=bool(row.get("running")),
        alarms=tuple(name for name, is_on in alarms.items() if is_on),
        is_parted=bool(row.get("partitions")),
    )


def queue_of(row: Row) -> QueueSeen:
    """A queue as the management API lists it."""
    return QueueSeen(
        row["name"],
        str(row.get("leader") or ""),
        members=len(row.get("members") or ()),
        online=len(row.get("online") or ()),
        state=str(row.get("state") or ""),
    )


def versions_of(connections: Iterable[Row], vhost: str) -> dict[str, frozenset[str]]:
    """The versions that the sessions of each service report (``common.service.connection``)."""
    reported: defaultdict[str, set[str]] = defaultdict(set)
    for row in connections:
        properties = row.get("client_properties", {})
        if row.get("vhost") == vhost:
            is_ours = properties.get("product") == "trunk"
            reported[row.get("user", "")].add(str(properties.get("version", "")) if is_ours else "")
    return {service: frozenset(reported[service]) for service in SERVICES}


def see_nodes(sources: Sources) -> NodesSeen:
    """The nodes, and what is recorded of the trunk's broker as far as the store answers."""
    nodes = tuple(map(node_of, sources.broker.get("/nodes")))
    recorded, cluster_id = None, ""
    with suppress(TrunkFailure):
        recorded = sources.recorded_broker()
    try:
        cluster_id = broker_identity.ask(sources.broker).cluster_id
    except Exception as error:
        if not is_forbidden(error):
            raise
    return NodesSeen(nodes, recorded, cluster_id)


def see_queues(sources: Sources) -> list[QueueSeen]:
    """All quorum queues of the virtual host."""
    return [queue_of(row) for row in sources.broker.queues().values() if row.get("type") == "quorum"]


def see_leaders(sources: Sources) -> list[str]:
    """Quorum queues of the virtual host whose leader does not answer the broker."""
    return sources.broker.queues_without_leader()


def see_consumers(sources: Sources) -> dict[str, int]:
    """Consumers by queue."""
    rows = sources.broker.get(f"/consumers/{sources.quoted_vhost}")
    served = [row["queue"]["name"] for row in rows]
    return {queue: served.count(queue) for queue in WORK_QUEUES}


def see_versions(sources: Sources) -> dict[str, frozenset[str]]:
    """The versions that the sessions of each service report."""
    return versions_of(sources.broker.get("/connections"), sources.vhost)


def _named(queues: Sequence[str]) -> str:
    rest = len(queues) - NAMED
    return ", ".join(queues[:NAMED]) + (f" and {rest} more" if rest > 0 else "")
