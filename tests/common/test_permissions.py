"""Who may do what at the broker: every account against every exchange, key and queue, on a real RabbitMQ.

What is allowed is written out here by hand, apart from the tables that the topology is made of.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

import aiormq
import pytest
from aiormq.abc import AbstractConnection
from aiormq.exceptions import ChannelAccessRefused, ChannelPreconditionFailed, DeliveryError, PublishError
from pamqp.commands import Basic

from common import topology
from common.facts import FACT_TYPES, name_of

from .conftest import VirtualHost

LANES = ("normal", "urgent")
SERVICES = ("intake", "validator", "router", "archive", "notifier")
UNITS = ("A.01", "B.02")
ACCOUNTS = (*SERVICES, "operator", "reader", *UNITS)
REFUSED = "refused"

MAKES = {
    "intake": {"package.accepted", "notice.accepted", "package.refused", "package.repeated", "package.waiting"},
    "validator": {"document.verified", "document.refused", "package.waiting"},
    "router": {
        "delivery.placed",
        "delivery.refused",
        "status.recorded",
        "routing.refused",
        "document.superseded",
        "document.recalled",
        "package.routed",
        "delivery.waiting",
    },
    "archive": {"document.archived", "package.finished"},
    "notifier": {"notification.sent"},
    "operator": {"operator.requested", "security.noticed"},
}
ALL_SERVICES_MAKE = {"message.parked", "operator.acted", "security.noticed"}
DEAD = tuple(f"trunk.dead.{service}" for service in SERVICES)
FACT_KEYS = tuple(f"{name_of(fact)}.{lane}" for fact in FACT_TYPES for lane in LANES)
UNIT_KEYS = tuple(key for unit in (*UNITS, "C.03") for key in (f"submit.{unit}", f"submit.{unit}.urgent"))
PLACE_KEYS = ("place.normal", "place.urgent")
QUEUES = (
    *(f"facts.{service}.{lane}" for service in SERVICES for lane in LANES),
    *(f"submit.{unit}.{lane}" for unit in UNITS for lane in LANES),
    *PLACE_KEYS,
    *(f"inbox.{unit}" for unit in UNITS),
    *DEAD,
    "broker.events",
    "trunk.mark",
    "trunk.progress",
)
KEYS_OF_EXCHANGES = {
    "trunk.facts": (*FACT_KEYS, "document.verified", "document.verified.other", "#", ""),
    "trunk.submit": (*UNIT_KEYS, "submit.A.01.other", "submit.#", "facts.router.normal"),
    "trunk.place": (*PLACE_KEYS, "place.other", "mark"),
    "trunk.inbox": (*UNITS, "C.03"),
    "": QUEUES,
    "amq.topic": ("x",),
    "amq.direct": ("x",),
    "amq.fanout": ("x",),
    "amq.headers": ("x",),
    **dict.fromkeys(DEAD, ("",)),
}
PUBLISHES = [(exchange, key) for exchange, keys in KEYS_OF_EXCHANGES.items() for key in keys]


def may_publish(account: str, exchange: str, key: str) -> bool:
    match exchange:
        case "trunk.facts":
            fact, _, lane = key.rpartition(".")
            own_facts = MAKES.get(account, set()) | (ALL_SERVICES_MAKE if account in SERVICES else set())
            return lane in LANES and fact in own_facts
        case "trunk.submit":
            return account in UNITS and key in (f"submit.{account}", f"submit.{account}.urgent")
        case "trunk.place":
            return account == "router" and key in (*PLACE_KEYS, "mark")
        case "trunk.inbox":
            return account == "router"
    return False


def may_read(account: str, queue: str) -> bool:
    match queue.split("."):
        case ["facts", service, _]:
            return account == service
        case ["submit", *_]:
            return account == "intake"
        case ["place", _]:
            return account == "router"
        case ["inbox", *_]:
            return queue == f"inbox.{account}"
        case ["trunk", "dead", service]:
            return account == service
        case ["trunk", "mark"]:
            return False
        case ["trunk", "progress"]:
            return account == "intake"
    return account == "archive"


def test_the_matrix_is_large_enough() -> None:
    assert len(ACCOUNTS) * (len(PUBLISHES) + len(QUEUES)) >= 300


@dataclass
class Session:
    """One account's connection; a refusal closes the channel, so each question has its own."""

    connection: AbstractConnection

    async def publish(self, exchange: str, key: str, properties: Basic.Properties | None = None) -> str:
        channel = await self.connection.channel(publisher_confirms=True, on_return_raises=True)
        try:
            await channel.basic_publish(b"x", exchange=exchange, routing_key=key, properties=properties, mandatory=True)
        except (PublishError, DeliveryError):
            return "taken"  # nobody is bound, or the queue is full: no question of rights
        except ChannelAccessRefused:
            return REFUSED
        except ChannelPreconditionFailed:
            return "other name"
        finally:
            await channel.close()
        return "taken"

    async def read(self, queue: str) -> str:
        channel = await self.connection.channel()
        try:
            await channel.basic_qos(prefetch_count=1)  # streams are read in no other way
            await channel.basic_consume(queue, _leave, no_ack=False)
        except ChannelAccessRefused:
            return REFUSED
        finally:
            await channel.close()
        return "read"


