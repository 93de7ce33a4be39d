"""Notes which inboxes are empty, and places unread messages again after the broker has lost its data."""

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

import structlog

from common.clock import Clock, utc_now
from common.domain.directory import Directory
from common.domain.names import UnitCode
from common.facts import OperatorRequested
from common.failure import Outage
from common.metrics import set_broker_data_lost
from common.service.outgoing import Outgoing, PublishRefused
from common.service.zero_depths import KnownDepths
from common.topology import MARK, MARK_KEY, PLACE, inbox_queue, unit_of_inbox
from router.inbox_reading import Mark, placed_until, read_until, seen
from router.store import Store

log = structlog.get_logger("trunk.router")

EVERYTHING = "*"
"""``record_id`` of a request about all inboxes; otherwise it is a unit code. A slash and a time may follow."""
MALFORMED = "neither a unit nor *, or no time after the slash"


class Directories(Protocol):
    """Gives the unit directory in force."""

    @property
    def current(self) -> Directory:
        """The version that was loaded last."""


class Broker(Protocol):
    """The part of the chassis that the watch uses."""

    async def publish(self, message: Outgoing) -> None:
        """Publish a message, and return when the broker has confirmed it. Raises ``PublishRefused``."""

    async def depths_of_existing(self, queues: Iterable[str]) -> dict[str, int]:
        """Messages ready in those of the queues that exist. Raises ``Outage`` if the broker does not say."""


class InboxWatch:
    """Run by a timer, in any number of processes."""

    def __init__(self, store: Store, broker: Broker, directory: Directories, now: Clock = utc_now) -> None:
        self._store = store
        self._broker = broker
        self._directory = directory
        self._now = now
        self._known = KnownDepths(1, unseen=1)

    async def watch(self) -> None:
        """Note which inboxes are empty, provided that the mark is there both before and after they are counted.

        The broker shows a queue that does not answer as empty. So an inbox is empty, or the mark missing, only after
        several looks (``KnownDepths``).
        """
        at = self._now()
        if not await self._is_marked():
            return
        seen_depths = await self._broker.depths_of_existing(map(inbox_queue, self._directory.current.units))
        if await self._is_marked():
            depths = self._known.after(seen_depths, at)
            await self._store.inboxes.note_empty((unit_of_inbox(queue) for queue in depths if not depths[queue]), at)

    async def rebuild(self, request: OperatorRequested) -> str:
        """Place again all messages that are not known to have been read, of one inbox or of all, and every document on
        which its unit has reported nothing, whenever it was placed.

        With a time in the request, all messages placed after it, and no others. Returns the outcome for the operator.
        """
        unit, _, time = request.record_id.partition("/")
        units = list(self._directory.current.units) if unit == EVERYTHING else [unit]
        try:
            since = datetime.fromisoformat(time) if time else None
        except ValueError:
            return MALFORMED
        if (unit != EVERYTHING and unit not in self._directory.current.units) or (since and since.tzinfo is None):
            return MALFORMED
        emptied_at = await self._store.inboxes.emptied_at(units)
        before, messages = await self._look()  # the data may have been lost again since the last look
        until = placed_until(seen(before, messages, self._now()).lost_at or self._now())
        count = 0
        for each in units:
            count += await self._place_again(each, since or read_until(emptied_at.get(each)), until)
            if since is None:
                count += await self._place_unreported(each, until)
        if unit == EVERYTHING:
            await self._set_mark(Mark(is_set=True))
            set_broker_data_lost(is_lost=False)
        return f"done: {count} messages"

    async def _place_again(self, unit: UnitCode, after: datetime, until: datetime) -> int:
        count = await self._store.placings.place_again(unit, after, until, self._now())
        if count:
            log.warning("inbox rebuilt", unit=unit, messages=count, placed_after=after.isoformat())
        return count

    async def _place_unreported(self, unit: UnitCode, until: datetime) -> int:
        documents = await self._store.deliveries.unreported(unit)
        count = await self._store.placings.place_documents_again(unit, documents, until, self._now())
        if count:
            log.warning("documents without a status placed again", unit=unit, messages=count)
        return count

    async def _is_marked(self) -> bool:
        """Whether the mark is there. While it shows as missing and this may not be believed yet, it is not there, and
        nothing is noted about inboxes either."""
        before, messages = await self._look()
        if not before.is_set:
            await self._set_mark(Mark(is_set=True))
            return True
        now = self._now()
        mark = seen(before, self._known.after({MARK: messages}, now)[MARK], now)
        if mark != before:
            log.error("the broker has lost its data: rebuild the inboxes")
            await self._store.inboxes.set_mark(mark)
            await self._set_mark(mark)
        set_broker_data_lost(is_lost=mark.lost_at is not None)
        return bool(messages) and mark.lost_at is None

    async def _look(self) -> tuple[Mark, int]:
        """The saved state of the mark, and how many messages its queue shows now."""
        before = await self._store.inboxes.mark()
        return before, (await self._broker.depths_of_existing((MARK,))).get(MARK, 0)

    async def _set_mark(self, mark: Mark) -> None:
        """Put the mark into its queue, and save its state."""
        at = self._now().isoformat()
        message = Outgoing(exchange=PLACE, routing_key=MARK_KEY, body=b"", event_id=f"mark/{at}", type="mark")
        try:
            await self._broker.publish(message)
        except PublishRefused as error:
            raise Outage("broker", f"{type(error).__name__}: {error}") from error
        self._known.forget(MARK)
        await self._store.inboxes.set_mark(mark)
