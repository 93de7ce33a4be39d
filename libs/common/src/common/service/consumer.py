"""Consumes messages from queues, with bounds on their number and bytes, and settles each.

The set of queues may change while it runs, because units come and go. A queue that does not exist is left out until it
does, and ``check`` names it. After a loss of the connection, consuming starts again with the queues wanted then.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, nullcontext
from functools import partial
from typing import Any, Protocol

import structlog
from aiormq.channel import Channel
from aiormq.connection import Connection
from aiormq.exceptions import AMQPError, ChannelAccessRefused, ChannelNotFoundEntity

from common.containment import contained, described
from common.service.connection import (
    RECONNECT_SECONDS,
    Valve,
    channel_for_consuming,
    closed,
    connected,
    reasonless_as_lost,
    while_open,
    while_read,
)
from common.service.incoming import Incoming, incoming
from common.service.refusals import Refusals
from common.service.settle import Disposition, Settlement

log = structlog.get_logger("trunk.consume")

Process = Callable[[Incoming], Awaitable[Settlement]]
RESCAN_SECONDS = 5.0
"""Pause between two comparisons of the wanted queues with those that are consumed."""
CONSUME_SECONDS = 10.0
"""How long a queue may take to let this process consume. One with a leader answers within milliseconds. Only time in
which the connection is read counts, because the answer comes behind the messages of queues that were begun before."""
MAX_BYTES = 64 * 1024 * 1024
"""Size of the bodies in memory at which the connection is not read until some messages are settled."""


class Line(Protocol):
    """Where messages wait for their turn before they take a slot."""

    def turn(self, queue: str) -> AbstractAsyncContextManager[None]:
        """Wait for the turn of this queue, then run the block, which handles the message."""

    def dismiss(self) -> None:
        """End all waiting; the messages concerned are returned to their queues."""


class Consumer:
    """Consumes any number of queues over one connection and one channel. ``run`` keeps it going."""

    def __init__(
        self,
        url: str,
        name: str,
        queues: Callable[[], Iterable[str]],
        process: Process,
        *,
        slots: int,
        prefetch: int,
        max_bytes: int = MAX_BYTES,
        may_lack_queues: bool = False,
        line: Line | None = None,
        clock: Callable[[], float] = lambda: asyncio.get_running_loop().time(),
    ) -> None:
        """``slots``: how many messages are handled at the same time. ``prefetch``: of each queue; small where there are
        many queues, so that a long queue has no advantage over a short one. ``max_bytes``: of bodies in memory.
        ``may_lack_queues``: whether queues that do not exist are only logged; otherwise ``check`` fails for them.
        ``line``: where messages wait before they take a slot; without one, slots are taken in order of arrival."""
        self._url = url
        self._name = name
        self._wanted = queues
        self._process = process
        self._slots = asyncio.Semaphore(slots)
        self._prefetch = prefetch
        self._max_bytes = max_bytes
        self._may_lack_queues = may_lack_queues
        self._line = line
        self._held_bytes = 0
        self._valve = Valve()
        self._running: set[asyncio.Task[None]] = set()
        self._consumed: set[str] = set()
        self._missing: set[str] = set()
        self._refusals = Refusals(clock)
        self._is_connected = False
        self._is_stopping = False
        self._is_paused = False
        self._rescan = asyncio.Event()

    async def run(self) -> None:
        """Consume, and start again whenever the connection is lost. Ends only when it is cancelled."""
        while True:
            try:
                with reasonless_as_lost():
                    async with connected(self._url, self._name, self._valve) as connection:
                        await self._consume(connection)
            except (AMQPError, OSError, TimeoutError) as error:
                log.warning("not consuming", consumer=self._name, detail=str(error) or type(error).__name__)
            finally:
                self._is_connected = False
                self._consumed.clear()
                self._dismiss()  # messages that wait here will be delivered again
            await asyncio.sleep(RECONNECT_SECONDS)

    async def check(self) -> None:
        """Raises ``ConnectionError`` unless every queue that should be consumed is."""
        if not self._is_connected:
            raise ConnectionError(f"{self._name}: not connected")
        if lacking := self._lacking():
            queues = ", ".join(sorted(lacking)[:3])
            raise ConnectionError(f"{self._name}: no consumer on {queues}{' …' if len(lacking) > 3 else ''}")

    def _lacking(self) -> set[str]:
        unconsumed = set() if self._is_paused else set(self._wanted()) - self._consumed
        if self._may_lack_queues:
            return unconsumed - (self._missing - self._refusals.now())
        return self._missing or unconsumed

    def pause(self, *, is_paused: bool) -> None:
        """Stop taking messages, or continue. Messages that wait for a turn or a slot are returned to their queues."""
        if is_paused != self._is_paused:
            self._is_paused = is_paused
            self._rescan.set()
            if is_paused:
                self._dismiss()

    def look_again(self) -> None:
        """Compare the wanted queues with those that are consumed now, without waiting for the next time."""
        self._rescan.set()

    async def stop(self, within_seconds: float) -> None:
        """Take no further messages, let running handlers finish, and return messages that have not begun. After
        ``within_seconds``, running handlers are cancelled."""
        self._is_stopping = True
        self._rescan.set()
        self._dismiss()
        if self._running:
            await asyncio.wait(set(self._running), timeout=within_seconds)
        for task in list(self._running):
            task.cancel()

    def _dismiss(self) -> None:
        if self._line:
            self._line.dismiss()

    async def _consume(self, connection: Connection) -> None:
        channel = await channel_for_consuming(connection)
        await while_open(connection, channel.basic_qos(prefetch_count=self._prefetch))
        channel.on_consumer_cancel_callbacks.add(self._cancelled)
        self._consumed.clear()
        while not (connection.is_closed or channel.is_closed):
            self._rescan.clear()
            await self._adjust(connection, channel)
            self._is_connected = True
            changed = asyncio.create_task(self._rescan.wait())
            ended = asyncio.create_task(closed(connection, channel))
            try:
                await asyncio.wait({changed, ended}, timeout=RESCAN_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            finally:
                changed.cancel()
                ended.cancel()

    async def _adjust(self, connection: Connection, channel: Channel) -> None:
        wanted = set() if self._is_stopping or self._is_paused else set(self._wanted())
        for queue in self._consumed - wanted:
            await while_open(connection, channel.basic_cancel(queue))
            self._consumed.discard(queue)
        refused = self._refusals.now() & wanted
        fresh = self._refusals.to_begin(wanted - self._consumed - refused)
        present = await _existing(connection, fresh) if fresh else set()
        missing = set(fresh) - present
        if missing - self._missing:
            log.warning("queues do not exist", consumer=self._name, queues=sorted(missing)[:3], count=len(missing))
        self._missing = missing | refused
        for queue in fresh:
            if queue in present:
                await self._begin(connection, channel, queue)
            else:
                self._refusals.forget(queue)

    async def _begin(self, connection: Connection, channel: Channel, queue: str) -> None:
        """Consume a queue. A failure costs the channel or the connection, so the queue is not tried again for some
        time, and then after all others."""
        begun = channel.basic_consume(queue, partial(self._accept, channel, queue), consumer_tag=queue)
        try:
            await while_read(connection, self._valve, begun, CONSUME_SECONDS)
        except Exception as error:
            self._refusals.note(queue, error)
            log.warning("queue cannot be consumed", consumer=self._name, queue=queue, detail=described(error))
            raise
        self._consumed.add(queue)
        if self._refusals.forget(queue):
            self._rescan.set()  # the next of those that failed

    def _cancelled(self, frame: Any) -> None:
        """Note that the broker has ended a consumer: its queue was deleted, or a message was not settled in time."""
        self._consumed.discard(str(frame.consumer_tag))
        self._rescan.set()

    async def _accept(self, channel: Channel, queue: str, delivered: Any) -> None:
        """Handle a message in a task of our own, because the channel's tasks are cancelled when the channel closes."""
        size = len(delivered.body)
        self._hold(size)
        task = asyncio.create_task(self._handle(channel, queue, delivered))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        task.add_done_callback(lambda _: self._hold(-size))

    def _hold(self, bytes_more: int) -> None:
        self._held_bytes += bytes_more
        self._valve.set(is_open=self._held_bytes <= self._max_bytes)

    async def _handle(self, channel: Channel, queue: str, delivered: Any) -> None:
        async with self._turn(queue), self._slots:
            if channel.is_closed:
                return  # the broker delivers it again; it has not begun
            if self._is_stopping or self._is_paused:
                settlement = Settlement(Disposition.RETURN, "retried")
            else:
                settlement = await self._settlement(queue, delivered)
        with contained(self._note_unsettled):  # without its channel, the broker delivers it again
            settled = _tell_broker(channel, delivered.delivery_tag, settlement.disposition)
            await while_open(channel.connection, settled)

    def _turn(self, queue: str) -> AbstractAsyncContextManager[None]:
        if self._line is None or self._is_stopping or self._is_paused:
            return nullcontext()
        return self._line.turn(queue)

    def _note_unsettled(self, cause: str) -> None:
        log.info("message not settled", consumer=self._name, detail=cause)

    async def _settlement(self, queue: str, delivered: Any) -> Settlement:
        """The settlement of a message. An error outside of its handler counts at the broker, because a message that is
        never settled would take its slot for ever."""
        failure: list[str] = []
        with contained(failure.append):
            return await self._process(incoming(queue, delivered))
        log.error("processing failed", consumer=self._name, queue=queue, detail=failure[0])
        return Settlement(Disposition.COUNT, "redelivered")


async def _tell_broker(channel: Channel, tag: int, disposition: Disposition) -> None:
    match disposition:
        case Disposition.ACK:
            await channel.basic_ack(tag)
        case Disposition.RETURN:
            await channel.basic_nack(tag, requeue=True)
        case Disposition.COUNT:
            await channel.basic_reject(tag, requeue=True)
        case Disposition.DEAD:
            await channel.basic_reject(tag, requeue=False)


async def _existing(connection: Connection, queues: Iterable[str]) -> set[str]:
    """Those of the queues that exist. They are declared passively on a separate channel, which a missing queue
    closes."""
    present: set[str] = set()
    channel = await channel_for_consuming(connection)
    for queue in queues:
        try:
            await while_open(connection, channel.queue_declare(queue, passive=True))
            present.add(queue)
        except (ChannelNotFoundEntity, ChannelAccessRefused):
            channel = await channel_for_consuming(connection)
    await while_open(connection, channel.close())
    return present
