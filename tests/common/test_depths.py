"""How many messages wait, as the broker tells: never a zero that nobody said."""

import pytest
from pamqp.commands import Basic

from common.failure import Outage
from common.service.depths import QueueDepths
from devstack.ports import LOOPBACK

from .conftest import VirtualHost

QUEUES = ("facts.archive.normal", "place.urgent")


async def test_intake_may_ask_for_the_depths_behind_it(vhost: VirtualHost) -> None:
    asking = QueueDepths(vhost.url("intake"), "test")
    assert await asking.ask(QUEUES) == dict.fromkeys(QUEUES, 0)
    async with vhost.channel() as channel:
        for _ in range(3):
            await channel.basic_publish(b"x", routing_key=QUEUES[0], properties=Basic.Properties(delivery_mode=2))
    assert (await asking.ask(QUEUES))[QUEUES[0]] == 3
    await asking.close()
    assert (await asking.ask(QUEUES))[QUEUES[0]] == 3, "a closed connection is opened again"
    await asking.close()


@pytest.mark.parametrize("queue", ["no.such.queue", "inbox.A.01"])
async def test_what_cannot_be_told_is_an_outage_and_the_next_question_is_answered(
    vhost: VirtualHost, queue: str
) -> None:
    asking = QueueDepths(vhost.url("intake"), "test")
    with pytest.raises(Outage):
        await asking.ask([QUEUES[1], queue])
    assert await asking.ask([QUEUES[1]]) == {QUEUES[1]: 0}
    await asking.close()


async def test_no_broker_is_an_outage() -> None:
    with pytest.raises(Outage):
        await QueueDepths(f"amqp://x:y@{LOOPBACK}:1/trunk", "test").ask(QUEUES)


async def test_the_router_asks_for_inboxes_and_leaves_out_what_does_not_exist(vhost: VirtualHost) -> None:
    asking = QueueDepths(vhost.url("router"), "test")
    asked = ["inbox.no.such.unit", "trunk.mark", "inbox.neither"]
    assert await asking.ask_existing(asked) == {"trunk.mark": 0}
    await asking.close()


async def test_no_broker_is_an_outage_for_existing_queues_too() -> None:
    with pytest.raises(Outage):
        await QueueDepths(f"amqp://x:y@{LOOPBACK}:1/trunk", "test").ask_existing(QUEUES)
