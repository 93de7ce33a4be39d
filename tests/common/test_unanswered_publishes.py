"""The gauge of the oldest unconfirmed publish: since when it waits, and zero when all are confirmed."""

import asyncio

from common.metrics import REGISTRY
from common.service.outgoing import Outgoing
from common.service.publisher import AmqpPublisher

SERVICE = "unanswered"


def since() -> float | None:
    return REGISTRY.get_sample_value("trunk_publish_unconfirmed_since_timestamp_seconds", {"service": SERVICE})


def message(event_id: str) -> Outgoing:
    return Outgoing(exchange="trunk.facts", routing_key="any", body=b"{}", event_id=event_id, type="any")


async def test_the_oldest_publish_without_an_answer_is_told_until_none_is_left() -> None:
    publisher = AmqpPublisher("amqp://nobody.invalid", SERVICE)
    await publisher.measure()
    assert since() == 0.0
    first = asyncio.create_task(publisher.publish(message("first")))
    await asyncio.sleep(0)
    await publisher.measure()
    oldest = since()
    assert oldest
    second = asyncio.create_task(publisher.publish(message("second")))
    await asyncio.sleep(0)
    await publisher.measure()
    assert since() == oldest
    await publisher.close(within_seconds=0.0)
    await asyncio.gather(first, second, return_exceptions=True)
    await publisher.measure()
    assert since() == 0.0
