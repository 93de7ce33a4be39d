"""The former topology as this release knows it, against what its broker held; and how both are described together."""

import re
from dataclasses import replace
from datetime import date
from itertools import chain

import pytest

from common.domain.directory import Directory, Unit
from common.facts.flows import SERVICES
from common.topology import Topology
from tests.upgrade.recorded import DEFINITIONS
from trunkctl.takeover import former
from trunkctl.takeover.former import PARK, WORK
from trunkctl.takeover.remains import Remains, beside, leftovers, remains_of
from trunkctl.topology_job import whole_topology

UNITS = ("000.00.00.H29", "000.00.01.H29")
IN_FORCE = whole_topology(Directory([Unit(code=code, name=code, valid_from=date(2025, 7, 1)) for code in UNITS]))
QUEUES = {name: {"arguments": arguments} for name, arguments in DEFINITIONS["queues"].items()}
REMAINS = remains_of(QUEUES, DEFINITIONS["exchanges"], map(tuple, DEFINITIONS["bindings"]))


def test_the_former_queues_are_those_that_were_recorded() -> None:
    known = {name: queue.arguments for name, queue in former.QUEUES.items()}
    inboxes = {f"inbox.{unit}": former.WORK_ARGUMENTS for unit in UNITS}
    assert known | inboxes == DEFINITIONS["queues"]


def test_the_former_bindings_are_those_that_were_recorded() -> None:
    known = {(b.exchange, b.queue, b.key) for b in former.topology(UNITS).bindings}
    recorded = {tuple(each) for each in DEFINITIONS["bindings"] if each[0] != "trunk.inbox"}
    assert known == recorded


def test_all_of_it_remains_at_first() -> None:
    assert REMAINS.queues == set(former.QUEUES)
    assert REMAINS.exchanges == set(former.EXCHANGES)
    assert REMAINS.inboxes == {f"inbox.{unit}" for unit in UNITS}


def test_a_trunk_without_it_is_described_as_ever() -> None:
    queues = {queue.name: {"arguments": queue.arguments} for queue in IN_FORCE.queues}
    bindings = [(b.exchange, b.queue, b.key) for b in IN_FORCE.bindings]
    nothing = remains_of(queues, [e.name for e in IN_FORCE.exchanges], bindings)
    assert nothing.is_nothing
    assert beside(IN_FORCE, nothing) == IN_FORCE
    assert leftovers(nothing) == []


def test_no_key_leads_to_two_queues_of_one_service() -> None:
    described = beside(IN_FORCE, REMAINS)
    for old in REMAINS.bindings:
        both = [
            new
            for new in described.bindings
            if (new.exchange, new.key) == (old.exchange, old.key)
            and old.queue in WORK
            and WORK[old.queue].is_followed_by(new.queue)
        ]
        assert both == []


def test_every_key_in_force_leads_somewhere() -> None:
    described = {(b.exchange, b.key) for b in beside(IN_FORCE, REMAINS).bindings}
    assert {(b.exchange, b.key) for b in IN_FORCE.bindings} <= described


@pytest.mark.parametrize("user", SERVICES)
def test_a_service_may_do_what_both_releases_need(user: str) -> None:
    (described,) = (each for each in beside(IN_FORCE, REMAINS).users if each.name == user)
    (exact,) = (each for each in IN_FORCE.users if each.name == user)
    was = DEFINITIONS["permissions"][user]
    names = sorted({*DEFINITIONS["queues"], *DEFINITIONS["exchanges"], *(q.name for q in IN_FORCE.queues)})
    for right in ("read", "write"):
        allowed = {name for name in names if re.search(getattr(described, right), name)}
        needed = {n for n in names if re.search(was[right], n)} | {
            n for n in names if re.search(getattr(exact, right), n)
        }
        assert allowed == needed


@pytest.mark.parametrize("left", [Remains(), REMAINS.without_work(), Remains(inboxes=REMAINS.inboxes)])
def test_the_rights_of_the_former_release_end_with_its_queues(left: Remains) -> None:
    assert beside(IN_FORCE, left).users == IN_FORCE.users


def test_units_and_the_operator_never_get_former_rights() -> None:
    described = {user.name: user for user in beside(IN_FORCE, REMAINS).users}
    for user in IN_FORCE.users:
        assert user.name in SERVICES or described[user.name] == user


def test_a_former_inbox_keeps_its_arguments_and_gets_the_limits_by_policy() -> None:
    described = beside(IN_FORCE, REMAINS)
    inbox = next(queue for queue in described.queues if queue.name == f"inbox.{UNITS[0]}")
    assert inbox.arguments == former.WORK_ARGUMENTS
    assert former.INBOX_LIMITS in described.policies
    assert [p for p in described.policies if re.search(p.pattern, inbox.name)] == [former.INBOX_LIMITS]


def test_its_dead_letters_reach_the_router_once_the_parking_lot_is_gone() -> None:
    left = replace(REMAINS.without_work(), queues=frozenset(), bindings=frozenset())
    aliases = [b for b in beside(IN_FORCE, left).bindings if b.exchange == PARK]
    assert [(b.queue, b.key) for b in aliases] == [("trunk.dead.router", "")]
    assert [b for b in beside(IN_FORCE, REMAINS).bindings if b.exchange == PARK and b.queue != PARK] == []


def test_each_object_that_is_to_go_is_named_with_what_to_do() -> None:
    lines = leftovers(REMAINS)
    for name in chain(REMAINS.queues, REMAINS.exchanges, REMAINS.inboxes):
        assert any(f" {name}: " in line and "take-over" in line for line in lines)


def test_former_objects_are_described_once() -> None:
    described: Topology = beside(IN_FORCE, REMAINS)
    for objects in (described.exchanges, described.queues, described.policies, described.users):
        names = [each.name for each in objects]
        assert len(names) == len(set(names))
