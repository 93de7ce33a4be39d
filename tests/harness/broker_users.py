"""Users of the broker that tests share.

Each test has a virtual host of its own, but users and their passwords belong to the whole broker, and tests of other
processes use them at the same time: whoever changes one that others use changes it for them, too.
"""

from pathlib import Path

from common.topology import Topology
from devstack import locks
from trunkctl.topology_job import passwords_for

USERS_FILE = Path(__file__).parents[2] / ".devstack" / "users.json"


def passwords(topology: Topology) -> dict[str, str | None]:
    """Of every user of the topology: as the checkout's trunk keeps them; a new user gets one."""
    with locks.held(USERS_FILE.with_name("users.lock")):
        return passwords_for(topology, USERS_FILE)
