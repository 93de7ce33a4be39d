"""Carries connections from one address to another: ``python -m lab.relay ADDRESS:PORT=TARGET:PORT …``.

For pods, which cannot reach a server on the loopback of their node.
"""

import asyncio
import sys
from functools import partial

CHUNK_BYTES = 65536


async def serve(pairs: list[str]) -> None:
    """Listen on the left side of every pair until the process ends."""
    servers = []
    for pair in pairs:
        source, target = (_place(text) for text in pair.split("="))
        servers.append(await asyncio.start_server(partial(_carry, target), *source))
    await asyncio.gather(*(server.serve_forever() for server in servers))


def _place(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port)


async def _carry(target: tuple[str, int], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        there, back = await asyncio.open_connection(*target)
    except OSError:
        writer.close()
        return
    await asyncio.gather(_pour(reader, back), _pour(there, writer))


async def _pour(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Until the source ends; then the sink is closed, which ends the other direction too."""
    try:
        while data := await source.read(CHUNK_BYTES):
            sink.write(data)
            await sink.drain()
    except OSError:
        pass
    finally:
        sink.close()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1:]))
