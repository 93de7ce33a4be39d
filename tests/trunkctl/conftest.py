"""A virtual host of its own with everything declared, on the real broker."""

import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from types import SimpleNamespace

import httpx
import pytest
from pydantic import SecretStr

from common.domain.directory import Directory, Unit
from common.facts.flows import OPERATOR
from common.topology import Topology
from trunkctl.broker_admin import BrokerAdmin
from trunkctl.settings import ControlSettings
from trunkctl.topology_job import whole_topology

from ..harness import broker_users
from ..harness.broker_users import USERS_FILE
from ..harness.topology import without_reports

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
UNIT = Unit(code=f"T.77.{WORKER}", name="T", valid_from=date(2025, 7, 1))
"""Of this process alone: virtual hosts keep tests apart, but users belong to the whole broker."""


@dataclass(frozen=True)
class Declared:
    """A virtual host of its own with everything declared."""

    admin: BrokerAdmin
    topology: Topology
    passwords: dict[str, str]
    http: httpx.Client
    """At the management API's paths of the broker."""
    vhost: str
    address: str
    """Host and port for AMQP."""

    @property
    def settings(self) -> ControlSettings:
        """Of the operator."""
        url = f"amqp://{OPERATOR}:{self.passwords[OPERATOR]}@{self.address}/{self.vhost}"
        return ControlSettings(amqp_url=SecretStr(url), users_file=USERS_FILE)


@pytest.fixture
def declared(stack: SimpleNamespace) -> Iterator[Declared]:
    """Made for one test, deleted after it."""
    vhost, who = f"test-{secrets.token_hex(4)}", (stack.rabbitmq_admin_user, stack.rabbitmq_admin_password)
    admin = BrokerAdmin(stack.rabbitmq_management_url, *who, vhost=vhost)
    topology = without_reports(whole_topology(Directory([UNIT])))
    passwords = broker_users.made(admin, topology)
    admin.apply(topology, passwords)
    with httpx.Client(base_url=f"{stack.rabbitmq_management_url}/api", auth=who, timeout=120) as http:
        try:
            yield Declared(admin, topology, passwords, http, vhost, f"{stack.amqp_host}:{stack.amqp_port}")
        finally:
            http.delete(f"/vhosts/{vhost}")
