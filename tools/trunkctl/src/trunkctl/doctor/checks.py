"""Every check of ``trunkctl doctor``: its name, its query, the judgement of the answer, and its runbook."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from trunkctl.doctor import cluster, connections, described, trust, work
from trunkctl.doctor.asking import CHECK_SECONDS, all_at_once, unanswered
from trunkctl.doctor.finding import Answer, Finding, worst_first
from trunkctl.doctor.sources import Sources


@dataclass(frozen=True, slots=True)
class Check:
    """One check of the running trunk."""

    name: str
    see: Callable[[Sources], Any]
    """Queries the servers; changes nothing."""
    judge: Callable[[Any], list[Finding]]
    """Judges the result of ``see``, without access to any server."""
    runbook: str
    """Page of ``docs/runbooks``."""


CHECKS = (
    Check("broker", connections.see_broker, connections.judge_connection, "broker-down"),
    Check("broker's management", connections.see_management, connections.judge_connection, "broker-down"),
    Check("database", connections.see_database, connections.judge_connection, "dependency-down"),
    Check("object store", connections.see_object_store, connections.judge_connection, "dependency-down"),
    Check("nodes", cluster.see_nodes, cluster.judge_nodes, "broker-down"),
    Check("queues", cluster.see_queues, cluster.judge_queues, "broker-down"),
    Check("leaders", cluster.see_leaders, cluster.judge_leaders, "broker-down"),
    Check("consumers", cluster.see_consumers, cluster.judge_consumers, "no-consumers"),
    Check("topology", described.see_topology, described.judge_topology, "topology"),
    Check("policies", described.see_policies, described.judge_policies, "topology"),
    Check("broker rights", described.see_broker_rights, described.judge_broker_rights, "topology"),
    Check("buckets", described.see_buckets, described.judge_buckets, "archive"),
    Check("store keys", described.see_keys, described.judge_keys, "dependency-down"),
    Check("database rights", described.see_database_rights, described.judge_database_rights, "dependency-down"),
    Check("trust", trust.see_trust, trust.judge_trust, "trust"),
    Check("open packages", work.see_open, work.judge_open, "packages-may-be-lost"),
    Check("inboxes", work.see_placings, work.judge_placings, "unit-endpoint"),
    Check("overdue messages", work.see_overdue, work.judge_overdue, "delivery-slow"),
    Check("submissions", work.see_submissions, work.judge_submissions, "submit-queue-filling"),
    Check("parked", work.see_parked, work.judge_parked, "parked-messages"),
    Check("dead letters", work.see_dead_letters, work.judge_dead_letters, "parked-messages"),
    Check("versions", cluster.see_versions, cluster.judge_versions, "service-down"),
    Check("clocks", connections.see_clocks, connections.judge_clocks, "dependency-down"),
)


def examine(sources: Sources, checks: Sequence[Check] = CHECKS, seconds: float = CHECK_SECONDS) -> list[Answer]:
    """Runs all checks at once. Returns their results, the worst first. Does not raise: a failed query is a result."""
    queries = [partial(_findings, check, sources) for check in checks]
    results = zip(checks, all_at_once(queries, seconds), strict=True)
    return worst_first(answer for check, result in results for answer in _answers(check, result))


def _findings(check: Check, sources: Sources) -> list[Finding]:
    return check.judge(check.see(sources))


def _answers(check: Check, result: Any) -> Iterable[Answer]:
    findings = unanswered(result) if isinstance(result, BaseException) else result
    return [Answer(check.name, finding, finding.runbook or check.runbook) for finding in findings]
