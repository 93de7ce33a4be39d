"""Connections to the model of the broker, in the shape of ``aiormq``: frames with latencies, in order, and lost.

What a caller of the real library sees when a channel or a connection ends is kept: pending confirms fail with the
reason of the channel, with the error of the connection, or with a bare ``Exception`` where the library knows none.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextvars import copy_context
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

from aiormq.exceptions import (
    AMQPConnectionError,
    ChannelAccessRefused,
    ChannelClosed,
    ChannelInvalidStateError,
    ChannelNotFoundEntity,
    ChannelPreconditionFailed,
    ConnectionClosed,
    DeliveryError,
    PublishError,
)
from pamqp.commands import Basic

from tests.simulation.broker import MAX_HEADER_BYTES, Broker, Message, Queue, Refused, headers_size, timestamp
from tests.simulation.loop import CURRENT, VirtualLoop

ERRORS = {403: ChannelAccessRefused, 404: ChannelNotFoundEntity, 406: ChannelPreconditionFailed}
MAX_SHORT_BYTES = 255


class Network:
    """Between clients and the broker."""

    def __init__(self, loop: VirtualLoop, broker: Broker, latency: Callable[[], float]) -> None:
        self.loop = loop
        self.broker = broker
        self.latency = latency
        self.connections: list[Connection] = []
        self.before_step: Callable[[Connection, str], None] = lambda connection, what: None
        """Told before a publish or a settlement takes effect; may crash the process or cut the connection."""
        self.after_step: Callable[[Connection, str], None] = lambda connection, what: None

    async def connect(self, url: str, **options: Any) -> "Connection":
        """In place of ``aiormq.connect``."""
        await asyncio.sleep(self.latency())
        if self.broker.is_down:
            raise AMQPConnectionError("Connect call failed")
        user = urlsplit(str(url)).username or ""
        connection = Connection(self, user, str(options.get("client_properties", {}).get("connection_name", "")))
        self.connections.append(connection)
        if process := CURRENT.get():
            process.connections.append(connection)
        return connection


class _Closable:
    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self._closing = loop.create_future()
        self._closing.add_done_callback(_read)

    @property
    def closing(self) -> "asyncio.Future[Any]":
        """Ends when this has closed; an observer of its own, which may be cancelled."""
        observer = self._loop.create_future()
        observer.add_done_callback(_read)
        self._closing.add_done_callback(lambda _: observer.done() or observer.set_result(None))
        return observer

    @property
    def is_closed(self) -> bool:
        return self._closing.done()


class Connection(_Closable):
    """One connection of one user."""

    def __init__(self, network: Network, user: str, name: str) -> None:
        super().__init__(network.loop)
        self.network = network
        self.broker = network.broker
        self.user = user
        self.name = name
        self.process = CURRENT.get()
        self.context = copy_context()
        self.channels: list[Channel] = []
        self._up_at = self._down_at = 0.0
        self._is_blocked = False
        self._is_open = asyncio.Event()
        self._is_open.set()
        self._held_up: deque[tuple[Callable[..., None], tuple[Any, ...]]] = deque()
        self._is_gone = False
        """For the broker."""

    async def channel(self, publisher_confirms: bool = True, on_return_raises: bool = False) -> "Channel":
        self._check()
        channel = Channel(self, publisher_confirms)
        self.channels = [each for each in self.channels if not each.is_closed]
        self.channels.append(channel)
        await channel.rpc("channel", lambda: None)
        return channel

    async def ready(self) -> None:
        await self._is_open.wait()

    async def close(self, *_: Any, timeout: float | None = None) -> None:  # noqa: ASYNC109 - as the library
        if not self.is_closed:
            self.send(self._leave)
            self._end(ConnectionClosed(200, "closed by us"))

    def send(self, action: Callable[..., None], *args: Any) -> None:
        """A frame to the broker."""
        loop = self._loop
        self._up_at = max(self._up_at, loop.time() + self.network.latency())
        loop.call_at(self._up_at, self._arrive, action, args, context=_BROKER)

    def answer(self, action: Callable[..., None], *args: Any) -> None:
        """A frame to the client."""
        loop = self._loop
        self._down_at = max(self._down_at, loop.time() + self.network.latency())
        loop.call_at(self._down_at, self._received, action, args, context=self.context)

    def _received(self, action: Callable[..., None], args: tuple[Any, ...]) -> None:
        if not self.is_closed:
            action(*args)

    def _arrive(self, action: Callable[..., None], args: tuple[Any, ...]) -> None:
        if self._is_gone:
            return
        if self._is_blocked:
            self._held_up.append((action, args))
            return
        action(*args)

    @property
    def is_ours_alive(self) -> bool:
        """Whether the process at the other end still runs."""
        return self.process is None or self.process.is_alive

    def block(self) -> None:
        """The broker reads nothing more from a connection that publishes during an alarm."""
        self._is_blocked = True
        self.answer(self._is_open.clear)
        self.broker.when_unblocked(self._unblock)

    def _unblock(self) -> None:
        self._is_blocked = False
        self.answer(self._is_open.set)
        while self._held_up and not self._is_blocked and not self._is_gone:
            action, args = self._held_up.popleft()
            action(*args)

    def lose(self) -> None:
        """The network cuts it: the broker gives back what it holds, the client notices. What is under way is lost."""
        self._leave()
        if self.is_ours_alive:
            self._end(ConnectionClosed(320, "connection lost"))

    def _leave(self) -> None:
        if not self._is_gone:
            self._is_gone = True
            self.network.connections.remove(self)
            for channel in self.channels:
                channel.leave()

    def _end(self, error: Exception) -> None:
        if not self.is_closed:
            self._closing.set_exception(error)
            for channel in self.channels:
                channel.end(error if self.network.latency() > 0.002 else Exception())

    def _check(self) -> None:
        if self.is_closed:
            raise ChannelInvalidStateError(f"{self.name} closed")


class Channel(_Closable):
    """One channel."""

    def __init__(self, connection: Connection, publisher_confirms: bool) -> None:
        super().__init__(connection._loop)
        self.connection = connection
        self.on_consumer_cancel_callbacks: set[Callable[[Any], Any]] = set()
        self._confirms = publisher_confirms
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._count = 0
        self._tag = 0
        self._prefetch = 0
        self._held: dict[int, tuple[Queue, Message, Consumer]] = {}
        self._consumers: dict[str, Consumer] = {}
        self._read_queues: list[Queue] = []
        """Those that this channel has ever consumed."""
        self._is_gone = False
        self._broker = connection.broker

    # requests that are answered

    async def rpc(self, what: str, action: Callable[[], Any]) -> Any:
        """Do something at the broker and wait for its answer."""
        self._check()
        future = self._pending()

        def arrived() -> None:
            if self._is_gone:
                return
            try:
                result = action()
            except Refused as refusal:
                self._refuse(refusal)
            else:
                self.connection.answer(_set, future, result)

        self.connection.send(arrived)
        return await future

    async def basic_qos(self, *, prefetch_count: int) -> None:
        def set_prefetch() -> None:
            self._prefetch = prefetch_count

        await self.rpc("qos", set_prefetch)

    async def queue_declare(self, queue: str, *, passive: bool) -> Any:
        def declared() -> Any:
            seen_queue = self._broker.check_seen(self.connection.user, queue)
            return SimpleNamespace(message_count=len(seen_queue.ready), queue=queue)

        return await self.rpc("declare", declared)

    async def basic_consume(
        self,
        queue: str,
        consumer_callback: Callable[[Any], Awaitable[None]],
        *,
        consumer_tag: str,
        arguments: Mapping[str, Any] | None = None,
    ) -> None:
        def consume() -> None:
            read_queue = self._broker.check_read(self.connection.user, queue)
            if read_queue.is_stream and (arguments != {"x-stream-offset": "next"} or not self._prefetch):
                raise NotImplementedError("the model reads streams with a prefetch and from the next message on")
            consumer = Consumer(self, consumer_tag, consumer_callback, self._prefetch)
            self._consumers[consumer_tag] = consumer
            read_queue.readers.append(consumer)
            self._read_queues.append(read_queue)
            self._loop.call_soon(self._broker.dispatch, read_queue, context=_BROKER)

        await self.rpc("consume", consume)

    async def basic_cancel(self, consumer_tag: str) -> None:
        def cancel() -> None:
            consumer = self._consumers.pop(consumer_tag, None)
            for queue in self._broker.queues.values():
                if consumer in queue.readers:
                    queue.readers.remove(consumer)

        await self.rpc("cancel", cancel)

    # publishing

    async def basic_publish(
        self, body: bytes, *, exchange: str, routing_key: str, properties: Basic.Properties, mandatory: bool
    ) -> Any:
        if max(len(routing_key.encode()), len(str(properties.message_id).encode())) > MAX_SHORT_BYTES:
            raise ValueError("short string too long")
        self._check()
        future = self._pending() if self._confirms else None
        given = {
            name: value
            for name, value in properties
            if value not in (None, "") and name not in ("headers", "timestamp", "cluster_id")
        }
        given["timestamp"] = timestamp(properties.timestamp)
        self.connection.send(self._publish, future, exchange, routing_key, body, given, dict(properties.headers or {}))
        return await future if future is not None else None

    def _publish(
        self,
        future: "asyncio.Future[Any] | None",
        exchange: str,
        key: str,
        body: bytes,
        properties: dict[str, Any],
        headers: dict[str, Any],
    ) -> None:
        connection, network = self.connection, self.connection.network
        if self._is_gone:
            return
        if self._broker.is_alarmed:
            connection.block()
            connection._held_up.append((self._publish, (future, exchange, key, body, properties, headers)))
            return
        network.before_step(connection, f"publish {key}")
        if self._is_gone or not connection.is_ours_alive:
            return
        if headers_size(headers, properties) > MAX_HEADER_BYTES:
            connection.lose()
            return
        try:
            self._broker.check_publish(connection.user, exchange, key, properties, len(body))
        except Refused as refusal:
            self._refuse(refusal)
            return
        is_taken, queues, silent = self._broker.publish(connection.user, exchange, key, body, properties, headers)
        network.after_step(connection, f"publish {key}")
        if future is None or self._is_gone:
            return
        if not queues:
            self.connection.answer(_fail, future, _error(PublishError))
        elif not is_taken:
            self.connection.answer(_fail, future, _error(DeliveryError))
        elif silent:
            silent[0].held_up.append(lambda: self.connection.answer(_set, future, None))
        else:
            self.connection.answer(_set, future, None)

    # settling

    async def basic_ack(self, delivery_tag: int) -> None:
        self._settle(delivery_tag, "ack", lambda queue, message: self._broker.ack(queue, message))

    async def basic_nack(self, delivery_tag: int, *, requeue: bool) -> None:
        give_back = self._broker.give_back
        self._settle(delivery_tag, "nack", lambda queue, message: give_back(queue, message, counts=False))

    async def basic_reject(self, delivery_tag: int, *, requeue: bool) -> None:
        if requeue:
            give_back = self._broker.give_back
            self._settle(delivery_tag, "reject", lambda queue, message: give_back(queue, message, counts=True))
        else:
            self._settle(delivery_tag, "dead", lambda queue, message: self._broker.kill(queue, message))

    def _settle(self, tag: int, what: str, action: Callable[[Queue, Message], None]) -> None:
        self._check()

        def arrived() -> None:
            connection, network = self.connection, self.connection.network
            network.before_step(connection, what)
            if self._is_gone or not connection.is_ours_alive or tag not in self._held:
                return
            queue, message, consumer = self._held.pop(tag)
            consumer.held -= 1
            action(queue, message)
            network.after_step(connection, what)

        self.connection.send(arrived)

    # from the broker

    def hold(self, queue: Queue, message: Message, consumer: "Consumer") -> None:
        """Deliver a message to the client."""
        self._tag += 1
        self._held[self._tag] = (queue, message, consumer)
        headers = dict(message.headers)
        if message.is_redelivered:
            headers["x-delivery-count"] = message.failures
        given = {name: value for name, value in message.properties.items() if value is not None}
        delivered = SimpleNamespace(
            body=message.body,
            exchange=message.exchange,
            routing_key=message.routing_key,
            redelivered=message.is_redelivered,
            delivery_tag=self._tag,
            header=SimpleNamespace(properties=Basic.Properties(**given, headers=headers)),
        )
        self.connection.answer(self._deliver, consumer, delivered)

    def _deliver(self, consumer: "Consumer", delivered: Any) -> None:
        if not self.is_closed and consumer.tag in self._consumers:
            self._loop.create_task(consumer.callback(delivered))

    async def close(self) -> None:
        if not self.is_closed:
            self.connection.send(self.leave)
            self.end(ChannelClosed(200, "closed by us"))

    def leave(self) -> None:
        """For the broker, the channel is gone: what it held comes again."""
        if self._is_gone:
            return
        self._is_gone = True
        for queue in self._read_queues:
            queue.readers = [each for each in queue.readers if getattr(each, "channel", None) is not self]
        undelivered, self._held = list(self._held.values()), {}
        for queue, message, _ in reversed(undelivered):
            self._broker.give_back(queue, message, counts=True)

    def end(self, error: Exception) -> None:
        """For the client, the channel is gone."""
        if not self.is_closed:
            self._closing.set_exception(error)
            for future in self._waiting.values():
                if not future.done():
                    future.set_exception(error)

    def _refuse(self, refusal: Refused) -> None:
        self.leave()
        self.connection.answer(self.end, ERRORS[refusal.code](refusal.code, str(refusal)))

    def _pending(self) -> "asyncio.Future[Any]":
        self._count += 1
        number, future = self._count, self._loop.create_future()
        self._waiting[number] = future
        future.add_done_callback(_read)
        future.add_done_callback(lambda _: self._waiting.pop(number, None))
        return future

    def _check(self) -> None:
        if self.is_closed:
            raise ChannelInvalidStateError("channel closed")


class Consumer:
    """A consumer of one queue on one channel."""

    def __init__(self, channel: Channel, tag: str, callback: Callable[[Any], Awaitable[None]], prefetch: int) -> None:
        self.channel = channel
        self.tag = tag
        self.callback: Callable[[Any], Any] = callback
        self.held = 0
        self._prefetch = prefetch

    @property
    def has_room(self) -> bool:
        return not self._prefetch or self.held < self._prefetch

    def deliver(self, queue: Queue, message: Message) -> None:
        self.held += 1
        self.channel.hold(queue, message, self)


def _broker_context() -> Any:
    context = copy_context()
    context.run(CURRENT.set, None)
    return context


_BROKER = _broker_context()


def _read(future: "asyncio.Future[Any]") -> None:
    if not future.cancelled():
        future.exception()


def _set(future: "asyncio.Future[Any]", result: Any) -> None:
    if not future.done():
        future.set_result(result)


def _fail(future: "asyncio.Future[Any]", error: Exception) -> None:
    if not future.done():
        future.set_exception(error)


def _error(kind: type[DeliveryError]) -> DeliveryError:
    """As the library raises it; it would quote the message."""
    error = kind.__new__(kind)
    error.message = error.frame = None
    return error
