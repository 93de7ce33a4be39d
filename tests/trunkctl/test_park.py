"""Looking into the parking lot and replaying from it, against the real broker."""

import aio_pika
import pytest

from common import headers
from common.domain.names import Lane
from common.topology import OPERATOR, PARK, facts_queue
from tests.trunkctl.conftest import Declared
from trunkctl import broker, park
from trunkctl.park import Choice

QUEUE = facts_queue("router", Lane.NORMAL)
LOOKS = 30
"""More than the delivery limit of a work queue."""


async def put(declared: Declared, reason: str, document: str, queue: str = QUEUE) -> None:
    """Park a message as a service does."""
    told: dict[str, object] = {
        headers.PARK_REASON: reason,
        headers.PARK_QUEUE: queue,
        headers.PARK_SERVICE: "router",
        headers.DOCUMENT_ID: document,
        headers.USER_ID: "T.77",
        headers.ATTEMPT: 4,
    }
    message = aio_pika.Message(document.encode(), headers=told, delivery_mode=2)  # type: ignore[arg-type]
    async with broker.session(declared.settings.broker_url(OPERATOR)) as channel:
        await broker.publish(channel, PARK, QUEUE, message)


async def arrived(declared: Declared) -> list[aio_pika.abc.AbstractIncomingMessage]:
    """What lies in the work queue now."""
    async with (
        broker.session(declared.settings.broker_url(OPERATOR)) as channel,
        broker.waiting(channel, QUEUE, 100) as messages,
    ):
        return messages


async def test_looking_does_not_wear_messages_out(declared: Declared) -> None:
    await put(declared, "E_FACT", "D1")
    for _ in range(LOOKS):
        assert [message.document for message in await park.look(declared.settings)] == ["D1"]


async def test_what_lies_there_is_counted_at_once(declared: Declared) -> None:
    """Not by the management's statistics: they are seconds old, and say nothing after the broker has started."""
    assert await park.count(declared.settings) == 0
    await put(declared, "E_FACT", "D1")
    await put(declared, "E_FACT", "D2")
    assert await park.count(declared.settings) == 2


async def test_a_session_that_breaks_off_does_not_lose_what_it_saw(declared: Declared) -> None:
    await put(declared, "E_FACT", "D1")
    for _ in range(LOOKS):
        async with broker.session(declared.settings.broker_url(OPERATOR)) as channel:
            await (await broker.queue(channel, PARK)).get()
    assert len(await park.look(declared.settings)) == 1


async def test_only_what_was_named_is_replayed(declared: Declared) -> None:
    await put(declared, "E_FACT", "D1")
    await put(declared, "E_ATTEMPTS", "D2")
    done, stuck = await park.replay(declared.settings, Choice(reasons=("E_ATTEMPTS",)))
    assert ([message.document for message in done], stuck) == (["D2"], [])
    assert [message.document for message in await park.look(declared.settings)] == ["D1"]
    (copy,) = await arrived(declared)
    assert copy.body == b"D2"


async def test_a_copy_is_the_operators_and_remembers_the_submitter(declared: Declared) -> None:
    await put(declared, "E_FACT", "D1")
    await park.replay(declared.settings, Choice(everything=True))
    (copy,) = await arrived(declared)
    assert copy.user_id == OPERATOR
    told = {headers.DOCUMENT_ID: "D1", headers.USER_ID: "T.77", headers.REPLAY: 1}
    assert {name: value for name, value in copy.headers.items() if name in {*told, headers.ATTEMPT}} == told


async def test_running_twice_replays_once(declared: Declared) -> None:
    await put(declared, "E_FACT", "D1")
    first = await park.replay(declared.settings, Choice(everything=True))
    second = await park.replay(declared.settings, Choice(everything=True))
    assert (len(first[0]), second) == (1, ([], []))
    assert len(await arrived(declared)) == 1


@pytest.mark.parametrize("queue", ["", "somewhere.else"])
async def test_what_came_from_nowhere_stays_parked(declared: Declared, queue: str) -> None:
    await put(declared, "E_FACT", "D1", queue)
    done, stuck = await park.replay(declared.settings, Choice(everything=True))
    assert (done, [message.document for message in stuck]) == ([], ["D1"])
    assert len(await park.look(declared.settings)) == 1
