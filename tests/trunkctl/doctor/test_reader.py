"""What the account of a person who only looks may do: nothing at the broker, and no document at the object store."""

import re

from common.indexes import CHECKS
from common.objects import BUCKETS, DIRECTORY
from common.store_access import DATABASE_GRANTS, Action, Right, Role, rights
from common.topology import READER, static_topology
from trunkctl.users import PEOPLE


def test_it_may_do_nothing_at_the_broker() -> None:
    (user,) = [each for each in static_topology().users if each.name == READER]
    topology = static_topology()
    names = [each.name for each in (*topology.queues, *topology.exchanges)] + ["", "amq.direct", "inbox.A"]
    for right in (user.configure, user.write, user.read):
        assert [name for name in names if name and re.search(right, name)] == []
    assert user.tags == "monitoring"
    assert READER in PEOPLE


def test_its_keys_read_no_document() -> None:
    for bucket in BUCKETS:
        allowed = {Right.INSPECT, Right.READ} if bucket == DIRECTORY else {Right.INSPECT}
        assert rights(Role.READER, bucket) == allowed


def test_at_the_database_it_is_the_operator_who_reads_and_notes_checks() -> None:
    assert Role.READER not in {grant.role for grant in DATABASE_GRANTS}
    (operator,) = [grant for grant in DATABASE_GRANTS if grant.role is Role.OPERATOR]
    assert set(operator.actions) <= {Action.FIND, Action.LIST_INDEXES, Action.LIST_COLLECTIONS}
    assert not operator.removes_from
    assert operator.writes_to == (("archive", CHECKS),)
