"""A virtual host of its own for each test module, with the trunk's topology and a ladder a hundred times faster."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from pydantic import SecretStr

from common.domain.directory import Unit
from common.settings import ServiceSettings
from common.telemetry import setup_logs
from common.topology import Topology, static_topology, unit_topology
from trunkctl.broker_admin import BrokerAdmin
from trunkctl.topology_job import passwords_for

setup_logs("test", "CRITICAL")

USERS_FILE = Path(__file__).parents[2] / ".devstack" / "users.json"
UNITS = tuple(Unit(code=code, name=code, valid_from=date(2025, 7, 1)) for code in ("A.01", "B.02"))
FASTER = 100


@dataclass(frozen=True)
class VirtualHost:
    """A virtual host with the topology applied."""

    name: str
    address: str
    passwords: dict[str, str]
    admin_user: str
    admin_password: str
    topology: Topology
    admin: BrokerAdmin

    def url(self, user: str | None = None) -> str:
        """AMQP address for a user of the topology, or for the administrator."""
        who = f"{user}:{self.passwords[user]}" if user else f"{self.admin_user}:{self.admin_password}"
        return f"amqp://{who}@{self.address}/{self.name}"

    def settings(self, user: str) -> ServiceSettings:
        """Settings of a service that is quick about its failures."""
        return ServiceSettings(
            amqp_url=SecretStr(self.url(user)), redelivery_pause_seconds=0.01, confirm_timeout_seconds=2.0
        )


@pytest.fixture(scope="module")
def vhost(stack: SimpleNamespace) -> Iterator[VirtualHost]:
    """Made for the module, deleted after it."""
    name = f"test-{secrets.token_hex(4)}"
    topology = with_fast_ladder(static_topology() + unit_topology(UNITS[0]) + unit_topology(UNITS[1]))
    passwords = passwords_for(topology, USERS_FILE)
    who = (stack.rabbitmq_admin_user, stack.rabbitmq_admin_password)
    admin = BrokerAdmin(stack.rabbitmq_management_url, *who, vhost=name)
    admin.apply(topology, passwords)
    with httpx.Client(base_url=f"{stack.rabbitmq_management_url}/api", auth=who) as http:
        http.put(f"/permissions/{name}/{who[0]}", json={"configure": ".*", "write": ".*", "read": ".*"})
        address = f"{stack.amqp_host}:{stack.amqp_port}"
        yield VirtualHost(name, address, passwords, *who, topology, admin)
        http.delete(f"/vhosts/{name}")


def with_fast_ladder(topology: Topology) -> Topology:
    """The same objects, with rungs of a hundredth of the time."""
    queues = tuple(
        replace(queue, arguments={**queue.arguments, "x-message-ttl": int(ttl) // FASTER})
        if (ttl := queue.arguments.get("x-message-ttl"))
        else queue
        for queue in topology.queues
    )
    return replace(topology, queues=queues)
