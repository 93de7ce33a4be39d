"""Declaring the topology, against the real broker: again changes nothing, what is missing or other is told."""

import pytest

from common.topology import FACTS, INBOX, inbox_queue
from tests.trunkctl.conftest import UNIT, Declared
from trunkctl.broker_admin import Refused


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
    assert line.startswith(f"user {UNIT.user}: other configure='.*'")


def test_a_removed_exchange_takes_its_bindings_along(declared: Declared) -> None:
    declared.http.delete(f"/exchanges/{declared.vhost}/{FACTS}").raise_for_status()
    found = declared.admin.differences(declared.topology)
    assert f"exchange {FACTS}: missing" in found
    assert len(found) == 1 + sum(binding.exchange == FACTS for binding in declared.topology.bindings)


def test_a_queue_with_other_arguments_is_refused_not_replaced(declared: Declared) -> None:
    inbox = inbox_queue(UNIT.code)
    declared.http.delete(f"/queues/{declared.vhost}/{inbox}").raise_for_status()
    other = {"durable": True, "arguments": {"x-queue-type": "quorum"}}
    declared.http.put(f"/queues/{declared.vhost}/{inbox}", json=other).raise_for_status()
    with pytest.raises(Refused, match=r"inbox\.T\.77"):
        declared.admin.apply(declared.topology, declared.passwords)
