"""The door: intake takes no submissions of a lane while a queue behind it is too deep, so that no queue there fills up.

While the door is closed, submissions wait in their units' own queues. When those are full, the broker refuses what the
units publish. Each lane has a door of its own, so that a backlog of normal documents never stops urgent ones.
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
from common.service.zero_depths import KnownDepths
from common.topology import facts_queue, place_queue

log = structlog.get_logger("trunk.intake")

UNKNOWN_FOR = timedelta(seconds=60)
"""The door closes when the depths of the queues have been unknown for this long."""


@dataclass(frozen=True, slots=True)
class DoorState:
    """Whether the door is open, and why."""

    is_open: bool = True
    known_at: datetime | None = None
    """When the depths were last known, or first asked for; None = not asked for yet."""
    deepest: str = ""
    """The queue that keeps it closed; empty while it is open."""


def decide(state: DoorState, depths: Mapping[str, int] | None, now: datetime, close_at: int, open_at: int) -> DoorState:
    """The next state. ``depths``: messages by queue, None = the broker did not say.

    The door closes at ``close_at`` messages in any queue, and opens when all queues are below ``open_at``. ``open_at``
    is the lower of the two, so that the door does not flap. While the depths are unknown the door stays as it is for
    ``UNKNOWN_FOR``; then it closes.
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
    """The door of one lane. ``watch`` is called by a timer.

    A deep queue that shows 0 may have stalled, so it keeps the door closed until it is seen again (``KnownDepths``).
    """

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
        self._known = KnownDepths(open_at)
        self.state = DoorState()

    async def watch(self) -> None:
        """Ask for the depths, decide, and pause or resume the consumer."""
        before = self.state
        try:
            depths = self._known.after(await self._ask(watched_queues(self._lane)), self._now())
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
