"""Declaring the topology, against the real broker: again changes nothing, what is missing or other is told."""

import re
from datetime import UTC, datetime

import pytest

from common.domain.directory import Directory
from common.topology import FACTS, INBOX, inbox_queue
from tests.harness.topology import without_reports
from tests.trunkctl.conftest import UNIT, Declared
from trunkctl import broker_identity, topology_job
from trunkctl.broker_admin import Refused
from trunkctl.broker_identity import BrokerIdentity, identity_from, objection
from trunkctl.command_error import CommandError
from trunkctl.settings import ControlSettings
from trunkctl.topology_job import correct, whole_topology


def test_what_was_declared_is_as_described_also_the_second_time(declared: Declared) -> None:
    assert declared.admin.differences(declared.topology) == []
    declared.admin.apply(declared.topology, declared.passwords)
    assert declared.admin.differences(declared.topology) == []


def test_a_removed_binding_is_told(declared: Declared) -> None:
    inbox = inbox_queue(UNIT.code)
    path = f"/bindings/{declared.vhost}/e/{INBOX}/q/{inbox}/{UNIT.code}"
    declared.http.delete(path).raise_for_status()
    assert declared.admin.differences(declared.topology) == [f"binding {INBOX} -{UNIT.code}-> {inbox}: missing"]


def test_a_wider_permission_is_told(declared: Declared) -> None:
    wide = {"configure": ".*", "write": ".*", "read": ".*"}
    declared.http.put(f"/permissions/{declared.vhost}/{UNIT.user}", json=wide).raise_for_status()
    (line,) = declared.admin.differences(declared.topology)
    assert line.startswith(f"permissions of user {UNIT.user}: other configure='.*'")


def test_a_removed_exchange_takes_its_bindings_along(declared: Declared) -> None:
    declared.http.delete(f"/exchanges/{declared.vhost}/{FACTS}").raise_for_status()
    found = declared.admin.differences(declared.topology)
    assert f"exchange {FACTS}: missing" in found
    bindings = sum(binding.exchange == FACTS for binding in declared.topology.bindings)
    topics = sum(topic.exchange == FACTS for user in declared.topology.users for topic in user.topics)
    assert len(found) == 1 + bindings + topics


@pytest.mark.parametrize("priority", [100, 200])
def test_a_foreign_policy_that_replaces_ours_is_told_for_each_queue(declared: Declared, priority: int) -> None:
    """One policy holds for a queue; the retry of messages lives in it. A stream takes no policy of ``max-length``."""
    foreign = {"pattern": ".*", "definition": {"max-length": 10}, "priority": priority, "apply-to": "all"}
    declared.http.put(f"/policies/{declared.vhost}/aaa", json=foreign).raise_for_status()
    lines = declared.admin.differences(declared.topology)
    replaced = [line for line in lines if "policy aaa holds instead of" in line]
    if priority == 200:
        concerned = [q for q in declared.topology.queues if q.arguments["x-queue-type"] != "stream"]
        assert len(replaced) == len(concerned)
    assert replaced or lines == [], "equal priority: whichever holds, it is told"


def test_more_than_is_described_is_told(declared: Declared) -> None:
    """A binding into a queue of facts, a user with rights, and a right to publish any key."""
    vhost, http = declared.vhost, declared.http
    http.put(f"/exchanges/{vhost}/into", json={"type": "fanout", "durable": True}).raise_for_status()
    extra = {"routing_key": "document.verified.normal"}
    http.post(f"/bindings/{vhost}/e/{FACTS}/q/facts.notifier.normal", json=extra).raise_for_status()
    http.put(f"/permissions/{vhost}/guest-like", json={"configure": "", "write": ".*", "read": ""})
    name = f"stranger-{vhost}"
    http.put(f"/users/{name}", json={"password": "x", "tags": ""}).raise_for_status()
    http.put(f"/permissions/{vhost}/{name}", json={"configure": "", "write": ".*", "read": ""}).raise_for_status()
    topic = {"exchange": INBOX, "write": ".*", "read": ".*"}
    http.put(f"/topic-permissions/{vhost}/{UNIT.user}", json=topic).raise_for_status()
    try:
        assert set(declared.admin.differences(declared.topology)) == {
            f"binding {FACTS} -document.verified.normal-> facts.notifier.normal: not described",
            f"permissions of user {name}: not described",
            f"topic permission of {UNIT.user} at {INBOX}: not described",
        }
    finally:
        http.delete(f"/users/{name}")


def test_a_password_that_holds_is_not_set_again(declared: Declared) -> None:
    """Setting it again is an event that somebody would have to look at, a thousand times at every apply.

    Asked of the user of this process alone: the others may just be made by the first test of another process.
    """
    before = declared.admin.get(f"/users/{UNIT.user}")
    declared.admin.apply(declared.topology, declared.passwords)
    assert declared.admin.get(f"/users/{UNIT.user}") == before


