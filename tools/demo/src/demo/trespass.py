"""What the broker itself must refuse a unit, whatever the services do: tried once for each way."""

from dataclasses import replace

import aio_pika
from aio_pika.abc import AbstractChannel
from aiormq.exceptions import AMQPError, ChannelInvalidStateError

from common.domain.directory import Unit
from common.domain.names import Lane
from common.topology import FACTS, INBOX, SUBMIT, inbox_queue
from trunkctl import broker, submission
from trunkctl.command_error import CommandError
from trunkctl.settings import ControlSettings

REFUSALS = (CommandError, AMQPError, ChannelInvalidStateError)


async def trespasses(settings: ControlSettings, unit: Unit, victim: Unit) -> dict[str, bool]:
    """Each attempt, and whether it was refused."""
    own, others = submission.inline(unit, b"x"), submission.inline(replace(unit, broker_user=victim.user), b"x")
    key, foreign_key = submission.routing_key(unit, Lane.NORMAL), submission.routing_key(victim, Lane.NORMAL)
    return {
        "submitting under another unit's key": await _refused(settings, unit, SUBMIT, foreign_key, own),
        "submitting under another user's name": await _refused(settings, unit, SUBMIT, key, others),
        "writing into another unit's inbox": await _refused(settings, unit, INBOX, victim.code, own),
        "announcing a fact": await _refused(settings, unit, FACTS, "document.verified.normal", own),
        "reading another unit's inbox": await _refused(settings, unit, "", inbox_queue(victim.code), None),
    }


async def _refused(
    settings: ControlSettings, unit: Unit, exchange: str, key: str, message: aio_pika.Message | None
) -> bool:
    try:
        async with broker.session(settings.broker_url(unit.user)) as channel:
            await _attempt(channel, exchange, key, message)
    except REFUSALS:
        return True
    return False


async def _attempt(channel: AbstractChannel, exchange: str, key: str, message: aio_pika.Message | None) -> None:
    if message:
        await broker.publish(channel, exchange, key, message)
    else:
        async with broker.waiting(channel, key, 1):
            pass
