"""Queues without leader, in the answers that three nodes of RabbitMQ 4.3.6 gave (shortened)."""

from typing import Any

import httpx
import pytest

from common.topology import Policy, Queue, Topology
from trunkctl.broker_admin import BrokerAdmin
from trunkctl.doctor.checks import CHECKS, examine
from trunkctl.doctor.finding import Level
from trunkctl.doctor.sources import Sources
from trunkctl.settings import ControlSettings

NODES = ["trunk@a", "trunk@b", "trunk@c"]
ASKED = [check for check in CHECKS if check.name in ("queues", "leaders")]

Row = dict[str, Any]


def queue(name: str, *, leader: str = "trunk@a", online: list[str] = NODES, state: str = "running") -> Row:
    return {
        "name": name,
        "type": "quorum",
        "arguments": {},
        "leader": leader,
        "members": NODES,
        "online": online,
        "state": state,
    }


STREAM = {"name": "trunk.progress", "type": "stream", "online": NODES, "state": "running", "type_specific": None}
CLASSIC = {"name": "classic", "type": "classic", "online": None, "state": "running"}


def broker(rows: list[Row], counted: list[Row], leaderless: list[str]) -> BrokerAdmin:
    """``rows``: the plain list; ``counted``: the one with numbers; ``leaderless``: what the health check finds."""
    queues = [{"name": name, "virtual_host": "trunk", "type": "rabbit_quorum_queue"} for name in leaderless]
    reason = "Detected quorum queues without an elected leader"
    health = (503, {"status": "failed", "reason": reason, "queues": queues}) if queues else (200, {"status": "ok"})

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/health/checks/quorum-queues-without-elected-leaders/vhost/trunk/pattern/.*":
            return httpx.Response(health[0], json=health[1])
        if request.url.path == "/api/policies/trunk":
            return httpx.Response(200, json=[])
        assert request.url.path == "/api/queues/trunk", request.url
        is_counted = "enable_queue_totals" in request.url.params
        return httpx.Response(200, json=[row | {"messages": 0} for row in counted] if is_counted else rows)

    admin = BrokerAdmin("http://broker", "operator", "secret")
    admin.http = httpx.Client(base_url="http://broker/api", transport=httpx.MockTransport(answer))
    return admin


def said(admin: BrokerAdmin) -> dict[str, tuple[Level, str]]:
    """Level and words by check."""
    sources = Sources(ControlSettings())
    sources.__dict__["broker"] = admin
    return {each.check: (each.finding.level, each.finding.says) for each in examine(sources, ASKED)}


def test_all_is_well() -> None:
    rows = [queue("facts.a"), STREAM, CLASSIC]
    assert said(broker(rows, rows, [])) == {
        "queues": (Level.OK, "1 queues have a leader and all their members"),
        "leaders": (Level.OK, "every quorum queue has an elected leader"),
    }


def test_a_queue_that_the_list_shows_as_well_has_no_leader() -> None:
    """Two of three members have stopped, their nodes run, and the third knows no leader."""
    rows = [queue("facts.a"), queue("facts.b")]
    assert said(broker(rows, rows, ["facts.a"]))["leaders"] == (Level.FAILED, "no elected leader: facts.a")


def test_the_last_leader_has_stopped_and_its_node_runs() -> None:
    rows = [queue("facts.a", state="down"), queue("facts.b")]
    levels = said(broker(rows, rows, ["facts.a"]))
    assert levels["queues"] == (Level.FAILED, "without leader or majority: facts.a")


def test_two_of_three_nodes_are_away() -> None:
    """The list with numbers leaves out what another node led; the health check, what this one still leads."""
    led_here = queue("facts.b", online=["trunk@a"], state="minority")
    led_there = queue("facts.a", leader="trunk@c", online=["trunk@a"], state="minority")
    levels = said(broker([led_there, led_here], [led_here], ["facts.a"]))
    assert levels["queues"] == (Level.FAILED, "without leader or majority: facts.a, facts.b")
    assert levels["leaders"] == (Level.FAILED, "no elected leader: facts.a")


def test_a_queue_that_is_listed_without_numbers_is_neither_missing_nor_under_another_policy() -> None:
    topology = Topology(queues=(Queue("facts.a"), Queue("facts.b")), policies=(Policy("retry", "^facts", {}),))
    there, elsewhere = queue("facts.b"), queue("facts.a", leader="trunk@c")
    admin = broker([elsewhere, there], [there], [])
    assert admin.queues() == {"facts.a": elsewhere, "facts.b": there | {"messages": 0}}
    assert [line for line in admin.policy_differences(topology) if line.startswith("queue")] == [
        "queue facts.b: policy None holds instead of retry"
    ]


@pytest.mark.parametrize("code", [401, 404, 500])
def test_an_error_is_not_taken_for_an_answer(code: int) -> None:
    admin = broker([], [], [])
    admin.http = httpx.Client(
        base_url="http://broker/api", transport=httpx.MockTransport(lambda _: httpx.Response(code, json={}))
    )
    with pytest.raises(httpx.HTTPStatusError):
        admin.queues_without_leader()
