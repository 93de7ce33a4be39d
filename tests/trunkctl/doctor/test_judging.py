"""What the doctor decides about what it saw: a table of cases a check."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from common.domain.names import Lane
from common.objects import BUCKETS
from common.store_access import Right, Role, rights
from router.placing import Cause, PlacingState
from router.store.placings import TRIED
from trunkctl.broker_identity import BrokerIdentity
from trunkctl.doctor import cluster, connections, described, trust, work
from trunkctl.doctor.cluster import Node, NodesSeen, QueueSeen
from trunkctl.doctor.connections import ClockSeen, Connection
from trunkctl.doctor.described import KeysSeen
from trunkctl.doctor.finding import Finding, Level
from trunkctl.doctor.trust import Authority, TrustSeen
from trunkctl.doctor.work import OpenSeen, PlacingsSeen
from trunkctl.park.held import Group
from trunkctl.store_access import DatabaseRights

FAILED, WARNING, UNKNOWN, SKIPPED, OK = Level
NOW = datetime(2026, 11, 29, 6, tzinfo=UTC)
Judge = Callable[[Any], list[Finding]]
Case = tuple[Judge, Any, list[tuple[Level, str]]]


PLACES = {
    "amqp://operator:secret@broker:5672/trunk": "broker:5672",
    "amqp://operator:se/cr?e#t@broker:5672/trunk": "broker:5672",
    "amqp://operator:se@cr@et@broker:5672/trunk": "broker:5672",
    "mongodb://operator:secret@a:1,b:2,c:3/?replicaSet=rs": "a:1,b:2,c:3",
    "https://broker:15672": "broker:15672",
    "s3://store:9000": "store:9000",
    "no address": "",
}


@pytest.mark.parametrize("url", PLACES)
def test_a_place_shows_nothing_of_the_password(url: str) -> None:
    assert connections.place_of(url) == PLACES[url]


def test_the_router_tries_what_the_doctor_calls_overdue() -> None:
    assert work.TRIED == TRIED


def nodes(*running: bool, configured: int = 0, **more: Any) -> NodesSeen:
    listed = tuple(Node(f"rabbit@{number}", each) for number, each in enumerate(running))
    recorded = BrokerIdentity(cluster_id="ours", nodes=configured) if configured else None
    more.setdefault("cluster_id", "ours")
    return NodesSeen(listed, recorded, **more)


def authority(ends_in: timedelta | None, *, issued_ago: timedelta = timedelta(days=1), **more: Any) -> TrustSeen:
    values: dict[str, Any] = {"name": "CN=G2", "not_after": NOW + timedelta(days=900), **more}
    values.setdefault("issued_at", NOW - issued_ago)
    return TrustSeen(NOW, "trust", authorities=(Authority(ends_at=NOW + ends_in if ends_in else None, **values),))


def group(state: str) -> Group:
    return Group(service="router", source="facts", reason="E_FACT", state=state, count=3, oldest=NOW)


def keys(role: Role, **other: frozenset[Right]) -> KeysSeen:
    held = {bucket: rights(role, bucket) & frozenset(described.PROBED) for bucket in BUCKETS}
    return KeysSeen(role, held | other)


CASES: dict[str, Case] = {
    "a server answers": (connections.judge_connection, Connection("broker", "h:1", "RabbitMQ 4.3"), [(OK, "4.3")]),
    "a server does not": (
        connections.judge_connection,
        Connection("database", "h:1", problem="refused"),
        [(FAILED, "database at h:1 does not answer: refused")],
    ),
    "a database without a primary": (
        connections.judge_connection,
        Connection("database", "h:1", is_writable=False),
        [(FAILED, "no primary")],
    ),
    "clocks that agree": (
        connections.judge_clocks,
        [ClockSeen("broker", 0.4), ClockSeen("database", -4.9)],
        [(OK, "")],
    ),
    "a clock that goes ahead": (connections.judge_clocks, [ClockSeen("broker", 5.0)], [(WARNING, "5 s ahead of")]),
    "a clock that is far behind": (connections.judge_clocks, [ClockSeen("broker", -61.0)], [(FAILED, "61 s behind")]),
    "a clock that nobody told": (
        connections.judge_clocks,
        [ClockSeen("broker", None), ClockSeen("database", 0.0)],
        [(UNKNOWN, "clock of broker")],
    ),
    "all nodes run": (cluster.judge_nodes, nodes(True, True, True, configured=3), [(OK, "3 of 3")]),
    "one node of three is away": (
        cluster.judge_nodes,
        nodes(True, True, False, configured=3),
        [(WARNING, "2 of 3 nodes of the broker run; away: rabbit@2")],
    ),
    "two nodes of three are away": (cluster.judge_nodes, nodes(True, False, False), [(FAILED, "no majority: 1 of 3")]),
    "half of the nodes is no majority": (
        cluster.judge_nodes,
        nodes(True, True, configured=4),
        [(FAILED, "no majority")],
    ),
    "a new cluster of one node, where three are recorded": (
        cluster.judge_nodes,
        nodes(True, configured=3, cluster_id="other"),
        [(FAILED, "no majority: 1 of 3"), (FAILED, "another cluster: the broker is other")],
    ),
    "a cluster whose id nobody may see": (
        cluster.judge_nodes,
        nodes(True, configured=1, cluster_id=""),
        [(OK, "1 of 1"), (SKIPPED, "may not see whether this is the trunk's own cluster")],
    ),
    "messages that are tried in time": (work.judge_overdue, 0, [(OK, "over its time")]),
    "messages that nobody tries": (work.judge_overdue, 7, [(FAILED, "7 messages for inboxes are over their time")]),
    "more such messages than are counted": (work.judge_overdue, work.MOST_COUNTED, [(FAILED, "10000 or more")]),
    "submit queues with room": (
        work.judge_submissions,
        {"submit.a": 3, "submit.b": 0},
        [(OK, "3 submissions wait in 1 queues")],
    ),
    "a submit queue that is almost full": (
        work.judge_submissions,
        {"submit.a": 4_000, "submit.b": 3_999, "submit.c": 5_000},
        [(WARNING, "2 submit queues are almost full (5000): submit.c, submit.a")],
    ),
    "an alarm": (
        cluster.judge_nodes,
        NodesSeen((Node("rabbit@0", True, ("disk",)),)),
        [(FAILED, "rabbit@0 blocks every publisher: alarm of disk")],
    ),
    "a parted network": (
        cluster.judge_nodes,
        NodesSeen((Node("rabbit@0", True, is_parted=True),)),
        [(FAILED, "rabbit@0 does not see all others")],
    ),
    "queues with all their members": (cluster.judge_queues, [QueueSeen("q", "n", 3, 3)], [(OK, "1 queues")]),
    "a queue without leader": (cluster.judge_queues, [QueueSeen("q", "", 3, 3)], [(FAILED, "majority: q")]),
    "a queue without majority": (cluster.judge_queues, [QueueSeen("q", "n", 3, 1)], [(FAILED, "majority: q")]),
    "a queue that lost its leader while all nodes run": (
        cluster.judge_queues,
        [QueueSeen("q", "n", 3, 3, "down")],
        [(FAILED, "majority: q")],
    ),
    "a queue whose leader is all that is left": (
        cluster.judge_queues,
        [QueueSeen("q", "n", 3, 3, "minority")],
        [(FAILED, "majority: q")],
    ),
    "a queue without members": (cluster.judge_queues, [QueueSeen("q", "n", 0, 0)], [(FAILED, "majority: q")]),
    "queues whose leaders answer": (cluster.judge_leaders, [], [(OK, "elected leader")]),
    "queues whose leaders do not": (cluster.judge_leaders, ["q", "p"], [(FAILED, "no elected leader: p, q")]),
    "a queue that lacks a member": (cluster.judge_queues, [QueueSeen("q", "n", 3, 2)], [(WARNING, "away: q")]),
    "many queues without leader are counted": (
        cluster.judge_queues,
        [QueueSeen(f"q{number}", "", 3, 1) for number in range(9)],
        [(FAILED, "q0, q1, q2, q3, q4 and 4 more")],
    ),
    "queues that are consumed": (cluster.judge_consumers, {"q": 1}, [(OK, "")]),
    "a queue that nobody consumes": (cluster.judge_consumers, {"q": 1, "p": 0}, [(FAILED, "nobody consumes p")]),
    "the same version everywhere": (
        lambda seen: cluster.judge_versions(seen, "2"),
        {"intake": frozenset({"2"})},
        [(OK, "all services run 2")],
    ),
    "a service of another version, and one in between": (
        lambda seen: cluster.judge_versions(seen, "2"),
        {"intake": frozenset({"1"}), "router": frozenset({"1", "2"})},
        [(WARNING, "intake runs 1, and this trunkctl is 2"), (WARNING, "router runs 1, 2")],
    ),
    "a service that says no version": (
        cluster.judge_versions,
        {"intake": frozenset({""})},
        [(SKIPPED, "intake: unknown version")],
    ),
    "a service without session": (cluster.judge_versions, {"intake": frozenset()}, [(FAILED, "intake has no session")]),
    "a topology as described": (described.judge_topology, [], [(OK, "")]),
    "a missing queue, and one that is other": (
        described.judge_topology,
        ["queue facts.router.normal: missing", "queue inbox.A: other arguments={}"],
        [(FAILED, "facts.router.normal: missing"), (WARNING, "inbox.A: other")],
    ),
    "another policy holds": (
        described.judge_policies,
        ["queue q: policy aaa holds instead of trunk-retry-normal"],
        [(FAILED, "policy aaa holds")],
    ),
    "policies as described": (described.judge_policies, [], [(OK, "")]),
    "a user with more rights": (
        described.judge_broker_rights,
        ["user x: other tags='administrator'"],
        [(WARNING, "x")],
    ),
    "a user that is missing": (described.judge_broker_rights, ["user x: missing"], [(FAILED, "user x: missing")]),
    "users as described": (described.judge_broker_rights, [], [(OK, "")]),
    "buckets as described": (described.judge_buckets, [], [(OK, "")]),
    "an archive without lock": (
        described.judge_buckets,
        ["bucket archive: not under object lock"],
        [(FAILED, "not under object lock")],
    ),
    "keys as described": (described.judge_keys, keys(Role.OPERATOR), [(OK, "what operator may")]),
    "keys of somebody who looks": (described.judge_keys, keys(Role.READER), [(OK, "what reader may")]),
    "keys that may do more, and less": (
        described.judge_keys,
        keys(Role.OPERATOR, content=frozenset({Right.LIST, Right.INSPECT}), archive=frozenset({Right.INSPECT})),
        [(WARNING, "may list bucket content, and must not"), (WARNING, "may not list bucket archive")],
    ),
    "database rights that nobody enforces": (
        described.judge_database_rights,
        DatabaseRights(skipped="FerretDB"),
        [(SKIPPED, "FerretDB")],
    ),
    "other database rights": (
        described.judge_database_rights,
        DatabaseRights(("database user operator: in trunk_intake find, remove, not find",)),
        [(WARNING, "remove")],
    ),
    "database rights as described": (described.judge_database_rights, DatabaseRights(), [(OK, "")]),
    "no trust folder here": (trust.judge_trust, TrustSeen(NOW), [(SKIPPED, "no trust folder")]),
    "a trust folder that cannot be used": (
        trust.judge_trust,
        TrustSeen(NOW, "trust", "no root certificate"),
        [(FAILED, "trust cannot be used: no root certificate")],
    ),
    "a list in force": (trust.judge_trust, authority(timedelta(days=5)), [(OK, "1 authorities")]),
    "a weekly list is fine a day before its end": (
        trust.judge_trust,
        authority(timedelta(days=1), issued_ago=timedelta(days=6)),
        [(OK, "")],
    ),
    "a list that has ended": (
        trust.judge_trust,
        authority(-timedelta(minutes=1)),
        [(FAILED, "ended 2026-11-29 05:59")],
    ),
    "a list that ends within six hours": (
        trust.judge_trust,
        authority(timedelta(hours=5), issued_ago=timedelta(days=6)),
        [(FAILED, "ends 2026-11-29 11:00")],
    ),
    "an hourly list is fine half an hour before its end": (
        trust.judge_trust,
        authority(timedelta(minutes=30), issued_ago=timedelta(minutes=30)),
        [(OK, "")],
    ),
    "a list without end": (trust.judge_trust, authority(None), [(WARNING, "names no end")]),
    "no list of an issuing CA": (trust.judge_trust, authority(None, issued_at=None), [(FAILED, "no revocation list")]),
    "no list of a root": (
        trust.judge_trust,
        authority(None, issued_at=None, is_root=True),
        [(WARNING, "no revocation list")],
    ),
    "an authority that has expired needs no list": (
        trust.judge_trust,
        authority(-timedelta(days=9), not_after=NOW - timedelta(days=1)),
        [(OK, "")],
    ),
    "an authority that expires soon": (
        trust.judge_trust,
        authority(timedelta(days=5), not_after=NOW + timedelta(days=29)),
        [(WARNING, "expires 2026-12-28")],
    ),
    "files that are not used, and a root without pin": (
        trust.judge_trust,
        TrustSeen(NOW, "trust", left_out=("crls/x: not a list",), unpinned=("ab",)),
        [(WARNING, "left out: crls/x"), (WARNING, "nobody pinned: ab")],
    ),
    "packages on their way": (
        work.judge_open,
        OpenSeen({Lane.NORMAL: 0}, {"sent": 4, "held": 1}, 0),
        [(OK, "none over its budget: 1 held, 4 sent")],
    ),
    "packages over their budget": (
        work.judge_open,
        OpenSeen({Lane.NORMAL: 0, Lane.URGENT: 2}, {"sent": 2}, 0),
        [(FAILED, "2 urgent packages open longer")],
    ),
    "very many packages over their budget": (
        work.judge_open,
        OpenSeen({Lane.NORMAL: 10_000}, {}, 0),
        [(FAILED, "10000 or more normal")],
    ),
    "many packages wait for a document": (work.judge_open, OpenSeen({}, {}, 501), [(WARNING, "501 packages wait")]),
    "every message is in its inbox": (work.judge_placings, [], [(OK, "")]),
    "full, silent and recalled inboxes": (
        work.judge_placings,
        [PlacingsSeen(cause, 2, ("A", "B"), NOW) for cause in ("full", "silent", "recall")],
        [(WARNING, "(full, since"), (FAILED, "(silent, since"), (OK, "(recall, since")],
    ),
    "a cause of a later release": (
        work.judge_placings,
        [PlacingsSeen("new", 1, ("A",), None)],
        [(WARNING, "(new): A")],
    ),
    "nothing is parked": (work.judge_parked, [], [(OK, "")]),
    "a parked message, and one in quarantine": (
        work.judge_parked,
        [group("parked"), group("quarantined")],
        [(WARNING, "3 parked at router for E_FACT"), (FAILED, "3 quarantined at router")],
    ),
    "no dead letters": (work.judge_dead_letters, {"trunk.dead.router": 0}, [(OK, "")]),
    "dead letters that their service has not taken": (
        work.judge_dead_letters,
        {"trunk.dead.router": 7},
        [(WARNING, "7 messages in trunk.dead.router")],
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_decision(case: Case) -> None:
    judge, seen, expected = case
    findings = judge(seen)
    assert [finding.level for finding in findings] == [level for level, _ in expected]
    for finding, (level, words) in zip(findings, expected, strict=True):
        assert words in finding.says
        assert finding.act or level in (OK, SKIPPED, UNKNOWN), "who is called is told what to do"


def test_every_cause_of_waiting_is_known() -> None:
    """The router's own words: trunkctl does not import a service for them."""
    assert set(work.CAUSES) == set(Cause)
    assert set(work.WAITING_STATES) <= set(PlacingState)


