"""The door: intake takes no submissions while a queue behind it is too deep, so that nothing inside refuses anything.

While it is closed, submissions wait in their units' own queues; when those are full, the units' publishes are refused.
Each lane has a door of its own, so that a backlog of normal documents never stops urgent ones.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from common.clock import Clock, utc_now
from common.domain.names import Lane
from common.facts.flows import SERVICES
from common.failure import Outage
from common.metrics import set_door
from common.service.consumer import Consumer
from common.topology import facts_queue, place_queue

log = structlog.get_logger("trunk.intake")

UNKNOWN_FOR = timedelta(seconds=60)
"""A door whose depths nobody has told for so long closes."""


@dataclass(frozen=True, slots=True)
class DoorState:
    """Whether the door is open, and what that was decided by."""

    is_open: bool = True
    known_at: datetime | None = None
    deepest: str = ""
    """The queue that keeps it closed; empty while it is open."""


def decide(state: DoorState, depths: Mapping[str, int] | None, now: datetime, close_at: int, open_at: int) -> DoorState:
    """The next state. ``depths``: messages by queue, None = the broker did not tell.

    Closes at ``close_at`` messages in any queue and opens only when all are below ``open_at``, so that it does not
    flap. What is not known holds the door as it is for a minute, then closes it.
    """
    if depths is None:
        known_at = state.known_at or now
        if now - known_at < UNKNOWN_FOR:
            return DoorState(state.is_open, known_at, state.deepest)
        return DoorState(False, known_at, "unknown")
    limit = close_at if state.is_open else open_at
    too_deep = {queue: depth for queue, depth in depths.items() if depth >= limit}
    deepest = max(too_deep, key=lambda queue: too_deep[queue], default="")
    return DoorState(not too_deep, now, deepest)


def watched_queues(lane: Lane) -> tuple[str, ...]:
    """The queues behind the door of a lane."""
    return (*(facts_queue(service, lane) for service in SERVICES), place_queue(lane))


class Door:
    """Opens and closes for one lane; asked by timer."""

    def __init__(
        self,
        lane: Lane,
        consumer: Consumer,
        ask: Callable[[Iterable[str]], Awaitable[dict[str, int]]],
        close_at: int,
        open_at: int,
        now: Clock = utc_now,
    ) -> None:
        self._lane = lane
        self._consumer = consumer
        self._ask = ask
        self._close_at = close_at
        self._open_at = open_at
        self._now = now
        self.state = DoorState()

    async def watch(self) -> None:
        """Ask, decide, and let the consumer know."""
        before = self.state
        try:
            depths = await self._ask(watched_queues(self._lane))
        except Outage as error:
            depths = None
            log.warning("depths unknown", lane=self._lane, detail=error.detail)
        self.state = decide(before, depths, self._now(), self._close_at, self._open_at)
        if self.state.is_open != before.is_open:
            log.warning(
                "door opens" if self.state.is_open else "door closes", lane=self._lane, queue=self.state.deepest
            )
        self._consumer.pause(is_paused=not self.state.is_open)
        set_door(self._lane, is_open=self.state.is_open)
