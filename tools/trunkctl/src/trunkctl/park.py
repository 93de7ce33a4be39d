"""``trunkctl park``: what lies in the parking lot, and putting it back to work; as user ``operator``."""

import uuid
from dataclasses import dataclass
from typing import Any

import aio_pika
from aio_pika.abc import AbstractIncomingMessage

from common.topology import OPERATOR, PARK
from trunkctl import broker
from trunkctl.parked import Parked, chosen, parked, replay_headers
from trunkctl.settings import ControlSettings

MOST = 10_000
"""Messages looked at in one go."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which messages a replay means."""

    ids: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    everything: bool = False

    def means(self, message: Parked) -> bool:
        """Whether this one is meant."""
        return chosen(message, self.ids, self.reasons, self.everything)


async def count(settings: ControlSettings) -> int:
    """How many messages the parking lot holds at this moment, as the queue itself answers."""
    async with broker.session(settings.broker_url(OPERATOR)) as channel:
        return await broker.ready(channel, PARK)


async def look(settings: ControlSettings) -> list[Parked]:
    """Everything in the parking lot; it stays there."""
    async with (
        broker.session(settings.broker_url(OPERATOR)) as channel,
        broker.waiting(channel, PARK, MOST) as messages,
    ):
        return [_parked(message) for message in messages]


async def replay(settings: ControlSettings, choice: Choice) -> tuple[list[Parked], list[Parked]]:
    """Put the chosen messages back into their queues. Returns those replayed, and those of unknown origin.

    A copy is published and confirmed before the parked message is acked: whatever happens in between leaves a
    second copy, which every service recognises. What was replayed is no longer here: running twice does no harm.
    """
    done: list[Parked] = []
    stuck: list[Parked] = []
    async with (
        broker.session(settings.broker_url(OPERATOR)) as channel,
        broker.waiting(channel, PARK, MOST) as messages,
    ):
        for message in messages:
            found = _parked(message)
            if not choice.means(found):
                continue
            if not found.replayable:
                stuck.append(found)
                continue
            await broker.publish(channel, "", found.queue, _copy(message))
            await message.ack()
            done.append(found)
    return done, stuck


def _parked(message: AbstractIncomingMessage) -> Parked:
    return parked(message.headers, message.message_id)


def _copy(message: AbstractIncomingMessage) -> aio_pika.Message:
    told: dict[str, Any] = replay_headers(message.headers, message.user_id)
    return aio_pika.Message(
        message.body,
        headers=told,
        content_type=message.content_type,
        correlation_id=message.correlation_id,
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        message_id=uuid.uuid4().hex,
        timestamp=message.timestamp,
        type=message.type,
        user_id=OPERATOR,
        app_id=OPERATOR,
    )