def test_rows_of_the_management_api_are_read() -> None:
    row = {"name": "n", "running": True, "mem_alarm": True, "disk_free_alarm": False, "partitions": ["m"]}
    assert cluster.node_of(row) == Node("n", True, ("memory",), is_parted=True)
    assert cluster.node_of({"name": "n", "running": False}) == Node("n", False)
    queue = {"name": "q", "leader": None, "members": ["n", "m", "o"], "online": ["n"], "state": "minority"}
    assert cluster.queue_of(queue) == QueueSeen("q", "", 3, 1, "minority")
    assert cluster.queue_of({"name": "q", "members": None}) == QueueSeen("q", "", 0, 0, "")


def test_versions_are_those_of_our_own_sessions_in_this_virtual_host() -> None:
    ours = {"product": "trunk", "version": "2"}
    rows = [
        {"user": "intake", "vhost": "trunk", "client_properties": ours},
        {"user": "router", "vhost": "trunk", "client_properties": {"product": "aiormq", "version": "7.1"}},
        {"user": "archive", "vhost": "other", "client_properties": ours},
        {"user": "T.77", "vhost": "trunk", "client_properties": ours},
    ]
    said = cluster.versions_of(rows, "trunk")
    assert said["intake"] == {"2"}
    assert said["router"] == {""}
    assert said["archive"] == frozenset()
    assert "T.77" not in said
