"""The servers that the doctor queries: broker, database and object store of the settings, with short timeouts."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from pymongo import MongoClient, ReadPreference

from common.clock import Clock, utc_now
from common.domain.directory import Directory
from common.objects import Objects
from common.topology import VHOST, Topology
from trunkctl import broker_identity, topology_job
from trunkctl.broker_admin import BrokerAdmin
from trunkctl.broker_identity import BrokerIdentity
from trunkctl.settings import ControlSettings
from trunkctl.takeover.remains import Remains
from trunkctl.units import lookup

SERVER_TIMEOUT_SECONDS = 5.0
"""Of one request; below the time that a check has."""


@dataclass(frozen=True)
class Sources:
    """Clients of one run; each is made when a check asks for it first, and only read from."""

    settings: ControlSettings
    clock: Clock = utc_now
    database_prefix: str = "trunk_"

    @property
    def now(self) -> datetime:
        """The time here."""
        return self.clock()

    @property
    def vhost(self) -> str:
        """The virtual host that the address at the broker names."""
        return unquote(urlsplit(self.settings.amqp_url.get_secret_value()).path[1:]) or VHOST

    @property
    def quoted_vhost(self) -> str:
        """The same in a path of the management API."""
        return quote(self.vhost, safe="")

    @cached_property
    def broker(self) -> BrokerAdmin:
        """The management API."""
        return BrokerAdmin(
            self.settings.rabbitmq_management_url,
            self.settings.rabbitmq_admin_user,
            self.settings.rabbitmq_admin_password.get_secret_value(),
            vhost=self.vhost,
            timeout_seconds=SERVER_TIMEOUT_SECONDS,
        )

    @cached_property
    def objects(self) -> Objects:
        """The object store."""
        return Objects(self.settings)

    @cached_property
    def database(self) -> MongoClient[dict[str, Any]]:
        """The database, any member of it that answers; the primary if there is one."""
        milliseconds = int(SERVER_TIMEOUT_SECONDS * 1000)
        return MongoClient(
            self.settings.mongo_uri.get_secret_value(),
            tz_aware=True,
            serverSelectionTimeoutMS=milliseconds,
            connectTimeoutMS=milliseconds,
            socketTimeoutMS=milliseconds,
            read_preference=ReadPreference.PRIMARY_PREFERRED,
            appname="trunkctl-doctor",
        )

    def collection(self, service: str, name: str) -> Any:
        """A collection of a service."""
        return self.database[f"{self.database_prefix}{service}"][name]

    def recorded_broker(self) -> BrokerIdentity | None:
        """The cluster that was recorded as the trunk's; None = none was recorded."""
        return asyncio.run(broker_identity.load(self.objects))

    def directory(self) -> Directory:
        """The unit directory in force."""
        return lookup.current(self.objects)

    def described(self) -> tuple[Topology, Remains]:
        """What the broker must hold, with what it still holds of a former release, and the latter."""
        return topology_job.described_beside(self.broker, self.objects, self.directory())