def test_an_old_broker_is_refused(declared: Declared, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = declared.admin.get
    monkeypatch.setattr(
        declared.admin, "get", lambda path: {"rabbitmq_version": "4.2.9"} if path == "/overview" else answer(path)
    )
    with pytest.raises(Refused, match=r"RabbitMQ 4\.2\.9 is too old: the trunk needs 4\.3 or later"):
        declared.admin.apply(declared.topology, declared.passwords)


def test_a_queue_with_other_arguments_is_refused_not_replaced(declared: Declared) -> None:
    inbox = inbox_queue(UNIT.code)
    declared.http.delete(f"/queues/{declared.vhost}/{inbox}").raise_for_status()
    other = {"durable": True, "arguments": {"x-queue-type": "quorum"}}
    declared.http.put(f"/queues/{declared.vhost}/{inbox}", json=other).raise_for_status()
    with pytest.raises(Refused, match=re.escape(inbox)):
        declared.admin.apply(declared.topology, declared.passwords)


def test_a_unit_that_is_disabled_while_everything_is_declared_stays_disabled(declared: Declared) -> None:
    """The job began before the operator's command and ended after it, so it gave the rights back."""
    directory = Directory([UNIT])
    closed = without_reports(whole_topology(directory, {UNIT.code}))
    try:
        correct(declared.admin, declared.settings, directory, assumed=set(), disabled={UNIT.code, "X.99"})
        assert declared.admin.differences(closed) == []
        correct(declared.admin, declared.settings, directory, assumed={UNIT.code}, disabled=set())
        assert declared.admin.differences(declared.topology) == []
    finally:
        declared.admin.apply(declared.topology, declared.passwords)


OURS = BrokerIdentity(cluster_id="ours", nodes=3)


@pytest.mark.parametrize(
    ("recorded", "actual", "says"),
    [
        (None, BrokerIdentity(cluster_id="any", nodes=1), ""),
        (OURS, OURS, ""),
        (OURS, BrokerIdentity(cluster_id="ours", nodes=2), ""),
        (OURS, BrokerIdentity(cluster_id="ours", nodes=1), "only 1 of 3 nodes"),
        (OURS, BrokerIdentity(cluster_id="other", nodes=3), "is cluster other, and the trunk's is ours"),
        (OURS, BrokerIdentity(cluster_id="", nodes=3), "and the trunk's is ours"),
        (BrokerIdentity(cluster_id="ours", nodes=1), BrokerIdentity(cluster_id="ours", nodes=1), ""),
    ],
)
def test_nothing_is_declared_on_another_cluster_or_on_the_smaller_part(
    recorded: BrokerIdentity | None, actual: BrokerIdentity, says: str
) -> None:
    why_not = objection(recorded, actual)
    assert says in why_not
    assert bool(why_not) is bool(says)


def test_only_nodes_that_run_count() -> None:
    nodes = [{"name": "a", "running": True}, {"name": "b", "running": False}, {"name": "c"}]
    parameters = [{"name": "internal_cluster_id", "value": "ours"}]
    assert identity_from(parameters, nodes) == BrokerIdentity(cluster_id="ours", nodes=1)


def test_a_broker_has_an_identity_that_stays(declared: Declared) -> None:
    first = broker_identity.ask(declared.admin)
    assert first.cluster_id.startswith("rabbitmq-cluster-id-")
    assert first.nodes == 1
    assert broker_identity.ask(declared.admin) == first


@pytest.mark.parametrize("answer", [BrokerIdentity(cluster_id="", nodes=3), BrokerIdentity(cluster_id="ours", nodes=0)])
def test_a_broker_that_does_not_say_which_it_is_is_not_recorded(
    answer: BrokerIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else any other that does not say it either would be taken for the same."""
    monkeypatch.setattr(broker_identity, "ask", lambda _: answer)
    monkeypatch.setattr(topology_job, "admin", lambda _: None)
    with pytest.raises(CommandError, match="Nothing was recorded"):
        topology_job.adopt(ControlSettings(), "somebody", "a reason", datetime(2026, 11, 28, tzinfo=UTC))


def test_another_broker_behind_the_name_is_refused_and_told(
    declared: Declared, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def recorded(_: object) -> BrokerIdentity:
        return OURS

    monkeypatch.setattr(broker_identity, "load", recorded)
    monkeypatch.setattr(topology_job, "admin", lambda _: declared.admin)
    declared.admin.delete(f"/vhosts/{declared.vhost}")
    with pytest.raises(CommandError, match="Nothing was declared: the broker is cluster rabbitmq-cluster-id"):
        topology_job.apply(declared.settings, Directory([UNIT]))
    assert declared.vhost not in {row["name"] for row in declared.admin.get("/vhosts")}
    (line,) = topology_job.check(declared.settings, Directory([UNIT]))
    assert "the trunk's is ours" in line
