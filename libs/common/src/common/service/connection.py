"""Connections to the broker: opened with a time limit, and with reading that can be held up.

The client library's own recovery restores the consumers that it remembers, and stops at the first missing queue. Here,
after a loss of the connection, each user opens a new one and builds its channels again.
"""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Coroutine, Iterator
from importlib.metadata import version
from typing import Any, Protocol, TypeVar, cast

import aiormq
from aiormq.base import Base
from aiormq.channel import Channel
from aiormq.connection import Connection, TransportFactory
from aiormq.exceptions import AMQPConnectionError
from pamqp.common import FieldTable
from yarl import URL

CONNECT_TIMEOUT_SECONDS = 15.0
CLOSE_TIMEOUT_SECONDS = 5.0
RECONNECT_SECONDS = 1.0
T = TypeVar("T")
VERSION = version("trunk-common")
"""Version of the packages in this process."""


def client_properties(name: str) -> FieldTable:
    """The properties that a session gives the broker; ``trunkctl doctor`` reads them there."""
    return {"product": "trunk", "version": VERSION, "connection_name": name}


@contextlib.contextmanager
def reasonless_as_lost() -> Iterator[None]:
    """Turns a bare ``Exception``, which the client library raises in what waits when a channel closes for no known
    reason, into ``ConnectionError``."""
    try:
        yield
    except Exception as error:
        if type(error) is Exception:
            raise ConnectionError("the connection was lost") from error
        raise


class Valve:
    """Lets a connection read, or holds it up. Then the broker waits: nothing is lost, and memory does not grow."""

    def __init__(self) -> None:
        self._open = asyncio.Event()
        self._open.set()
        self.closings = 0
        """How often it was closed while it was open."""

    @property
    def is_open(self) -> bool:
        """Whether the connection may read."""
        return self._open.is_set()

    def set(self, *, is_open: bool) -> None:
        """Open or close the valve."""
        if is_open:
            self._open.set()
        elif self.is_open:
            self.closings += 1
            self._open.clear()

    async def wait(self) -> None:
        """Return when the valve is open."""
        await self._open.wait()


class _ValvedReader(asyncio.StreamReader):
    """Reads only while its valve is open. While it is closed, the socket's buffers fill, and TCP stops the broker."""

    valve: Valve

    async def readexactly(self, n: int) -> bytes:
        await self.valve.wait()
        return await super().readexactly(n)


class _ValvedTransport(TransportFactory):
    def __init__(self, valve: Valve) -> None:
        self._valve = valve

    async def create(self, url: URL, **kwargs: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        provider = kwargs.pop("ssl_context_provider", None)
        context: ssl.SSLContext | None = await provider.get_context() if url.scheme == "amqps" else None
        loop = asyncio.get_running_loop()
        reader = _ValvedReader(loop=loop)
        reader.valve = self._valve
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        try:
            transport, _ = await loop.create_connection(
                lambda: protocol, url.host or "", url.port or 0, ssl=context, **kwargs
            )
        except OSError as error:
            raise AMQPConnectionError(*error.args) from error
        return reader, asyncio.StreamWriter(transport, protocol, reader, loop)


@contextlib.asynccontextmanager
async def connected(url: str, name: str, valve: Valve | None = None) -> AsyncIterator[Connection]:
    """A connection while the block runs. ``name``: shown in the broker's management. Raises what the client library
    raises, and ``TimeoutError`` after ``CONNECT_TIMEOUT_SECONDS``."""
    transport = _ValvedTransport(valve or Valve())
    opened = aiormq.connect(url, transport_factory=transport, client_properties=client_properties(name))
    async with asyncio.timeout(CONNECT_TIMEOUT_SECONDS):
        connection = await opened
    try:
        yield connection
    finally:
        with contextlib.suppress(Exception):
            await connection.close(timeout=CLOSE_TIMEOUT_SECONDS)


class Closable(Protocol):
    """A connection of the client library, under any of its names."""

    @property
    def closing(self) -> "asyncio.Future[Any]":
        """A future that ends when the connection has closed; another one for each caller."""


async def while_open(connection: Closable, work: Coroutine[Any, Any, T]) -> T:
    """The result of ``work``. If the connection closes before, cancels ``work`` and raises ``ConnectionError`` with the
    reason as its cause.

    The client library ends only some of what waits when a connection closes. It does not end ``ready()`` during an
    alarm of the broker, nor what is about to put a frame into a full queue whose writer has ended: a publish, a
    settlement, the opening of a channel. Therefore this function calls everything that waits on a connection or on one
    of its channels.
    """
    closing = connection.closing
    task = asyncio.create_task(work)
    try:
        await asyncio.wait({task, closing}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            reason = None if closing.cancelled() else closing.exception()
            raise ConnectionError("the connection was lost") from reason
        return task.result()
    finally:
        closing.cancel()
        if not task.done():
            task.add_done_callback(_retrieve)
            task.cancel()


async def while_read(connection: Closable, valve: Valve, work: Coroutine[Any, Any, T], within_seconds: float) -> T:
    """The result of ``work``, as by ``while_open``. Raises ``TimeoutError`` if it has not ended although the connection
    was read for ``within_seconds`` without a break: behind a closed valve, an answer may wait that nobody reads."""
    task = asyncio.create_task(while_open(connection, work))
    try:
        while not task.done():
            was_open, closings = valve.is_open, valve.closings
            await asyncio.wait({task}, timeout=within_seconds)
            if not task.done() and was_open and valve.closings == closings:
                raise TimeoutError
        return task.result()
    finally:
        if not task.done():
            task.add_done_callback(_retrieve)
            task.cancel()


def _retrieve(ended: "asyncio.Task[Any]") -> None:
    """Nobody asks any more how it ended."""
    if not ended.cancelled():
        ended.exception()


async def channel_for_publishing(connection: Connection) -> Channel:
    """A channel with confirms, on which a publish that reaches no queue raises an error."""
    opened = connection.channel(publisher_confirms=True, on_return_raises=True)
    return cast(Channel, await while_open(connection, opened))


async def channel_for_consuming(connection: Connection) -> Channel:
    """A channel without confirms."""
    return cast(Channel, await while_open(connection, connection.channel(publisher_confirms=False)))


async def closed(*ends: Base) -> None:
    """Return when one of these connections or channels has closed, for whatever reason."""
    waiting = [each.closing for each in ends]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for future in waiting:
            future.cancel()
