"""The two publishers of a process: one for nearly everything, and one for queues that have not answered lately.

RabbitMQ reads no more from a channel with some dozen unanswered publishes to one quorum queue, and a publish to a queue
without a leader is never answered. The second publisher has a connection of its own, so that this concerns no others,
and few publishes to one queue may be unanswered there, so that it does not concern the other silent queues either. It
connects when it is needed for the first time.
"""

import asyncio

from common.metrics import set_unconfirmed_since
from common.service.outgoing import Outgoing
from common.service.publisher import AmqpPublisher

MOST_UNANSWERED = 8
"""How many publishes to one queue may be unanswered on the second connection. RabbitMQ reads on up to 32."""


class Publishers:
    """Publishes each message by one of two ``AmqpPublisher``."""

    def __init__(self, url: str, service: str) -> None:
        self._service = service
        self._shared = AmqpPublisher(url, service)
        self._apart = AmqpPublisher(url, service, name=f"{service} publishes to silent queues")
        self._is_apart_needed = asyncio.Event()

    async def run(self) -> None:
        """Keep the connections open. Ends only when it is cancelled."""
        async with asyncio.TaskGroup() as both:
            both.create_task(self._shared.run())
            both.create_task(self._run_apart())

    async def check(self) -> None:
        """Raises ``ConnectionError`` while nothing can be published."""
        await self._shared.check()

    async def measure(self) -> None:
        """Record since when the oldest publish waits for its confirm."""
        waiting = [each.oldest_at for each in (self._shared, self._apart) if each.oldest_at]
        set_unconfirmed_since(self._service, min(waiting, default=0.0))

    async def close(self, within_seconds: float = 5.0) -> None:
        """Wait for publishes on their way, then cancel them."""
        await asyncio.gather(self._shared.close(within_seconds), self._apart.close(within_seconds))

    async def publish(self, message: Outgoing) -> None:
        """Publish a message, and return when the broker has confirmed it. One that is on its way already is joined,
        whichever publisher has it. Raises as ``AmqpPublisher.publish``, and ``TimeoutError`` for a message that would
        be published apart while its queue has not answered ``MOST_UNANSWERED`` earlier ones. If another publish would
        be given up for the message, one unanswered message is enough: RabbitMQ still has publishes that were given up,
        and they are not counted."""
        if self._apart.is_publishing(message):
            await self._apart.publish(message)
        elif message.is_apart and not self._shared.is_publishing(message):
            unanswered = self._apart.unanswered(message)
            if unanswered >= MOST_UNANSWERED or (unanswered and not self._apart.has_room(message)):
                raise TimeoutError("the queue has not answered earlier messages")
            self._is_apart_needed.set()
            await self._apart.publish(message)
        else:
            await self._shared.publish(message)

    async def _run_apart(self) -> None:
        await self._is_apart_needed.wait()
        await self._apart.run()