async def _leave(message: aiormq.abc.DeliveredMessage) -> None:
    """It goes back when the channel is closed."""


@pytest.fixture
async def session(vhost: VirtualHost, account: str) -> Iterator[Session]:
    connection = await aiormq.connect(vhost.url(account))
    yield Session(connection)
    await connection.close()


@pytest.mark.parametrize("account", ACCOUNTS)
async def test_publishing(session: Session, account: str) -> None:
    answers = {place: await session.publish(*place) for place in PUBLISHES}
    wanted = {place: "taken" if may_publish(account, *place) else REFUSED for place in PUBLISHES}
    assert answers == wanted


@pytest.mark.parametrize("account", ACCOUNTS)
async def test_reading(session: Session, account: str) -> None:
    answers = {queue: await session.read(queue) for queue in QUEUES}
    assert answers == {queue: "read" if may_read(account, queue) else REFUSED for queue in QUEUES}


OWN = {
    **{service: ("trunk.facts", f"{sorted(MAKES[service])[0]}.normal") for service in SERVICES},
    "operator": ("trunk.facts", "operator.requested.normal"),
    **{unit: ("trunk.submit", f"submit.{unit}") for unit in UNITS},
}


@pytest.mark.parametrize("account", OWN)
async def test_nobody_publishes_under_another_s_name(session: Session, account: str) -> None:
    for other in ACCOUNTS:
        answer = await session.publish(*OWN[account], properties=Basic.Properties(user_id=other))
        assert answer == ("taken" if other == account else "other name")


@pytest.mark.parametrize("header", ["CC", "BCC"])
@pytest.mark.parametrize("account", OWN)
async def test_copies_are_refused_as_their_original_would_be(session: Session, account: str, header: str) -> None:
    exchange, key = OWN[account]
    for other in KEYS_OF_EXCHANGES[exchange]:
        answer = await session.publish(exchange, key, Basic.Properties(headers={header: [other]}))
        assert answer == ("taken" if may_publish(account, exchange, other) else REFUSED), other


Change = Callable[[aiormq.abc.AbstractChannel], object]
CHANGES: dict[str, Change] = {
    "declare a queue": lambda c: c.queue_declare("mine", durable=True, arguments={"x-queue-type": "quorum"}),
    "declare an exclusive queue": lambda c: c.queue_declare("", exclusive=True),
    "declare an exchange": lambda c: c.exchange_declare(exchange="mine", exchange_type="fanout", durable=True),
    "delete an inbox": lambda c: c.queue_delete("inbox.B.02"),
    "delete the facts": lambda c: c.exchange_delete("trunk.facts"),
    "purge an inbox": lambda c: c.queue_purge("inbox.C.03"),
    "bind facts to an inbox": lambda c: c.queue_bind("inbox.A.01", "trunk.facts", "#"),
    "bind a queue of facts to submissions": lambda c: c.queue_bind("facts.router.normal", "trunk.submit", "#"),
    "unbind facts": lambda c: c.queue_unbind("facts.router.normal", "trunk.facts", "document.verified.normal"),
    "bind exchanges": lambda c: c.exchange_bind(destination="trunk.inbox", source="trunk.submit", routing_key="#"),
}


@pytest.mark.parametrize(("account", "change"), list(product(ACCOUNTS, CHANGES)))
async def test_nobody_changes_the_topology(session: Session, vhost: VirtualHost, account: str, change: str) -> None:
    before = vhost.admin.get(f"/bindings/{vhost.name}")
    channel = await session.connection.channel()
    with pytest.raises((ChannelAccessRefused, ChannelPreconditionFailed)):
        await asyncio.ensure_future(CHANGES[change](channel))
    await channel.close()
    assert vhost.admin.get(f"/bindings/{vhost.name}") == before


def test_topology_knows_exactly_these_places(vhost: VirtualHost) -> None:
    """A queue or an exchange that is added must be asked about here, too."""
    assert {queue.name for queue in vhost.topology.queues} == set(QUEUES)
    assert {exchange.name for exchange in vhost.topology.exchanges} <= set(KEYS_OF_EXCHANGES)
    assert {user.name for user in vhost.topology.users} == set(ACCOUNTS)
    assert topology.SUBMIT == "trunk.submit"
