"""Security events (R40) of what an operator does, published by the operator's user at the broker."""

import asyncio
from collections.abc import Iterable

from aio_pika.exceptions import AMQPException

from common.facts import SecurityNoticed
from common.facts.flows import OPERATOR
from common.service.outgoing import fact_message
from trunkctl import broker
from trunkctl.command_error import CommandError
from trunkctl.settings import ControlSettings


async def publish(settings: ControlSettings, events: Iterable[SecurityNoticed]) -> None:
    """Return when the broker has confirmed them all. Raises ``CommandError`` when it does not."""
    try:
        async with broker.session(settings.broker_url(OPERATOR)) as channel:
            for event in events:
                await broker.publish_outgoing(channel, fact_message(event), OPERATOR)
    except (AMQPException, OSError) as error:
        raise CommandError(f"the broker did not confirm: {str(error) or type(error).__name__}") from error
    except asyncio.CancelledError as error:
        if (task := asyncio.current_task()) and task.cancelling():
            raise
        raise CommandError("the broker closed the connection") from error
