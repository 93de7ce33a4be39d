"""Users of the broker that tests share.

Each test has a virtual host of its own, but users and their passwords belong to the whole broker, and tests of other
processes use them at the same time: whoever changes one that others use changes it for them, too.
"""

from pathlib import Path

from common.topology import Topology
from devstack import locks
from trunkctl.broker_admin import BrokerAdmin
from trunkctl.topology_job import passwords_for

USERS_FILE = Path(__file__).parents[2] / ".devstack" / "users.json"


def made(admin: BrokerAdmin, topology: Topology) -> dict[str, str | None]:
    """Make those users of the topology that the broker does not have. Returns the password of every one, as the
    checkout's trunk keeps them; a new user gets one.

    One process at a time: of two that make the same user, the broker refuses one.
    """
    with locks.held(USERS_FILE.with_name("users.lock")):
        passwords = passwords_for(topology, USERS_FILE)
        known = {row["name"] for row in admin.get("/users")}
        for user in topology.users:
            if user.name not in known:
                admin.set_password(user.name, passwords[user.name], user.tags)
        return passwords
