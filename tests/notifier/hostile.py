"""Servers that do to a client what servers on the network do: each a real listener on a port of its own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
DRIP_SECONDS = 0.01
OK = b"HTTP/1.1 200 OK\r\n"


@asynccontextmanager
async def listening(serve: Serve) -> AsyncIterator[int]:
    """Run a server; gives its port. Whatever it is doing at the end is cancelled."""
    serving: set[asyncio.Task[None]] = set()

    async def run(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)
        try:
            await serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(run, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)


async def _forever(writer: asyncio.StreamWriter, piece: bytes, pause_seconds: float = DRIP_SECONDS) -> None:
    while True:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(pause_seconds)


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Accepts the connection, and says nothing."""
    await reader.read(-1)


async def drips_status_line(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One byte at a time, each well within any limit for a single read."""
    await _forever(writer, b"H")


async def drips_headers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A status line, and headers without end."""
    writer.write(OK)
    await _forever(writer, b"x-a: b\r\n")


async def informs_forever(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Interim answers without end."""
    await _forever(writer, b"HTTP/1.1 103 Early Hints\r\n\r\n")


async def floods_headers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """As many headers as fit down the wire."""
    writer.write(OK)
    await _forever(writer, b"x-a: " + b"b" * 8000 + b"\r\n", 0.0)


async def answers_with_endless_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A whole head, then a body without end."""
    writer.write(OK + b"transfer-encoding: chunked\r\n\r\n")
    await _forever(writer, b"1\r\nx\r\n")


async def resets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Drops the connection without a word."""
    writer.transport.abort()


async def speaks_no_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers in another protocol, and leaves."""
    writer.write(b"220 mail.example.vn ESMTP\r\n\r\n")


def smtp(drips_at: bytes = b"", **replies: str) -> Serve:
    """A mail server that takes everything, except for ``replies`` to a command; at ``drips_at`` its reply never ends.

    ``text`` is the reply to the mail itself; ``b"greeting"`` names the first line.
    """

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def reply(command: bytes, usual: str) -> None:
            if command == drips_at:
                await _forever(writer, b"250-still busy\r\n")
            writer.write(replies.get(command.decode().lower(), usual).encode() + b"\r\n")

        await reply(b"greeting", "220 ready")
        while line := await reader.readline():
            command = line.split()[0].upper()
            if command == b"DATA" and "data" not in replies and drips_at != b"DATA":
                writer.write(b"354 go on\r\n")
                await reader.readuntil(b"\r\n.\r\n")
                await reply(b"text", "250 taken")
            else:
                await reply(command, "250 OK")

    return serve
